"""Profiles in the warehouse: what changed gets a version, what did not is left alone, what was believed is kept."""

from __future__ import annotations

import json
from datetime import date

import pyarrow as pa
import pytest
from sqlalchemy import text

from places.grids import GridMap
from profiles.history import household_events, profile_document
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


def happened(engine, household_id: str) -> set[tuple]:
    return {(event.kind, event.person_id, event.other_household_id) for event in household_events(engine, household_id)}


def other(engine, household_id: str) -> str:
    """The one household that is open beside this."""
    ((found,),) = rows(engine, f"SELECT household_id FROM hub.household WHERE recorded_to IS NULL AND household_id <> '{household_id}'")
    return found


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


OLD = {"birth_date": date(1940, 1, 1)}


@pytest.mark.parametrize(
    "others, tag",
    [
        ([], "lives_alone_old"),
        # reached by her number, with no record of a place: only thought to live with her
        ([said("bai", "grid_request", None, "2026-06-01", "applicant", phone="13900000001")], "lives_alone_old"),
        ([lives("li", HERE, **OLD)], "only_old"),
        ([lives("li", HERE)], None),  # of what age nobody knows
    ],
)
def test_who_is_old_and_lives_alone_or_with_the_old_only(engine, others, tag):
    settled(engine, [lives("wang", HERE, **OLD), *others])
    ((document,),) = rows(engine, f"SELECT document FROM hub.profile WHERE dwelling_id = '{HERE}' AND recorded_to IS NULL")
    assert {"lives_alone_old", "only_old"} & set(json.loads(document)["tags"]) == ({tag} if tag else set())


def test_a_move_keeps_the_household_and_what_was_believed_before(engine):
    elder = {"birth_date": date(1950, 1, 1)}
    settled(engine, [lives("wang", HERE, **elder), lives("li", HERE)])
    (household_id,) = rows(engine, "SELECT household_id FROM hub.household")[0]
    settled(engine, [lives("wang", THERE, **elder), lives("li", THERE), lives("child", THERE)])
    assert rows(engine, "SELECT household_id, natural_key, recorded_to IS NULL FROM hub.household ORDER BY recorded_from") == [
        (household_id, HERE, False), (household_id, THERE, True),
    ]  # fmt: skip
    assert happened(engine, household_id) == {("moved", None, None), ("joined", "child", None)}
    assert json.loads(profile_document(engine, household_id))["members"][0]["head"] is True


def test_who_leaves_for_another_household_and_a_household_that_ends(engine):
    wang = lives("wang", HERE, birth_date=date(1950, 1, 1))
    settled(engine, [wang, lives("li", HERE)])
    (household_id,) = rows(engine, "SELECT household_id FROM hub.household")[0]
    settled(engine, [wang, lives("li", THERE)])
    assert happened(engine, household_id) == {("moved_out", "li", other(engine, household_id)), ("split", None, other(engine, household_id))}
    settled(engine, [said("wang", "civil_death", None, "2026-09-01", dead=True, ended=True), lives("li", THERE)])
    assert ("dissolved", None, None) in happened(engine, household_id)
    assert rows(engine, "SELECT count(*) FROM hub.household WHERE recorded_to IS NULL") == [(1,)]


def test_a_first_assembly_has_no_events_but_those_records_tell(engine):
    born = lives("child", HERE, birth_date=date(2026, 5, 1))
    settled(engine, [lives("wang", HERE), born])
    assert rows(engine, "SELECT kind, happened_on, person_id, review FROM hub.household_event") == [("birth", date(2026, 5, 1), "child", False)]


def test_an_event_that_no_record_tells_any_more_is_withdrawn_and_one_that_grew_old_is_not(engine):
    grown = [lives("wang", HERE), lives("old", HERE, birth_date=date(1980, 5, 1))]
    settled(engine, [*grown, lives("child", HERE, birth_date=date(2026, 5, 1))])
    settled(engine, [*grown, lives("child", HERE, birth_date=date(2026, 4, 1))])
    told = "SELECT happened_on, recorded_to IS NULL FROM hub.household_event WHERE kind = 'birth' ORDER BY 1"
    assert rows(engine, told) == [(date(2026, 4, 1), True), (date(2026, 5, 1), False)]
    con = world([*grown, lives("child", HERE, birth_date=date(2026, 4, 1))])
    con.execute("SET VARIABLE day = ?", [date(2027, 6, 1)])
    settle(con, engine, GRIDS, {"health_record": "health"})
    con.close()
    assert rows(engine, told) == [(date(2026, 4, 1), True), (date(2026, 5, 1), False)]


def test_when_the_head_dies_the_next_one_is_the_head_since_that_day(engine):
    def home(**dead) -> list[dict]:
        return [lives("wang", HERE, birth_date=date(1950, 1, 1)), lives("li", HERE, birth_date=date(1955, 1, 1)),
                *([said("wang", "civil_death", None, "2026-09-01", dead=True, ended=True, death_date=date(2026, 8, 30))] if dead else [])]  # fmt: skip

    settled(engine, home())
    (household_id,) = rows(engine, "SELECT household_id FROM hub.household")[0]
    assert rows(engine, "SELECT person_id FROM hub.household_member WHERE relation = '02'") == [("wang",)]
    settled(engine, home(dead=True))
    assert happened(engine, household_id) == {("new_head", "li", None)}
    assert [event.happened_on for event in household_events(engine, household_id)] == [date(2026, 8, 30)]
