"""Profiles in the warehouse: what changed gets a version, what did not is left alone, what was believed is kept."""

from __future__ import annotations

import json
from datetime import date

import pyarrow as pa
import pytest
from sqlalchemy import text

from places.grids import GridMap
from profiles.history import household_changes, profile_document
from profiles.store import settle
from tests.residence_world import said, world
from warehouse.engine import engine_for

HERE, THERE = "B1-1-101", "B2-1-201"
GRIDS = GridMap(
    pa.table({"compound_id": ["C1"], "compound": ["文苑小区"], "community_code": ["130731100009"], "community": ["合符"], "liaison_unit": ["县档案馆"], "liaison_worker": ["乙"]}),
    pa.table({
        "building_id": ["B1", "B2"], "building": ["1", "2"], "compound_id": ["C1", "C1"], "unit": ["1", "1"], "grid_id": ["G01", "G02"], "grid": ["一", "二"],
        "full_time_worker": ["丙", "丁"], "building_lead": pa.nulls(2, pa.string()), "unit_lead": pa.nulls(2, pa.string()),
    }),
)  # fmt: skip


@pytest.fixture
def engine(new_database):
    made = engine_for(new_database())
    yield made
    made.dispose()


def lives(person: str, home: str, **more) -> dict:
    told = {"unit": "1", "room": home[-3:], "phone": "13900000001", "sex": "1"} | more
    return said(person, "health_record", home, "2026-01-01", **told)


def settled(engine, facts: list[dict]):
    con = world(facts)
    try:
        return settle(con, engine, GRIDS, {"health_record": "health", "psb_register": "public_security"})
    finally:
        con.close()


def rows(engine, sql: str) -> list[tuple]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(sql))]


def test_a_second_assembly_of_the_same_records_writes_nothing(engine):
    facts = [lives("wang", HERE), lives("li", HERE), lives("zhao", THERE, former_name="赵一")]
    first = settled(engine, facts)
    assert (first.residence_households, first.persons, first.profiles_changed) == (2, 3, 2)  # one phone, but two homes
    before = rows(engine, "SELECT * FROM hub.household_member ORDER BY 3, 1")
    assert settled(engine, facts).profiles_changed == 0
    assert rows(engine, "SELECT * FROM hub.household_member ORDER BY 3, 1") == before


def test_only_the_profile_of_a_changed_household_gets_a_new_version(engine):
    mine = [lives("wang", HERE, phone=None)]
    other = [lives("zhao", THERE, phone=None)]
    settled(engine, [*mine, *other])
    changed = settled(
        engine,
        [*mine, *other, said("zhao", "psb_permit", THERE, "2026-02-01", phone="13900000009", unit="1", room="201")],
    )
    assert changed.profiles_changed == 1
    assert rows(engine, "SELECT dwelling_id, version, recorded_to IS NULL FROM hub.profile ORDER BY 1, 2") == [
        (HERE, 1, True), (THERE, 1, False), (THERE, 2, True),
    ]  # fmt: skip
    (document,) = rows(
        engine, f"SELECT document FROM hub.profile WHERE dwelling_id = '{THERE}' AND recorded_to IS NULL"
    )[0]
    assert json.loads(document)["version"] == 2


def test_the_profile_says_where_who_and_from_whom(engine):
    settled(engine, [lives("wang", HERE, birth_date=date(1940, 1, 1), id_number="130731194001010017")])
    (household_id,) = rows(engine, "SELECT household_id FROM hub.household")[0]
    profile = json.loads(profile_document(engine, household_id))
    assert (
        profile["place"] | {"unit": "1", "room": "101", "building": "1", "compound": "文苑小区", "community": "合符"}
        == profile["place"]
    )
    assert (
        profile["grid"]["full_time_worker"],
        profile["grid"]["liaison_worker"],
        profile["grid"]["liaison_unit"],
    ) == ("丙", "乙", "县档案馆")
    (member,) = profile["members"]
    assert member["lives_here"] == {
        "basis": "health",
        "confidence": member["lives_here"]["confidence"],
        "since": "2026-01-01",
        "uncertain": False,
    }
    assert (
        member["sources"]["id_number"] | {"feed": "health_record", "time": "2026-01-01"}
        == member["sources"]["id_number"]
    )
    assert "lives_alone_old" in profile["tags"] and profile["persons"] == 1
    assert set(profile["quality"]["scores"]) == {
        "conformity",
        "completeness",
        "accuracy",
        "consistency",
        "timeliness",
        "accessibility",
    }


def test_a_move_keeps_the_household_and_what_was_believed_before(engine):
    settled(engine, [lives("wang", HERE), lives("li", HERE)])
    (household_id,) = rows(engine, "SELECT household_id FROM hub.household")[0]
    settled(engine, [lives("wang", THERE), lives("li", THERE), lives("child", THERE)])
    assert rows(engine, "SELECT household_id, natural_key, recorded_to IS NULL FROM hub.household ORDER BY recorded_from") == [
        (household_id, HERE, False), (household_id, THERE, True),
    ]  # fmt: skip
    kinds = [(change.kind, change.person_id) for change in household_changes(engine, household_id)]
    assert sorted(kinds, key=str) == sorted(
        [("founded", "wang"), ("founded", "li"), ("joined", "child"), ("moved", None)], key=str
    )


def test_who_leaves_for_another_household_and_a_household_that_ends(engine):
    settled(engine, [lives("wang", HERE), lives("li", HERE)])
    (household_id,) = rows(engine, "SELECT household_id FROM hub.household")[0]
    settled(engine, [lives("wang", HERE), lives("li", THERE)])
    changes = household_changes(engine, household_id)
    assert ("moved_to_another_household", "li") in [(change.kind, change.person_id) for change in changes]
    settled(engine, [said("wang", "civil_death", None, "2026-09-01", dead=True, ended=True), lives("li", THERE)])
    assert [change.kind for change in household_changes(engine, household_id)][-1] in ("dissolved", "left")
    assert rows(engine, "SELECT count(*) FROM hub.household WHERE recorded_to IS NULL") == [(1,)]
