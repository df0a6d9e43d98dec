"""``gridhub batches``, ``gate …`` and ``alerts``: what arrived, what waits for a person, what is late."""

from __future__ import annotations

from typing import Annotated

import typer

from gridhub import decisions
from gridhub.commands.output import JsonFlag, console, hub, show, tell

gate = typer.Typer(no_args_is_help=True, help="Batches held at a gate (闸门).")
Batch = Annotated[str, typer.Argument(help="a batch of `gridhub batches`")]
Reason = Annotated[str, typer.Option(help="why; kept with the batch")]
By = Annotated[str, typer.Option(help="who decides")]


def batches(
    feed: Annotated[str | None, typer.Option(help="only this feed")] = None,
    state: Annotated[str | None, typer.Option(help="landed, held, loaded, rejected, refused or purged")] = None,
    limit: Annotated[int, typer.Option(help="newest first, at most")] = 30,
    as_json: JsonFlag = False,
) -> None:
    """Batches with their counts: landed = accepted + quarantined."""
    from warehouse.batches import listing

    show(listing(hub().engine, feed, state, limit), as_json, empty="no batches")


def alerts(as_json: JsonFlag = False) -> None:
    """Open alerts: late feeds, refused deliveries, held batches."""
    from warehouse.alerts import open_alerts

    show(open_alerts(hub().engine), as_json, empty="no open alerts")


@gate.command("show")
def show_gate(batch: Batch, as_json: JsonFlag = False) -> None:
    """Why a batch is held."""
    from warehouse.batches import findings

    show(findings(hub().engine, batch), as_json, empty="that batch is not held")


@gate.command()
def approve(batch: Batch, reason: Reason, by: By = "operator") -> None:
    """Let a held batch through; it is loaded at once."""
    figures = decisions.approve(hub(), batch, reason, by)
    console.print(f"{batch}: loaded, {figures.numbers.get('landed', 0):,} rows")


@gate.command()
def reject(batch: Batch, reason: Reason, by: By = "operator") -> None:
    """Refuse a held batch for good; its landing stays."""
    decisions.reject(hub(), batch, reason, by)
    console.print(f"{batch}: rejected")


def purge(
    batch: Batch,
    reason: Annotated[str, typer.Option(help="the order it is purged on; kept in the tombstone. No person's data, please")],
    by: Annotated[str, typer.Option(help="who purges; kept")],
    yes: Annotated[bool, typer.Option("--yes", help="do not ask again")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Erase a batch for good, with all that was made of it (清除): landing keeps a tombstone, nothing brings its rows back."""
    from gridhub.erasure import purge as erase

    if not yes:
        typer.confirm(f"{batch}: erase it from landing and warehouse for good?", abort=True)
    tell(erase(hub(), batch, reason, by), as_json)


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    app.command()(batches)
    app.command()(alerts)
    app.command()(purge)
    app.add_typer(gate, name="gate")
