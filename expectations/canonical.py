"""Source texts to canonical columns (规范化): every cell standardised, its raw text and reason beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from contracts.model import Contract, Field, Table
from expectations.children import explode, not_a_list
from expectations.identity import content_hashes, order_and_time, record_keys
from standards.semantic_types import TYPES, standardise

CHUNK_ROWS = 50_000  # rows standardised at a time: bounds what the temporaries take
TIME_FUTURE = "time.future"
LOCAL = ("_row", "_location", "_partition", "_error", "_raw")
_TYPES = {"_row": pa.int64()}  # all other columns of ``LOCAL`` are strings


@dataclass(frozen=True)
class Canonical:
    """A batch's rows in canonical columns.

    ``rows`` has ``_row, _location, _partition, _error, _raw, record_key, parent_key`` (child
    tables), ``source_order`` int64, ``source_time`` timestamp[us, UTC], ``content_hash``, per field
    its column and companions ``<name>_<suffix>``, then ``<name>__raw`` (the text that came),
    ``<name>__reason`` (why the value is null although text came) and ``<name>__notice`` (a finding
    about a value that stands). ``lists``: source columns whose JSON list feeds a child table; each
    has a ``<list>__list`` (why it is no list) too.
    """

    rows: pa.Table
    table: Table
    columns: tuple[str, ...]  # canonical columns and companions, in contract order
    today: date
    lists: tuple[str, ...] = ()
    source_columns: tuple[str, ...] = ()
    records: pa.Table | None = None  # the source texts, for the raw text of quarantined rows


def canonicalise(
    records: pa.Table, table: Table, contract: Contract, *, today: date, fetched_at: datetime, period: str | None
) -> Canonical:
    """The canonical rows of one record table of a landed batch.

    ``records``: ``records.parquet`` as connectors.landing describes it. For a child table
    (``table.each``) they are exploded here: a row an element of the parent's list, with the
    parent's ``_row``, order and time. ``fetched_at`` needs a zone; ``period`` is yyyymm of a file.
    No row is dropped: unreadable rows stay, with null columns and their ``_error``.
    """
    parent_columns: dict[str, pa.ChunkedArray] = {}
    if table.each:
        parent = _identified(records, contract, today=today, fetched_at=fetched_at, period=period)
        records = explode(records, table, contract)
        taken = parent.take(records["_parent"])
        parent_columns = {name: taken[name] for name in ("source_order", "source_time")}
    lists = tuple(child.each for child in contract.tables if child.each) if table is contract.table else ()
    sources = contract.source_columns if table is contract.table else ("_element",)
    chunks = [
        _chunk(
            records.slice(start, CHUNK_ROWS),
            table,
            contract,
            lists=lists,
            hashed=sources,
            moment=(today, fetched_at, period),
        )
        for start in range(0, max(records.num_rows, 1), CHUNK_ROWS)
    ]
    rows = pa.concat_tables(chunks)
    for name, column in parent_columns.items():
        rows = rows.append_column(name, column)
    columns = tuple(name for field in table.fields for name in canonical_columns(field))
    return Canonical(rows, table, columns, today, lists, tuple(sources), records)


def canonical_columns(field: Field) -> tuple[str, ...]:
    """A field's column and its companions."""
    return (field.name, *(f"{field.name}_{suffix}" for suffix in TYPES[field.type].companions))


def _identified(records: pa.Table, contract: Contract, **moment) -> pa.Table:
    """Only order and time of the parent's rows, for its children."""
    named = [f for f in contract.table.fields if f.name in {contract.order_field, contract.time_field}]
    values = {f.name: _standardised(records, _open_ended(f, contract), moment["today"])["values"] for f in named}
    order, time, _ = order_and_time(
        values, contract, records.num_rows, fetched_at=moment["fetched_at"], period=moment["period"]
    )
    return pa.table({"source_order": order, "source_time": time})


def _chunk(
    records: pa.Table,
    table: Table,
    contract: Contract,
    *,
    lists: tuple[str, ...],
    hashed: tuple[str, ...],
    moment: tuple[date, datetime, str | None],
) -> pa.Table:
    today, fetched_at, period = moment
    columns: dict[str, pa.Array] = {}
    for name in LOCAL:
        columns[name] = _column(records, name, _TYPES.get(name, pa.string()))
    readable = pc.is_null(columns["_error"])
    nothing = pa.scalar(None, pa.string())
    if table.each:
        columns["record_key"] = _column(records, "_key", pa.string())
        columns["parent_key"] = _column(records, "_parent_key", pa.string())
    else:
        columns["record_key"] = pc.if_else(readable, record_keys(records, table), nothing)
    columns["content_hash"] = content_hashes(records, hashed)
    values: dict[str, pa.Array] = {}
    for field in table.fields:
        cells = _standardised(records, _open_ended(field, contract), today)
        values[field.name] = columns[field.name] = cells["values"]
        columns |= {f"{field.name}_{suffix}": column for suffix, column in cells["companions"].items()}
        columns[f"{field.name}__raw"] = cells["raw"]
        columns[f"{field.name}__reason"] = cells["reason"]
        columns[f"{field.name}__notice"] = cells["notice"]
    for name in lists:
        text = _column(records, name, pa.string())
        columns |= {f"{name}__list": not_a_list(text), f"{name}__raw": columns.get(f"{name}__raw", text)}
    if not table.each:
        columns["source_order"], columns["source_time"], ahead = order_and_time(
            values, contract, records.num_rows, fetched_at=fetched_at, period=period
        )
        for name, mask in ahead.items():
            notice = f"{name}__notice"
            columns[notice] = pc.if_else(mask, pc.coalesce(columns[notice], pa.scalar(TIME_FUTURE)), columns[notice])
    return pa.table(columns)


def _open_ended(field: Field, contract: Contract) -> Field:
    """The field that orders the rows may lie in the future: it is capped at the fetch, not lost."""
    orders = field.name == contract.order_field or (field.name == contract.time_field and field.type == "timestamp")
    return replace(field, options={**field.options, "future": True}) if orders else field


def _standardised(records: pa.Table, field: Field, today: date) -> Mapping:
    raw = _column(records, field.source, pa.string())
    if len(raw) == 0 or raw.null_count == len(raw):  # nothing came: nothing to read
        kind = TYPES[field.type]
        return {
            "raw": raw,
            "values": pa.nulls(len(raw), kind.arrow_type),
            "reason": pa.nulls(len(raw), pa.string()),
            "notice": pa.nulls(len(raw), pa.string()),
            "companions": {s: pa.nulls(len(raw), t) for s, t in kind.companions.items()},
        }
    read = standardise(field.type, raw, today=today, crosswalk=field.crosswalk, options=field.options)
    return {
        "raw": raw,
        "values": read.values,
        "reason": read.reason,
        "notice": read.notice,
        "companions": {s: read.companions[s] for s in TYPES[field.type].companions},
    }


def _column(records: pa.Table, name: str, kind: pa.DataType) -> pa.Array:
    if name not in records.column_names:
        return pa.nulls(records.num_rows, kind)
    column = records[name].cast(kind).combine_chunks()
    return column if isinstance(column, pa.Array) else column.chunk(0)
