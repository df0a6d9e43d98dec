"""What becomes of records when batches are loaded: new, changed, the same, older, vanished (入库与历史)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts.model import Mode
from warehouse.errors import BatchStateError, LoadError

LI, WANG = {"key": "P1", "name": "李娜"}, {"key": "P2", "name": "王芳"}


@pytest.fixture
def hub(small, small_hub):
    return small_hub(small.register, small.visits)


@pytest.fixture
def school(small):
    """A monthly workbook, a sheet a school: a full snapshot per sheet."""
    return replace(small.register, mode=Mode.SNAPSHOT, partition="sheet", order_field=None)


@pytest.fixture
def allowance(small):
    """A monthly file, full as a whole."""
    return replace(small.register, mode=Mode.SNAPSHOT, order_field=None)


def believed(hub, key: str) -> list[tuple]:
    """Every version of a record: name, state, open or not."""
    rows = hub.rows(
        "SELECT name, state, recorded_to IS NULL AS open FROM record.small_register WHERE record_key = :key "
        "ORDER BY recorded_from", key=key,
    )  # fmt: skip
    return [tuple(row.values()) for row in rows]


# -- one batch ---------------------------------------------------------------------------


def test_landed_is_what_was_inserted_and_quarantined(hub, small):
    counts = hub.load(small.register, [LI, WANG], quarantined=[{"raw": "unreadable"}])
    assert (counts.landed, counts.inserted, counts.quarantined) == (3, 2, 1)
    assert hub.rows("SELECT state, landed, inserted, quarantined FROM hub.batch") == [
        {"state": "loaded", "landed": 3, "inserted": 2, "quarantined": 1}
    ]


def test_a_batch_happens_once(hub, small):
    first = hub.load(small.register, [LI, WANG], day=1)
    again = hub.load(small.register, [{**LI, "name": "someone else"}, WANG], day=1)
    assert again == first
    assert believed(hub, "P1") == [("李娜", "present", True)]


def test_counts_that_do_not_add_up_load_nothing(hub, small):
    from warehouse.load import load_batch

    landed = hub.landed(small.register, 3)
    with pytest.raises(LoadError, match="3 rows landed, but 2 accepted [+] 0 quarantined"):
        load_batch(hub.engine, small.register, landed, hub.verdicts(small.register, landed, [LI, WANG]))
    assert hub.open("small_register", "name") == {}
    assert hub.rows("SELECT * FROM hub.batch") == []


def test_a_table_without_a_verdict_loads_nothing(hub, small):
    from warehouse.load import load_batch

    landed = hub.landed(small.visits, 0)
    main = hub.verdicts(small.visits, landed, [])["small_visit"]
    with pytest.raises(LoadError, match="no verdict on small_visit_resident"):
        load_batch(hub.engine, small.visits, landed, {"small_visit": main})


def test_of_a_key_that_comes_twice_the_newest_stands(hub, small):
    counts = hub.load(
        small.register,
        [{**LI, "name": "new", "order": 9}, {**LI, "name": "old", "order": 1}, {**WANG, "order": 1}],
    )
    assert (counts.inserted, counts.superseded) == (2, 1)
    assert hub.open("small_register", "name") == {"P1": "new", "P2": "王芳"}


def test_of_two_rows_of_the_same_moment_the_later_row_stands(hub, small):
    hub.load(small.register, [{**LI, "name": "first", "order": 1}, {**LI, "name": "second", "order": 1}])
    assert hub.open("small_register", "name") == {"P1": "second"}


# -- a later batch -----------------------------------------------------------------------


def test_a_changed_record_is_closed_and_opened_anew(hub, small):
    hub.load(small.register, [{**LI, "order": 1}], day=1)
    counts = hub.load(small.register, [{**LI, "name": "李娜娜", "order": 2}], day=2)
    assert (counts.inserted, counts.changed) == (0, 1)
    assert believed(hub, "P1") == [("李娜", "present", False), ("李娜娜", "present", True)]
    versions = hub.rows("SELECT recorded_from, recorded_to FROM record.small_register ORDER BY recorded_from")
    assert versions[0]["recorded_to"] == versions[1]["recorded_from"]


def test_the_same_again_is_unchanged_but_newer_and_keeps_its_first_batch(hub, small):
    hub.load(small.register, [{**LI, "order": 1, "hash": "h"}], day=1)
    first = hub.open("small_register", "batch_id")
    counts = hub.load(small.register, [{**LI, "order": 5, "hash": "h"}], day=2)
    assert (counts.changed, counts.unchanged) == (0, 1)
    assert hub.open("small_register", "source_order") == {"P1": 5}
    assert hub.open("small_register", "batch_id") == first


def test_older_data_never_overwrites_newer(hub, small):
    hub.load(small.register, [{**LI, "name": "newer", "order": 5}], day=1)
    counts = hub.load(small.register, [{**LI, "name": "older", "order": 4}], day=2)
    assert counts.superseded == 1
    assert believed(hub, "P1") == [("newer", "present", True)]


def test_a_repetition_makes_a_record_as_new_as_the_repetition(hub, small):
    hub.load(small.register, [{**LI, "name": "a", "order": 1, "hash": "a"}], day=1)
    hub.load(small.register, [{**LI, "name": "a", "order": 3, "hash": "a"}], day=2)
    hub.load(small.register, [{**LI, "name": "b", "order": 2, "hash": "b"}], day=3)
    assert hub.open("small_register", "name") == {"P1": "a"}


def test_of_two_versions_of_the_same_moment_the_one_fetched_later_stands(hub, small):
    hub.load(small.register, [{**LI, "name": "fetched later", "order": 1}], day=3)
    counts = hub.load(small.register, [{**LI, "name": "fetched earlier", "order": 1}], day=2)
    assert counts.superseded == 1
    assert hub.open("small_register", "name") == {"P1": "fetched later"}


def test_belief_never_runs_backwards_when_a_batch_that_waited_is_loaded_last(hub, small):
    hub.load(small.register, [{**LI, "name": "from the later fetch", "order": 1}], day=5)
    hub.load(small.register, [{**LI, "name": "newer at the source", "order": 2}], day=2)
    versions = hub.rows("SELECT recorded_from, recorded_to FROM record.small_register ORDER BY recorded_from")
    assert versions[0]["recorded_from"] < versions[0]["recorded_to"] == versions[1]["recorded_from"]


def test_an_increment_closes_nothing(hub, small):
    hub.load(small.register, [LI, WANG], day=1)
    assert hub.load(small.register, [LI], day=2).vanished == 0
    assert set(hub.open("small_register", "state").values()) == {"present"}


# -- full snapshots ----------------------------------------------------------------------


def test_what_a_full_snapshot_lacks_has_vanished_and_keeps_its_record(hub, allowance):
    hub.load(allowance, [LI, WANG], day=1, period="202609")
    counts = hub.load(allowance, [LI], day=2, period="202610")
    assert counts.vanished == 1
    assert believed(hub, "P2") == [("王芳", "present", False), ("王芳", "vanished", True)]
    assert str(hub.open("small_register", "valid_to")["P2"]) == "2026-10-01"


def test_what_comes_back_is_present_again(hub, allowance):
    for day, rows in enumerate(([LI, WANG], [LI], [LI, WANG]), 1):
        hub.load(allowance, rows, day=day, period=f"20260{day}")
    assert hub.open("small_register", "state", "valid_to")["P2"] == ("present", None)
    assert len(believed(hub, "P2")) == 3


def test_an_older_month_closes_nothing_and_overwrites_nothing(hub, allowance):
    hub.load(allowance, [{**LI, "name": "October"}, WANG], day=1, period="202610")
    counts = hub.load(allowance, [{**LI, "name": "August"}], day=2, period="202608")
    assert (counts.vanished, counts.superseded) == (0, 1)
    assert hub.open("small_register", "name", "state") == {"P1": ("October", "present"), "P2": ("王芳", "present")}


def test_who_is_only_in_an_older_month_is_known_as_vanished(hub, allowance):
    hub.load(allowance, [LI], day=1, period="202610")
    hub.load(allowance, [LI, WANG], day=2, period="202608")
    assert hub.open("small_register", "state") == {"P1": "present", "P2": "vanished"}
    assert str(hub.open("small_register", "valid_to")["P2"]) == "2026-10-01"


def test_a_month_delivered_again_replaces_itself(hub, allowance):
    hub.load(allowance, [LI, WANG], day=1, period="202610")
    counts = hub.load(allowance, [{**LI, "name": "corrected"}], day=2, period="202610")
    assert (counts.changed, counts.vanished) == (1, 1)
    assert hub.open("small_register", "name", "state") == {"P1": ("corrected", "present"), "P2": ("王芳", "vanished")}


def test_an_absent_school_closes_nothing_an_empty_one_does(hub, school):
    here, there = {**LI, "sheet": "轩辕小学"}, {**WANG, "sheet": "实验小学"}
    hub.load(school, [here, there], day=1, period="202609", partitions=["轩辕小学", "实验小学"])
    absent = hub.load(school, [here], day=2, period="202610", partitions=["轩辕小学"])
    assert absent.vanished == 0
    empty = hub.load(school, [here], day=3, period="202611", partitions=["轩辕小学", "实验小学"])
    assert empty.vanished == 1
    assert hub.open("small_register", "state") == {"P1": "present", "P2": "vanished"}


def test_a_pupil_who_changes_school_has_not_vanished(hub, school):
    sheets = ["轩辕小学", "实验小学"]
    hub.load(school, [{**LI, "sheet": sheets[0], "hash": "h"}], day=1, period="202609", partitions=sheets)
    counts = hub.load(school, [{**LI, "sheet": sheets[1], "hash": "h"}], day=2, period="202610", partitions=sheets)
    assert (counts.changed, counts.vanished) == (1, 0)
    assert hub.open("small_register", "partition_name", "state") == {"P1": ("实验小学", "present")}


def test_who_was_delivered_but_set_aside_has_not_vanished(hub, allowance):
    hub.load(allowance, [LI, WANG, {"key": "P3|x"}], day=1, period="202609")
    aside = [{"record_key": "P2"}, {"record_key": None, "raw": 'x;"P3;unclosed'}]
    counts = hub.load(allowance, [LI], quarantined=aside, day=2, period="202610")
    assert (counts.vanished, counts.quarantined) == (0, 2)
    assert set(hub.open("small_register", "state").values()) == {"present"}


def test_a_release_from_quarantine_closes_nothing(hub, allowance):
    hub.load(allowance, [LI], quarantined=[{"record_key": "P2"}], day=1, period="202609")
    parent = hub.rows("SELECT batch_id, fetched_at FROM hub.batch")[0]
    hub.load(
        allowance, [WANG], day=2, period="202609", replay_of=parent["batch_id"], replay_rows=[2],
        parent_fetched_at=parent["fetched_at"].isoformat(),
    )  # fmt: skip
    assert hub.open("small_register", "state") == {"P1": "present", "P2": "present"}
    assert hub.rows("SELECT state, replay_batch_id IS NOT NULL AS settled FROM hub.quarantine") == [
        {"state": "replayed", "settled": True}
    ]


def test_a_release_is_as_old_as_its_parent(hub, small):
    hub.load(small.register, [], quarantined=[{"record_key": "P1"}], day=1)
    parent = hub.rows("SELECT batch_id, fetched_at FROM hub.batch")[0]
    hub.load(small.register, [{**LI, "name": "read since", "order": 7}], day=2)
    counts = hub.load(
        small.register, [{**LI, "name": "released", "order": 7}], day=3, replay_of=parent["batch_id"],
        replay_rows=[1], parent_fetched_at=parent["fetched_at"].isoformat(),
    )  # fmt: skip
    assert counts.superseded == 1
    assert hub.open("small_register", "name") == {"P1": "read since"}


# -- lists inside rows -------------------------------------------------------------------


def residents(visit: str, *names: str, parent: int = 1) -> list[dict]:
    return [{"key": f"{visit}#{i}", "parent": parent, "name": name, "order": 1} for i, name in enumerate(names)]


def test_the_residents_of_a_visit_are_those_of_its_newest_version(hub, small):
    visit = {"key": "E1", "order": 1}
    hub.load(small.visits, [visit], children=residents("E1", "李娜", "王芳", "张伟"), day=1)
    hub.load(small.visits, [{**visit, "order": 2, "hash": "2"}], children=residents("E1", "李娜", "王芬"), day=2)
    assert hub.open("small_visit_resident", "name") == {"E1#0": "李娜", "E1#1": "王芬"}
    assert len(hub.rows("SELECT 1 FROM record.small_visit_resident")) == 4  # 张伟 and 王芳 are closed, not gone


def test_the_residents_of_an_older_version_change_nothing(hub, small):
    hub.load(small.visits, [{"key": "E1", "order": 2}], children=residents("E1", "李娜"), day=1)
    hub.load(small.visits, [{"key": "E1", "order": 1, "hash": "1"}], children=residents("E1", "王芳", "张伟"), day=2)
    assert hub.open("small_visit_resident", "name") == {"E1#0": "李娜"}


def test_of_an_event_sent_twice_only_the_believed_one_has_residents(hub, small):
    rows = [{"key": "E1", "order": 1}, {"key": "E1", "order": 2}]
    children = residents("E1", "older", "older too", parent=1) + residents("E1", "newer", parent=2)
    hub.load(small.visits, rows, children=children)
    assert hub.open("small_visit_resident", "name") == {"E1#0": "newer"}


# -- states that stop a load -------------------------------------------------------------


def test_a_held_batch_is_not_loaded(hub, small):
    from expectations.gates import GateFinding
    from warehouse import batches

    landed = hub.landed(small.register, 1, day=1)
    batches.hold(hub.engine, small.register, landed, [GateFinding("lost", 0.5, 0.2, "少一半", "half is missing")])
    with pytest.raises(BatchStateError, match="is held"):
        hub.load(small.register, [LI], day=1)
    assert hub.open("small_register", "name") == {}
