"""A workbook delivery (Excel 工作簿), a sheet a school: found by its header row, whatever stands around it.

Title and group rows above the header are passed over, columns are found by name or alias in any order,
footers and blank rows are no rows. Hidden columns are read like others. A hidden sheet is not part of the
delivery, unless the control total only agrees when it is counted; see ``pages``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import python_calamine as calamine

from connectors.base import Page
from connectors.columns import lay_out, plain
from connectors.errors import DeliveryRefused
from connectors.rows import any_true, extra_texts, page_rows, string_array
from connectors.xlsx_formulas import fill_uncomputed
from contracts.model import Contract

_HEADER_WITHIN = 30  # rows from the top
_LABEL = re.compile(r"[\u4e00-\u9fff\s]{1,10}[：:]")  # 填表日期：… : a form's footer, whatever the contract lists
_SPARSE = 3  # cells a row with such a label may fill


@dataclass(frozen=True)
class Sheet:
    """A sheet that has a header row: its rows are still cells."""

    name: str
    header: list[str]
    rows: list[tuple[int, Sequence[Any]]]  # row number of the sheet, cells
    hidden: bool


def pages(contract: Contract, data: bytes, name: str, digest: str, promised: int | None) -> Iterator[Page]:
    """A page a sheet. ``promised``: the control total; DeliveryRefused where it is neither the students of the
    visible sheets nor those of all sheets, where no sheet has a header row, or where it is no workbook."""
    sheets = _sheets(contract, data, name)
    shown = [sheet for sheet in sheets if not sheet.hidden]
    counts = {"visible": sum(len(s.rows) for s in shown), "all": sum(len(s.rows) for s in sheets)}
    if promised is not None and promised == counts["all"] != counts["visible"]:
        shown = sheets
    elif promised is not None and promised != counts["visible"]:
        raise DeliveryRefused(
            f"{contract.feed}, {name}: {counts['visible']} rows where its companion says {promised}", reason="rows"
        )
    if not shown:
        wanted = ", ".join(_wanted(contract))
        raise DeliveryRefused(f"{contract.feed}, {name}: no sheet has a header row with {wanted}")
    for number, sheet in enumerate(shown, 1):
        yield _page(contract, sheet, number, name, digest, data if number == 1 else b"")


def cell_text(value: Any) -> str | None:
    """A cell as text: dates ISO 8601, numbers with the digits Excel keeps (15) and no exponent, 5.0 as 5."""
    if isinstance(value, str):
        return value or None
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # Through the shortest text that means this float: int(1.30731199001011e17) would end in …008.
        exact = Decimal(repr(value))
        return format(exact.to_integral_value() if exact == exact.to_integral_value() else exact, "f")
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value) if isinstance(value, int | timedelta) else None


def _sheets(contract: Contract, data: bytes, name: str) -> list[Sheet]:
    book, failed = None, False
    try:
        book = calamine.CalamineWorkbook.from_filelike(BytesIO(data))
    except (calamine.CalamineError, ValueError, OSError):
        failed = True
    if failed or book is None:
        raise DeliveryRefused(f"{contract.feed}, {name}: no readable workbook", reason="unreadable")
    found = []
    for about in book.sheets_metadata:
        if about.typ != calamine.SheetTypeEnum.WorkSheet:
            continue
        grid, failed = None, False
        try:
            grid = book.get_sheet_by_name(about.name).to_python(skip_empty_area=False)
        except calamine.CalamineError:
            failed = True
        if failed or grid is None:
            raise DeliveryRefused(f"{contract.feed}, {name}: sheet {about.name} can't be read", reason="unreadable")
        grid = fill_uncomputed(data, about.name, grid)
        sheet = _sheet(contract, about.name, grid, about.visible != calamine.SheetVisibleEnum.Visible)
        if sheet is not None:
            found.append(sheet)
    return found


def _sheet(contract: Contract, name: str, grid: list[list[Any]], hidden: bool) -> Sheet | None:
    at = _header_row(contract, grid)
    if at is None:
        return None
    header = [str(cell) if cell not in (None, "") else "" for cell in grid[at]]
    footers = [re.compile(pattern) for pattern in contract.options.get("footer", ())]
    ignored = {plain(n) for n in contract.ignored}
    telling = [i for i, h in enumerate(header) if plain(h) not in ignored]
    rows = []
    for number, cells in enumerate(grid[at + 1 :], at + 2):
        first = next((cell for cell in cells if cell not in (None, "") and str(cell).strip()), None)
        if first is None or not any(cells[i] not in (None, "") and str(cells[i]).strip() for i in telling):
            continue  # blank, or nothing but a serial number
        if _is_footer(str(first).strip(), cells, footers) or [str(c) for c in cells] == header:
            continue
        rows.append((number, cells))
    for i, title in enumerate(header):
        if not title.strip() and any(cells[i] not in (None, "") for _, cells in rows):
            header[i] = f"column {i + 1}"  # a column without a name is still a column
    return Sheet(name, header, rows, hidden)


def _is_footer(first: str, cells: Sequence[Any], footers: Sequence[re.Pattern]) -> bool:
    if any(pattern.match(first) for pattern in footers):
        return True
    filled = sum(1 for cell in cells if cell not in (None, ""))
    return filled <= _SPARSE < len(cells) and _LABEL.match(first) is not None


def _header_row(contract: Contract, grid: list[list[Any]]) -> int | None:
    """The first row that holds every wanted header or one of its aliases."""
    aliases = {f.source: {plain(f.source), *(plain(a) for a in f.aliases)} for f in contract.table.fields}
    wanted = [aliases.get(name, {plain(name)}) for name in _wanted(contract)]
    for number, cells in enumerate(grid[:_HEADER_WITHIN]):
        here = {plain(cell) for cell in cells if isinstance(cell, str) and cell}
        if all(here & names for names in wanted):
            return number
    return None


def _wanted(contract: Contract) -> list[str]:
    return list(contract.options.get("header_has") or [part[0] for part in contract.table.key])


def _page(contract: Contract, sheet: Sheet, number: int, name: str, digest: str, data: bytes) -> Page:
    layout = lay_out(contract, sheet.header, f"{name}, sheet {sheet.name}")
    size = len(sheet.rows)

    def column(spot: int) -> pa.Array:
        cells = string_array([cells[spot] for _, cells in sheet.rows], cell_text)
        return pc.if_else(pc.equal(cells, ""), pa.scalar(None, pa.string()), cells)

    columns = {landed: column(spot) for landed, spot in layout.positions.items()}
    place = {plain(h): i for i, h in reversed(list(enumerate(sheet.header)))}
    for landed, sources in contract.derive.items():
        found = [column(place[plain(s)]).to_pylist() for s in sources if plain(s) in place]
        columns[landed] = any_true(found) if found else pa.nulls(size, pa.string())
    rows = page_rows(
        contract,
        columns,
        location=[f"{sheet.name} row {n}" for n, _ in sheet.rows],
        partition=sheet.name,
        extra=extra_texts({title: column(spot) for title, spot in layout.extra}),
    )
    return Page(
        name=name if not contract.forbidden else f"sheet-{number:04d}.arrow",
        raw=_raw(rows) if contract.forbidden else data,
        rows=rows,
        watermark={},
        digest=digest,
        columns=tuple(h for h in sheet.header if h.strip()),
        drift=layout.drift,
        partitions=(sheet.name,),
        judged=True,
    )


def _raw(rows: pa.Table) -> bytes:
    """A workbook can't be kept where columns are forbidden: its rows without them are."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, rows.schema) as out:
        out.write_table(rows)
    return sink.getvalue().to_pybytes()
