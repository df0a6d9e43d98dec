"""Gates (闸门) and lateness (时效): when a batch waits for a person, and when a feed did not come."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contracts.model import Dimension, Freshness, Gate, Mode, Rule, Severity
from expectations.freshness import FeedState, late_feeds
from expectations.gates import GateHistory, judge_gates
from expectations.verdicts import verdicts_of
from tests.conftest import TODAY


def verdict_of(small, contract, rows, parameters=None):
    return verdicts_of(contract, small.landed(contract, rows), today=TODAY, parameters=parameters)["small_register"]


@pytest.fixture
def snapshot(small):
    return replace(small.register, mode=Mode.SNAPSHOT, gate=Gate(mix_fields=("sex",)))


def found(contract, verdict, **history) -> list[tuple]:
    findings = judge_gates(contract, verdict, GateHistory(**history))
    return [(f.kind, f.partition or f.column, round(f.share, 2), f.threshold) for f in findings]


def test_a_snapshot_that_loses_a_fifth_of_its_rows_is_held(small, snapshot):
    verdict = verdict_of(small, snapshot, [small.person(n) for n in range(79)])
    assert found(snapshot, verdict, rows={None: 100}) == [("lost", None, 0.21, 0.2)]
    assert found(snapshot, verdict, rows={None: 98}) == []


def test_a_key_sent_twice_does_not_hide_a_lost_one(small, snapshot):
    verdict = verdict_of(small, snapshot, [small.person(n % 70) for n in range(100)])
    assert found(snapshot, verdict, rows={None: 100}) == [("lost", None, 0.3, 0.2)]


def test_rows_lost_are_judged_per_sheet_and_an_absent_school_is_no_loss(small, snapshot):
    contract = replace(snapshot, partition="sheet")
    rows = [small.person(n, _partition="轩辕小学" if n < 60 else "合符小学") for n in range(90)]
    verdict = verdict_of(small, contract, rows)
    before = {"轩辕小学": 60, "合符小学": 100, "西关小学": 500}
    assert found(contract, verdict, rows=before) == [("lost", "合符小学", 0.7, 0.2)]
    empty_sheet = frozenset({"轩辕小学", "合符小学", "西关小学"})
    assert found(contract, verdict, rows=before, delivered=empty_sheet)[1] == ("lost", "西关小学", 1.0, 0.2)


def test_an_incremental_feed_loses_nothing_by_absence(small):
    verdict = verdict_of(small, small.register, [small.person(1)])
    assert found(small.register, verdict, rows={None: 100_000}) == []


def test_too_many_quarantined_rows_hold_a_batch(small):
    rows = [small.person(n, RYBH="" if n % 4 == 0 else f"P{n}") for n in range(100)]
    assert found(small.register, verdict_of(small, small.register, rows)) == [("quarantined", None, 0.25, 0.2)]
    assert found(small.register, verdict_of(small, small.register, rows[:40])) == []  # too few to judge a share


def test_a_value_mix_that_turns_over_holds_a_batch(small, snapshot):
    verdict = verdict_of(small, snapshot, [small.person(n, XB="1") for n in range(100)])
    history = {"rows": {None: 100}, "mix": {"sex": {"1": 50, "2": 50}}}
    assert found(snapshot, verdict, **history) == [("mix", "sex", 0.5, 0.25)]
    assert found(snapshot, verdict, mix={"sex": {"1": 80, "2": 20}}) == []
    assert found(snapshot, verdict, mix={"sex": {"1": 20, "2": 20}}) == []  # too few before


def test_a_days_news_is_no_sample_of_what_stands(small):
    increment = replace(small.register, mode=Mode.INCREMENTAL, gate=Gate(mix_fields=("sex",)))
    verdict = verdict_of(small, increment, [small.person(n, XB="1") for n in range(100)])
    assert found(increment, verdict, mix={"sex": {"1": 600, "2": 600}}) == []
    assert found(increment, verdict, mix={"sex": {"1": 400, "2": 400}}) == [("mix", "sex", 0.5, 0.25)]  # a bulk change


def test_the_text_of_a_finding_has_figures_and_no_value(small, snapshot):
    verdict = verdict_of(small, snapshot, [small.person(n, XB="1") for n in range(60)])
    findings = judge_gates(snapshot, verdict, GateHistory({None: 100}, {"sex": {"1": 50, "2": 50}}))
    assert [f.text for f in findings] == ["比上次全量少40.0%, 上限20.0%(100行→60行)", "“性别”的取值分布与以往相差50.0%, 上限25.0%"]
    assert findings[0].as_dict() | {"text": "", "text_en": ""} == {"kind": "lost", "share": 0.4, "threshold": 0.2, "text": "", "text_en": ""}


VOLUME = Rule(
    "small_register.table.volume", "expect_table_row_count_to_be_between", Dimension.COMPLETENESS, Severity.CRITICAL,
    "行数与以往相当", "As many rows as before", {"min_value": {"$PARAMETER": "rows_before"}},
)  # fmt: skip


def test_a_rule_about_the_whole_batch_takes_its_threshold_from_history_and_becomes_a_gate(small):
    contract = small.with_rules(small.register, VOLUME)
    verdict = verdict_of(small, contract, [small.person(1)], {"rows_before": 2})
    assert verdict.accepted.num_rows == 1  # no row is guilty of a count
    assert found(contract, verdict) == [("rule", VOLUME.id, 1.0, 0.0)]
    assert found(contract, verdict_of(small, contract, [small.person(1)], {"rows_before": 1})) == []


def test_a_threshold_without_history_is_said_to_be_not_judged(small):
    contract = small.with_rules(small.register, VOLUME)
    verdict = verdict_of(small, contract, [small.person(1)])
    [result] = [r for r in verdict.results.to_pylist() if r["rule_id"] == VOLUME.id]
    assert (result["evaluated"], result["unexpected"]) == (0, 0) and found(contract, verdict) == []


NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai


@pytest.mark.parametrize(
    ("freshness", "loaded", "late"),
    [
        (Freshness("hourly", 6), timedelta(hours=6), None),
        (Freshness("hourly", 6), timedelta(hours=6, minutes=1), "2026-11-20 06:00"),
        (Freshness("daily", 12), timedelta(hours=12), None),
        (Freshness("daily", 12), timedelta(hours=12, minutes=1), "2026-11-20"),
        (Freshness("daily", 13), timedelta(hours=12, minutes=1), None),
        (Freshness("daily", 12), None, "2026-11-20"),
    ],
)
def test_a_feed_is_late_when_its_newest_due_delivery_is_missing(small, freshness, loaded, late):
    contract = replace(small.register, freshness=freshness)
    states = {} if loaded is None else {"small_register": FeedState(NOON - loaded)}
    assert [x.subject for x in late_feeds({"small_register": contract}, states, NOON)] == ([late] if late else [])


def test_a_monthly_file_is_judged_by_its_period(small):
    monthly = {"f": replace(small.register, freshness=Freshness("monthly", 240), period_from=r"(?P<period>\d{6})")}
    [late] = late_feeds(monthly, {"f": FeedState(NOON, "202610")}, NOON)  # loaded today, but last month's
    assert (late.subject, late.late_since.isoformat()) == ("202611", "2026-11-11T00:00:00+08:00")
    assert late_feeds(monthly, {"f": FeedState(NOON, "202611")}, NOON) == []
    assert late_feeds(monthly, {"f": FeedState(NOON, "202610")}, datetime(2026, 11, 10, 15, tzinfo=UTC)) == []


def test_nothing_was_due_before_the_hub_began_and_an_optional_file_never_is(small):
    contracts = {"a": small.register, "b": replace(small.register, optional_file=True)}
    assert [x.feed for x in late_feeds(contracts, {}, NOON)] == ["a"]
    assert late_feeds(contracts, {}, NOON, since=NOON - timedelta(hours=1)) == []
