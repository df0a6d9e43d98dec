"""Rules across feeds (跨表规则): what one record says against another, as findings a department can check."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pyarrow as pa
import pytest

from contracts.cross_rules import CrossRule, load_rules
from contracts.model import Dimension, Severity
from expectations import engine
from expectations.cross import run_cross_rules
from expectations.errors import ExpectationError
from tests.conftest import TODAY

DEAD_BUT_PAID = CrossRule(
    "deaths.paid", "已死亡仍领取", "dead but paid", Dimension.TIMELINESS, Severity.WARNING, "civil_affairs", "record",
    ("mention", "death"),
    """SELECT m.feed || ':' || m.record_key AS subject, coalesce(d.died_on < getvariable('today'), false) AS broken,
              json_object('died', d.died_on) AS detail
       FROM mention AS m LEFT JOIN death AS d ON d.person_id = m.person_id WHERE NOT m.ended""",
)  # fmt: skip
HEADS = CrossRule(
    "households.one_head", "一户一主", "one head a household", Dimension.CONSISTENCY, Severity.INFO, "public_security", "household",
    ("mention",),
    """SELECT household AS subject, CASE WHEN count(*) > 1 THEN count(*) FILTER (relation = '02') <> 1 END AS broken, NULL AS detail
       FROM mention GROUP BY household""",
)  # fmt: skip
TABLES = {
    "mention": pa.table({
        "feed": ["allowance"] * 4, "record_key": ["B", "A", "C", "D"], "person_id": ["P1", "P1", "P2", "P1"],
        "ended": [False, False, False, True], "household": ["R1", "R1", "R2", "R3"], "relation": ["02", "02", "10", "10"],
    }),
    "death": pa.table({"person_id": ["P1"], "died_on": pa.array([date(2026, 10, 1)])}),
}  # fmt: skip


def test_each_broken_subject_is_a_finding_with_who_is_asked_to_check():
    findings = run_cross_rules([DEAD_BUT_PAID], TABLES, today=TODAY).findings.to_pylist()
    assert findings == [
        {
            "rule_id": "deaths.paid", "dimension": "时效性", "severity": "warning", "department": "civil_affairs",
            "subject_kind": "record", "subject": subject, "detail": '{"died":"2026-10-01"}',
        }
        for subject in ("allowance:A", "allowance:B")
    ]  # fmt: skip


def test_what_could_not_be_judged_counts_neither_way():
    results = run_cross_rules([DEAD_BUT_PAID, HEADS], TABLES, today=TODAY).results.to_pylist()
    assert [(r["rule_id"], r["evaluated"], r["unexpected"]) for r in results] == [("deaths.paid", 3, 2), ("households.one_head", 1, 1)]


def test_the_day_of_the_run_is_the_rules_today():
    assert run_cross_rules([DEAD_BUT_PAID], TABLES, today=date(2026, 9, 1)).findings.num_rows == 0


def test_a_subject_named_twice_is_one_finding():
    twice = {**TABLES, "death": pa.concat_tables([TABLES["death"]] * 2)}
    verdict = run_cross_rules([DEAD_BUT_PAID], twice, today=TODAY)
    assert verdict.findings["subject"].to_pylist() == ["allowance:A", "allowance:B"]


def test_great_expectations_judges_and_not_the_query(monkeypatch):
    monkeypatch.setitem(engine.custom._CHECKS, "expect_column_values_to_be_false", lambda frame, column: (frame[column].isna(), frame[column].notna()))
    assert run_cross_rules([DEAD_BUT_PAID], TABLES, today=TODAY).findings.num_rows == 0


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT nothing AS subject, true AS broken, NULL AS detail FROM mention", "Binder Error"),
        ("SELECT record_key AS subject, record_key::INTEGER > 1 AS broken, NULL AS detail FROM mention", "ConversionException$"),
        ("SELECT NULL AS subject, true AS broken, NULL AS detail FROM mention", "a row without a subject"),
        ("SELECT content AS subject, true AS broken, NULL AS detail FROM read_text('/etc/hostname'), mention", "failed: PermissionException|disabled"),
    ],
)  # fmt: skip
def test_a_query_that_fails_names_the_rule_and_no_value(sql, says):
    with pytest.raises(ExpectationError, match=f"deaths.paid: .*({says})"):
        run_cross_rules([replace(DEAD_BUT_PAID, sql=sql)], TABLES, today=TODAY)


def test_a_missing_input_is_an_error_and_no_rules_are_no_findings():
    with pytest.raises(ExpectationError, match="over death: this input is not there"):
        run_cross_rules([DEAD_BUT_PAID], {"mention": TABLES["mention"]}, today=TODAY)
    assert run_cross_rules([], {}, today=TODAY).findings.num_rows == 0


def test_the_shipped_rules_have_titles_in_both_languages_and_a_department():
    rules = load_rules()
    assert len(rules) >= 10
    assert all(rule.title and rule.title_en and rule.department for rule in rules)
