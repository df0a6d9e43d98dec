"""Ties between people (居住户): who is a couple and who no more, whose child a child is, who is away, what a telephone says."""

from __future__ import annotations

from datetime import date

import pytest

from tests.residence_world import registered, registry, said, school, together, visit, world

HERE, THERE = "B1-1-101", "B2-1-201"
MAN, WIFE = ("wang", "02", date(1980, 1, 1)), ("li", "12", date(1982, 1, 1))


def family(*sets):
    return {frozenset(people) for people in sets}


def at_home(**homes: str) -> list[dict]:
    """Each with a health archive of this year at that home."""
    return [said(person, "health_record", home, "2026-03-01", birth_date=date(1980, 1, 1)) for person, home in homes.items()]


def test_a_later_marriage_says_that_the_earlier_has_ended_though_no_court_reports_a_divorce():
    first, second = registry("M1", "2008-05-01", "zhang", "wei"), registry("M2", "2018-05-01", "bai", "wei")
    con = world([*first, *second, *at_home(zhang=HERE, wei=THERE, bai=THERE)])
    assert together(con) == family({"zhang"}, {"wei", "bai"})


def test_both_married_again_are_two_households():
    entries = [*registry("M1", "2008-05-01", "zhang", "wei"), *registry("M2", "2018-05-01", "bai", "wei"), *registry("M3", "2019-05-01", "zhang", "cao")]
    con = world([*entries, *at_home(zhang=HERE, cao=HERE, wei=THERE, bai=THERE)])
    assert together(con) == family({"zhang", "cao"}, {"wei", "bai"})


def test_the_marriage_register_stands_against_a_register_household_that_was_not_changed_after_a_divorce():
    book, rows = registered("S|1", HERE, MAN, WIFE)
    moved_out = [said("li", "health_record", THERE, "2026-05-01"), said("li", "psb_permit", THERE, "2026-05-01")]
    facts = [*book, *at_home(wang=HERE), *moved_out]
    assert together(world([*facts, *registry("M1", "2025-05-01", "wang", "li", "40")], register=rows)) == family({"wang"}, {"li"})


def test_a_book_that_still_names_the_former_wife_beside_the_marriage_register_that_names_another():
    book, rows = registered("S|1", HERE, MAN, WIFE)
    con = world([*book, *at_home(wang=HERE, cao=HERE, li=THERE), *registry("M1", "2019-05-01", "wang", "cao")], register=rows)
    assert together(con) == family({"wang", "cao"}, {"li"})


def test_a_widowers_book_that_names_a_wife_he_married_elsewhere_makes_a_couple():
    book, rows = registered("S|1", HERE, MAN, WIFE)
    dead = said("cao", "civil_death", None, "2022-01-05", "deceased", dead=True, ended=True)
    moved = [said("wang", "health_record", HERE, "2026-03-01"), said("li", "health_record", THERE, "2023-01-01")]
    con = world([*book, *moved, *registry("M1", "2010-05-01", "wang", "cao"), dead], register=rows)
    assert together(con) == family({"wang", "li"})


def test_a_certificate_issued_again_that_does_not_say_of_what_makes_no_couple_of_the_divorced():
    entries = [*registry("M1", "2008-05-01", "zhang", "wei"), *registry("M2", "2020-05-01", "zhang", "wei", "40"), *registry("M3", "2024-05-01", "zhang", "wei", None)]
    assert together(world([*entries, *at_home(zhang=HERE, wei=THERE)])) == family({"zhang"}, {"wei"})


def test_nor_does_it_part_the_married():
    entries = [*registry("M1", "2008-05-01", "zhang", "wei"), *registry("M3", "2024-05-01", "zhang", "wei", None)]
    old = [said("zhang", "health_record", HERE, "2026-01-01"), said("wei", "health_record", THERE, "2020-01-01")]
    assert together(world([*entries, *old])) == family({"zhang", "wei"})


