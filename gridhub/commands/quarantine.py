"""``gridhub quarantine …``: rows that could not be accepted, and what a person does about them (隔离区)."""

from __future__ import annotations

from typing import Annotated

import typer

from gridhub import decisions
from gridhub.commands.output import JsonFlag, console, hub, show, tell

app = typer.Typer(no_args_is_help=True, help="Quarantined rows (隔离区).")
Batch = Annotated[str, typer.Argument(help="a batch of `gridhub batches`")]


@app.command("list")
def list_rows(
    feed: Annotated[str | None, typer.Option(help="only this feed")] = None, as_json: JsonFlag = False
) -> None:
    """Open rows by feed, batch and reason: counts, no values."""
    from warehouse.quarantine import summary

    show(summary(hub().engine, feed), as_json, empty="the quarantine is empty")


@app.command("show")
def show_rows(
    batch: Batch, limit: Annotated[int, typer.Option(help="rows at most")] = 20, as_json: JsonFlag = False
) -> None:
    """The rows of a batch as they came, with row number and reasons. Holds personal data: for the screen only."""
    from warehouse.quarantine import rows

    show(rows(hub().engine, batch, limit), as_json, empty="no open rows in that batch")


@app.command()
def replay(batch: Batch, as_json: JsonFlag = False) -> None:
    """Judge a batch's quarantined rows again, after the crosswalk, the rule or the standard was mended."""
    tell(decisions.replay(hub(), batch), as_json)


@app.command()
def release(
    batch: Batch,
    row: Annotated[list[int], typer.Option(help="row number; may be repeated")],
    reason: Annotated[str, typer.Option(help="why these rows may pass; kept")],
    by: Annotated[str, typer.Option(help="who decides")] = "operator",
) -> None:
    """Let rows pass against the rules' advice, with a reason. A row without a usable key can't pass."""
    figures = decisions.release(hub(), batch, row, reason, by)
    console.print(f"released {figures.numbers['rows']} rows of {batch}")
