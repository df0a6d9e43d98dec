"""Who a row is and when it was so: record key, content hash, source order and source time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from contracts.model import Contract, Table

SHANGHAI = timezone(timedelta(hours=8))  # no daylight saving since 1991, and periods are later than that
_FEW = 1000  # rows hashed one by one
FIELD_SEPARATOR, NULL_MARK = "\x1f", "\x1e"  # control characters no delivery format lets through
# Blank cells: Unicode white space and the zero-width characters that Excel and web forms leave behind.
BLANK = r"^[\s\p{Z}\x{200B}-\x{200D}\x{2060}\x{FEFF}]*$"


def record_keys(records: pa.Table, table: Table) -> pa.Array:
    """The record key per row (string): raw texts of the key's parts joined by ``|``; null where a part is blank.

    A part is the first non-blank of its source columns; ``table.blank_key`` names source columns
    that may be blank and then add an empty text.
    """
    parts = []
    for sources in table.key:
        filled = [_null_if_blank(_text(records, source)) for source in sources]
        part = filled[0] if len(filled) == 1 else pc.coalesce(*filled)
        parts.append(pc.fill_null(part, "") if set(sources) & set(table.blank_key) else part)
    return pc.binary_join_element_wise(*parts, "|") if len(parts) > 1 else parts[0]


def content_hashes(records: pa.Table, columns: Sequence[str]) -> pa.Array:
    """MD5 (hex) per row over the named raw columns in that order; null and empty text differ.

    MD5 because it is the same in every release and machine, so that a rebuild years later still
    sees an unchanged row as unchanged; nothing secret hangs on it.
    """
    texts = [_text(records, column) for column in columns]
    joined = pc.binary_join_element_wise(*texts, FIELD_SEPARATOR, null_handling="replace", null_replacement=NULL_MARK)
    if len(joined) <= _FEW:  # opening DuckDB takes longer
        texts = joined.cast(pa.binary()).to_pylist()
        return pa.array([hashlib.md5(text, usedforsecurity=False).hexdigest() for text in texts], pa.string())
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("row", pa.table({"text": joined}))
        hashed = connection.sql("SELECT md5(text) AS hash FROM row").to_arrow_table()
    return _combined(hashed["hash"].cast(pa.string()))


def order_and_time(
    values: dict[str, pa.Array], contract: Contract, rows: int, *, fetched_at: datetime, period: str | None
) -> tuple[pa.Array, pa.Array, dict[str, pa.Array]]:
    """``source_order`` (int64), ``source_time`` (timestamp[us, UTC]) and, per field, which rows lay in the future.

    ``values``: the standardised columns named by ``contract.order_field`` and ``time_field``. A
    timestamp later than the fetch counts as the fetch (a source's clock can run ahead). A row whose
    order can't be read gets order 0, so it never overwrites what is known. A file's order is its
    period yyyymm, its time the last day of that month, which it describes, or the fetch if that was
    earlier; without a period both are the fetch.
    """
    fetched = pa.scalar(fetched_at.astimezone(UTC), pa.timestamp("us", "UTC"))
    ahead: dict[str, pa.Array] = {}

    def capped(name: str) -> pa.Array:
        column = _moment(values[name])
        ahead[name] = pc.fill_null(pc.greater(column, fetched), False)
        return pc.if_else(ahead[name], fetched, column)

    time_field = contract.time_field or contract.order_field
    if contract.order_field is None:
        moment = min(_last_day(period), fetched_at) if period else fetched_at
        number = int(period) if period else _microseconds(fetched_at)
        order, time = pa.repeat(number, rows), pa.repeat(pa.scalar(moment.astimezone(UTC), fetched.type), rows)
        if contract.time_field is None:
            return order, time, ahead
        return order, pc.fill_null(capped(contract.time_field), time[0]) if rows else time, ahead
    column = values[contract.order_field]
    if pa.types.is_integer(column.type):
        order = pc.fill_null(column.cast(pa.int64()), 0)
    elif pa.types.is_timestamp(column.type):
        order = pc.fill_null(capped(contract.order_field).cast(pa.int64()), 0)
    else:
        order = pc.fill_null(pc.cast(_moment(column), pa.int64()), 0)
    if pa.types.is_integer(values[time_field].type):
        return order, pa.repeat(fetched, rows), ahead
    return order, capped(time_field), ahead


def _moment(column: pa.Array) -> pa.Array:
    """Dates count as their first moment in Shanghai."""
    if pa.types.is_date(column.type):
        local = column.cast(pa.timestamp("us"))
        return pc.assume_timezone(local, "Asia/Shanghai").cast(pa.timestamp("us", "UTC"))
    return column.cast(pa.timestamp("us", "UTC"))


def _last_day(period: str) -> datetime:
    begin = datetime.strptime(period, "%Y%m").replace(tzinfo=SHANGHAI)
    return (begin + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _microseconds(moment: datetime) -> int:
    return (moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _null_if_blank(text: pa.Array) -> pa.Array:
    return pc.if_else(pc.match_substring_regex(text, BLANK), pa.scalar(None, pa.string()), text)


def _text(records: pa.Table, column: str) -> pa.Array:
    """A column as one array of strings; a column the delivery does not have is null."""
    if column not in records.column_names:
        return pa.nulls(records.num_rows, pa.string())
    return _combined(records[column].cast(pa.string()))


def _combined(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else combined.chunk(0)
