"""Residence households (居住户), rule by rule: who lives in a dwelling, by the best of what the sources say."""

from __future__ import annotations

from datetime import date

import pytest

from profiles.identity import give_ids
from tests.residence_world import homes, said, visit, world


def test_a_recent_visit_outranks_the_register():
    facts, row = visit("e1", "B1-1-101", "2026-10-01", ["wang"])
    con = world([*facts, said("wang", "psb_register", "B2-1-201", "2026-10-20")], visit=[row])
    assert homes(con) == {"B1-1-101": {"wang"}}


def test_a_visit_of_more_than_180_days_ago_gives_way_to_a_newer_health_archive():
    facts, row = visit("e1", "B1-1-101", "2026-03-01", ["wang"])
    con = world([*facts, said("wang", "health_record", "B2-1-201", "2026-06-01")], visit=[row])
    assert homes(con) == {"B2-1-201": {"wang"}}


def test_a_visit_of_more_than_180_days_ago_stands_against_a_health_archive_that_is_older_still():
    facts, row = visit("e1", "B1-1-101", "2026-03-01", ["wang"])
    con = world([*facts, said("wang", "health_record", "B2-1-201", "2023-01-01")], visit=[row])
    assert homes(con) == {"B1-1-101": {"wang"}}


def test_a_lapsed_permit_still_says_where_one_lives_a_cancelled_one_does_not():
    con = world(
        [
            said("li", "psb_permit", "B1-1-101", "2025-01-01"),
            said("zhao", "psb_permit", "B1-1-102", "2026-01-01", ended=True),
        ]
    )
    assert homes(con) == {"B1-1-101": {"li"}}


def test_a_pupil_lives_where_the_school_says_an_adult_guardian_is_weaker_evidence():
    child = said("child", "edu_enrolment", "B1-1-101", "2026-09-01", birth_date=date(2015, 1, 1))
    con = world([child, said("child", "health_record", "B2-1-201", "2026-09-02", birth_date=date(2015, 1, 1))])
    assert homes(con) == {"B1-1-101": {"child"}}


def test_whom_a_fresh_visit_did_not_meet_no_longer_lives_there_by_older_claims():
    facts, row = visit("e1", "B1-1-101", "2026-10-01", ["new"])
    con = world([*facts, said("old", "psb_register", "B1-1-101", "2020-01-01")], visit=[row])
    assert homes(con) == {"B1-1-101": {"new"}}


def test_who_moved_in_after_the_visit_lives_there():
    facts, row = visit("e1", "B1-1-101", "2026-09-01", ["wang"])
    con = world(
        [
            *facts,
            said("baby", "health_child_vaccination", "B1-1-101", "2026-10-15", "child", birth_date=date(2026, 10, 1)),
        ],
        visit=[row],
    )
    assert homes(con) == {"B1-1-101": {"wang", "baby"}}


@pytest.mark.parametrize("feed", ["civil_death", "psb_register"])
def test_the_dead_live_nowhere(feed: str):
    con = world(
        [
            said("gone", "health_record", "B1-1-101", "2026-01-01"),
            said("gone", feed, None, "2026-02-01", dead=True, ended=True),
        ]
    )
    assert homes(con) == {}


@pytest.mark.parametrize("feed", ["health_record", "edu_enrolment"])
def test_a_clinics_or_schools_word_buries_nobody_whom_a_later_visit_met(feed: str):
    facts, row = visit("e1", "B1-1-101", "2026-09-15", ["gm"])
    con = world([*facts, said("gm", feed, "B1-1-101", "2026-03-01", dead=True, ended=True)], visit=[row])
    assert homes(con) == {"B1-1-101": {"gm"}}
    assert con.execute("SELECT dead, gone, death_sources FROM life").fetchall() == [(False, False, 1)]


def test_whom_a_clinic_has_down_as_dead_and_nobody_heard_of_since_is_in_no_household_but_not_declared_dead():
    con = world(
        [
            said("gm", "civil_assistance_person", "B1-1-101", "2026-06-30", "member"),  # paid on, month by month
            said("gm", "health_record", "B1-1-101", "2026-03-01", dead=True, ended=True),
        ]
    )
    assert homes(con) == {}
    assert con.execute("SELECT dead, gone, death_sources FROM life").fetchall() == [(False, True, 1)]


def test_a_cremation_stands_against_a_later_visit():
    facts, row = visit("e1", "B1-1-101", "2026-09-15", ["gm"])
    con = world([*facts, said("gm", "civil_death", None, "2026-03-05", "deceased", dead=True, ended=True)], visit=[row])
    assert homes(con) == {}


def test_a_guardians_death_note_in_another_role_kills_nobody():
    con = world(
        [
            said("mother", "health_record", "B1-1-101", "2026-01-01"),
            said("mother", "edu_enrolment", None, "2026-02-01", "guardian", dead=True, own=False),
        ]
    )
    assert homes(con) == {"B1-1-101": {"mother"}}


def test_a_household_keeps_its_id_while_one_member_stays_in_the_dwelling():
    con = world(
        [said("wang", "health_record", "B1-1-101", "2026-01-01"), said("li", "health_record", "B1-1-102", "2026-01-01")]
    )
    homes(con)
    con.execute(
        """CREATE TABLE old_household AS SELECT * FROM (VALUES ('R000000007', 'residence', 'B1-1-101'), ('R000000008', 'residence', 'B1-1-102')) t(household_id, kind, natural_key);
           CREATE TABLE old_member AS SELECT * FROM (VALUES ('R000000007', 'wang'), ('R000000008', 'somebody else')) t(household_id, person_id);
           CREATE TABLE highest AS SELECT 'residence' AS kind, 8 AS number"""
    )
    give_ids(con)
    given = con.execute("SELECT natural_key, household_id FROM household ORDER BY 1").fetchall()
    assert given == [("B1-1-101", "R000000007"), ("B1-1-102", "R000000009")]
