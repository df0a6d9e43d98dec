"""Back-test: two models over the same records, blind to what people decided. Every person here is invented."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from linkage.artefact import FREQUENCIES, ModelArtefact
from linkage.backtest import backtest
from linkage.model import load_model
from linkage.training import written_weights
from tests.linkage_world import MENTIONS

MODEL = load_model()
PLAIN = ModelArtefact(
    model_version=MODEL.version, trained_at=datetime(2026, 11, 1, tzinfo=UTC), trained_on={"mentions": 5, "pairs": 4},
    weights=written_weights(MODEL), priors={1: 0.001, 2: 0.001}, frequencies=FREQUENCIES.empty_table(), unseen={"name": 0.0001},
    thresholds={"upper": 0.985, "lower": 0.6},
)  # fmt: skip
STRICT = replace(PLAIN, thresholds={"upper": 0.9999999, "lower": 0.6})
DECISIONS = pa.schema([("decision_id", pa.int64())] + [(c, pa.string()) for c in ("feed_l", "record_key_l", "feed_r", "record_key_r", "verdict")])


def told(feed: str, key: str, name: str, born: date, sex: str, number: str | None = None, place: str = "C1") -> dict:
    return dict.fromkeys(MENTIONS.names) | {
        "feed": feed, "record_key": key, "table_name": feed, "base_key": key, "role": "holder", "name": name, "birth_date": born,
        "birth_precision": "day", "sex": sex, "id_number": number, "dead": False, "ended": False, "dwelling_kind": "residence",
        "compound_id": place, "building_id": f"{place}B1", "unit": "1", "dwelling_id": f"{place}B1-1-{key}",
    }  # fmt: skip


BORN = date(1956, 3, 12)
RECORDS = pa.Table.from_pylist([
    told("psb_register", "R1", "李秀兰", BORN, "2", "130731195603120024"),
    told("grid_visit", "V1", "李秀兰", BORN, "2", place="C2"),  # by weight alone: same name, day and sex, another compound
    told("psb_register", "R2", "赵玉山", date(1948, 2, 29), "1", "130731194802290013"),
    told("grid_visit", "V2", "赵玉山", date(1948, 2, 29), "1", place="C2"),
    told("health_record", "H3", "王芳", date(1990, 5, 5), "2"),
], MENTIONS)  # fmt: skip


def decided(*pairs: tuple[str, str, str]) -> pa.Table:
    feeds = {row["record_key"]: row["feed"] for row in RECORDS.select(["feed", "record_key"]).to_pylist()}
    rows = [{"decision_id": n, "feed_l": feeds.get(left, "grid_visit"), "record_key_l": left, "feed_r": feeds.get(right, "grid_visit"), "record_key_r": right, "verdict": verdict}
            for n, (left, right, verdict) in enumerate(pairs, 1)]  # fmt: skip
    return pa.Table.from_pylist(rows, DECISIONS)


@pytest.fixture(scope="module")
def strict():
    return backtest(RECORDS, decided(("V1", "R1", "same"), ("V2", "R2", "different"), ("V1", "R2", "different"), ("V9", "R1", "same")), None, STRICT, PLAIN)


def test_each_model_contradicts_the_decisions_its_own_links_say_the_opposite_of(strict):
    assert strict.active.contradicted == (2,)  # it links V2, which somebody parted: decisions are hidden from it
    assert strict.candidate.contradicted == (1,)
    assert strict.as_figures()["newly_contradicted"] == [1] and not strict.worse


def test_a_decision_about_a_record_that_is_gone_counts_for_neither(strict):
    figures = strict.as_figures()
    assert figures["decided_pairs_gone"] == 1 and figures["decisions"] == 4 and figures["last_decision"] == 4 and figures["few_decisions"]


def test_pairs_joined_and_parted_and_the_records_that_would_move(strict):
    assert (strict.pairs, strict.parted_pairs, strict.joined_pairs, strict.records_moved) == (2, 2, 0, 4)
    assert (strict.candidate.persons, strict.active.persons) == (5, 3)
    back = backtest(RECORDS, decided(), None, PLAIN, STRICT)
    assert (back.pairs, back.parted_pairs, back.joined_pairs, back.records_moved) == (0, 0, 2, 4)


def test_what_was_said_of_a_decided_pair_is_held_against_the_verdict(strict):
    assert strict.candidate.said.keys() == {1, 2} and {k: same for k, (_, same) in strict.candidate.said.items()} == {1: True, 2: False}
    assert all(0.985 <= said < 0.9999999 for said, _ in strict.candidate.said.values())
    figures = strict.as_figures()
    assert figures["weighed"] == 2 and figures["brier"] == figures["active_brier"] == pytest.approx(0.5, abs=0.02)
    assert sum(row["pairs"] for row in figures["reliability"]) == 2 and all(row["few"] for row in figures["reliability"])


def test_a_candidate_that_contradicts_more_is_worse_and_a_model_against_itself_changes_nothing():
    one = decided(("V1", "R1", "same"), ("V2", "R2", "same"))
    assert backtest(RECORDS, one, None, STRICT, PLAIN).worse and not backtest(RECORDS, one, None, PLAIN, STRICT).worse
    same = backtest(RECORDS, one, None, PLAIN, PLAIN)
    assert (same.joined_pairs, same.parted_pairs, same.records_moved, same.worse) == (0, 0, 0, False)
