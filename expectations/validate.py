"""From canonical rows and rules to the verdict (判定): critical takes the row, warning the cell, info nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.model import Rule, Severity, Table
from expectations.canonical import Canonical
from expectations.frame import frame_for
from expectations.suite import ImpliedRule
from expectations.verdict import ISSUES, QUARANTINED, RESULTS, Verdict

SLICE_ROWS = 250_000  # rows handed to Great Expectations at a time
PARENT_QUARANTINED = "parent.quarantined"
ROW_ITSELF = "*"  # ``column_name`` of an issue that is about the row
_IDENTITY = ("record_key", "parent_key", "source_order", "source_time", "content_hash", "_row", "_partition")


def validate(
    canonical: Canonical,
    table: Table,
    rules: Sequence[Rule],
    *,
    parameters: Mapping[str, Any],
    without: pa.Array | pa.ChunkedArray | None = None,
) -> Verdict:
    """Judge every row of a batch by ``rules`` (:func:`expectations.suite.suite_for`).

    ``parameters`` fill ``{"$PARAMETER": …}`` of rules; ``today`` is there already. ``without``:
    ``_row`` of the parents that were quarantined, whose elements go with them. Raises
    ExpectationError if any rule could not be judged.
    """
    rows = canonical.rows
    # The last moment of the day, so that "no later than today" holds for a date and for a moment of today.
    today = datetime.combine(canonical.today, time.max).isoformat()
    judged = _judge(rows, rules, {"today": today, **parameters})
    taken: dict[str, np.ndarray] = {rule.id: judged[rule.id].rows for rule in rules}
    critical = [rule for rule in rules if rule.severity is Severity.CRITICAL]
    bad = np.zeros(rows.num_rows, dtype=bool)
    orphaned = np.zeros(rows.num_rows, dtype=bool)
    if without is not None and len(without):
        orphaned = pc.is_in(rows["_row"], value_set=_array(without)).to_numpy(zero_copy_only=False)
    for rule in critical:
        bad[taken[rule.id]] = True
    bad |= orphaned
    quarantined = _quarantined(canonical, table, critical, taken, np.flatnonzero(bad), np.flatnonzero(orphaned))
    # A child element is no landed row: what is wrong with it is said beside its record.
    told = [r for r in rules if not _counted_only(r) and (r.severity is not Severity.CRITICAL or table.each)]
    silent = orphaned if table.each else bad
    issues = [_issues(rows, table, rule, taken[rule.id][~silent[taken[rule.id]]]) for rule in told]
    accepted = _accepted(canonical, table, rules, taken, ~bad)
    return Verdict(
        accepted,
        quarantined,
        pa.concat_tables([ISSUES.empty_table(), *issues]),
        _results(rules, judged),
        tuple(r.id for r in critical if judged[r.id].failed),
    )


def _judge(rows: pa.Table, rules: Sequence[Rule], parameters: Mapping[str, Any]) -> dict:
    """All rules over all rows: in slices where a rule looks at one row at a time."""
    from expectations.engine import Judgement, judge, needs_all_rows  # imports Great Expectations, 2 s

    if rows.num_rows <= SLICE_ROWS:
        return judge(frame_for(rows, rules), rules, parameters)
    whole = [rule for rule in rules if needs_all_rows(rule)]
    local = [rule for rule in rules if not needs_all_rows(rule)]
    judged = judge(frame_for(rows, whole), whole, parameters)
    parts: dict[str, list[Judgement]] = {rule.id: [] for rule in local}
    for start in range(0, rows.num_rows, SLICE_ROWS):
        part = judge(frame_for(rows.slice(start, SLICE_ROWS), local), local, parameters)
        for rule_id, one in part.items():
            parts[rule_id].append(Judgement(one.rows + start, one.evaluated))
    for rule_id, ones in parts.items():
        judged[rule_id] = Judgement(np.concatenate([one.rows for one in ones]), sum(one.evaluated for one in ones))
    return judged


def _accepted(
    canonical: Canonical, table: Table, rules: Sequence[Rule], taken: Mapping[str, np.ndarray], kept: np.ndarray
) -> pa.Table:
    """The rows that stay, cells nulled where a warning of the contract's own rules says so.

    A cell that could not be standardised is null already; its companions stay (``id_text`` holds
    what the ID column said).
    """
    rows = canonical.rows.select([n for n in _IDENTITY if n in canonical.rows.column_names] + list(canonical.columns))
    for rule in rules:
        if rule.severity is not Severity.WARNING or isinstance(rule, ImpliedRule) or not len(taken[rule.id]):
            continue
        mask = np.zeros(rows.num_rows, dtype=bool)
        mask[taken[rule.id]] = True
        for name in _with_companions(canonical, table, rule.column or ""):
            place, column = rows.column_names.index(name), rows[name]
            rows = rows.set_column(place, name, pc.if_else(pa.array(mask), pa.scalar(None, column.type), column))
    return rows if kept.all() else rows.filter(pa.array(kept))


def _with_companions(canonical: Canonical, table: Table, column: str) -> list[str]:
    from expectations.canonical import canonical_columns

    for field in table.fields:
        if field.name == column:
            return list(canonical_columns(field))
    return [column] if column in canonical.columns else []


def _quarantined(
    canonical: Canonical,
    table: Table,
    critical: Sequence[Rule],
    taken: Mapping[str, np.ndarray],
    places: np.ndarray,
    orphaned: np.ndarray,
) -> pa.Table:
    """Rows taken whole, in the order they came, each with every reason (a code once) and its raw text."""
    if not len(places):
        return QUARANTINED.empty_table()
    rows = canonical.rows
    pairs = [(taken[rule.id], _reasons(rows, rule, taken[rule.id])) for rule in critical]
    pairs.append((orphaned, pa.repeat(pa.scalar(PARENT_QUARANTINED), len(orphaned))))
    told = pa.table({
        "place": pa.array(np.concatenate([place for place, _ in pairs])),
        "reason": pa.chunked_array([_array(reason) for _, reason in pairs], pa.string()),
    })
    once = told.group_by(["place", "reason"], use_threads=False).aggregate([])
    listed = once.group_by("place", use_threads=False).aggregate([("reason", "list")]).sort_by("place")
    held = rows.take(listed["place"])
    return pa.table(
        {
            "_row": held["_row"],
            "_location": held["_location"],
            "record_key": held["record_key"],
            "reasons": listed["reason_list"].cast(pa.list_(pa.string())),
            "raw": _raw_rows(canonical, listed["place"]),
        },
        schema=QUARANTINED,
    )


def _raw_rows(canonical: Canonical, places: pa.ChunkedArray) -> pa.Array:
    """What came of a row: the text of an unreadable one, else its source columns as JSON."""
    records = canonical.records
    if records is None:
        return pa.nulls(len(places), pa.string())
    names = [n for n in (*canonical.source_columns, "_extra") if n in records.column_names]
    held = records.select(names).take(places)
    unreadable = canonical.rows["_raw"].take(places)
    if names == ["_element"]:
        return _array(pc.coalesce(unreadable, held["_element"]))
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("held", held)
        made = connection.sql("SELECT to_json(held)::VARCHAR AS raw FROM held").to_arrow_table()["raw"]
    readable = pc.is_null(canonical.rows["_error"].take(places))
    return _array(pc.if_else(_array(readable), _array(made.cast(pa.string())), _array(unreadable)))


def _issues(rows: pa.Table, table: Table, rule: Rule, places: np.ndarray) -> pa.Table:
    if not len(places):
        return ISSUES.empty_table()
    at, n = pa.array(places), len(places)
    raw_name = f"{_field_of(table, rule.column)}__raw"
    return pa.table(
        {
            "table_name": pa.repeat(table.name, n),
            "record_key": rows["record_key"].take(at),
            "column_name": pa.repeat(rule.column or ROW_ITSELF, n),
            "reason": _reasons(rows, rule, places),
            "rule_id": pa.repeat(rule.id, n),
            "dimension": pa.repeat(rule.dimension.value, n),
            "severity": pa.repeat(rule.severity.value, n),
            "raw": rows[raw_name].take(at) if raw_name in rows.column_names else pa.nulls(n, pa.string()),
            "_row": rows["_row"].take(at),
        },
        schema=ISSUES,
    )


def _field_of(table: Table, column: str | None) -> str | None:
    """The field a column belongs to: itself, or the field whose companion it is (the longest name wins)."""
    names = [f.name for f in table.fields if column and (column == f.name or column.startswith(f.name + "_"))]
    return max(names, key=len, default=column)


def _reasons(rows: pa.Table, rule: Rule, places: np.ndarray) -> pa.Array | pa.ChunkedArray:
    if isinstance(rule, ImpliedRule) and rule.reason_from:
        return rows[rule.reason_from].take(pa.array(places))
    code = rule.reason if isinstance(rule, ImpliedRule) else None
    return pa.repeat(pa.scalar(code or rule.id), len(places))


def _counted_only(rule: Rule) -> bool:
    return isinstance(rule, ImpliedRule) and rule.counted_only


def _results(rules: Sequence[Rule], judged: Mapping) -> pa.Table:
    return pa.table(
        {
            "rule_id": [r.id for r in rules],
            "column_name": [r.column for r in rules],
            "dimension": [r.dimension.value for r in rules],
            "severity": [r.severity.value for r in rules],
            "evaluated": [judged[r.id].evaluated for r in rules],
            "unexpected": [int(judged[r.id].failed) if judged[r.id].failed is not None else len(judged[r.id].rows) for r in rules],
        },
        schema=RESULTS,
    )


def _array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    if isinstance(column, pa.Array):
        return column
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else combined.chunk(0)
