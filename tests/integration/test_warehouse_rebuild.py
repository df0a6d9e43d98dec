"""A rebuild makes the same warehouse again, and keeps what persons decided (重建)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts.model import Mode
from expectations.gates import GateFinding
from warehouse import batches, erasure, quarantine
from warehouse.errors import WarehouseError
from warehouse.load import load_batch
from warehouse.rebuild import rebuild

LOST = [GateFinding("lost", 0.5, 0.2, "少一半", "half is missing")]
BAD = ("id_number", "id.checksum", "raw")
TABLES = {
    "record.small_register": "record_key, recorded_from", "record.small_visit": "record_key, recorded_from",
    "record.small_visit_resident": "record_key, recorded_from", "record.allowance": "record_key, recorded_from",
    "hub.batch": "batch_id", "hub.value_issue": "record_key, column_name, recorded_from", "hub.feed_state": "feed",
    "hub.quarantine": "batch_id, row_no, part", "hub.rule_result": "batch_id, rule_id", "hub.snapshot": "batch_id, partition_name",
}  # fmt: skip


class Filled:
    """A hub with a history: what landed, and what validation said of it."""

    def __init__(self, hub, small) -> None:
        table = replace(small.people, name="allowance")
        self.allowance = replace(small.register, feed="allowance", tables=(table,), mode=Mode.SNAPSHOT, order_field=None)
        self.hub, self.said, self.batches = hub(small.register, small.visits, self.allowance), {}, []
        self.register, self.visits = small.register, small.visits

    def arrives(self, contract, rows=(), children=(), quarantined=(), load=True, **manifest):
        landed = self.hub.landed(contract, len(rows) + len(quarantined), **manifest)
        self.said[landed.batch_id] = self.hub.verdicts(contract, landed, rows, children, quarantined)
        self.batches.append(landed)
        if load:
            load_batch(self.hub.engine, contract, landed, self.said[landed.batch_id])
        return landed

    def rebuild(self):
        return rebuild(self.hub.engine, self.hub.contracts, self.batches, lambda _, landed: self.said[landed.batch_id])

    def everything(self) -> dict:
        return {name: self.hub.rows(f"SELECT * FROM {name} ORDER BY {order}") for name, order in TABLES.items()}


@pytest.fixture
def filled(small, small_hub):
    made = Filled(small_hub, small)
    person, other = {"key": "P1", "name": "李娜", "order": 1}, {"key": "P2", "name": "王芳", "order": 1}
    first = made.arrives(made.register, [{**person, "issue": BAD}, other], quarantined=[{"record_key": "P3", "raw": "{}"}], day=1,
                         watermark={"after": "1"})  # fmt: skip
    made.arrives(made.register, [{**person, "name": "李娜娜", "order": 2}], day=2, watermark={"after": "2"})
    resident = {"key": "E1#0", "parent": 1, "order": 1, "name": "王芳"}
    made.arrives(made.visits, [{"key": "E1", "order": 1}], children=[resident], day=2)
    made.arrives(made.visits, [{"key": "E1", "order": 2}], children=[{**resident, "name": "王芬", "order": 2, "issue": BAD}], day=3)
    made.arrives(made.allowance, [person, other], day=3, period="202610", watermark={"files": {"a": "1"}})
    made.arrives(made.allowance, [person], day=4, period="202611", watermark={"files": {"b": "1"}})
    made.arrives(made.allowance, [other], day=5, period="202609")
    waited = made.arrives(made.register, [{**other, "name": "王芬", "order": 3}], day=2.5, load=False)
    batches.hold(made.hub.engine, made.register, waited, LOST)
    batches.approve(made.hub.engine, waited.batch_id, "checked", "officer")
    load_batch(made.hub.engine, made.register, waited, made.said[waited.batch_id])  # last of its feed, though fetched before
    quarantine.decide_release(made.hub.engine, first.batch_id, [3], "checked", "officer")
    made.arrives(made.register, [{"key": "P3", "name": "张伟"}], day=6, replay_of=first.batch_id, replay_rows=[3],
                 parent_fetched_at=first.manifest["fetched_at"])  # fmt: skip
    batches.hold(made.hub.engine, made.register, made.arrives(made.register, [person], day=7, load=False), LOST)
    return made


def test_a_rebuild_makes_the_same_warehouse_again(filled):
    before = filled.everything()
    figures = filled.rebuild()
    after = filled.everything()
    for name in TABLES:
        assert after[name] == before[name], name
    assert figures.counts() == {"batches": 9, "landed": 12, "quarantined": 1, "value_issues": 2, "purged": 0}
    assert filled.hub.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'staging'") == []


def test_a_rebuild_of_an_empty_warehouse_loads_what_landed(filled, small_hub, small):
    empty = Filled(small_hub, small)
    empty.said, empty.batches = filled.said, [b for b in filled.batches if not b.manifest["replay_of"]]
    empty.rebuild()
    assert empty.hub.open("small_register", "name") == {"P1": "李娜娜", "P2": "王芬"}
    assert empty.hub.open("allowance", "state") == filled.hub.open("allowance", "state")


def test_a_mended_rule_is_applied_to_what_landed_before(filled):
    first = filled.batches[0]
    filled.said[first.batch_id] = filled.hub.verdicts(
        filled.register, first, [{"key": "P1", "order": 1}, {"key": "P2", "order": 1}, {"key": "P3", "order": 1, "issue": BAD}])
    filled.rebuild()
    assert "P3" in filled.hub.open("small_register", "name")
    assert [r["record_key"] for r in filled.hub.rows("SELECT record_key FROM hub.value_issue ORDER BY 1")] == ["E1#0", "P3"]
    assert filled.hub.rows("SELECT * FROM hub.quarantine") == []


def test_what_is_held_stays_held_and_out(filled):
    filled.rebuild()
    assert [row["state"] for row in batches.listing(filled.hub.engine, state="held")] == ["held"]


def test_a_failure_leaves_everything_as_it_was(filled):
    before = filled.everything()
    broken = filled.batches[4].batch_id
    filled.said[broken] = {}
    with pytest.raises(WarehouseError, match="no verdict"):
        filled.rebuild()
    assert filled.everything() == before
    filled.said[broken] = filled.hub.verdicts(filled.allowance, filled.batches[4], [{"key": "P1"}, {"key": "P2"}])
    filled.rebuild()  # and nothing it left stands in the way


def test_a_batch_that_is_lost_stops_a_rebuild_before_it_begins(filled):
    before = filled.everything()
    gone = filled.batches.pop(0)
    with pytest.raises(WarehouseError, match=gone.batch_id):
        filled.rebuild()
    assert filled.everything() == before


def test_a_purged_batch_is_left_out_as_if_it_had_never_come_but_is_not_read_again(filled, small_hub, small):
    reached = {feed: batches.watermark(filled.hub.engine, feed) for feed in filled.hub.contracts}
    second, newest = filled.batches[1], filled.batches[5]
    for gone in (second, newest):
        filled.batches.remove(gone)
        erasure.mark_purged(filled.hub.engine, None, [gone.batch_id], "order 7", "officer")
    assert filled.rebuild().purged == 2
    without = Filled(small_hub, small)
    without.said, without.batches = filled.said, [b for b in filled.batches if not b.manifest["replay_of"] and b.batch_id.split("-")[1] < "20261107"]
    without.rebuild()
    for table in ("small_register", "small_visit", "small_visit_resident", "allowance"):
        assert {k: v for k, v in filled.hub.open(table, "name" if "visit" not in table else "batch_id", "state").items() if k != "P3"} == \
            without.hub.open(table, "name" if "visit" not in table else "batch_id", "state"), table  # fmt: skip
    assert filled.hub.open("small_register", "name")["P1"] == "李娜", "the name the purged batch brought is gone, open and closed"
    assert filled.hub.rows("SELECT 1 FROM record.small_register WHERE name = '李娜娜'") == []
    assert {feed: batches.watermark(filled.hub.engine, feed) for feed in filled.hub.contracts} == reached
    told = filled.hub.rows("SELECT state, landed, decision_reason FROM hub.batch WHERE batch_id = :id", id=second.batch_id)
    assert told == [{"state": "purged", "landed": 1, "decision_reason": "order 7"}]


def test_what_landing_alone_was_purged_of_is_left_out_too(filled):
    gone = filled.batches.pop(1)
    stone = {"batch_id": gone.batch_id, "reason": "order 8", "purged_by": "officer", "purged_at": "2026-11-20T10:00:00+00:00"}
    assert erasure.adopt(filled.hub.engine, [stone, {**stone, "batch_id": "never-loaded"}]) == 1
    assert filled.rebuild().purged == 1
    assert batches.about(filled.hub.engine, gone.batch_id)["state"] == "purged" and erasure.adopt(filled.hub.engine, [stone]) == 0
