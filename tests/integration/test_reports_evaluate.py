"""What we say of persons, households and values, held against a truth small enough to count by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from contracts.reader import load_contracts
from reports.evaluate import evaluate, feed_pairs, table

# True persons A (a, b, c), B (d), C (e); a and b were linked, c was not, d and e were wrongly joined.
TRUE = [("f1", "a", "A"), ("f2", "b", "A"), ("f3", "c", "A"), ("f1", "d", "B"), ("f2", "e", "C")]
OURS = [("f1", "a", "P1"), ("f2", "b", "P1"), ("f3", "c", "P2"), ("f1", "d", "P3"), ("f2", "e", "P3")]


@pytest.fixture
def hub(small_hub):
    made = small_hub(*load_contracts().values())
    with made.engine.begin() as connection:
        for feed, key, person in OURS:
            connection.execute(
                text("INSERT INTO hub.person_link (feed, record_key, person_id, role, rule, recorded_from) VALUES (:f, :k, :p, 'holder', 'x', now())"),
                {"f": feed, "k": key, "p": person},
            )
        for household, person in (("R1", "P1"), ("R1", "P2"), ("R2", "P3")):
            connection.execute(
                text(
                    "INSERT INTO hub.household_member (household_id, kind, person_id, basis, confidence, recorded_from) "
                    "VALUES (:h, 'residence', :p, 'visit', 1, now())"
                ),
                {"h": household, "p": person},
            )
        for person, sex, born in (("P1", "1", "1980-01-01"), ("P3", "2", "1990-01-01")):
            connection.execute(
                text(
                    "INSERT INTO hub.person_profile (person_id, name, sex, birth_date, alive, content_hash, attributes, recorded_from) "
                    "VALUES (:p, '甲', :s, :b, true, '', '{}', now())"
                ),
                {"p": person, "s": sex, "b": born},
            )
    return made


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    rows = "\n".join(f"{feed},{key},{person}" for feed, key, person in TRUE)
    (tmp_path / "crosswalk.csv").write_text(f"feed,source_key,true_person_id\n{rows}\n", encoding="utf-8")
    (tmp_path / "households.csv").write_text(
        "household_id,kind,true_person_id\nH1,residence,A\nH2,residence,B\nH2,residence,C\n", encoding="utf-8"
    )
    return tmp_path


def test_persons_are_measured_by_pairs(hub, truth):
    figures = evaluate(hub.engine, truth)
    assert (figures["person_records"], figures["person_records_missing"]) == (5, 0)
    assert figures["person_precision"] == 0.5  # of the two pairs we say, a-b is right
    assert figures["person_recall"] == pytest.approx(1 / 3, abs=1e-4)  # of the three true pairs of A, a-b was found


def test_a_household_is_exact_when_it_holds_just_its_people(hub, truth):
    figures = evaluate(hub.engine, truth)
    # P1 and P2 both stand for A, so R1 is {A}, as H1; P3 stands for one of B and C, so H2 is not.
    assert figures["residence_households"] == 2 and figures["residence_exact_rate"] == 0.5


def test_pairs_of_feeds_show_where_links_are_missed_or_wrong(hub, truth):
    rows = {(row["feed"], row["with"]): row for row in feed_pairs(hub.engine, truth)}
    assert set(rows) == {("f1", "f2"), ("f1", "f3"), ("f2", "f3")}
    assert (rows["f1", "f2"]["true"], rows["f1", "f2"]["found"], rows["f1", "f2"]["wrong"]) == (1, 2, 1)
    assert rows["f1", "f3"]["missed"] == 1 and rows["f1", "f3"]["recall"] == 0


def test_values_are_right_where_they_are_the_true_ones(hub, truth):
    assert "attribute_sex_right" not in evaluate(hub.engine, truth)
    (truth / "attributes.csv").write_text(
        "true_person_id,name,sex,birth_date,id_number,compound,building,unit,room\nA,甲,1,1980-01-02,,,,,\nB,乙,2,1990-01-01,,,,,\nC,乙,2,1990-01-01,,,,,\n",
        encoding="utf-8",
    )
    figures = evaluate(hub.engine, truth)
    assert (figures["attribute_name_right"], figures["attribute_sex_right"], figures["attribute_birth_date_right"]) == (0.5, 1, 0.5)


def test_the_table_says_each_thing_once(hub, truth):
    rows = table(evaluate(hub.engine, truth))
    assert len({row["what"] for row in rows}) == len(rows) == 5
    assert rows[0]["true"] == 5 and rows[0]["precision"] == 0.5


def test_a_truth_that_is_not_there_is_said_to_be_missing(hub, tmp_path):
    for measured in (evaluate, feed_pairs):
        with pytest.raises(FileNotFoundError, match="expected the truth of a simulated county"):
            measured(hub.engine, tmp_path / "nothing")
