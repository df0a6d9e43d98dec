"""``gridhub match``: a department's one-off list found in the warehouse (名单比对).

The language here is Chinese first, English by ``--language en`` or GRIDHUB_LANGUAGE.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from gridhub.commands.output import JsonFlag, console, hub, moment, show, tell
from gridhub.errors import GridhubError
from gridhub.figures import StageFigures
from gridhub.settings import SHANGHAI

_HISTORY = {"run_id": "编号", "asked_at": "时间", "asked_by": "查询人", "purpose": "用途", "rows": "行数", "model_version": "模型版本", "file_digest": "名单摘要（SM3）"}


def match(
    list_file: Annotated[Path | None, typer.Argument(metavar="LIST", help="the list: .xlsx, .xls, .xlsb, .ods, .csv or .txt")] = None,
    purpose: Annotated[str, typer.Option(help="what the list is matched for; recorded")] = "",
    by: Annotated[str, typer.Option(help="who asks; recorded")] = "",
    out: Annotated[Path | None, typer.Option(help="the workbook to write (default: GRIDHUB_HOME/out/match/<list>-匹配结果.xlsx)")] = None,
    language: Annotated[str | None, typer.Option(help="zh or en (default: GRIDHUB_LANGUAGE)")] = None,
    history: Annotated[bool, typer.Option("--history", help="list who matched what for; no list is read")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Find each row of a department's list in the warehouse: who it is, how probable, why, or who is nearest."""
    from linkage.match_file import ListError
    from linkage.match_store import match_list
    from warehouse.signature import legible

    if language not in (None, "zh", "en"):
        raise typer.BadParameter("zh or en", param_hint="--language")
    story = hub()
    spoken = language or story.settings.language
    if history:
        _history(story.engine, spoken, as_json)
        return
    if list_file is None or not legible(purpose) or not legible(by):
        raise typer.BadParameter("LIST, --purpose and --by are expected" if spoken == "en" else "须给出名单文件、用途（--purpose）和查询人（--by）")
    target = out or story.settings.out / "match" / f"{list_file.stem}-{('匹配结果', 'matched')[spoken == 'en']}.xlsx"
    started = time.monotonic()
    try:
        figures = match_list(story.engine, list_file, target, purpose=purpose, by=by, today=story.settings.today, language=spoken,
                             threads=story.settings.threads, memory_mb=story.settings.memory_mb)  # fmt: skip
    except ListError as error:
        raise GridhubError(error.told(spoken)) from None
    seconds = time.monotonic() - started
    if as_json or spoken == "en":
        tell(StageFigures("match", seconds, figures.counts()), as_json)
    else:
        told = "  ".join(f"{_title(name)} {value:,}" if isinstance(value, int) else f"{_title(name)} {value}" for name, value in figures.counts().items())
        console.print(f"名单比对  {seconds:.1f} 秒  {told}")
    if not as_json:
        console.print(str(target))


def _history(engine: Any, language: str, as_json: bool) -> None:
    from linkage.match_store import runs

    listed = runs(engine)
    for row in listed:
        at = row["asked_at"]
        row["asked_at"] = at.astimezone(SHANGHAI).isoformat(timespec="minutes") if as_json else moment(at)
    if language != "en" and not as_json:
        listed = [{_title(name): value for name, value in row.items()} for row in listed]
    show(listed, as_json, empty="no list was matched yet" if language == "en" else "还没有比对过名单")


def _title(name: str) -> str:
    from linkage.match_words import OUTCOMES

    return OUTCOMES[name][0] if name in OUTCOMES else _HISTORY[name]


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(match)
