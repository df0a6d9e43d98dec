"""Rules inside a household: heads, relations that fit sex and age (contracts/rules/households.yaml)."""

from __future__ import annotations

from datetime import date

import pytest


class TestHouseholds:
    HOUSES = [
        {"household_id": "H1", "kind": "register", "natural_key": "S|1"},
        {"household_id": "H2", "kind": "register", "natural_key": "S|2"},
    ]

    def heads(self, rules, *relations, kind="1", ended=False):
        people = [rules.registered(str(i), relation=relation, ended=ended) for i, relation in enumerate(relations)]
        return rules.judge(
            "households.register_one_head",
            mention=people,
            psb_register=[{"record_key": p["record_key"], "household_kind": kind} for p in people],
            household=self.HOUSES,
        )

    def test_one_head_is_right(self, rules):
        assert self.heads(rules, "02", "10", "20") == {"H1": (False, {"heads": 1, "members": 3})}

    def test_two_heads_and_none_are_not(self, rules):
        assert self.heads(rules, "02", "02")["H1"][0] is True
        assert self.heads(rules, "10", "20")["H1"] == (True, {"heads": 0, "members": 2})

    def test_a_collective_household_needs_no_head(self, rules):
        assert self.heads(rules, "99", "99", kind="2") == {}

    def test_who_is_cancelled_is_not_counted(self, rules):
        assert self.heads(rules, "02", ended=True) == {}

    def test_an_assistance_family_lists_its_head_once(self, rules):
        people = [
            {"feed": "civil_assistance_person", "record_key": k, "group_key": "C1", "relation": r}
            for k, r in (("a", "02"), ("b", "02"))
        ]
        houses = [{"household_id": "A1", "kind": "assistance", "natural_key": "C1"}]
        assert rules.broken("households.assistance_head_listed", mention=people, household=houses) == {"A1"}
        assert rules.broken("households.assistance_head_listed", mention=people[:1], household=houses) == set()

    def test_a_family_of_three_with_two_listed(self, rules):
        families = [{"record_key": "C1", "card_no": "C1", "member_count": 3, "status": "paid"}]
        people = [{"record_key": f"C1|{i}", "card_no": "C1"} for i in range(2)]
        found = rules.judge(
            "households.assistance_count", civil_assistance_family=families, civil_assistance_person=people
        )
        assert found == {"civil_assistance_family:C1": (True, {"listed": 2, "said": 3})}
        assert (
            rules.broken(
                "households.assistance_count",
                civil_assistance_family=families,
                civil_assistance_person=[*people, {"record_key": "x", "card_no": "C1"}],
            )
            == set()
        )

    @pytest.mark.parametrize(
        ("relation", "sex", "wrong"),
        [
            ("20", "2", True),
            ("20", "1", False),
            ("38", "1", True),
            ("28", "1", False),
            ("52", "1", True),
            ("12", "2", False),
            ("75", "1", True),
        ],
    )
    def test_son_with_a_womans_sex(self, rules, relation, sex, wrong):
        row = rules.registered("1", relation=relation, sex=sex)
        assert rules.broken("households.register_relation_sex", mention=[row]) == (
            {"psb_register:1"} if wrong else set()
        )

    @pytest.mark.parametrize("relation", ["02", "10", "99", "40", "50"])
    def test_a_relation_that_says_no_sex_is_not_judged(self, rules, relation):
        assert (
            rules.judge("households.register_relation_sex", mention=[rules.registered("1", relation=relation, sex="2")])
            == {}
        )

    def test_an_unknown_sex_is_not_judged(self, rules):
        assert (
            rules.judge("households.register_relation_sex", mention=[rules.registered("1", relation="20", sex="9")])
            == {}
        )

    def test_the_same_in_an_assistance_family(self, rules):
        row = {"feed": "civil_assistance_person", "record_key": "1", "relation": "31", "sex": "1"}
        assert rules.broken("households.assistance_relation_sex", mention=[row]) == {"civil_assistance_person:1"}

    @pytest.mark.parametrize(
        ("relation", "born", "wrong"),
        [
            ("20", 1970, True),
            ("20", 1980, False),
            ("30", 1955, True),
            ("51", 1958, True),
            ("51", 1935, False),
            ("41", 1980, True),
            ("41", 2000, False),
            ("28", 1962, None),
        ],
    )
    def test_a_head_younger_than_the_child(self, rules, relation, born, wrong):
        head = rules.registered("1", relation="02", birth_date=date(1960, 5, 1))
        member = rules.registered("2", relation=relation, birth_date=date(born, 6, 1))
        found = rules.judge("households.register_relation_age", mention=[head, member])
        assert found.get("psb_register:2", (None,))[0] is wrong

    def test_a_head_with_two_wives(self, rules):
        people = [
            rules.registered("1", relation="02"),
            rules.registered("2", relation="12"),
            rules.registered("3", relation="10"),
        ]
        assert rules.broken("households.register_one_spouse", mention=people, household=self.HOUSES) == {"H1"}
        assert rules.broken("households.register_one_spouse", mention=people[:2], household=self.HOUSES) == set()
