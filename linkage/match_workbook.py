"""The result as a workbook (匹配结果): the list as it came, beside each row who it is; a second sheet says what was asked, by whom, when.

No value of the warehouse leaves it: a person's id, a probability and which fields agree, nothing else. Cells that a spreadsheet
would run as a formula are text with a ``'`` before them, as in extracts.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from linkage.match_file import ListFile, ListSheet
from linkage.match_words import OUTCOMES, TITLES, pick

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # no workbook can hold them
_RISKY = re.compile(r"^([=+@\t\r]|-.*[(|!])")  # the rule of publish.masks.words; a basement (-1层) is none
_FILLS = {"matched": "E2F0D9", "uncertain": "FFF2CC", "nobody": "F8D7DA", "unreadable": "E7E6E6"}
_LONGEST_CELL = 32_767
_EXACT_DIGITS = 15  # a spreadsheet keeps no more of a number


@dataclass
class ResultRow:
    """What is said beside one row of the list."""

    outcome: str
    person_id: str | None = None
    probability: float | None = None
    why: str = ""
    candidates: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def write_result(path: Path, file: ListFile, results: Sequence[ResultRow], about: Sequence[tuple[str, Any]], language: str,
                 written: Callable[[], None] = lambda: None) -> None:
    """Write the workbook, readable by its owner alone; visible under ``path`` only when whole. ``about``: the lines of the summary sheet;
    ``written`` is called when it is whole and can't be seen yet."""
    book = Workbook(write_only=True)
    names: set[str] = set()
    start = 0
    for sheet in file.sheets:
        end = start + len(sheet.cells)
        _result_sheet(book, _sheet_name(sheet.name or ("匹配结果", "result")[language == "en"], names), sheet, results[start:end], language)
        start = end
    _about_sheet(book, _sheet_name(("汇总", "summary")[language == "en"], names), about)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _part(path)
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        book.save(part)
        written()
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def try_writing(path: Path) -> None:
    """OSError where no workbook could be written as ``path``; leaves nothing behind."""
    if path.is_dir():
        raise IsADirectoryError
    if path.parent.is_dir():
        _part(path).touch(mode=0o600)
        _part(path).unlink()
        return
    above = next(folder for folder in path.absolute().parents if folder.exists())
    if not above.is_dir():
        raise NotADirectoryError
    with tempfile.TemporaryDirectory(dir=above):
        pass


def column_name(sheet: ListSheet, at: int) -> str:
    """A column's title and letter: 姓名 [E]."""
    return f"{sheet.header[at]} [{get_column_letter(at + 1)}]"


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def safe(value: Any) -> Any:
    """A cell as it may be written: what would run is text, what a workbook can't hold is shown as ␀ or cut with …"""
    if isinstance(value, str):
        value = _ILLEGAL.sub("\u2400", value)
        value = value if len(value) <= _LONGEST_CELL - 1 else value[: _LONGEST_CELL - 2] + "…"
        return f"'{value}" if _RISKY.match(value) else value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value if abs(value) < 10**_EXACT_DIGITS else format(int(value), "d")
    return value if value is None or isinstance(value, bool | datetime | date | time) else str(value)


def _result_sheet(book: Workbook, name: str, sheet: ListSheet, results: Sequence[ResultRow], language: str) -> None:
    page = book.create_sheet(name)
    titles = [*sheet.header, *(pick(TITLES[t], language) for t in TITLES)]
    page.freeze_panes = "A2"
    page.auto_filter.ref = f"A1:{get_column_letter(len(titles))}{len(results) + 1}"
    for number, width in enumerate(_widths(sheet, language), 1):
        page.column_dimensions[get_column_letter(number)].width = width
    bold, shade = Font(bold=True), PatternFill("solid", fgColor="DDEBF7")
    page.append([_cell(page, safe(title), font=bold, fill=shade, wrap=True) for title in titles])
    fills = {outcome: PatternFill("solid", fgColor=colour) for outcome, colour in _FILLS.items()}
    for cells, number, result in zip(sheet.cells, sheet.numbers, results, strict=True):
        own = [_cell(page, safe(cell)) for cell in cells[: len(sheet.header)]]
        own += [None] * (len(sheet.header) - len(own))
        said = [_cell(page, pick(OUTCOMES[result.outcome], language), fill=fills[result.outcome]), result.person_id,
                _cell(page, result.probability, form="0.0000"), _cell(page, result.why, wrap=True), _cell(page, "\n".join(result.candidates), wrap=True),
                _cell(page, safe(("；", "; ")[language == "en"].join(result.notes)), wrap=True), number]  # fmt: skip
        page.append([*own, *said])


def _about_sheet(book: Workbook, name: str, about: Sequence[tuple[str, Any]]) -> None:
    page = book.create_sheet(name)
    page.column_dimensions["A"].width, page.column_dimensions["B"].width = 24, 90
    bold = Font(bold=True)
    for title, value in about:
        page.append([_cell(page, title, font=bold), _cell(page, safe(value), wrap=True)])


def _cell(page: Any, value: Any, *, font: Font | None = None, fill: PatternFill | None = None, wrap: bool = False, form: str | None = None) -> Any:
    """A cell; text is text whatever it begins with."""
    plain = not (font or fill or wrap or form or isinstance(value, str | date))
    if plain:
        return value
    cell = WriteOnlyCell(page, value=value)
    if isinstance(value, str):
        cell.data_type = "s"
    if isinstance(value, date):
        cell.number_format = "yyyy-mm-dd hh:mm:ss" if isinstance(value, datetime) and value.time() != time() else "yyyy-mm-dd"
    if font:
        cell.font = font
    if fill:
        cell.fill = fill
    if wrap:
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    if form:
        cell.number_format = form
    return cell


def _widths(sheet: ListSheet, language: str) -> Iterable[float]:
    """By what stands in the first rows: a hanzi is two wide."""
    sample = sheet.cells[:200]
    for column, title in enumerate(sheet.header):
        texts = [title, *(str(row[column]) for row in sample if column < len(row) and row[column] is not None)]
        yield min(40, max(6, max(_wide(text) for text in texts) + 2))
    fixed: Mapping[str, float] = {"outcome": 11, "person_id": 13, "probability": 9, "why": 48, "candidates": 60, "note": 40, "source_row": 10}
    yield from (max(fixed[t], _wide(pick(TITLES[t], language)) + 3) for t in TITLES)


def _wide(text: str) -> int:
    return sum(2 if ord(c) > 0x2E7F else 1 for c in text[:60])


def _sheet_name(wanted: str, taken: set[str]) -> str:
    """A name a workbook takes: 31 characters, none of ``[]:*?/\\``, each once."""
    base = re.sub(r"[\[\]:*?/\\]", " ", wanted).strip("' ")[:28] or "Sheet"
    name, number = base, 2
    while name.casefold() in taken:
        name, number = f"{base}{number}", number + 1
    taken.add(name.casefold())
    return name
