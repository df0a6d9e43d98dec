"""``gridhub match``: a department's one-off list found in the warehouse (名单比对)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from gridhub.commands.output import JsonFlag, console, hub, show, tell
from gridhub.figures import StageFigures
from gridhub.settings import SettingsError


def match(
    list_file: Annotated[Path | None, typer.Argument(metavar="LIST", help="the list: .xlsx, .xls, .ods or .csv", exists=True, dir_okay=False)] = None,
    purpose: Annotated[str, typer.Option(help="what the list is matched for; recorded")] = "",
    by: Annotated[str, typer.Option(help="who asks; recorded")] = "",
    out: Annotated[Path | None, typer.Option(help="the workbook to write (default: GRIDHUB_HOME/out/match/<list>-匹配结果.xlsx)")] = None,
    language: Annotated[str | None, typer.Option(help="zh or en (default: GRIDHUB_LANGUAGE)")] = None,
    history: Annotated[bool, typer.Option("--history", help="list who matched what for; no list is read")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Find each row of a department's list in the warehouse: who it is, how probable, why, or who is nearest."""
    from linkage.match_store import match_list, runs

    story = hub()
    if history:
        show(runs(story.engine), as_json, empty="no list was matched yet")
        return
    if list_file is None or not purpose.strip() or not by.strip():
        raise typer.BadParameter("LIST, --purpose and --by are expected")
    if language not in (None, "zh", "en"):
        raise SettingsError("--language: expected zh or en")
    spoken = language or story.settings.language
    target = out or story.settings.out / "match" / f"{list_file.stem}-{('匹配结果', 'matched')[spoken == 'en']}.xlsx"
    started = time.monotonic()
    figures = match_list(story.engine, list_file, target, purpose=purpose, by=by, today=story.settings.today, language=spoken,
                         threads=story.settings.threads, memory_mb=story.settings.memory_mb)  # fmt: skip
    tell(StageFigures("match", time.monotonic() - started, figures.counts()), as_json)
    if not as_json:
        console.print(str(target))


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(match)
