"""Rules across feeds over a real warehouse: read once, kept with history, written only where something changed."""

from __future__ import annotations

from datetime import date

import pytest

from contracts.cross_rules import CrossRule, load_rules
from contracts.model import Dimension, Severity
from contracts.reader import load_contracts
from profiles.findings import judge_cross_rules, read_inputs

TODAY = date(2026, 11, 20)
BORN_BEFORE = CrossRule(
    "small.future", "出生日期在未来", "born in the future", Dimension.ACCURACY, Severity.WARNING, "public_security", "record",
    ("small_register",),
    """SELECT 'small_register:' || record_key AS subject, birth_date > getvariable('today') AS broken,
              json_object('sex', sex) AS detail FROM small_register""",
)  # fmt: skip
PLACELESS = CrossRule(
    "small.place", "无处可查", "no place", Dimension.CONSISTENCY, Severity.INFO, "grid", "person", ("mention", "no_such_feed"),
    "SELECT person_id AS subject, true AS broken, NULL AS detail FROM mention, no_such_feed",
)  # fmt: skip


def person(number: int, born: date, sex: str = "1") -> dict:
    return {"key": f"K{number}", "person_no": f"K{number}", "name": "甲", "sex": sex, "birth_date": born, "order": number}


@pytest.fixture
def hub(small_hub, small):
    made = small_hub(small.register)
    made.load(small.register, [person(1, date(1980, 1, 1)), person(2, date(2030, 1, 1))])
    return made


def findings(hub, where: str = "recorded_to IS NULL") -> list[tuple]:
    rows = hub.rows(f"SELECT subject, detail ->> 'sex' AS sex FROM hub.cross_finding WHERE {where} ORDER BY subject, recorded_from")
    return [(row["subject"], row["sex"]) for row in rows]


def judge(hub, *rules):
    return judge_cross_rules(hub.engine, TODAY, rules=rules or (BORN_BEFORE,)).counts()


def test_a_finding_is_opened_once_and_closed_when_it_is_gone(hub, small):
    assert judge(hub) == {"cross_rules": 1, "findings": 1, "findings_opened": 1, "findings_closed": 0}
    assert judge(hub) == {"cross_rules": 1, "findings": 1, "findings_opened": 0, "findings_closed": 0}
    assert findings(hub) == [("small_register:K2", "1")]
    hub.load(small.register, [{**person(2, date(2003, 1, 1)), "order": 9}], day=2)
    assert judge(hub) == {"cross_rules": 1, "findings": 0, "findings_opened": 0, "findings_closed": 1}
    assert findings(hub) == [] and findings(hub, "recorded_to IS NOT NULL") == [("small_register:K2", "1")]


def test_a_finding_that_changed_is_closed_and_told_anew(hub, small):
    judge(hub)
    hub.load(small.register, [{**person(2, date(2030, 1, 1), sex="2"), "order": 9}], day=2)
    assert judge(hub) == {"cross_rules": 1, "findings": 1, "findings_opened": 1, "findings_closed": 1}
    assert findings(hub, "true") == [("small_register:K2", "1"), ("small_register:K2", "2")]


def test_the_newest_results_of_each_rule_are_kept_once(hub):
    judge(hub)
    judge(hub)
    rows = hub.rows("SELECT rule_id, evaluated, unexpected FROM hub.rule_result WHERE batch_id = 'cross'")
    assert rows == [{"rule_id": "small.future", "evaluated": 2, "unexpected": 1}]


def test_a_rule_over_a_table_that_is_not_there_is_left_out(hub):
    assert judge(hub, BORN_BEFORE, PLACELESS)["cross_rules"] == 1


def test_what_vanished_and_what_is_closed_is_not_judged(hub, small):
    with hub.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE record.small_register SET state = 'vanished' WHERE record_key = 'K2'")
    assert judge(hub)["findings"] == 0


def test_all_our_rules_run_over_an_empty_warehouse(small_hub):
    hub = small_hub(*load_contracts().values())
    figures = judge_cross_rules(hub.engine, TODAY).counts()
    assert figures == {"cross_rules": len(load_rules()), "findings": 0, "findings_opened": 0, "findings_closed": 0}


def test_only_the_columns_a_rule_names_are_read(hub):
    columns = {"record.small_register": [row["column_name"] for row in hub.rows(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'record' AND table_name = 'small_register'")]}  # fmt: skip
    table = read_inputs(hub.engine, [BORN_BEFORE], columns)["small_register"]
    assert set(table.column_names) == {"record_key", "birth_date", "sex"} and table.num_rows == 2
    every = CrossRule(**{**BORN_BEFORE.__dict__, "sql": "SELECT * FROM small_register"})
    assert read_inputs(hub.engine, [every], columns)["small_register"].num_columns == len(columns["record.small_register"])
