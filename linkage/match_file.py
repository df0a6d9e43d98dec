"""A department's one-off list (名单) as it came: workbook or text, header found, merged cells understood, no row lost.

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

from connectors.base import sm3
from connectors.xlsx_formulas import fill_uncomputed
from linkage.match_columns import Heading, heading_like, passed_over, roles_of, tells_who
from linkage.match_text import SUFFIXES, readings
from warehouse.errors import WarehouseError

_HEADER_WITHIN = 30  # rows from the top
_GROUP_ROWS = 2  # rows of group titles over the header
LARGEST_MB = 100
_VALUE = re.compile(r"[\d:：]")  # 填报单位：…, 2026年: a form's head, no group title
_SHOWN = 20  # headings an error names
_FAILED = {"FileNotFoundError": ("没有这个文件", "no such file"), "IsADirectoryError": ("是文件夹", "a folder"), "NotADirectoryError": ("所在路径不是文件夹", "its path is no folder"),
           "PermissionError": ("没有权限", "not permitted"), "FileExistsError": ("所在路径不是文件夹", "its path is no folder")}  # fmt: skip


class ListError(WarehouseError):
    """A list that can't be matched; ``zh`` and ``en`` say what was expected, and hold no cell of it but headings."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en

    def told(self, language: str = "zh") -> str:
        """The sentence in that language."""
        return self.en if language == "en" else self.zh


def failed(error: OSError) -> tuple[str, str]:
    """Why a file can't be read or written, in both languages."""
    return _FAILED.get(type(error).__name__) or (error.strerror or "", error.strerror or "")


@dataclass
class ListSheet:
    """A sheet with a header. ``cells``: the rows as they came; ``filled``: the same with merged cells told in each of their
    rows; ``numbers``: row numbers in the file; ``errors``: the reason code of a row that is no row; ``roles``: role → column; ``passed``: columns that name
    further persons, who are not looked for."""

    name: str
    titles: list[str]
    header: list[str]
    roles: dict[str, int]
    passed: list[int] = field(default_factory=list)
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
    """Read ``.xlsx``, ``.xls``, ``.xlsb``, ``.ods``, or text (UTF-8, GB 18030 or UTF-16, by commas, tabs or semicolons). Raises ListError."""
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= LARGEST_MB << 20 else b""
    except OSError as error:
        zh, en = failed(error)
        raise ListError(f"{path.name}：无法读取（{zh}）", f"{path.name}: can't be read ({en})") from None
    if size > LARGEST_MB << 20:
        raise ListError(f"{path.name}：超过 {LARGEST_MB} MB，请拆分名单", f"{path.name}: larger than {LARGEST_MB} MB; split the list")
    is_text = path.suffix.lower() in SUFFIXES
    sheets, skipped, heads = _text_sheet(data) if is_text else _workbook(path.name, data)
    if not sheets:
        raise _headless(path.name, is_text, max(map(_seen, heads), key=len, default=[]))
    return ListFile(path.name, sm3(data), sheets, skipped)


def _headless(name: str, is_text: bool, seen: list[str]) -> ListError:
    zh = f"{name}：前 {_HEADER_WITHIN} 行中没有可用的表头，需要“姓名”或“身份证号”一列"
    en = f"{name}: no usable header row in the first {_HEADER_WITHIN} rows; expected a column 姓名 or 身份证号"
    if seen:
        return ListError(f"{zh}；看到的列：{'、'.join(seen[:_SHOWN])}", f"{en}; columns seen: {', '.join(seen[:_SHOWN])}")
    return ListError(zh + "（文本以逗号、制表符或分号分隔）", en + " (text is separated by commas, tabs or semicolons)") if is_text else ListError(zh, en)


def _seen(grid: Sequence[Sequence[Any]]) -> list[str]:
    """The row of the first that reads most like a header although it names nobody; none where no row does, for it may hold values."""
    rows = [[" ".join(word.split()) for word in _words(row)] for row in grid[:_HEADER_WITHIN]]
    like = [(sum(map(heading_like, row)), row) for row in rows]
    return max((found for found in like if found[0] > 1 and 2 * found[0] >= len(found[1])), key=lambda f: f[0], default=(0, []))[1]


# -- workbooks -----------------------------------------------------------------------------


def _workbook(name: str, data: bytes) -> tuple[list[ListSheet], list[tuple[str, int]], list[list[list[Any]]]]:
    """Sheets, those without a header (name, rows), and what stands in the latter."""
    import python_calamine as calamine

    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        about = [m for m in book.sheets_metadata if m.typ == calamine.SheetTypeEnum.WorkSheet]
        grids = [(m, book.get_sheet_by_name(m.name)) for m in about]
        read = [(m, s.to_python(skip_empty_area=False), s.merged_cell_ranges or []) for m, s in grids]
    except (calamine.CalamineError, ValueError, OSError, zipfile.BadZipFile):
        read = None
    if read is None:
        raise ListError(f"{name}：不是可读的工作簿（是否加了密码？）", f"{name}: no readable workbook (a password?)")
    sheets, skipped, heads = [], [], []
    for about_sheet, raw, merged in read:
        grid = fill_uncomputed(data, about_sheet.name, raw)
        hidden = about_sheet.visible != calamine.SheetVisibleEnum.Visible
        sheet = None if hidden else _sheet(about_sheet.name, grid, merged)
        if sheet is not None:
            sheets.append(sheet)
        elif filled := sum(not _blank(row) for row in grid):
            skipped.append((about_sheet.name, filled))
            heads.append(grid)
    return sheets, skipped, heads


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
    roles = roles_of(headings)
    return ListSheet(name, titles, header, roles, passed_over(headings, roles))


def _header(grid: Sequence[Sequence[Any]]) -> int | None:
    """The row of the first that names the most columns we know; a line by itself (请核对学生姓名) only where no row does as well."""
    best, found, several = {}, None, False
    for number in range(min(len(grid), _HEADER_WITHIN)):
        roles = roles_of(_headings(grid, number))
        own = roles_of([Heading(_text(cell)) for cell in grid[number]])  # a row of data under it names nothing itself
        lower = found == number - 1 and roles == best and not any(_text(c) for i, c in enumerate(grid[number]) if i in best.values())
        beside = len(set(_words(grid[number]))) > 1
        if own and tells_who(roles) and ((len(roles), beside) > (len(best), several) or lower):
            best, found, several = roles, number, beside
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


# -- text ----------------------------------------------------------------------------------


def _text_sheet(data: bytes) -> tuple[list[ListSheet], list[tuple[str, int]], list[list[list[Any]]]]:
    """As :func:`_workbook`; the separator is the one by which the header names the most columns."""
    texts = list(readings(data, _HEADER_WITHIN))
    found = [(text, at) for text in texts if (at := _header(text.head)) is not None]
    if not found:
        return [], [], [text.head for text in texts]
    text, at = max(found, key=lambda each: len(roles_of(_headings(each[0].head, each[1]))))
    headings = _headings(text.head, at)
    sheet = _begun("", text.head, at, headings)
    for row, line, error in text.rows(at, len(headings)):
        if not _blank(row):
            _add(sheet, row, row, line, error)
    return [_named_columns(sheet)], [], []


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


