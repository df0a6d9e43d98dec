"""``gridhub profile show``: one household's profile, now or as it was believed on a day."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import typer

from gridhub.commands.output import console, hub

app = typer.Typer(no_args_is_help=True, help="Household profiles (一户一档).")


@app.command("show")
def show_profile(
    household: Annotated[str, typer.Argument(help="a household or person id")],
    as_of: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="as believed at the end of that day")
    ] = None,
) -> None:
    """Print the profile document (JSON)."""
    day: date | None = as_of.date() if as_of else None
    from profiles.history import profile_document

    document = profile_document(hub().engine, household, day)
    if document is None:
        console.print(f"{household}: no profile{' on that day' if day else ''}")
        raise typer.Exit(1)
    print(document)
