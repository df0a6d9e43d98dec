"""Rules about a life: deaths, ages (contracts/rules/deaths.yaml, ages.yaml)."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest


class TestDeaths:
    def cremated(self, day, person="P1"):
        return {
            "feed": "civil_death",
            "record_key": "D1",
            "role": "deceased",
            "person_id": person,
            "dead": True,
            "death_date": day,
        }

    def paid(self, **more):
        return {"feed": "civil_old_age_allowance", "record_key": "K", "person_id": "P1", **more}

    def test_paid_since_the_month_after_the_death(self, rules):
        found = rules.judge("deaths.draws_benefits", mention=[self.cremated(date(2026, 10, 30)), self.paid()])
        assert found == {"civil_old_age_allowance:K": (True, {"died": "2026-10-30"})}

    def test_the_month_of_the_death_is_still_due(self, rules):
        assert rules.broken("deaths.draws_benefits", mention=[self.cremated(date(2026, 11, 1)), self.paid()]) == set()

    def test_who_is_no_longer_paid_or_lives(self, rules):
        assert (
            rules.judge("deaths.draws_benefits", mention=[self.cremated(date(2026, 1, 1)), self.paid(ended=True)]) == {}
        )
        assert (
            rules.broken("deaths.draws_benefits", mention=[self.cremated(date(2026, 1, 1), "P2"), self.paid()]) == set()
        )

    def test_a_cancelled_register_counts_as_a_death(self, rules):
        gone = rules.registered("1", dead=True, ended=True, death_date=date(2026, 3, 1)) | {"person_id": "P1"}
        assert rules.broken("deaths.draws_benefits", mention=[gone, self.paid()]) == {"civil_old_age_allowance:K"}

    def test_still_registered_after_a_month(self, rules):
        row = rules.registered("1") | {"person_id": "P1"}
        assert rules.broken("deaths.still_registered", mention=[self.cremated(date(2026, 10, 1)), row]) == {
            "psb_register:1"
        }
        assert rules.broken("deaths.still_registered", mention=[self.cremated(date(2026, 11, 10)), row]) == set()

    def test_health_record_still_open(self, rules):
        row = {"feed": "health_record", "record_key": "R", "person_id": "P1"}
        assert rules.broken("deaths.health_record_open", mention=[self.cremated(date(2026, 5, 1)), row]) == {
            "health_record:R"
        }

    def test_a_shop_outlives_its_operator(self, rules):
        row = {"feed": "market_entity", "record_key": "U", "person_id": "P1", "role": "operator"}
        assert rules.broken("deaths.operator", mention=[self.cremated(date(2026, 5, 1)), row]) == {"market_entity:U"}
        assert rules.broken("deaths.operator", mention=[row]) == set()

    def test_a_dead_person_who_opens_the_door(self, rules):
        visit = {
            "feed": "grid_visit",
            "record_key": "V#0",
            "role": "resident",
            "person_id": "P1",
            "source_time": datetime(2026, 6, 1, tzinfo=UTC),
        }
        assert rules.broken("deaths.seen_after_death", mention=[self.cremated(date(2026, 5, 1)), visit]) == {"P1"}
        assert rules.broken("deaths.seen_after_death", mention=[self.cremated(date(2026, 6, 2)), visit]) == set()


class TestAges:
    def pupil(self, born, grade, month=date(2026, 11, 1), status="enrolled"):
        when = datetime(month.year, month.month, 1, tzinfo=UTC)
        return [
            {"record_key": "G", "birth_date": date(born, 3, 1), "grade": grade, "status": status, "source_time": when}
        ]

    def test_a_pupil_aged_forty_five(self, rules):
        assert rules.broken("ages.pupil_grade", edu_enrolment=self.pupil(1981, "3")) == {"edu_enrolment:G"}

    @pytest.mark.parametrize(
        ("born", "grade", "wrong"),
        [
            (2020, "1", False),
            (2019, "1", False),
            (2022, "1", True),
            (2017, "4", False),
            (2007, "1", True),
            (2009, "12", False),
        ],
    )
    def test_age_and_grade(self, rules, born, grade, wrong):
        assert bool(rules.broken("ages.pupil_grade", edu_enrolment=self.pupil(born, grade))) is wrong

    def test_the_school_year_starts_in_september(self, rules):
        [spring] = rules.judge("ages.pupil_grade", edu_enrolment=self.pupil(2019, "1", date(2026, 5, 1))).values()
        [autumn] = rules.judge("ages.pupil_grade", edu_enrolment=self.pupil(2019, "1", date(2026, 9, 1))).values()
        assert (spring[1]["years"], autumn[1]["years"]) == (6, 7)

    def test_kindergarten_and_leavers_are_not_judged(self, rules):
        assert rules.judge("ages.pupil_grade", edu_enrolment=self.pupil(2021, "K3")) == {}
        assert rules.judge("ages.pupil_grade", edu_enrolment=self.pupil(1981, "3", status="graduated")) == {}

    def test_a_child_of_ten_without_school(self, rules):
        people = [
            {"person_id": "P1", "birth_date": date(2016, 1, 1)},
            {"person_id": "P2", "birth_date": date(1990, 1, 1)},
        ]
        school = [{"feed": "edu_enrolment", "record_key": "G", "role": "holder", "person_id": "P1"}]
        assert rules.broken("ages.not_enrolled", person=people, mention=[]) == {"P1"}
        assert rules.broken("ages.not_enrolled", person=people, mention=school) == set()
        assert rules.broken(
            "ages.not_enrolled", person=people, mention=[school[0] | {"role": "guardian", "record_key": "G#guardian1"}]
        ) == {"P1"}

    def test_a_married_minor(self, rules):
        young = rules.registered("1", birth_date=date(2010, 1, 1), marital_status="20")
        assert rules.broken("ages.married_minor", mention=[young]) == {"psb_register:1"}
        assert rules.broken("ages.married_minor", mention=[young | {"birth_date": date(2000, 1, 1)}]) == set()
        assert rules.judge("ages.married_minor", mention=[young | {"marital_status": "10"}]) == {}

    def test_a_man_marries_at_twenty_two_a_woman_at_twenty(self, rules):
        couple = [
            {"feed": "civil_marriage", "record_key": f"M#{s}", "base_key": "M", "sex": s, "person_id": f"P{s}"}
            for s in ("1", "2")
        ]
        born = [{"person_id": f"P{s}", "birth_date": date(2005, 1, 1)} for s in ("1", "2")]
        wedding = [{"record_key": "M", "kind": "marriage", "registered_on": date(2026, 5, 1)}]
        assert rules.broken("ages.marriage_age", mention=couple, person=born, civil_marriage=wedding) == {
            "civil_marriage:M#1"
        }

    def test_a_mother_of_eight(self, rules):
        child = [{"record_key": "K", "birth_date": date(2020, 1, 1)}]
        mother = [
            {
                "feed": "health_child_vaccination",
                "record_key": "K#mother",
                "base_key": "K",
                "role": "mother",
                "person_id": "P1",
            }
        ]
        for born, wrong in ((2012, True), (1995, False), (1950, True)):
            people = [{"person_id": "P1", "birth_date": date(born, 1, 1)}]
            found = rules.broken("ages.mother", mention=mother, health_child_vaccination=child, person=people)
            assert bool(found) is wrong

    def test_the_allowance_for_ninety_at_eighty_five(self, rules):
        row = [{"feed": "civil_old_age_allowance", "record_key": "K", "base_key": "K", "person_id": "P1"}]
        people = [{"person_id": "P1", "birth_date": date(1941, 1, 1)}]
        for tier, wrong in (("80", False), ("90", True)):
            paid = [{"record_key": "K", "tier": tier}]
            assert (
                bool(rules.broken("ages.allowance", mention=row, person=people, civil_old_age_allowance=paid)) is wrong
            )
