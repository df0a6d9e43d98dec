"""Decisions about links in a real warehouse: taken, held by later runs, undone; the queue, and what became of a person."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import Engine, text

from linkage import decisions, review, store
from warehouse.engine import engine_for

REGISTER, REQUEST = ("psb_register", "R1"), ("grid_request", "Q1")


@pytest.fixture
def county(new_database) -> Engine:
    """A man in the register and a request under his name and telephone."""
    made = engine_for(new_database())
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE hub.rows AS SELECT * FROM hub.mention"))
        connection.execute(text("DROP VIEW hub.mention"))
        connection.execute(text("ALTER TABLE hub.rows RENAME TO mention"))
        insert = text("""INSERT INTO hub.mention (feed, record_key, table_name, base_key, role, name, birth_date, sex, id_number, phone)
                         VALUES (:feed, :key, :feed, :key, 'holder', '王建国', :birth, :sex, :id, '13931300001')""")
        connection.execute(insert, {"feed": "psb_register", "key": "R1", "birth": date(1980, 5, 12), "sex": "1", "id": "130731198005120316"})
        connection.execute(insert, {"feed": "grid_request", "key": "Q1", "birth": None, "sex": None, "id": None})
    store.link(made)
    yield made
    made.dispose()


def persons(engine: Engine) -> dict[str, str]:
    with engine.connect() as connection:
        return dict(connection.execute(text("SELECT record_key, person_id FROM hub.person_link WHERE recorded_to IS NULL")).fetchall())


def test_a_decision_parts_two_records_until_it_is_undone(county: Engine) -> None:
    before = persons(county)
    decision = decisions.decide(county, REGISTER, REQUEST, "different", by="registrar", reason="asked them")
    store.link(county)
    assert persons(county)["R1"] == before["R1"] != persons(county)["Q1"]
    decisions.undo(county, decision.decision_id, by="registrar", reason="it was his brother")
    with pytest.raises(decisions.DecisionError):
        decisions.undo(county, decision.decision_id, by="registrar", reason="again")
    store.link(county)
    assert persons(county) == before


def test_the_newest_decision_on_a_pair_holds(county: Engine) -> None:
    decisions.decide(county, REGISTER, REQUEST, "different", by="a", reason="looked alike")
    decisions.decide(county, REQUEST, REGISTER, "same", by="b", reason="showed his card")
    store.link(county)
    assert persons(county)["R1"] == persons(county)["Q1"]
    with county.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM hub.link_decision WHERE recorded_to IS NULL")).scalar_one() == 1


@pytest.mark.parametrize(("left", "right", "verdict", "by", "reason"), [
    (REGISTER, REQUEST, "perhaps", "a", "b"), (REGISTER, REGISTER, "same", "a", "b"), (REGISTER, REQUEST, "same", " ", "b"),
    (REGISTER, REQUEST, "same", "a", ""), (REGISTER, ("grid_request", "unknown"), "same", "a", "b")])
def test_a_decision_that_can_not_be_taken_is_refused_without_naming_the_record(county, left, right, verdict, by, reason) -> None:
    with pytest.raises(decisions.DecisionError) as refused:
        decisions.decide(county, left, right, verdict, by=by, reason=reason)
    assert "R1" not in str(refused.value) and "unknown" not in str(refused.value)


def test_what_became_of_a_person(county: Engine) -> None:
    decisions.decide(county, REGISTER, REQUEST, "different", by="a", reason="b")
    store.link(county)
    parted = persons(county)["Q1"]
    decisions.decide(county, REGISTER, REQUEST, "same", by="a", reason="b")
    store.link(county)
    told = review.became(county, parted, by="a")
    assert [event.kind for event in told.events] == ["split_from", "merged_into"]
    assert told.present_id == persons(county)["R1"] and told.went_to == ((persons(county)["R1"], 1),)
    assert review.became(county, "P999999999", by="a") is None


def test_the_queue_asks_what_nobody_answered(county: Engine) -> None:
    decisions.decide(county, REGISTER, REQUEST, "different", by="a", reason="b")
    store.link(county)
    assert review.queue(county) == []
    with county.begin() as connection:
        connection.execute(text("UPDATE hub.link_decision SET recorded_to = now()"))
    (pair,) = review.queue(county)
    assert pair.kind == "decided_different" and pair.records == 1
