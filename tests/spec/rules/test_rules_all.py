"""What holds of every rule across records and feeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.cross_rules import load_rules

HERE = Path(__file__).parent


@pytest.mark.parametrize("rule_id", [rule.id for rule in load_rules()])
def test_every_rule_runs_over_the_columns_that_there_are(rules, rule_id):
    columns, rows = rules.run(rule_id)
    assert columns == ["subject", "broken", "detail"]
    assert rows == []


def test_every_rule_is_seen_to_find_something():
    text = "".join(path.read_text(encoding="utf-8") for path in HERE.glob("test_*.py"))
    assert [rule.id for rule in load_rules() if f'"{rule.id}"' not in text] == []


def test_the_rules_the_county_asked_for_are_there(rules):
    assert {
        "households.register_one_head",
        "households.register_relation_sex",
        "households.register_relation_age",
        "deaths.draws_benefits",
        "ages.pupil_grade",
        "ages.married_minor",
        "references.operator_in_dissolved_compound",
        "identity.two_grids",
    } <= set(rules.rules)
