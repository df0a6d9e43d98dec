"""A department's one-off list (名单) as it came: workbook or CSV, header found, merged cells understood, no row lost.

Read here only what stands in the file; what a cell means is worked out in ``match_rows.py``. A list is as long as a
person's work, so its cells are Python values: the workbook readers give nothing else.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors import csv_lines
from connectors.base import sm3
from connectors.xlsx_formulas import fill_uncomputed
from linkage.match_columns import Heading, roles_of, tells_who
from warehouse.errors import WarehouseError

_HEADER_WITHIN = 30  # rows from the top
_GROUP_ROWS = 2  # rows of group titles over the header
LARGEST_MB = 100
_VALUE = re.compile(r"[\d:：]")  # 填报单位：…, 2026年: a form's head, no group title
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


class ListError(WarehouseError):
    """A list that can't be matched; the text says what was expected, and holds no cell of it."""


@dataclass
class ListSheet:
    """A sheet with a header. ``cells``: the rows as they came; ``filled``: the same with merged cells told in each of their
    rows; ``numbers``: row numbers in the file; ``errors``: the reason code of a row that is no row; ``roles``: role → column."""

    name: str
    titles: list[str]
    header: list[str]
    roles: dict[str, int]
    cells: list[Sequence[Any]] = field(default_factory=list)
    filled: list[Sequence[Any]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    errors: list[str | None] = field(default_factory=list)


@dataclass(frozen=True)
class ListFile:
    """``sheets`` in their order; ``skipped``: sheets without a header (name, rows with something in them); ``digest``: SM3 of the bytes."""

    name: str
    digest: str
    sheets: list[ListSheet]
    skipped: list[tuple[str, int]]

    @property
    def rows(self) -> int:
        return sum(len(sheet.cells) for sheet in self.sheets)


def read_list(path: Path) -> ListFile:
    """Read ``.xlsx``, ``.xls``, ``.xlsb``, ``.ods`` or ``.csv`` (UTF-8, GB 18030 or UTF-16). Raises ListError."""
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= LARGEST_MB << 20 else b""
    except OSError as error:
        raise ListError(f"{path.name}: can't be read ({error.strerror})") from None
    if size > LARGEST_MB << 20:
        raise ListError(f"{path.name}: larger than {LARGEST_MB} MB; split the list")
    sheets, skipped = _csv(data) if path.suffix.lower() in (".csv", ".txt") else _workbook(path.name, data)
    if not sheets:
        raise ListError(f"{path.name}: no header row found in the first {_HEADER_WITHIN} rows; expected a column 姓名 or 身份证号")
    return ListFile(path.name, sm3(data), sheets, skipped)


# -- workbooks -----------------------------------------------------------------------------


def _workbook(name: str, data: bytes) -> tuple[list[ListSheet], list[tuple[str, int]]]:
    import python_calamine as calamine

    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        about = [m for m in book.sheets_metadata if m.typ == calamine.SheetTypeEnum.WorkSheet]
        grids = [(m, book.get_sheet_by_name(m.name)) for m in about]
        read = [(m, s.to_python(skip_empty_area=False), s.merged_cell_ranges or []) for m, s in grids]
    except (calamine.CalamineError, ValueError, OSError, zipfile.BadZipFile):
        read = None
    if read is None:
        raise ListError(f"{name}: no readable workbook or CSV (a password?)")
    sheets, skipped = [], []
    for about_sheet, raw, merged in read:
        grid = fill_uncomputed(data, about_sheet.name, raw)
        hidden = about_sheet.visible != calamine.SheetVisibleEnum.Visible
        sheet = None if hidden else _sheet(about_sheet.name, grid, merged)
        if sheet is not None:
            sheets.append(sheet)
        elif filled := sum(not _blank(row) for row in grid):
            skipped.append((about_sheet.name, filled))
    return sheets, skipped


def _sheet(name: str, grid: list[list[Any]], merged: Iterable[tuple[tuple[int, int], tuple[int, int]]]) -> ListSheet | None:
    filled = [list(row) for row in grid]
    below: dict[int, int] = {}  # header row → last row its merged cells reach
    width = max((len(row) for row in grid), default=0)
    for (top, left), (bottom, right) in merged:
        if top >= len(grid) or left >= len(grid[top]):
            continue
        if right - left + 1 >= width > 1:  # a title over everything is no group
            continue
        for r in range(top, min(bottom + 1, len(grid))):
            filled[r][left : right + 1] = [grid[top][left]] * (min(right + 1, len(filled[r])) - left)
        below[top] = max(below.get(top, top), bottom)
    at = _header(filled)
    if at is None:
        return None
    last = max((bottom for top, bottom in below.items() if at - _GROUP_ROWS <= top <= at), default=at)
    last = min(max(at, last), at + _GROUP_ROWS)
    headings = _headings(filled, last)
    sheet = _begun(name, grid, last, headings)
    for number in range(last + 1, len(grid)):
        if not _blank(grid[number]):
            _add(sheet, grid[number], filled[number], number + 1)
    return _named_columns(sheet)


def _begun(name: str, grid: Sequence[Sequence[Any]], at: int, headings: list[Heading]) -> ListSheet:
    titles = [" ".join(_words(row)) for row in grid[: max(0, at - _group_rows(grid, at))] if not _blank(row)]
    header = [f"{h.group} {h.title}".strip() for h in headings]
    return ListSheet(name, titles, header, roles_of(headings))


def _header(grid: Sequence[Sequence[Any]]) -> int | None:
    """The row of the first that names the most columns we know."""
    best, found = {}, None
    for number in range(min(len(grid), _HEADER_WITHIN)):
        roles = roles_of(_headings(grid, number))
        own = roles_of([Heading(_text(cell)) for cell in grid[number]])  # a row of data under it names nothing itself
        lower = found == number - 1 and roles == best and not any(_text(c) for i, c in enumerate(grid[number]) if i in best.values())
        if own and tells_who(roles) and (len(roles) > len(best) or lower):
            best, found = roles, number
    return found


def _headings(grid: Sequence[Sequence[Any]], at: int) -> list[Heading]:
    above = [grid[n] for n in range(at - _group_rows(grid, at), at)]
    spread = [_spread(row) for row in above]
    found = []
    for column, cell in enumerate(grid[at]):
        groups = [row[column] for row in spread if column < len(row) and row[column]]
        title = _text(cell)
        if not title and above and column < len(above[-1]):  # a CSV keeps a merged cell's text in its first row only
            title, groups = _text(above[-1][column]), []
        found.append(Heading(title, " ".join(g for g in dict.fromkeys(groups) if g != title)))
    return found


def _group_rows(grid: Sequence[Sequence[Any]], at: int) -> int:
    """How many rows right above are group titles: several short texts beside each other, none of them a value."""
    count = 0
    while count < min(_GROUP_ROWS, at):
        row = grid[at - count - 1]
        words = dict.fromkeys(_words(row))
        if len(words) < 2 or any(len(word) > 20 or _VALUE.search(word) for word in words):
            break
        count += 1
    return count


def _spread(row: Sequence[Any]) -> list[str]:
    """A group title stands over the columns to its right, up to the next one."""
    told, current = [], ""
    for cell in row:
        current = _text(cell) or current
        told.append(current)
    return told


# -- CSV -----------------------------------------------------------------------------------


def _csv(data: bytes) -> tuple[list[ListSheet], list[tuple[str, int]]]:
    data, encoding = _decodable(data)
    newline = b"\n" if b"\n" in data else b"\r"
    lines = data.split(newline, _HEADER_WITHIN)
    grid = [csv_lines.parse_line(line.rstrip(b"\r").decode(encoding, "replace")) or [] for line in lines[:_HEADER_WITHIN]]
    at = _header(grid)
    if at is None:
        return [], []
    headings = _headings(grid, at)
    sheet = _begun("", grid, at, headings)
    start = sum(len(line) + 1 for line in lines[: at + 1])
    for block in csv_lines.blocks(data[start:], encoding, len(headings), at + 2):
        for line, error, raw, *cells in zip(block.line, block.error, block.raw, *(c.to_pylist() for c in block.cells), strict=True):
            row = cells if raw is None else [raw.decode(encoding, "backslashreplace").replace("\0", "␀")] + [None] * (len(headings) - 1)
            if not _blank(row):
                _add(sheet, row, row, line, error)
    return [_named_columns(sheet)], []


def _decodable(data: bytes) -> tuple[bytes, str]:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            text = data[len(mark) :]
            return (text.decode(encoding, "replace").encode(), "utf-8") if encoding.startswith("utf-16") else (text, encoding)
    try:
        data.decode("utf-8")
        return data, "utf-8"
    except UnicodeDecodeError:
        return data, "gb18030"


# -- rows ----------------------------------------------------------------------------------


def _add(sheet: ListSheet, cells: Sequence[Any], filled: Sequence[Any], number: int, error: str | None = None) -> None:
    sheet.cells.append(cells)
    sheet.filled.append(filled)
    sheet.numbers.append(number)
    sheet.errors.append(error)


def _named_columns(sheet: ListSheet) -> ListSheet:
    """Every column that holds something has a title, also those right of the header."""
    width = max([len(sheet.header)] + [max((i for i, c in enumerate(row, 1) if _text(c)), default=0) for row in sheet.cells])
    sheet.header += [""] * (width - len(sheet.header))
    return sheet


def _text(cell: Any) -> str:
    return str(cell).strip() if cell not in (None, "") else ""


def _words(row: Sequence[Any]) -> list[str]:
    return [_text(cell) for cell in row if _text(cell)]


def _blank(row: Sequence[Any]) -> bool:
    return not any(_text(cell) for cell in row)


