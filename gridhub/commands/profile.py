"""``gridhub profile show``: one household's profile, now or as it was believed on a day."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from gridhub.commands.output import console, hub, in_a_folder

app = typer.Typer(no_args_is_help=True, help="Household profiles (一户一档).")


@app.command("show")
def show_profile(
    household: Annotated[str, typer.Argument(help="a household or person id")],
    by: Annotated[str, typer.Option("--by", help="who you are; kept in the access log")],
    purpose: Annotated[str, typer.Option("--purpose", help="what you look for; kept in the access log")] = "查看户档",
    as_of: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="as believed at the end of that day")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(dir_okay=False, help="write it as a page instead, ID numbers masked")
    ] = None,
) -> None:
    """Print the profile document (JSON), or write it as an HTML page. Personal data: the look is logged."""
    from profiles.history import is_known, profile_document
    from warehouse.access import note_look

    day: date | None = as_of.date() if as_of else None
    if html is not None:
        in_a_folder(html)
    story, document = hub(), None
    if is_known(story.engine, household):  # what is no id of ours may be a person's number, which the log must not hold
        note_look(story.engine, by=by, action="profile.show", subject=household, purpose=purpose)
        document = profile_document(story.engine, household, day)
    if document is None:
        console.print(f"{household}: no profile{' on that day' if day else ''}")
        raise typer.Exit(1)
    if html is None:
        print(document)
        return
    from reports.profile_page import render_profile

    html.write_text(render_profile(document, story.contracts, story.settings.language), encoding="utf-8")
    console.print(f"{html}")
