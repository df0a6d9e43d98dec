"""Days in a simulated county: what happens is told by the departments, and the truth keeps up."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path

from simulator.county import store
from simulator.county.advance import advance
from simulator.county.make import make_county
from simulator.county.reading import CountyReading

START = date(2026, 10, 23)


def test_the_truth_stays_complete_while_days_go_by(tmp_path: Path):
    make_county(tmp_path, 400, 3, 1.0, START)
    for days in (1, 12, 1):
        advance(tmp_path, days)
        told = {(r["feed"], r["source_key"]) for r in CountyReading(tmp_path).truth("crosswalk")}
        assert CountyReading(tmp_path).keys() <= told
    visible = CountyReading(tmp_path).rows("SELECT count(*), count(DISTINCT RYBH) FROM visible_offer_psb_register")[0]
    assert visible[0] == visible[1]


def test_a_day_changes_something_in_every_feed_and_a_month_brings_new_files(tmp_path: Path):
    make_county(tmp_path, 500, 4, 1.0, START)
    before = {f for (f,) in CountyReading(tmp_path).rows("SELECT name FROM offer_file")}
    told: Counter[str] = Counter()
    for _ in range(3):
        told.update(advance(tmp_path, 1).offered)
    daily = {
        "psb_register",
        "psb_permit",
        "psb_address",
        "health_record",
        "health_elderly_exam",
        "health_child_vaccination",
        "market_entity",
        "grid_event",
    }
    assert {feed for feed, count in told.items() if count} >= daily
    figures = advance(tmp_path, 11)
    assert figures.moment == "2026-11-06T18:00:00"
    new = {
        f
        for (f,) in CountyReading(tmp_path).rows(
            "SELECT name FROM offer_file WHERE available_at <= (SELECT moment FROM clock)"
        )
    } - before
    stems = ("学籍信息", "城乡低保家庭", "城乡低保人员", "残疾人", "高龄津贴", "婚姻登记", "死亡火化")
    assert new == {f"{stem}_202610.{'xlsx' if stem == '学籍信息' else 'csv'}" for stem in stems}
    kinds = {
        json.loads(d)["requestNo"]
        for (d,) in CountyReading(tmp_path).rows(
            "SELECT doc FROM offer_event WHERE type = 'service_request' AND available_at > '2026-10-23T18:00:00'",
        )
    }
    assert kinds


def test_a_corrected_number_stands_under_the_same_rybh(tmp_path: Path):
    make_county(tmp_path, 800, 8, 0.0, START)
    before = dict(CountyReading(tmp_path).rows("SELECT RYBH, GMSFHM FROM visible_offer_psb_register"))
    advance(tmp_path, 12)
    after = dict(CountyReading(tmp_path).rows("SELECT RYBH, GMSFHM FROM visible_offer_psb_register"))
    replaced = {k for k in before if before[k] and after[k] and before[k] != after[k]}
    assert replaced and set(before) <= set(after)
    born = {k for k in set(after) - set(before)}
    assert born, "the newborn come into the register"


def test_late_rows_are_seen_a_day_later_behind_the_watermark(tmp_path: Path):
    make_county(tmp_path, 2000, 8, 6.0, START)
    late = 0
    for _ in range(6):
        advance(tmp_path, 1)
        late += CountyReading(tmp_path).rows(
            "SELECT count(*) FROM offer_psb_register WHERE available_at > (SELECT moment FROM clock) AND GXSJ < (SELECT replace(moment, 'T', ' ') FROM clock)",
        )[0][0]
    assert late


def test_a_version_that_was_replaced_is_pruned(tmp_path: Path):
    make_county(tmp_path, 300, 1, 1.0, START)
    advance(tmp_path, 3)
    for table in store.DOC_TABLES:
        assert (
            CountyReading(tmp_path).rows(
                f"SELECT key FROM {table} WHERE available_at <= (SELECT moment FROM clock) GROUP BY key HAVING count(*) > 1",
            )
            == []
        )
