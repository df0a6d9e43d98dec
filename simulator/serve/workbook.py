"""Education's enrolment workbook (学籍信息): one sheet a school, laid out as schools fill it in."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from pathlib import Path

import orjson
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet


def write_workbook(con: sqlite3.Connection, name: str, spec: dict, target: Path) -> None:
    """Write workbook ``name`` as its ``spec`` says (layout: ``simulator/README.md``).

    Cells are text, numbers (IDs that Excel cut to 15 digits), ``{"date": "2011-01-01"}`` (a real date cell) or null.
    Rows go out in order and are forgotten (``constant_memory``), so memory does not grow with the pupils.
    """
    # The creation time stands in the file: fixed, so that the same county gives the same bytes.
    options = {"constant_memory": True, "default_date_format": "yyyy-mm-dd"}
    with xlsxwriter.Workbook(target, options) as book:
        book.set_properties({"created": datetime(2020, 1, 1)})
        title, group = (book.add_format({"bold": True, "align": "center", "border": edge}) for edge in (0, 1))
        date = book.add_format({"num_format": "yyyy-mm-dd"})
        for sheet in spec["sheets"]:
            rows = con.execute(
                "SELECT doc FROM offer_row WHERE file = ? AND sheet = ? ORDER BY position", (name, sheet["name"])
            )
            page = book.add_worksheet(sheet["name"])
            line = _head(page, sheet, title, group)
            line = _data(page, sheet, (orjson.loads(doc) for (doc,) in rows), line, date)
            for footer in sheet.get("footers", ()):
                for column, text in sorted((int(column), text) for column, text in footer.items()):
                    page.write_string(line, column, text)
                line += 1


def _head(page: Worksheet, sheet: dict, title: Format, group: Format) -> int:
    headers = sheet["headers"]
    for header in sheet.get("hidden", ()):
        column = headers.index(header)
        page.set_column(column, column, None, None, {"hidden": True})
    _merge(page, 0, 0, len(headers) - 1, sheet["title"], title)
    for text, first, last in sheet.get("groups", ()):
        _merge(page, 1, first, last, text, group)
    for column, header in enumerate(headers):
        page.write_string(2, column, header, group)
    return 3


def _merge(page: Worksheet, row: int, first: int, last: int, text: str, look: Format) -> None:
    if last > first:
        page.merge_range(row, first, row, last, text, look)
    else:  # Excel knows no merged range of one cell
        page.write_string(row, first, text, look)


def _data(page: Worksheet, sheet: dict, docs, line: int, date: Format) -> int:
    headers = sheet["headers"]
    gaps = set(sheet.get("blank_after", ()))
    for position, doc in enumerate(docs):
        for column, header in enumerate(headers):
            cell = doc.get(header)
            if cell is None or cell == "":
                continue
            if isinstance(cell, str):
                page.write_string(line, column, cell)
            elif isinstance(cell, dict):
                page.write_datetime(line, column, datetime.fromisoformat(cell["date"]), date)
            else:
                page.write_number(line, column, cell)
        line += 2 if position in gaps else 1
    return line
