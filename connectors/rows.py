"""From what a source sends to the rows of a page: strings, as they came, in the contract's columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from connectors import json_text
from connectors.base import ROW_COLUMNS, sm3
from connectors.columns import Layout, lay_out
from contracts.model import Contract

_TRUE = frozenset({"true", "1", "是", "y", "yes", "有", "t"})
_FALSE = frozenset({"false", "0", "否", "n", "no", "无", "f"})
_SURROGATE = re.compile("[\ud800-\udfff]")


def row_schema(contract: Contract) -> pa.Schema:
    """The columns of ``Page.rows``, all strings."""
    return pa.schema([(name, pa.string()) for name in (*ROW_COLUMNS, *contract.source_columns)])


def string_array(values: Sequence[Any], text: Callable[[Any], str | None] = json_text.text) -> pa.Array:
    """A string array; cells that are no strings go through ``text``."""
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowTypeError, pa.ArrowInvalid, UnicodeEncodeError):
        return pa.array([_sound(text(value)) for value in values], pa.string())


def page_rows(
    contract: Contract,
    columns: Mapping[str, pa.Array],
    *,
    location: Sequence[str] | pa.Array,
    partition: str | None = None,
    error: pa.Array | None = None,
    raw: pa.Array | None = None,
    extra: pa.Array | None = None,
) -> pa.Table:
    """The table of a page. Columns that are not given are null; a row with an error has no cells; a
    row with a NUL character (which no database text holds) becomes unreadable, NUL shown as ␀."""
    size = len(location)
    nothing = pa.nulls(size, pa.string())
    error = nothing if error is None else error
    raw = nothing if raw is None else raw
    cells = {name: columns.get(name, nothing) for name in contract.source_columns}
    cells["_extra"] = nothing if extra is None else extra
    nul = _nul_rows(cells, size)
    if nul is not None:
        shown = [
            json_text.encode({k: v for k, v in row.items() if v is not None}) if bad else None
            for row, bad in zip(_pylist(cells, size), nul.to_pylist(), strict=True)
        ]
        texts = [None if s is None else keep(contract, s.replace("\\u0000", "␀")) for s in shown]
        raw = pc.if_else(nul, pa.array(texts, pa.string()), raw)
        error = pc.if_else(nul, pa.scalar("row.nul"), error)
    if error.null_count < size:
        bad = pc.is_valid(error)
        cells = {name: pc.if_else(bad, pa.scalar(None, pa.string()), cell) for name, cell in cells.items()}
    head = {
        "_location": pa.array(location, pa.string()),
        "_partition": pa.array([partition], pa.string()).take(pa.array([0] * size, pa.int8()))
        if partition
        else nothing,
        "_error": error,
        "_raw": raw,
    }
    return pa.table({**head, "_extra": cells.pop("_extra"), **cells}, schema=row_schema(contract))


def keep(contract: Contract, raw: str | bytes) -> str:
    """What is kept of a row that can't be read: its text, or, where columns are forbidden, only length
    and digest (position is the row's location)."""
    if contract.keep_unreadable and not contract.forbidden:
        return raw if isinstance(raw, str) else raw.decode("utf-8", "backslashreplace").replace("\0", "␀")
    data = raw.encode("utf-8", "backslashreplace") if isinstance(raw, str) else raw
    return f"length={len(data)} sm3={sm3(data)}"


def from_objects(
    contract: Contract, objects: Sequence[Any], locations: Sequence[str], where: str
) -> tuple[pa.Table, Layout, tuple[str, ...]]:
    """JSON objects as a page's rows, how their keys were laid out, and the keys seen. What is no object
    is an unreadable row ```row.json```. Forbidden keys never reach the table."""
    errors: pa.Array | None = None
    raws: pa.Array | None = None
    if not all(type(item) is dict for item in objects):
        bad = [type(item) is not dict for item in objects]
        errors = pa.array(["row.json" if b else None for b in bad], pa.string())
        raws = pa.array([keep(contract, json_text.encode(o)) if b else None for o, b in zip(objects, bad, strict=True)])
        objects = [{} if b else o for o, b in zip(objects, bad, strict=True)]
    seen = tuple(dict.fromkeys(key for item in objects for key in item))
    layout = lay_out(contract, seen, where, judge_missing=False)
    columns = {
        column: string_array([item.get(seen[spot]) for item in objects]) for column, spot in layout.positions.items()
    }
    for column, sources in contract.derive.items():
        columns[column] = any_true([[item.get(source) for item in objects] for source in sources])
    extra = None
    if layout.extra:
        names = [name for name, _ in layout.extra]
        kept = [{name: item[name] for name in names if item.get(name) is not None} for item in objects]
        extra = string_array([json_text.encode(item) if item else None for item in kept])
    rows = page_rows(contract, columns, location=locations, error=errors, raw=raws, extra=extra)
    return rows, layout, seen


def extra_texts(columns: Mapping[str, pa.Array]) -> pa.Array | None:
    """``_extra`` of columns the contract doesn't know: JSON of the cells with something in them; None if
    there are no such columns. Only a delivery that drifted pays for the loop."""
    if not columns:
        return None
    rows = zip(*(cell.to_pylist() for cell in columns.values()), strict=True)
    kept = [{name: cell for name, cell in zip(columns, row, strict=True) if cell not in (None, "")} for row in rows]
    return string_array([json_text.encode(row) if row else None for row in kept])


def without(objects: Sequence[Any], layout: Layout) -> list[Any]:
    """The objects less the forbidden keys, and without what is no object: fit to be kept as raw."""
    cut = {name for name, _ in layout.forbidden}
    return [{k: v for k, v in item.items() if k not in cut} for item in objects if type(item) is dict]


def any_true(columns: Sequence[Sequence[Any]]) -> pa.Array:
    """The OR of boolean columns as ``true``/``false``: null only where no source says anything. A
    value that is no boolean says nothing (it is forbidden, so it can't be kept either)."""
    answers = [[_boolean(value) for value in column] for column in columns]
    joined = []
    for row in zip(*answers, strict=True):
        said = [answer for answer in row if answer is not None]
        joined.append(("true" if any(said) else "false") if said else None)
    return pa.array(joined, pa.string())


def _boolean(value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    word = str(value).strip().casefold()
    return True if word in _TRUE else False if word in _FALSE else None


def _nul_rows(cells: Mapping[str, pa.Array], size: int) -> pa.Array | None:
    found = None
    for cell in cells.values():
        if cell.null_count == size:
            continue
        hit = pc.fill_null(pc.match_substring(cell, "\0"), False)
        if pc.any(hit).as_py():
            found = hit if found is None else pc.or_(found, hit)
    return found


def _pylist(cells: Mapping[str, pa.Array], size: int) -> list[dict[str, Any]]:
    return pa.table(dict(cells)).to_pylist() if size else []


def _sound(text: str | None) -> str | None:
    """Lone surrogates, which UTF-8 can't hold, written as escapes."""
    return text if text is None or not _SURROGATE.search(text) else text.encode("utf-8", "backslashreplace").decode()
