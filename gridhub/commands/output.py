"""How commands speak: a table for people, JSON for scripts, one line for an error. Moments are told as the county's clocks show them.

A table never cuts a value: ids stay whole, texts are folded, and what still does not fit a screen stands one below the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from gridhub.errors import GridhubError
from gridhub.figures import StageFigures
from gridhub.pipeline import Hub
from gridhub.settings import SHANGHAI, Settings

console = Console()
JsonFlag = Annotated[bool, typer.Option("--json", help="print JSON for scripts")]
_PAPER = 200  # columns where nobody's screen is written to: a file, a pipe
_NARROW = 12  # columns a text needs to be folded legibly


def hub() -> Hub:
    """The pipeline over the environment's settings."""
    return Hub(Settings.from_environment())


def moment(at: datetime) -> str:
    """Day and minute in the county."""
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


def day(at: datetime) -> str:
    """The day in the county: a source's midnight is the evening before by UTC."""
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d}"


def put(*parts: RenderableType) -> None:
    """Print, on a screen to its width, else wide: what reads a pipe has no width, and its terminal may be another."""
    out = console if console.is_terminal else Console(width=_PAPER, file=console.file)
    for part in parts:
        out.print(part, highlight=False)


def in_a_folder(file: Path) -> None:
    """Nothing is written where a typing error would make the folder."""
    if not file.parent.is_dir():
        raise GridhubError(f"{file.parent}: no such folder; make it first")


def show(rows: Iterable[Mapping[str, Any]], as_json: bool, title: str = "", empty: str = "nothing") -> None:
    """Print rows as a table, or as a JSON list."""
    rows = [dict(row) for row in rows]
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, default=str))
        return
    if not rows:
        put(Text(empty))
        return
    if title:
        put(Text(title, style="italic"))
    put(laid_out(rows))


def laid_out(rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Rows as a table, or each as a block of lines where that is too wide. No value is cut."""
    names = list(rows[0])
    cells = [[_cell(value) for value in row.values()] for row in rows]
    columns = [[name, *(row[k] for row in cells)] for k, name in enumerate(names)]
    widest = [max(cell_len(line) for cell in column for line in cell.split("\n")) for column in columns]
    whole = [all(cell.isascii() and " " not in cell for cell in column[1:]) for column in columns]
    least = [width if keep else min(width, _NARROW) for width, keep in zip(widest, whole, strict=True)]
    if sum(least) + 3 * len(names) + 1 > (console.width if console.is_terminal else _PAPER):
        return _blocks(names, cells)
    table = Table()
    for k, (name, value) in enumerate(rows[0].items()):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        table.add_column(Text(name), justify="right" if number else "left", overflow="fold", no_wrap=whole[k], min_width=least[k])
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _blocks(names: Sequence[str], cells: Sequence[Sequence[str]]) -> RenderableType:
    blocks = []
    for row in cells:
        block = Table.grid(padding=(0, 2))
        block.add_column(style="bold", no_wrap=True)
        block.add_column(overflow="fold")
        for name, cell in zip(names, row, strict=True):
            block.add_row(Text(name), Text(cell))
        blocks += [block, Text("")]
    return Group(*blocks)


def tell(figures: StageFigures, as_json: bool) -> None:
    """Print a stage's figures: a line, or JSON."""
    if as_json:
        print(json.dumps(figures.counts(), ensure_ascii=False))
    else:
        numbers = "  ".join(f"{k} {v:,}" if isinstance(v, int) else f"{k} {v}" for k, v in figures.numbers.items())
        console.print(f"{figures.stage:32} {figures.seconds:7.1f} s  {numbers}")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, datetime) and value.tzinfo:
        return moment(value)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def known_errors() -> tuple[type[Exception], ...]:
    """The errors whose text is meant for a reader."""
    from connectors.errors import ConnectorError
    from contracts.reader import ContractError
    from gridhub.errors import GridhubError
    from gridhub.settings import SettingsError
    from linkage.spark import SparkUnavailable
    from publish.datasets import DatasetError
    from warehouse.errors import WarehouseError

    return (ConnectorError, ContractError, DatasetError, GridhubError, SettingsError, SparkUnavailable, WarehouseError)
