"""Value issues and the quarantine: kept with their record's history (问题值与隔离区)."""

from __future__ import annotations

import pytest

from warehouse import quarantine
from warehouse.errors import BatchStateError

LI, WANG = {"key": "P1", "name": "李娜"}, {"key": "P2", "name": "王芳"}
BAD_ID = ("id_number", "id.checksum", "13073119900101001X")


@pytest.fixture
def hub(small, small_hub):
    return small_hub(small.register, small.visits)


def issues(hub) -> list[tuple]:
    rows = hub.rows(
        "SELECT record_key, reason, raw, recorded_to IS NULL AS open FROM hub.value_issue ORDER BY recorded_from, record_key"
    )
    return [tuple(row.values()) for row in rows]


def test_a_bad_cell_keeps_its_raw_text_and_reason_and_the_row_is_accepted(hub, small):
    counts = hub.load(small.register, [{**LI, "issue": BAD_ID}, WANG])
    assert (counts.inserted, counts.quarantined, counts.value_issues) == (2, 0, 1)
    assert issues(hub) == [("P1", "id.checksum", BAD_ID[2], True)]


def test_a_corrected_cell_closes_its_issue(hub, small):
    hub.load(small.register, [{**LI, "issue": BAD_ID}], day=1)
    hub.load(small.register, [{**LI, "name": "李娜娜", "order": 2}], day=2)
    assert issues(hub) == [("P1", "id.checksum", BAD_ID[2], False)]


def test_an_issue_that_stays_is_as_old_as_when_it_was_first_seen(hub, small):
    hub.load(small.register, [{**LI, "issue": BAD_ID}], day=1)
    first = hub.rows("SELECT batch_id, recorded_from FROM hub.value_issue")
    hub.load(small.register, [{**LI, "name": "李娜娜", "order": 2, "issue": BAD_ID}], day=2)
    assert hub.rows("SELECT batch_id, recorded_from FROM hub.value_issue") == first


def test_another_bad_value_in_the_same_cell_is_another_issue(hub, small):
    hub.load(small.register, [{**LI, "issue": BAD_ID}], day=1)
    hub.load(small.register, [{**LI, "order": 2, "issue": (*BAD_ID[:2], "other")}], day=2)
    assert issues(hub) == [("P1", "id.checksum", BAD_ID[2], False), ("P1", "id.checksum", "other", True)]


def test_an_older_version_neither_opens_nor_closes_issues(hub, small):
    hub.load(small.register, [{**LI, "order": 5, "issue": BAD_ID}], day=1)
    hub.load(small.register, [{**LI, "order": 1, "issue": ("name", "name.placeholder", "某某")}, WANG], day=2)
    assert issues(hub) == [("P1", "id.checksum", BAD_ID[2], True)]


def test_of_a_key_that_comes_twice_only_the_row_that_stands_has_issues(hub, small):
    hub.load(small.register, [{**LI, "order": 1, "issue": BAD_ID}, {**LI, "order": 2, "issue": ("name", "name.placeholder", "某某")}])
    assert issues(hub) == [("P1", "name.placeholder", "某某", True)]


def test_issues_of_other_records_are_left_alone(hub, small):
    hub.load(small.register, [{**LI, "issue": BAD_ID}, {**WANG, "issue": BAD_ID}], day=1)
    hub.load(small.register, [{**WANG, "order": 9}], day=2)
    assert [(key, still_open) for key, _, _, still_open in issues(hub)] == [("P1", True), ("P2", False)]


def test_the_issue_of_a_resident_who_is_no_longer_listed_is_closed(hub, small):
    resident = {"key": "E1#1", "parent": 1, "name": "王芳", "order": 1, "issue": BAD_ID}
    hub.load(small.visits, [{"key": "E1", "order": 1}], children=[{**resident, "key": "E1#0"}, resident], day=1)
    hub.load(small.visits, [{"key": "E1", "order": 2}], children=[{**resident, "key": "E1#0", "order": 2}], day=2)
    assert [(key, still_open) for key, _, _, still_open in issues(hub)] == [("E1#0", True), ("E1#1", False)]


