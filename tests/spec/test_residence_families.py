"""Families in dwellings: who is placed with whom, who has left, who shares a flat (居住户 by family)."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from profiles.identity import give_ids
from tests.residence_world import registered, said, together, visit, world

HERE, THERE = "B1-1-101", "B2-1-201"
MAN, WIFE, CHILD = ("wang", "02", date(1980, 1, 1)), ("li", "12", date(1982, 1, 1)), ("child", "21", date(2015, 1, 1))


def family(*sets):
    return {frozenset(people) for people in sets}


def test_a_couple_and_its_child_whose_records_are_of_different_age_live_together():
    book, rows = registered("S|1", HERE, MAN, WIFE, CHILD)
    con = world(
        [
            *book,
            said("wang", "health_record", HERE, "2026-07-01"),
            said("li", "health_record", THERE, "2024-01-01"),
            said("child", "health_record", THERE, "2024-01-01", birth_date=date(2015, 1, 1)),
            said("child", "edu_enrolment", HERE, "2026-10-31", birth_date=date(2015, 1, 1)),
        ],
        register=rows,
    )
    assert together(con) == family({"wang", "li", "child"})


def test_spouses_by_the_marriage_register_live_together_until_a_divorce():
    def married(when, status):
        return [
            said(
                p,
                "civil_marriage",
                None,
                when,
                "spouse",
                group_kind="family",
                group_key=f"M{when}",
                marital_status=status,
            )
            for p in ("wang", "li")
        ]

    homes = [said("wang", "health_record", HERE, "2026-01-01"), said("li", "health_record", THERE, "2020-01-01")]
    assert together(world([*homes, *married("2025-01-01", "21")])) == family({"wang", "li"})
    parted = world([*homes, *married("2025-01-01", "21"), *married("2026-01-01", "40")])
    assert together(parted) == family({"wang"}, {"li"})


def test_a_newborn_lives_with_its_mother():
    con = world(
        [
            said("li", "health_record", HERE, "2026-01-01"),
            said(
                "baby",
                "health_child_vaccination",
                None,
                "2026-10-01",
                "child",
                birth_date=date(2026, 9, 20),
                group_kind="family",
                group_key="V1",
            ),
            said(
                "li",
                "health_child_vaccination",
                None,
                "2026-10-01",
                "mother",
                own=False,
                group_kind="family",
                group_key="V1",
            ),
        ]
    )
    assert together(con) == family({"li", "baby"})


def test_a_grown_child_with_a_home_of_his_own_is_not_drawn_into_the_parents_by_their_book():
    book, rows = registered("S|1", HERE, MAN, WIFE, ("son", "22", date(1999, 1, 1)))
    facts, event = visit("e1", HERE, "2026-10-01", ["wang", "li"])
    con = world([*book, *facts, said("son", "health_record", THERE, "2023-01-01")], register=rows, visit=[event])
    assert together(con) == family({"wang", "li"}, {"son"})


def test_a_grown_child_known_to_nobody_but_the_register_has_left():
    book, rows = registered("S|1", HERE, MAN, WIFE, ("son", "22", date(1995, 1, 1)))
    con = world([*book, said("wang", "health_record", HERE, "2026-01-01")], register=rows)
    assert together(con) == family({"wang", "li"})
    assert con.execute("SELECT * FROM absent").fetchall() == [("son", "grown")]


@pytest.mark.parametrize("met, expected", [(False, {"wang", "li", "son"}), (True, {"wang", "li"})])
def test_one_just_of_age_stays_with_the_parents_unless_a_visit_met_them_without_him(met, expected):
    book, rows = registered("S|1", HERE, MAN, WIFE, ("son", "22", date(2006, 1, 1)))
    facts, event = visit("e1", HERE, "2026-10-01", ["wang", "li"])
    source = facts if met else [said("wang", "health_record", HERE, "2026-01-01")]
    con = world([*book, *source], register=rows, visit=[event] if met else [])
    assert together(con) == family(expected)


def test_a_register_household_with_children_that_no_school_or_clinic_knows_does_not_live_here():
    book, rows = registered("S|1", HERE, MAN, WIFE, CHILD)
    con = world(book, register=rows)
    assert together(con) == set()
    assert set(con.execute("SELECT person_id, reason FROM absent").fetchall()) == {
        (person, "unknown_children") for person in ("wang", "li", "child")
    }


def test_a_couple_known_to_the_register_alone_lives_where_it_is_registered():
    book, rows = registered("S|1", HERE, MAN, WIFE)
    con = world(book, register=rows)
    assert together(con) == family({"wang", "li"})
    assert con.execute("SELECT DISTINCT basis, dwelling_id FROM residence").fetchall() == [("register", HERE)]


def test_the_registered_of_a_dwelling_found_empty_do_not_live_there():
    book, rows = registered("S|1", HERE, MAN, WIFE)
    con = world(book, register=rows)
    con.execute("INSERT INTO empty_place VALUES ('e9', ?, ?)", [HERE, datetime(2026, 9, 1, tzinfo=UTC)])
    assert together(con) == set()


def test_the_occupants_before_leave_a_dwelling_in_which_a_visit_met_others():
    facts, event = visit("e1", HERE, "2026-10-01", ["new"])
    con = world([*facts, said("old", "health_record", HERE, "2022-01-01")], visit=[event])
    assert together(con) == family({"new"}, {"old"})
    assert con.execute("SELECT dwelling_id FROM residence WHERE person_id = 'old'").fetchall() in ([(None,)], [(HERE,)])
    assert con.execute("SELECT group_key FROM residence WHERE person_id = 'new'").fetchall() == [(HERE,)]


def test_families_of_which_nothing_says_that_they_belong_together_stay_two_in_one_dwelling():
    con = world(
        [
            said("wang", "psb_permit", HERE, "2026-01-01", birth_date=date(1960, 1, 1), sex="1"),
            said("zhao", "health_record", HERE, "2025-12-01", birth_date=date(1999, 1, 1), sex="1"),
        ]
    )
    assert together(con) == family({"wang"}, {"zhao"})
    keys = con.execute("SELECT group_key FROM residence ORDER BY 1").fetchall()
    assert [key.split("#")[0] for (key,) in keys] == [HERE, HERE] and keys[0] == (HERE,)


def test_strangers_whom_one_visit_met_are_one_household():
    facts, event = visit("e1", HERE, "2026-10-01", ["wang", "zhao"])
    assert together(world(facts, visit=[event])) == family({"wang", "zhao"})


def test_a_phone_that_few_share_ties_a_household_one_that_many_share_does_not():
    def reached(*people):
        return [said(p, "health_record", HERE, "2026-01-01", phone="13900000001", sex="1") for p in people]

    grown = {"birth_date": date(1970, 1, 1)}
    few = [row | grown for row in reached("wang", "zhao")]
    assert together(world(few)) == family({"wang", "zhao"})
    many = [row | grown for row in reached("a", "b", "c", "d", "e")]
    assert together(world(many)) == family({"a"}, {"b"}, {"c"}, {"d"}, {"e"})


def test_an_address_known_to_the_unit_only_speaks_for_the_room_a_relative_gives():
    book, rows = registered("S|1", THERE, MAN, WIFE)
    unit_only = said("wang", "health_record", None, "2026-01-01") | {
        "compound_id": "C1",
        "building_id": "B1",
        "unit": "1",
    }
    exact = said("li", "health_record", HERE, "2026-01-01") | {"unit": "1", "room": "101"}
    con = world([*book, unit_only, exact], register=rows)
    assert together(con) == family({"wang", "li"})
    assert con.execute("SELECT DISTINCT dwelling_id FROM residence").fetchall() == [(HERE,)]


def test_one_whose_room_nobody_knows_is_a_household_without_a_dwelling():
    vague = said("wang", "health_record", None, "2026-01-01") | {"compound_id": "C1", "building_id": "B1", "unit": "1"}
    con = world([vague])
    assert together(con) == family({"wang"})
    assert con.execute("SELECT group_key, dwelling_id, basis FROM residence").fetchall() == [
        ("@wang", None, "no_address")
    ]


def test_the_less_speaks_for_a_home_the_less_sure_is_the_membership():
    facts, event = visit("e1", HERE, "2026-10-20", ["seen"])
    con = world(
        [
            *facts,
            said("torn", "health_record", "B3-1-301", "2022-01-01"),
            said("torn", "psb_permit", THERE, "2022-06-01"),
        ],
        visit=[event],
    )
    together(con)
    sure = dict(con.execute("SELECT person_id, confidence FROM residence").fetchall())
    assert sure["seen"] >= 0.85 and sure["torn"] < 0.75


def test_a_family_that_moves_together_keeps_its_id():
    con = world([said(p, "health_record", THERE, "2026-01-01", phone="13900000001") for p in ("wang", "li")])
    together(con)
    con.execute(
        f"""CREATE TABLE old_household AS SELECT 'R000000007' AS household_id, 'residence' AS kind, '{HERE}' AS natural_key;
            CREATE TABLE old_member AS SELECT 'R000000007' AS household_id, unnest(['wang', 'li']) AS person_id;
            CREATE TABLE highest AS SELECT 'residence' AS kind, 7 AS number"""
    )
    give_ids(con)
    assert con.execute("SELECT household_id, natural_key FROM household").fetchall() == [("R000000007", THERE)]


def test_of_a_household_that_splits_those_who_stay_in_the_dwelling_keep_the_id():
    con = world([said("wang", "health_record", HERE, "2026-01-01"), said("li", "health_record", THERE, "2026-01-01")])
    together(con)
    con.execute(
        f"""CREATE TABLE old_household AS SELECT 'R000000007' AS household_id, 'residence' AS kind, '{HERE}' AS natural_key;
            CREATE TABLE old_member AS SELECT 'R000000007' AS household_id, unnest(['wang', 'li']) AS person_id;
            CREATE TABLE highest AS SELECT 'residence' AS kind, 7 AS number"""
    )
    give_ids(con)
    given = dict(con.execute("SELECT natural_key, household_id FROM household").fetchall())
    assert given == {HERE: "R000000007", THERE: "R000000008"}
