"""``gridhub extracts``: what was handed to whom."""

from __future__ import annotations

from typing import Annotated

import typer

from gridhub.commands.output import JsonFlag, hub, show


def extracts(
    recipient: Annotated[
        str | None, typer.Option(help="only this recipient, e.g. health or community-130731100008")
    ] = None,
    limit: Annotated[int, typer.Option(help="newest first, at most")] = 30,
    as_json: JsonFlag = False,
) -> None:
    """Extracts (数据提取): sequence, kind, rows added, changed and removed, agreement and its validity, folder."""
    from contracts.agreements import load_agreements
    from publish.ledger import listing

    show(listing(hub().engine, load_agreements(), recipient, limit), as_json, empty="no extracts")


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    app.command()(extracts)