# -- the quarantine ----------------------------------------------------------------------


def quarantined_batch(hub, small) -> str:
    hub.load(small.register, [LI], quarantined=[{"record_key": "P2", "raw": "{}"}, {"record_key": None, "raw": "?"}])
    return hub.rows("SELECT batch_id FROM hub.batch")[0]["batch_id"]


def test_what_is_set_aside_can_be_looked_at(hub, small):
    batch = quarantined_batch(hub, small)
    assert [(r["reason"], r["rows"]) for r in quarantine.summary(hub.engine)] == [("row.unreadable", 2)]
    assert [(r["row_no"], r["record_key"], r["raw"]) for r in quarantine.rows(hub.engine, batch)] == [(2, "P2", "{}"), (3, None, "?")]
    assert quarantine.open_rows(hub.engine, batch) == [2, 3]


def test_a_released_row_is_settled_by_its_own_load(hub, small):
    batch = quarantined_batch(hub, small)
    quarantine.decide_release(hub.engine, batch, [2], "checked with the bureau", "officer")
    child = {"replay_of": batch, "replay_rows": [2], "parent_fetched_at": "2026-11-02T00:00:00+00:00"}
    assert quarantine.is_release(hub.engine, hub.landed(small.register, 1, day=3, **child))
    hub.load(small.register, [WANG], day=3, **child)
    states = hub.rows("SELECT row_no, state, decided_by FROM hub.quarantine ORDER BY row_no")
    assert states == [{"row_no": 2, "state": "released", "decided_by": "officer"}, {"row_no": 3, "state": "open", "decided_by": None}]
    assert hub.rows("SELECT landed, quarantined FROM hub.batch WHERE batch_id = :b", b=batch) == [{"landed": 3, "quarantined": 2}]


def test_a_replay_is_no_release(hub, small):
    batch = quarantined_batch(hub, small)
    child = {"replay_of": batch, "replay_rows": [2, 3], "parent_fetched_at": "2026-11-02T00:00:00+00:00"}
    assert not quarantine.is_release(hub.engine, hub.landed(small.register, 2, day=3, **child))
    hub.load(small.register, [WANG], quarantined=[{"raw": "?"}], day=3, **child)
    assert {r["state"] for r in hub.rows("SELECT state FROM hub.quarantine WHERE batch_id = :b", b=batch)} == {"replayed"}
    assert [r["rows"] for r in quarantine.summary(hub.engine)] == [1]  # the one that is still bad, under the child


@pytest.mark.parametrize(("rows", "reason", "why"), [
    ([3], "why", "without a usable key"), ([9], "why", "not open"), ([2], " ", "needs rows, a reason"), ([], "why", "needs rows"),
])  # fmt: skip
def test_a_release_needs_an_open_row_with_a_key_and_a_reason(hub, small, rows, reason, why):
    batch = quarantined_batch(hub, small)
    with pytest.raises(BatchStateError, match=why):
        quarantine.decide_release(hub.engine, batch, rows, reason, "officer")


def test_an_element_and_its_row_can_be_set_aside_side_by_side(hub, small):
    from warehouse.load import load_batch

    landed = hub.landed(small.visits, 1)
    verdicts = hub.verdicts(small.visits, landed, [], quarantined=[{"record_key": "E1"}])
    element = hub.verdicts(small.register, landed, [], quarantined=[{"record_key": "E1#0"}, {"record_key": "E1#4"}])
    aside = element["small_register"].quarantined.set_column(0, "_row", [[1, 1]])
    verdicts["small_visit_resident"] = type(verdicts["small_visit"])(
        verdicts["small_visit_resident"].accepted, aside, *[getattr(verdicts["small_visit_resident"], n) for n in ("issues", "results")]
    )
    assert load_batch(hub.engine, small.visits, landed, verdicts).quarantined == 1
    assert [r["part"] for r in hub.rows("SELECT part FROM hub.quarantine ORDER BY part")] == [0, 1, 5]
    assert quarantine.open_rows(hub.engine, landed.batch_id) == [1]