def test_a_child_whose_parents_are_divorced_lives_with_the_one_at_whose_home_its_own_records_stand():
    first, second = (2012, 1, 1), (2020, 1, 1)
    his, his_rows = registered("S|1", HERE, ("zhang", "02", date(1980, 1, 1)), ("cao", "12", date(1984, 1, 1)), ("second", "20", date(*second)))
    hers, her_rows = registered("S|2", THERE, ("wei", "02", date(1982, 1, 1)), ("first", "20", date(*first)))
    entries = [*registry("M1", "2008-05-01", "zhang", "wei"), *registry("M2", "2017-05-01", "zhang", "wei", "40"), *registry("M3", "2019-05-01", "zhang", "cao")]
    named = school("first", date(*first), THERE, ("wei", "52"), ("zhang", "51"))  # the school names both parents, and the child's home
    con = world([*his, *hers, *entries, *named, *at_home(zhang=HERE, cao=HERE, wei=THERE)], register=[*his_rows, *her_rows])
    assert together(con) == family({"zhang", "cao", "second"}, {"wei", "first"})


def test_so_does_a_child_of_whose_mother_no_record_but_the_schools_names_a_home():
    named = school("first", date(2012, 1, 1), THERE, ("wei", "52"), ("zhang", "51"))
    entries = [*registry("M1", "2008-05-01", "zhang", "wei"), *registry("M3", "2019-05-01", "zhang", "cao")]
    con = world([*entries, *named, *at_home(zhang=HERE, cao=HERE)])
    assert together(con) == family({"zhang", "cao"}, {"wei", "first"})


def test_parents_of_whom_neither_is_known_to_be_anybodys_spouse_may_still_be_a_couple():
    named = school("child", date(2016, 1, 1), THERE, ("wei", "52"), ("zhang", "51"))
    con = world([*named, *at_home(wei=THERE), said("zhang", "health_record", HERE, "2021-01-01")])
    assert together(con) == family({"zhang", "wei", "child"})


def test_a_nephew_in_his_uncles_book_draws_nobody_into_his_parents_home():
    born = date(2012, 1, 1)
    book, rows = registered("S|1", HERE, ("uncle", "02", date(1975, 1, 1)), ("aunt", "12", date(1977, 1, 1)), ("nephew", "89", born))
    parents = [*registry("M1", "2010-05-01", "zhang", "wei"), *school("nephew", born, THERE, ("zhang", "51"), ("wei", "52"))]
    con = world([*book, *parents, *at_home(uncle=HERE, aunt=HERE, zhang=THERE, wei=THERE)], register=rows)
    assert together(con) == family({"uncle", "aunt"}, {"zhang", "wei", "nephew"})


@pytest.mark.parametrize("relation", [None, "62"])
def test_a_guardian_not_named_as_a_parent_stays_in_her_own_home(relation):
    named = school("child", date(2016, 1, 1), THERE, ("gm", relation), ("wei", "52"))
    assert together(world([*named, *at_home(gm=HERE, wei=THERE)])) == family({"gm"}, {"wei", "child"})


def test_a_guardian_beside_her_does_not_part_a_mother_from_her_child():
    named = school("child", date(2016, 1, 1), THERE, ("gm", "62"), ("wei", "52"))
    con = world([*named, *at_home(gm=THERE), said("wei", "health_record", HERE, "2020-01-01")])
    assert together(con) == family({"gm", "wei", "child"})


def left_behind(*, met: bool = False, away: str = "2", more=()):
    """A child in its grandmother's home; of its parents, registered elsewhere, the school says that they are away."""
    born = date(2016, 1, 1)
    book, rows = registered("S|1", HERE, ("zhang", "02", date(1988, 1, 1)), ("wei", "12", date(1990, 1, 1)), ("child", "20", born))
    facts, event = visit("e1", THERE, "2026-09-15", ["gm", "child"])
    named = school("child", born, THERE, ("gm", "62"), ("zhang", "51"))
    pupil = {"record_key": "G-child", "left_behind": away, "state": "present"}
    gm = said("gm", "health_record", THERE, "2026-02-01", birth_date=date(1955, 1, 1))
    return world([*book, *named, gm, *(facts if met else []), *more], register=rows, visit=[event] if met else [], pupil=[pupil])


