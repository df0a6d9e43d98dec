"""What waits for a person, how far a feed was read, what is late (闸门、进度与告警)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import DeliveryRefused
from contracts.model import Gate, Mode
from expectations.gates import GateFinding
from warehouse import alerts, batches
from warehouse.errors import BatchStateError

LI, WANG = {"key": "P1", "name": "李娜", "sex": "2"}, {"key": "P2", "name": "王芳", "sex": "2"}
LOST = [GateFinding("lost", 0.5, 0.2, "少一半", "half is missing")]


@pytest.fixture
def hub(small, small_hub):
    return small_hub(small.register)


def watermark(hub) -> dict:
    return batches.watermark(hub.engine, "small_register")


def open_kinds(hub) -> list[str]:
    return [alert["kind"] for alert in alerts.open_alerts(hub.engine)]


# -- how far a feed was read -------------------------------------------------------------


def test_a_watermark_moves_with_the_load(hub, small):
    assert watermark(hub) == {}
    hub.load(small.register, [LI], day=1, watermark={"after": "2026-11-01"})
    hub.load(small.register, [WANG], day=2, watermark={"after": "2026-11-02"})
    assert watermark(hub) == {"after": "2026-11-02"}


def test_a_batch_that_waited_does_not_move_the_watermark_back(hub, small):
    hub.load(small.register, [LI], day=2, watermark={"after": "2026-11-02"})
    hub.load(small.register, [WANG], day=1, watermark={"after": "2026-11-01"})
    assert watermark(hub) == {"after": "2026-11-02"}


def test_a_release_moves_no_watermark(hub, small):
    hub.load(small.register, [LI], day=1, watermark={"after": "2026-11-01"}, quarantined=[{}])
    child = {"replay_of": "x", "replay_rows": [2], "parent_fetched_at": "2026-11-02T00:00:00+00:00"}
    hub.load(small.register, [WANG], day=2, watermark={"after": "never"}, **child)
    assert watermark(hub) == {"after": "2026-11-01"}


def test_files_are_remembered_one_by_one(hub, small):
    hub.load(small.register, [LI], day=2, watermark={"files": {"b.csv": "2"}})
    hub.load(small.register, [WANG], day=1, watermark={"files": {"a.csv": "1", "b.csv": "old"}})
    assert watermark(hub) == {"files": {"a.csv": "1", "b.csv": "2"}}


def test_a_file_that_waits_or_was_rejected_is_not_read_again(hub, small):
    for day, name in ((1, "a.csv"), (2, "b.csv")):
        batches.hold(hub.engine, small.register, hub.landed(small.register, 1, day=day, watermark={"files": {name: "1"}}), LOST)
    batches.reject(hub.engine, batches.listing(hub.engine)[0]["batch_id"], "wrong county", "officer")
    assert watermark(hub) == {"files": {"a.csv": "1", "b.csv": "1"}}


# -- gates -------------------------------------------------------------------------------


def test_a_held_batch_waits_and_is_loaded_once_approved(hub, small):
    landed = hub.landed(small.register, 1, day=1)
    batches.hold(hub.engine, small.register, landed, LOST)
    assert batches.not_loaded(hub.engine, [landed]) == []
    assert open_kinds(hub) == ["held_batch"]
    assert batches.findings(hub.engine, landed.batch_id)[0]["text_en"] == "half is missing"
    assert batches.approve(hub.engine, landed.batch_id, "two schools merged", "officer") == "small_register"
    assert batches.approved(hub.engine, landed.batch_id)
    assert batches.not_loaded(hub.engine, [landed]) == [landed]
    assert hub.load(small.register, [LI], day=1).inserted == 1
    stands = hub.rows("SELECT state, decided_by, decision_reason, findings IS NOT NULL AS why FROM hub.batch")
    assert stands == [{"state": "loaded", "decided_by": "officer", "decision_reason": "two schools merged", "why": True}]
    assert open_kinds(hub) == []


def test_a_rejected_batch_stays_out(hub, small):
    landed = hub.landed(small.register, 1, day=1)
    batches.hold(hub.engine, small.register, landed, LOST)
    batches.reject(hub.engine, landed.batch_id, "a test file", "officer")
    assert batches.not_loaded(hub.engine, [landed]) == []
    with pytest.raises(BatchStateError, match="is rejected"):
        hub.load(small.register, [LI], day=1)


def test_a_decision_needs_a_held_batch_a_reason_and_a_name(hub, small):
    hub.load(small.register, [LI], day=1)
    batch = batches.listing(hub.engine)[0]["batch_id"]
    with pytest.raises(BatchStateError, match="is loaded, not held"):
        batches.approve(hub.engine, batch, "why", "officer")
    with pytest.raises(BatchStateError, match="not known"):
        batches.reject(hub.engine, "no-such-batch", "why", "officer")
    with pytest.raises(BatchStateError, match="needs a reason"):
        batches.approve(hub.engine, batch, " ", "officer")
    with pytest.raises(BatchStateError, match="can't be held"):
        batches.hold(hub.engine, small.register, hub.landed(small.register, 1, day=1), LOST)


def test_a_window_read_again_takes_the_place_of_the_one_that_waited(hub, small):
    for day in (1, 2):
        batches.hold(hub.engine, small.register, hub.landed(small.register, 1, day=day, watermark={"after": "x"}), LOST)
    assert [row["state"] for row in batches.listing(hub.engine)] == ["held", "rejected"]
    assert open_kinds(hub) == ["held_batch"]


def test_gates_compare_with_the_open_rows_of_each_sheet(hub, small):
    school = replace(small.register, mode=Mode.SNAPSHOT, partition="sheet", order_field=None, gate=Gate(mix_fields=("sex",)))
    rows = [{**LI, "sheet": "A"}, {**WANG, "sheet": "A"}, {"key": "P3", "sex": None, "sheet": "B"}]
    hub.load(school, rows, day=1, period="202609", partitions=["A", "B"])
    newer = batches.gate_history(hub.engine, school, hub.landed(school, 0, day=2, period="202610", partitions=["A"]))
    assert (newer.rows, newer.mix, newer.delivered) == ({"A": 2, "B": 1}, {"sex": {"2": 2, None: 1}}, {"A"})
    older = batches.gate_history(hub.engine, school, hub.landed(school, 0, day=2, period="202608", partitions=["A"]))
    assert older.rows == {}  # an older month closes nothing, so it can lose nothing


# -- refused and late --------------------------------------------------------------------


def test_a_refused_delivery_is_listed_and_alerted_once_until_a_good_one_comes(hub, small):
    refusal = DeliveryRefused("a.csv: 3 rows announced, 2 came", reason="rows", delivery="a.csv", digest="d")
    for _ in range(2):
        batches.refuse(hub.engine, small.register, refusal, datetime(2026, 11, 2, tzinfo=UTC))
    assert [(row["state"], row["landed"]) for row in batches.listing(hub.engine)] == [("refused", 0)]
    assert open_kinds(hub) == ["refused_delivery"]
    hub.load(small.register, [LI], day=3, delivery="a.csv")
    assert open_kinds(hub) == []


def test_a_feed_that_does_not_come_raises_one_alert_and_clears_when_it_comes(hub, small):
    contracts = {"small_register": small.register}  # daily, late after 12 hours
    hub.load(small.register, [LI], day=1)
    fetched = datetime(2026, 11, 2, tzinfo=UTC)

    def watch(hours: float) -> dict:
        return alerts.watch_freshness(hub.engine, contracts, fetched + timedelta(hours=hours))

    assert watch(1) == {"late": 0, "raised": 0, "cleared": 0}
    assert watch(48) == {"late": 1, "raised": 1, "cleared": 0}
    assert watch(72) == {"late": 1, "raised": 0, "cleared": 0}
    assert [alert["subject"] for alert in alerts.open_alerts(hub.engine)] == ["2026-11-03"]
    batches.note_read(hub.engine, "small_register", fetched + timedelta(hours=72))  # read to its end, no news
    assert watch(73) == {"late": 0, "raised": 0, "cleared": 1}
    assert open_kinds(hub) == []


def test_nobody_ingests_a_feed_twice_at_once(hub):
    assert not batches.any_ingesting(hub.engine)
    with batches.ingesting(hub.engine, "small_register"):
        assert batches.any_ingesting(hub.engine)
        taken = hub.rows("SELECT pg_try_advisory_lock(1735551332, hashtext('small_register')) AS free")
        assert taken == [{"free": False}]
    assert not batches.any_ingesting(hub.engine)
