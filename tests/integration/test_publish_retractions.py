"""A person or household whose id no longer stands: the extracts that named it say so, and which id stands now."""

from __future__ import annotations

from datetime import UTC, date, datetime

from tests.publish_world import COMMUNITY, FLATS, GRIDS, PEOPLE, STAMP, Warehouse

HERE, THERE = f"grid-{GRIDS[0]}", f"grid-{GRIDS[1]}"
ALL = f"community-{COMMUNITY}"


def persons(house: Warehouse) -> None:
    for person in PEOPLE:
        house.put("hub.person", person_id=person, recorded_from=STAMP)
    house.put(
        "hub.person_link",
        feed="psb_register",
        record_key="Y9",
        person_id="P000000002",
        role="holder",
        rule="id",
        recorded_from=STAMP,
    )
    house.put("record.psb_register", record_key="Y9", person_no="Y9", name="李娜", register_address="B1-1-101")


def merge(house: Warehouse, gone: str, stands: str) -> None:
    """As linkage and assembly leave it when two ids turn out to be one person."""
    at = {"now": datetime.now(UTC), "gone": gone, "stands": stands}
    house.run("UPDATE hub.person SET replaced_by = :stands, recorded_to = :now WHERE person_id = :gone", **at)
    house.run(
        "UPDATE hub.person_link SET recorded_to = :now WHERE person_id = :gone AND recorded_to IS NULL",
        **{k: at[k] for k in ("now", "gone")},
    )
    for table in ("household_member", "person_profile"):
        house.run(
            f"UPDATE hub.{table} SET recorded_to = :now WHERE person_id = :gone AND recorded_to IS NULL",
            now=at["now"],
            gone=gone,
        )
    house.put(
        "hub.person_link",
        feed="psb_register",
        record_key="Y9",
        person_id=stands,
        role="holder",
        rule="id",
        recorded_from=at["now"],
    )


def moved(house: Warehouse, recipient: str, sequence: int = 2) -> list[dict]:
    return house.manifest(recipient, sequence)["moved"]


def test_a_merged_person_is_removed_and_the_id_that_stands_is_named(house: Warehouse) -> None:
    persons(house)
    house.publish()
    assert moved(house, HERE, 1) == []
    merge(house, "P000000002", "P000000001")
    house.profile("R000000001", 2, leave_out=("P000000002",))
    house.publish()
    note = {"id": "P000000002", "kind": "person", "change": "merged", "stands": ["P000000001"]}
    for recipient, dataset in ((HERE, "household_members"), (ALL, "household_members"), ("health", "elderly_60_plus")):
        removed = [row["人员编号"] for row in house.rows(recipient, 2, dataset) if row["变更"] == "删除"]
        assert removed == ["P000000002"], recipient
        assert moved(house, recipient) == [note], recipient
    assert house.ledger()[THERE] == [1]


def test_an_id_merged_into_one_the_recipient_may_not_see_is_only_withdrawn(house: Warehouse) -> None:
    persons(house)
    house.publish()
    merge(house, "P000000002", "P000000003")  # who lives in the other grid
    house.profile("R000000001", 2, leave_out=("P000000002",))
    house.publish()
    assert moved(house, HERE) == [{"id": "P000000002", "kind": "person", "change": "withdrawn", "stands": []}]
    assert moved(house, ALL) == [{"id": "P000000002", "kind": "person", "change": "merged", "stands": ["P000000003"]}]


def test_who_only_moved_away_keeps_the_id_and_nothing_is_said(house: Warehouse) -> None:
    persons(house)
    house.publish()
    house.profile("R000000001", 2, leave_out=("P000000002",))
    house.publish()
    assert [row["人员编号"] for row in house.rows(HERE, 2, "household_members")] == ["P000000002"] and moved(
        house, HERE
    ) == []


def test_a_person_without_any_record_left_is_withdrawn(house: Warehouse) -> None:
    persons(house)
    house.publish()
    house.run("UPDATE hub.person_link SET recorded_to = now() WHERE person_id = 'P000000002'")
    house.run("UPDATE hub.person_profile SET recorded_to = now() WHERE person_id = 'P000000002'")
    house.profile("R000000001", 2, leave_out=("P000000002",))
    house.publish()
    assert moved(house, HERE) == [{"id": "P000000002", "kind": "person", "change": "withdrawn", "stands": []}]


def test_a_person_that_came_out_of_another_is_named_to_who_knows_that_one(house: Warehouse) -> None:
    persons(house)
    house.publish()
    now = datetime.now(UTC)
    PEOPLE["P000000004"] = ("李娜", "2", "1952-01-01", "130731195201010025", "R000000001")
    try:
        house.put("hub.person", person_id="P000000004", recorded_from=now)
        house.put(
            "hub.person_event",
            person_id="P000000004",
            kind="split_from",
            other_id="P000000002",
            cause="records were linked elsewhere",
            recorded_from=now,
        )
        house.profile("R000000001", 2)
    finally:
        del PEOPLE["P000000004"]
    house.publish()
    assert moved(house, HERE) == [{"id": "P000000002", "kind": "person", "change": "split", "stands": ["P000000004"]}]


def test_a_household_that_joined_another_is_removed_and_the_one_its_people_live_in_is_named(house: Warehouse) -> None:
    persons(house)
    house.publish()
    now = datetime.now(UTC)
    for table in ("household", "household_member", "profile"):
        house.run(f"UPDATE hub.{table} SET recorded_to = :now WHERE household_id = 'R000000002'", now=now)
    house.put(
        "hub.household_member", household_id="R000000001", kind="residence", person_id="P000000003", basis="visit", confidence=0.97,
        valid_from=date(2026, 11, 1), recorded_from=now,
    )  # fmt: skip
    house.run(
        "UPDATE hub.person_profile SET dwelling_id = :flat WHERE person_id = 'P000000003'", flat=FLATS["R000000001"]
    )
    house.publish()
    note = {"id": "R000000002", "kind": "household", "change": "merged", "stands": ["R000000001"]}
    assert moved(house, ALL) == [note]
    assert moved(house, THERE) == [note | {"change": "withdrawn", "stands": []}]
    assert {row["户编号"] for row in house.rows(THERE, 2, "household_profiles")} == {"R000000002"}


def test_a_chain_of_merges_ends_at_the_id_that_stands(house: Warehouse) -> None:
    persons(house)
    house.put("hub.person", person_id="P000000009", recorded_from=STAMP)
    house.publish()
    merge(house, "P000000002", "P000000009")
    merge(house, "P000000009", "P000000001")
    house.profile("R000000001", 2, leave_out=("P000000002",))
    house.publish()
    assert moved(house, HERE) == [{"id": "P000000002", "kind": "person", "change": "merged", "stands": ["P000000001"]}]
