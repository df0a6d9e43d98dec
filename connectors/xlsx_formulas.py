"""Formula cells that no program ever computed (written by a script, never opened in Excel).

Such a cell has no stored value, and readers show it as empty: an ID written as ``="130…"`` would vanish.
Only workbooks that hold formulas at all pay for the second reading.
"""

from __future__ import annotations

import re
import zipfile
from io import BytesIO
from typing import Any

_FORMULA = re.compile(rb"<f[ >]")


def fill_uncomputed(data: bytes, sheet: str, grid: list[list[Any]]) -> list[list[Any]]:
    """The grid, with the formula's text (``="130…"``) where a formula has no stored value."""
    if not _has_formulas(data):
        return grid
    import openpyxl

    book = openpyxl.load_workbook(BytesIO(data), read_only=True, data_only=False)
    try:
        for row in book[sheet].iter_rows():
            for cell in row:
                text = getattr(cell, "value", None)
                if isinstance(text, str) and text.startswith("=") and cell.data_type == "f":
                    line, spot = cell.row - 1, cell.column - 1
                    if line < len(grid) and spot < len(grid[line]) and grid[line][spot] in (None, ""):
                        grid[line][spot] = text
    finally:
        book.close()
    return grid


def _has_formulas(data: bytes) -> bool:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            sheets = [
                name for name in archive.namelist() if name.startswith("xl/worksheets/") and name.endswith(".xml")
            ]
            return any(_FORMULA.search(archive.read(name)) for name in sheets)
    except (zipfile.BadZipFile, KeyError, OSError):
        return False
