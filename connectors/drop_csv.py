"""A CSV delivery (CSV 文件): declared encoding, header row, any number of broken rows.

What is forbidden is cut while the file is in memory: the raw that is kept is then written anew without those
columns, as UTF-8, and without the rows that could not be read.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import pyarrow as pa
import pyarrow.csv as pacsv

from connectors import csv_lines
from connectors.base import Page
from connectors.columns import Layout, lay_out, plain
from connectors.errors import DeliveryRefused
from connectors.rows import any_true, extra_texts, keep, page_rows
from contracts.model import Contract

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\x84\x31\x95\x33", "gb18030"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_HEADER_LINES = 5  # physical lines a header with line breaks may span


@dataclass
class Counted:
    """The rows of a file, in the two ways a department may count them."""

    rows: int = 0  # rows, readable or not
    lines: int = 0  # physical lines with something in them, less the header


def pages(contract: Contract, data: bytes, name: str, digest: str, counted: Counted) -> Iterator[Page]:
    """The file's rows in pages of a few MB. Adds to ``counted``. Raises DeliveryRefused where there is no
    header or the change policy refuses it."""
    data, encoding, drift = _declared(contract, data)
    header, rest, line = _header(contract, data, encoding, name)
    layout = lay_out(contract, header, name)
    number = 0
    for block in csv_lines.blocks(rest, encoding, len(header), line):
        number += 1
        counted.rows += len(block.line)
        counted.lines += block.lines - block.blank
        yield _page(
            contract, block, layout, header, data if number == 1 else b"", f"{number:04d}-{name}", digest, drift
        )
    if not number:
        empty = csv_lines.Block([pa.array([], pa.string())] * len(header), [], [], [], 0, 0)
        yield _page(contract, empty, layout, header, data, f"0001-{name}", digest, drift)


def without_forbidden(contract: Contract, data: bytes, name: str) -> bytes | None:
    """The file as it may be kept when it is refused: as it came, or without forbidden columns, or None
    where its header can't tell them."""
    if not contract.forbidden:
        return data
    try:
        return b"".join(page.raw for page in pages(contract, data, name, "", Counted()))
    except DeliveryRefused:
        return None


def _page(
    contract: Contract,
    block: csv_lines.Block,
    layout: Layout,
    header: list[str],
    whole: bytes,
    name: str,
    digest: str,
    drift: tuple,
) -> Page:
    columns = {column: block.cells[i] for column, i in layout.positions.items()}
    place = {plain(h): i for i, h in reversed(list(enumerate(header)))}
    for column, sources in contract.derive.items():
        found = [block.cells[place[plain(s)]].to_pylist() for s in sources if plain(s) in place]
        columns[column] = any_true(found) if found else pa.nulls(len(block.line), pa.string())
    broken = any(block.error)
    rows = page_rows(
        contract,
        columns,
        location=[f"line {n}" for n in block.line],
        error=pa.array(block.error, pa.string()) if broken else None,
        raw=pa.array([None if r is None else _kept(contract, r) for r in block.raw], pa.string()) if broken else None,
        extra=extra_texts({n: block.cells[i] for n, i in layout.extra}),
    )
    raw = whole
    if contract.forbidden:
        cut = {i for _, i in layout.forbidden}
        kept = pa.table({f"{i}": c for i, c in enumerate(block.cells) if i not in cut})
        readable = kept.filter(pa.array([e is None for e in block.error])) if broken else kept
        sink = BytesIO()
        if whole:
            sink.write(_line([h for i, h in enumerate(header) if i not in cut]))
        pacsv.write_csv(readable, sink, pacsv.WriteOptions(include_header=False))
        raw = sink.getvalue()
    return Page(
        name=name,
        raw=raw,
        rows=rows,
        watermark={},
        digest=digest,
        columns=tuple(header),
        drift=(*layout.drift, *drift),
        judged=True,
    )


def _declared(contract: Contract, data: bytes) -> tuple[bytes, str, tuple]:
    """The bytes without byte-order mark, and the encoding: the declared one, unless the mark, which can't be
    mistaken, says another; that is said as drift."""
    declared = str(contract.options.get("encoding", "utf-8")).lower().replace("utf-8-sig", "utf-8")
    for mark, said in _BOMS:
        if data.startswith(mark):
            drift = ()
            if said != declared:
                drift = ({"column": "", "kind": "encoding", "policy": "accept", "seen": said},)
            data = data[len(mark) :]
            if said.startswith("utf-16"):
                return data.decode(said, "replace").encode(), "utf-8", drift
            return data, said, drift
    if declared.startswith("utf-16"):
        return data.decode(declared, "replace").encode(), "utf-8", ()
    return data, declared, ()


def _header(contract: Contract, data: bytes, encoding: str, name: str) -> tuple[list[str], bytes, int]:
    """Header cells, the bytes behind it, and the number of the next line."""
    newline = b"\n" if b"\n" in data else b"\r"
    at, line = 0, 1
    while at < len(data) and not data[at : _end(data, newline, at)].strip():
        at, line = _end(data, newline, at), line + 1
    end = at
    for _ in range(_HEADER_LINES):
        end = _end(data, newline, end)
        line += 1
        text = data[at:end].decode(encoding, "replace")
        try:
            parsed = list(csv.reader(text.splitlines(keepends=True), strict=True))
        except csv.Error:
            continue
        if len(parsed) == 1 and any(cell.strip() for cell in parsed[0]):
            # A column without a name is still a column: nothing in it may vanish.
            cells = [cell if cell.strip() else f"column {n}" for n, cell in enumerate(parsed[0], 1)]
            return cells, data[end:], line
        break
    raise DeliveryRefused(f"{contract.feed}, {name}: the first line is no header row")


def _end(data: bytes, newline: bytes, at: int) -> int:
    return data.find(newline, at) + 1 or len(data)


def _kept(contract: Contract, raw: bytes) -> str:
    encoding = str(contract.options.get("encoding", "utf-8"))
    if contract.forbidden or not contract.keep_unreadable:
        return keep(contract, raw)
    return keep(contract, raw.decode(encoding, "backslashreplace").replace("\0", "␀"))


def _line(cells: list[str]) -> bytes:
    return (",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\n").encode()
