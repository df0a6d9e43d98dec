"""How commands speak: a Rich table for people, JSON for scripts, one line for an error."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from gridhub.figures import StageFigures
from gridhub.pipeline import Hub
from gridhub.settings import Settings

console = Console()
JsonFlag = Annotated[bool, typer.Option("--json", help="print JSON for scripts")]


def hub() -> Hub:
    """The pipeline over the environment's settings."""
    return Hub(Settings.from_environment())


def show(rows: Iterable[Mapping[str, Any]], as_json: bool, title: str = "", empty: str = "nothing") -> None:
    """Print rows as a table, or as a JSON list."""
    rows = [dict(row) for row in rows]
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, default=str))
        return
    if not rows:
        console.print(empty)
        return
    table = Table(title=title or None, title_justify="left")
    for name, value in rows[0].items():
        table.add_column(
            name, justify="right" if isinstance(value, int | float) and not isinstance(value, bool) else "left"
        )
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    console.print(table)


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