@pytest.mark.parametrize("met", [False, True])
def test_the_parents_of_a_left_behind_child_are_away(met):
    con = left_behind(met=met)
    assert together(con) == family({"gm", "child"})
    assert set(con.execute("SELECT person_id, reason FROM absent").fetchall()) == {("zhang", "left_behind"), ("wei", "left_behind")}


def test_a_parent_of_a_left_behind_child_whose_own_records_name_a_home_lives_there():
    elsewhere = "B3-1-301"
    con = left_behind(more=[said("wei", "psb_permit", elsewhere, "2026-06-01")])
    assert together(con) == family({"gm", "child"}, {"wei"})
    assert con.execute("SELECT dwelling_id FROM residence WHERE person_id = 'wei'").fetchall() == [(elsewhere,)]


def test_of_a_child_one_of_whose_parents_is_away_nobody_is_taken_for_away():
    con = left_behind(away="1")
    together(con)
    assert con.execute("FROM absent").fetchall() == []


OLD_MAN, OLD_WOMAN = ("wang", "02", date(1945, 1, 1)), ("li", "12", date(1947, 1, 1))


def apart(*his: dict):
    """An old couple of one register household; her permit, archive and request name her daughter's home."""
    book, rows = registered("S|1", HERE, OLD_MAN, OLD_WOMAN)
    hers = [said("li", feed, THERE, "2026-05-01", role) for feed, role in (("health_record", "holder"), ("psb_permit", "holder"), ("grid_request", "applicant"))]
    return world([*book, *hers, *his], register=rows)


ARCHIVE, ALLOWANCE = said("wang", "health_record", HERE, "2026-02-01"), said("wang", "civil_old_age_allowance", HERE, "2026-10-31")


def test_an_old_couple_each_of_whom_more_than_one_feed_names_at_another_home_lives_apart():
    con = apart(ARCHIVE, ALLOWANCE)
    assert together(con) == family({"wang"}, {"li"})
    assert con.execute("SELECT dwelling_id FROM residence WHERE person_id = 'wang'").fetchall() == [(HERE,)]


def test_one_older_record_of_his_own_does_not_part_a_couple_but_puts_him_in_doubt():
    con = apart(ARCHIVE)
    assert together(con) == family({"wang", "li"})
    assert con.execute("SELECT confidence < getvariable('doubtful') FROM residence WHERE person_id = 'wang'").fetchall() == [(True,)]


def test_who_is_named_at_both_homes_is_placed_with_the_spouse():
    assert together(apart(ARCHIVE, ALLOWANCE, said("wang", "psb_permit", THERE, "2026-06-01"))) == family({"wang", "li"})


ALONE = [said("gm", "health_record", HERE, "2026-02-01", birth_date=date(1940, 1, 1), phone="13900000001")]
BY_PHONE = {
    "a request after the visit": said("bai", "grid_request", None, "2026-10-01", "applicant", phone="13900000001"),
    "a request before it": said("bai", "grid_request", None, "2024-10-01", "applicant", phone="13900000001"),
    "an archive whose address nobody could place": said("bai", "health_record", None, "2024-10-01", phone="13900000001"),
}


@pytest.mark.parametrize("told", BY_PHONE.values(), ids=BY_PHONE)
def test_a_phone_alone_puts_nobody_where_a_visit_told_who_lives_there(told):
    facts, event = visit("e1", HERE, "2026-09-15", ["gm"])
    assert together(world([*ALONE, *facts, told], visit=[event])) == family({"gm"}, {"bai"})


@pytest.mark.parametrize("told", BY_PHONE.values(), ids=BY_PHONE)
def test_where_no_visit_told_that_one_placed_by_a_phone_alone_is_in_doubt(told):
    con = world([*ALONE, told])
    assert together(con) == family({"gm", "bai"})
    ((basis, in_doubt),) = con.execute("SELECT basis, confidence < getvariable('doubtful') FROM residence WHERE person_id = 'bai'").fetchall()
    assert (basis, in_doubt) == ("family", True)
