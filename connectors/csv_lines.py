"""CSV by physical lines: a broken row costs itself and never its neighbour.

A line that is well formed with the right number of cells is a row. One that is not may be the start of a
cell with a line break in it: it is joined with the lines after it only while those are not rows of their own.
What is left is unreadable by itself: an unclosed quote, bytes that don't decode, a NUL, too few or too many
cells. Splitting comes before decoding: in GB18030 and UTF-8 no character contains the byte of a line break,
so bytes that don't decode can't swallow the next line.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

_CELL = r'(?:"(?:[^"]|"")*"|[^",]*)'
_JOINED = 20  # physical lines a cell with line breaks may span
BLOCK = 8 << 20  # bytes decoded at once


@dataclass(frozen=True)
class Block:
    """Rows of a stretch of a file, in order of lines. ``cells``: a column a header cell (null in an
    unreadable row); ``raw``: the bytes of an unreadable row."""

    cells: list[pa.Array]
    line: list[int]  # physical line, from 1
    error: list[str | None]
    raw: list[bytes | None]
    blank: int  # lines with nothing in them
    lines: int  # physical lines


def blocks(data: bytes, encoding: str, width: int, first_line: int) -> Iterator[Block]:
    """The rows of ``data``, the bytes behind the header, in blocks of about ``BLOCK`` bytes.

    ``width``: cells a row; ``first_line``: the number of the first line of ``data``.
    """
    newline = b"\n" if b"\n" in data else b"\r"
    start, line = 0, first_line
    while start < len(data):
        end = len(data) if len(data) - start <= BLOCK else data.rfind(newline, start, start + BLOCK) + 1
        if end <= start:  # one line longer than a block
            end = data.find(newline, start) + 1 or len(data)
        lines = data[start:end].split(newline)
        if lines and not lines[-1]:
            lines.pop()
        lines = [text.removesuffix(b"\r") for text in lines]
        held = 0 if end == len(data) else _held(lines, width, encoding)
        if held and held < len(lines):
            end -= sum(len(text) + 1 for text in data[start:end].split(newline)[-held - 1 : -1])
            lines = lines[:-held]
        yield _block(lines, encoding, width, line)
        start, line = end, line + len(lines)


def parse_line(text: str) -> list[str] | None:
    """The cells of one line; None where a quote is not closed or closes within a cell."""
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


def _held(lines: list[bytes], width: int, encoding: str) -> int:
    """How many lines at the end of a block are no rows yet: they may go on in the next block."""
    pattern = f"^{_CELL}(?:,{_CELL}){{{width - 1}}}$"
    tail = [text.decode(encoding, "replace") for text in lines[-_JOINED:]]
    fine = pc.match_substring_regex(pa.array(tail, pa.string()), pattern).to_pylist()
    return next((n for n, ok in enumerate(reversed(fine)) if ok), 0)


def _block(lines: list[bytes], encoding: str, width: int, first: int) -> Block:
    texts, spoiled = _decoded(lines, encoding)
    array = pa.array(texts, pa.large_string())
    pattern = f"^{_CELL}(?:,{_CELL}){{{width - 1}}}$"
    fine = pc.match_substring_regex(array, pattern).to_numpy(zero_copy_only=False).copy()
    blank = pc.equal(pc.utf8_trim_whitespace(array), "").to_numpy(zero_copy_only=False)
    fine &= ~blank
    for n in spoiled:
        fine[n] = blank[n] = False
    rows = {int(n): texts[n] for n in np.flatnonzero(fine)} if not fine.all() else None
    errors: dict[int, tuple[str, bytes]] = {}
    if rows is not None:
        _recover(lines, texts, spoiled, fine, blank, width, rows, errors)
        place = sorted(rows)
        good = "\n".join(rows[n] for n in place)
    else:
        place, good = list(range(len(lines))), "\n".join(texts)
    cells = _cells(good, width, len(place))
    if errors:
        where = np.argsort(np.array([*place, *errors]), kind="stable")
        nothing = pa.nulls(len(errors), pa.string())
        cells = [pa.concat_arrays([cell, nothing]).take(pa.array(where)) for cell in cells]
        place = sorted([*place, *errors])
    return Block(
        cells=cells,
        line=[first + n for n in place],
        error=[errors[n][0] if n in errors else None for n in place],
        raw=[errors[n][1] if n in errors else None for n in place],
        blank=int(blank.sum()),
        lines=len(lines),
    )


def _decoded(lines: list[bytes], encoding: str) -> tuple[list[str], dict[int, str]]:
    """Each line as text, and those that can't be one (their text is empty) with the reason."""
    spoiled = {n: "row.nul" for n, line in enumerate(lines) if b"\0" in line} if b"\0" in b"\n".join(lines) else {}
    try:
        texts = b"\n".join(lines).decode(encoding).split("\n")
    except UnicodeDecodeError:
        texts = []
        for n, line in enumerate(lines):
            try:
                texts.append(line.decode(encoding))
            except UnicodeDecodeError:
                texts.append("")
                spoiled[n] = "row.encoding"
    for n in spoiled:
        texts[n] = ""
    return texts, spoiled


def _recover(
    lines: list[bytes],
    texts: list[str],
    spoiled: dict[int, str],
    fine: np.ndarray,
    blank: np.ndarray,
    width: int,
    rows: dict[int, str],
    errors: dict[int, tuple[str, bytes]],
) -> None:
    """Find a place for every line that is no row by itself: in ``rows`` or in ``errors``."""
    n = 0
    broken = [int(i) for i in np.flatnonzero(~fine & ~blank)]
    for n in broken:
        if n in rows or n in errors:
            continue
        if n in spoiled:
            errors[n] = (spoiled[n], lines[n])
            continue
        cells = parse_line(texts[n])
        if cells is not None:
            if len(cells) == width:
                rows[n] = _quoted(cells)
            else:
                errors[n] = ("row.columns", lines[n])
            continue
        last = _joined(texts, spoiled, fine, n, width)
        if last is None:
            errors[n] = ("row.quote", lines[n])
            continue
        rows[n] = "\n".join(texts[n : last + 1])
        for inner in range(n + 1, last + 1):
            rows[inner] = ""
    for n in [n for n, text in rows.items() if not text]:
        del rows[n]


def _joined(texts: list[str], spoiled: dict[int, str], fine: np.ndarray, start: int, width: int) -> int | None:
    """The last line of the row that starts at ``start`` and has line breaks in its cells; None if there is none."""
    for last in range(start + 1, min(start + _JOINED, len(texts))):
        if fine[last] or last in spoiled:
            return None
        try:
            parsed = list(csv.reader([text + "\n" for text in texts[start:last]] + [texts[last]], strict=True))
        except csv.Error:
            continue
        if len(parsed) == 1 and len(parsed[0]) == width:
            return last
    return None


def _quoted(cells: list[str]) -> str:
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)


def _cells(text: str, width: int, rows: int) -> list[pa.Array]:
    names = [str(n) for n in range(width)]
    if not rows:
        return [pa.array([], pa.string()) for _ in names]
    table = pacsv.read_csv(
        pa.BufferReader(text.encode()),
        read_options=pacsv.ReadOptions(
            column_names=names, use_threads=False, block_size=max(1 << 20, 2 * len(text.encode()))
        ),
        parse_options=pacsv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=pacsv.ConvertOptions(
            column_types={name: pa.string() for name in names}, strings_can_be_null=False, null_values=[]
        ),
    )
    if table.num_rows != rows:
        raise ValueError("rows")
    return [column.combine_chunks() for column in table.columns]
