"""Rules across records, feeds and time (跨表规则): DuckDB puts the facts side by side, Great Expectations judges.

A rule's query (``contracts/rules``) answers a row per subject with the indicator ``broken``; the
suite of all rules then judges the indicators in one run, row by row. Nothing is changed or written:
a finding asks a department to check.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from contracts.cross_rules import CrossRule
from contracts.model import Rule
from expectations.errors import ExpectationError
from expectations.verdict import RESULTS

FINDINGS = pa.schema(
    [
        ("rule_id", pa.string()),
        ("dimension", pa.string()),
        ("severity", pa.string()),
        ("department", pa.string()),
        ("subject_kind", pa.string()),
        ("subject", pa.string()),
        ("detail", pa.string()),  # JSON text or null
    ]
)
_JUDGE = "expect_column_values_to_be_false"
# What is wrong with a query, never with a value: their texts can be shown.
_SAYABLE = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException)


@dataclass(frozen=True)
class CrossVerdict:
    """``findings``: a row per rule and subject that breaks it, sorted; ``results``: per rule how many rows
    were judged and how many break it (the schema of a batch's results)."""

    findings: pa.Table
    results: pa.Table


def run_cross_rules(
    rules: Iterable[CrossRule], tables: Mapping[str, pa.Table], *, today: date, threads: int = 2
) -> CrossVerdict:
    """Judge all ``rules`` over ``tables`` (input name → Arrow table, see docs/contracts.md) as of ``today``: :func:`ask`
    and :func:`judge_answers` in one."""
    rules = list(rules)
    return judge_answers(rules, ask(rules, tables, today=today, threads=threads))


def judge_answers(rules: Iterable[CrossRule], answers: Mapping[str, pa.Table]) -> CrossVerdict:
    """Judge what :func:`ask` gave for all ``rules``, in one run."""
    from expectations.engine import judge  # imports Great Expectations, 2 s

    rules = list(rules)
    longest = max((answer.num_rows for answer in answers.values()), default=0)
    # One frame for all: a column a rule, shorter ones filled up with "not judged".
    frame = pd.DataFrame({rule.id: _indicator(answers[rule.id]["broken"], longest) for rule in rules})
    suite = [
        Rule(r.id, _JUDGE, r.dimension, r.severity, r.title, r.title_en, {"column": r.id}, column=r.id) for r in rules
    ]
    judged = judge(frame, suite, {}) if suite else {}
    findings = [_findings(rule, answers[rule.id].take(pa.array(judged[rule.id].rows))) for rule in rules]
    results = pa.table(
        {
            "rule_id": [r.id for r in rules],
            "column_name": pa.nulls(len(rules), pa.string()),
            "dimension": [r.dimension.value for r in rules],
            "severity": [r.severity.value for r in rules],
            "evaluated": [judged[r.id].evaluated for r in rules],
            "unexpected": [len(judged[r.id].rows) for r in rules],
        },
        schema=RESULTS,
    )
    return CrossVerdict(pa.concat_tables([FINDINGS.empty_table(), *findings]), results)


def ask(
    rules: Iterable[CrossRule], tables: Mapping[str, pa.Table], *, today: date, threads: int = 2
) -> dict[str, pa.Table]:
    """Rule id → what its query answers over ``tables``: ``subject, broken, detail``.

    Raises ExpectationError where an input is missing, a query fails or answers something else.
    """
    rules = list(rules)
    answers: dict[str, pa.Table] = {}
    with duckdb.connect(config={"threads": threads}) as connection:
        for name in sorted({name for rule in rules for name in rule.inputs}):
            if name not in tables:
                raise ExpectationError(f"rules over {name}: this input is not there")
            connection.register(name, tables[name])
        connection.execute(f"SET VARIABLE today = DATE '{today.isoformat()}'")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        for rule in rules:
            answers[rule.id] = _answer(connection, rule)
    return answers


def _answer(connection: duckdb.DuckDBPyConnection, rule: CrossRule) -> pa.Table:
    try:
        answer = connection.sql(
            f"SELECT subject::VARCHAR AS subject, broken::BOOLEAN AS broken, detail::VARCHAR AS detail FROM ({rule.sql})"
        ).to_arrow_table()
    except duckdb.Error as error:
        said = str(error).splitlines()[0] if isinstance(error, _SAYABLE) else type(error).__name__
        raise ExpectationError(f"{rule.id}: the query failed: {said}") from None
    if answer["subject"].null_count:
        raise ExpectationError(f"{rule.id}: a row without a subject")
    return answer


def _indicator(broken: pa.ChunkedArray, length: int) -> np.ndarray:
    """1 broken, 0 not, NaN not judged; small floats because every rule's column is as long as the longest."""
    column = np.full(length, np.nan, dtype=np.float32)
    column[: len(broken)] = broken.cast(pa.int8()).to_numpy()
    return column


def _findings(rule: CrossRule, broken: pa.Table) -> pa.Table:
    """One finding a subject (with the first of its details), in order of subject."""
    rows = broken.select(["subject", "detail"]).cast(pa.schema([("subject", pa.string()), ("detail", pa.string())]))
    rows = rows.group_by("subject", use_threads=False).aggregate([("detail", "min")]).sort_by("subject")
    n = rows.num_rows
    return pa.table(
        {
            "rule_id": pa.repeat(rule.id, n),
            "dimension": pa.repeat(rule.dimension.value, n),
            "severity": pa.repeat(rule.severity.value, n),
            "department": pa.repeat(rule.department, n),
            "subject_kind": pa.repeat(rule.subject_kind, n),
            "subject": rows["subject"],
            "detail": rows["detail_min"],
        },
        schema=FINDINGS,
    )
