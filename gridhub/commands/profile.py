"""``gridhub profile show``: one household's profile, now or as it was believed on a day."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
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
    html: Annotated[
        Path | None, typer.Option(dir_okay=False, help="write it as a page instead, ID numbers masked")
    ] = None,
) -> None:
    """Print the profile document (JSON), or write it as an HTML page."""
    day: date | None = as_of.date() if as_of else None
    from profiles.history import profile_document

    story = hub()
    document = profile_document(story.engine, household, day)
    if document is None:
        console.print(f"{household}: no profile{' on that day' if day else ''}")
        raise typer.Exit(1)
    if html is None:
        print(document)
        return
    from reports.profile_page import render_profile

    html.parent.mkdir(parents=True, exist_ok=True)
    html.write_text(render_profile(document, story.contracts, story.settings.language), encoding="utf-8")
    console.print(f"{html}")
