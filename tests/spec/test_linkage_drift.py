"""Drift: the index by hand, and what is and is not an alarm."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.drift import Drift, against_levels, against_missing, psi
from linkage.training_figures import evidence_levels, missing_rates
from linkage.watch import SUBJECTS, of_drift

RATES = {"name": 0.0, "birth": 0.1, "sex": 0.0, "number": 0.5, "phone": 0.2, "dwelling": 0.3}


def test_the_index_is_what_the_formula_gives():
    shares = [((600.5 / 1001), (400.5 / 1001)), ((400.5 / 1001), (600.5 / 1001))]
    assert psi({"exact": 600, "near": 400}, {"exact": 400, "near": 600}) == pytest.approx(sum((a - e) * math.log(a / e) for e, a in shares))


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 5000)), st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 5000)))
def test_it_is_never_below_nothing_the_same_both_ways_and_nothing_between_equals(one, other):
    assert psi(one, other) >= 0 and psi(one, other) == pytest.approx(psi(other, one)) and psi(one, one) == 0
    assert math.isfinite(psi(one, other))


def test_a_level_that_vanished_is_an_alarm_a_small_shift_is_not():
    trained = {"name": {"exact": 8000, "near": 2000}, "sex": {"same": 9000, "different": 1000}}
    now = {"name": {"exact": 10000}, "sex": {"same": 8800, "different": 1200}}
    rows = {row.subject: row for row in against_levels("linked_levels", trained, now)}
    assert rows["name"].alarm and rows["name"].value > 0.25 and not rows["sex"].alarm and rows["sex"].value < 0.01


def test_few_pairs_are_no_alarm_and_no_run_is_nothing_to_say():
    (row,) = against_levels("linked_levels", {"name": {"exact": 9000}}, {"name": {"near": 40}})
    assert row.few and not row.alarm and row.value > 1
    assert list(against_levels("candidate_levels", {"name": {"exact": 9000}}, None)) == []


@pytest.mark.parametrize(("records", "phone", "alarm"), [
    (5000, 0.24, False),  # below five in a hundred
    (5000, 0.27, True),
    (5000, 0.13, True),  # a column that fills up is another form as well
    (250, 0.27, False),  # less than four standard errors
    (100, 0.9, False),  # too few to judge
])  # fmt: skip
def test_a_feed_that_leaves_out_more_is_an_alarm_where_chance_cannot_be_it(records, phone, alarm):
    trained = {"grid_visit": {"records": 5000, **RATES}}
    rows = list(against_missing(trained, {"grid_visit": {"records": records, **RATES, "phone": phone}}))
    assert [row.alarm for row in rows] == [alarm] and rows[0].subject == "phone" and rows[0].feed == "grid_visit"


def test_what_stayed_as_it_was_is_not_listed_and_a_new_feed_is():
    trained = {"grid_visit": {"records": 5000, **RATES}}
    now = {"grid_visit": {"records": 6000, **RATES}, "tax_payer": {"records": 900, **RATES}, "tiny": {"records": 3, **RATES}}
    assert [(row.kind, row.feed, row.alarm, row.few) for row in against_missing(trained, now)] == [
        ("new_feed", "tax_payer", True, False), ("new_feed", "tiny", False, True)]  # fmt: skip


def test_levels_are_read_from_evidence_and_gaps_by_feed():
    evidence = pa.chunked_array([["name:exact birth:unknown", None, "name:exact birth:near"]])
    assert evidence_levels(evidence) == {"birth": {"near": 1, "unknown": 1}, "name": {"exact": 2}}
    table = pa.table({"feed": ["a", "a", "b"], "name": ["王", None, "李"], "birth_date": [None, None, "x"], "sex": ["1", "1", None], "id_number": [None, "2", "3"],
                      "phone": pa.nulls(3, pa.string()), "dwelling_id": ["d", "d", "d"]})
    assert missing_rates(table) == {
        "a": {"records": 2, "name": 0.5, "birth": 1.0, "sex": 0.0, "number": 0.5, "phone": 1.0, "dwelling": 0.0},
        "b": {"records": 1, "name": 0.0, "birth": 0.0, "sex": 1.0, "number": 0.0, "phone": 1.0, "dwelling": 0.0}}  # fmt: skip


@pytest.mark.parametrize(("drift", "told"), [
    (Drift("missing", "dwelling", "health_record", 0.1, 0.3, 0.2, 0.05, True), "缺失率：住所，+0.200（限0.05）；见 gridhub model drift"),
    (Drift("linked_levels", "birth", None, 9, 9, 0.3, 0.25, True), "已关联记录的比较等级分布：出生日期，+0.300（限0.25）；见 gridhub model drift"),
    (Drift("size", "mentions", None, 9, 19, 1.1, 0.25, True), "记录数与训练时相比，+1.100（限0.25）；见 gridhub model drift"),
    (Drift("model_file", "version", None, "a", "b", None, None, True), "模型文件与训练时不同；见 gridhub model drift"),
])
def test_an_alert_of_drift_is_said_in_words(drift, told) -> None:
    assert RATES.keys() <= SUBJECTS.keys()
    assert of_drift(drift) == told
