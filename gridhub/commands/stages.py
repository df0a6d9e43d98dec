"""``run``, ``ingest``, ``link``, ``assemble``, ``publish``, ``report``, ``watch``, ``rebuild``: the pipeline's stages."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from gridhub import decisions
from gridhub.ahead import side_by_side
from gridhub.commands.output import JsonFlag, console, hub, known_errors, show, tell
from gridhub.figures import StageFigures

T = TypeVar("T")


def _with_progress(label: str, work: Callable[[], T], as_json: bool) -> T:
    if as_json or not console.is_terminal:
        return work()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        progress.add_task(label)
        return work()


def run(as_json: JsonFlag = False) -> None:
    """The whole story in process, without Airflow: ingest every feed, link, assemble, publish, report.

    A feed that fails, or waits at a gate, holds up no other: the story goes on with what is there, and ends with exit code 1.
    """
    story, failed = hub(), False
    ingested = side_by_side(story.tried, story.contracts)
    for feed in story.contracts:
        outcome = _with_progress(f"ingest {feed}", lambda: next(ingested), as_json)
        if isinstance(outcome, Exception):
            if not isinstance(outcome, known_errors()):
                raise outcome
            print(f"gridhub: {outcome}", file=sys.stderr)
            failed = True
            continue
        tell(outcome, as_json)
    for stage in (story.link, story.assemble, story.publish, story.report):
        tell(_with_progress(stage.__name__, stage, as_json), as_json)
    if failed:
        raise typer.Exit(1)


def ingest(
    feed: Annotated[str, typer.Argument(help="a feed of `gridhub feeds`, or `all`")], as_json: JsonFlag = False
) -> None:
    """Fetch, land, validate and load what is new of a feed."""
    story = hub()
    work = story.ingest_many if feed == "all" else lambda: story.ingest(feed)
    tell(_with_progress(f"ingest {feed}", work, as_json), as_json)


def link(as_json: JsonFlag = False) -> None:
    """Resolve addresses and work out who is who."""
    tell(_with_progress("link", hub().link, as_json), as_json)


def assemble(as_json: JsonFlag = False) -> None:
    """Households, surviving values, profiles."""
    tell(_with_progress("assemble", hub().assemble, as_json), as_json)


def publish(as_json: JsonFlag = False) -> None:
    """Each recipient's extract, as its agreement says."""
    tell(_with_progress("publish", hub().publish, as_json), as_json)


def report(as_json: JsonFlag = False) -> None:
    """Write the supervisors' data-quality page (数据质量报告)."""
    tell(_with_progress("report", hub().report, as_json), as_json)


def watch(as_json: JsonFlag = False) -> None:
    """Raise an alert for each feed that is late, clear those that came."""
    tell(hub().watch(), as_json)


def rebuild(as_json: JsonFlag = False) -> None:
    """Make the warehouse's records again from landing; decisions and person ids stay."""
    tell(_with_progress("rebuild", lambda: decisions.rebuild(hub()), as_json), as_json)


def evaluate(
    truth: Annotated[Path, typer.Option(help="the truth folder of a simulated county", exists=True, file_okay=False)],
    by_feeds: Annotated[bool, typer.Option("--by-feeds", help="by pair of feeds, most missed first")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Persons, households and values against a simulated county's truth: precision, recall, F1, exact households."""
    from reports import evaluate as measured

    engine = hub().engine
    if by_feeds:
        show(measured.feed_pairs(engine, truth), as_json, "records of one person, by pair of feeds")
        return

    def work() -> StageFigures:
        started = time.monotonic()
        numbers = measured.evaluate(engine, truth)
        return StageFigures("evaluate", time.monotonic() - started, numbers)

    figures = _with_progress("evaluate", work, as_json)
    if as_json:
        tell(figures, as_json)
        return
    show(measured.table(figures.numbers), as_json, "against the truth, by pairs")
    if "residence_households" not in figures.numbers:
        console.print("households and values are not assembled yet: gridhub assemble")
    shares = {name[len("attribute_") : -len("_right")]: share for name, share in figures.numbers.items() if name.startswith("attribute_")}
    if shares:
        show([shares], as_json, "share of persons whose value is right")


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    for command in (run, ingest, link, assemble, publish, report, watch, rebuild, evaluate):
        app.command()(command)
