"""``gridhub review …``: what is uncertain about who is who, shown to a person, and what he says of it (关联复核).

The language here is Chinese first, English by ``--language en`` or GRIDHUB_LANGUAGE.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any

import typer

from gridhub.commands.output import JsonFlag, hub, put, show
from gridhub.errors import GridhubError

app = typer.Typer(no_args_is_help=True, help="Review of uncertain links (关联复核).")
Pair = Annotated[str, typer.Argument(metavar="PAIR", help="a pair of `gridhub review list`, like Q12")]
Taken = Annotated[str, typer.Argument(metavar="DECISION", help="a decision, like D7")]
By = Annotated[str, typer.Option("--by", help="who you are; kept")]
Reason = Annotated[str, typer.Option("--reason", help="why; kept. No ID number or telephone, please")]
Purpose = Annotated[str | None, typer.Option("--purpose", help="what you look for; kept in the access log")]
Language = Annotated[str | None, typer.Option("--language", help="zh or en; default: GRIDHUB_LANGUAGE")]


@app.command("list")
def list_pairs(
    state: Annotated[str, typer.Option(help="open, pending (waits for a second person), resting (can't say), decided or undone")] = "open",
    limit: Annotated[int, typer.Option(help="rows at most")] = 20,
    language: Language = None,
    as_json: JsonFlag = False,
) -> None:
    """Pairs worth a minute, the best first; or what was decided. Shows no personal value."""
    from gridhub.commands.review_pages import decision_rows, queue_rows
    from linkage import review

    if state not in ("open", "pending", "resting", "decided", "undone"):
        raise typer.BadParameter("open, pending, resting, decided or undone", param_hint="--state")
    story, spoken = _begin(language)
    rows: list[Any] = review.queue(story.engine, limit) if state == "open" else review.decisions(story.engine, state, limit)
    if as_json:
        _print([asdict(row) for row in rows])
        return
    feeds = {feed: contract.title for feed, contract in story.contracts.items()} if spoken == "zh" else {}
    named = (queue_rows if state == "open" else decision_rows)(rows, feeds, spoken)
    show(named, False, empty="nothing waits" if spoken == "en" else "没有待处理的记录对")


@app.command("show")
def show_pair(
    pair: Pair, by: By, purpose: Purpose = None, language: Language = None, as_json: JsonFlag = False
) -> None:
    """Both records side by side with the waterfall of weights. Personal data: for the screen only; the look is logged."""
    from gridhub.commands.review_pages import pair_page
    from linkage import review

    story, spoken = _begin(language)
    with _said(spoken):
        view = review.look(story.engine, _number(pair, "Q", spoken), by=by, purpose=purpose or review.PURPOSE, language=spoken)
    if as_json:
        _print(asdict(view))
        return
    put(*pair_page(view, {feed: contract.title for feed, contract in story.contracts.items()}, spoken))


@app.command()
def same(pair: Pair, by: By, reason: Reason, language: Language = None, as_json: JsonFlag = False) -> None:
    """One person. Where benefits hang on it, it binds only after a second person's `confirm`."""
    _answer(pair, "same", by, reason, language, as_json)


@app.command()
def different(pair: Pair, by: By, reason: Reason, language: Language = None, as_json: JsonFlag = False) -> None:
    """Two people."""
    _answer(pair, "different", by, reason, language, as_json)


@app.command()
def unsure(
    pair: Pair,
    by: By,
    reason: Reason,
    days: Annotated[int | None, typer.Option(min=1, max=366, help="when to ask again; default: 35, after the next monthly deliveries")] = None,
    language: Language = None,
    as_json: JsonFlag = False,
) -> None:
    """Can't say (说不清): binds nothing, asked again later."""
    from linkage.review import REST_DAYS

    _answer(pair, "unsure", by, reason, language, as_json, rest_days=days or REST_DAYS)


@app.command()
def confirm(decision: Taken, by: By, reason: Reason, language: Language = None, as_json: JsonFlag = False) -> None:
    """The second person's yes to a merge that waits (复核)."""
    from linkage import review

    _act(lambda engine, number: review.confirm(engine, number, by=by, reason=reason), decision, "D", language, as_json)


@app.command()
def undo(decision: Taken, by: By, reason: Reason, language: Language = None, as_json: JsonFlag = False) -> None:
    """Take a decision back; the next link leaves no trace of it."""
    from linkage import review

    _act(lambda engine, number: review.undo(engine, number, by=by, reason=reason), decision, "D", language, as_json)


@app.command()
def history(
    person: Annotated[str, typer.Argument(help="a person id, like P000000012")],
    by: By,
    purpose: Purpose = None,
    language: Language = None,
    as_json: JsonFlag = False,
) -> None:
    """What became of a person: events, where the records are today and why. The look is logged."""
    from gridhub.commands.review_pages import story_page
    from linkage import review

    story, spoken = _begin(language)
    with _said(spoken):
        told = review.became(story.engine, person, by=by, purpose=purpose or review.PURPOSE)
    if told is None:
        raise GridhubError(f"{person}: never was a person" if spoken == "en" else f"{person}：没有这个人员编号")
    if as_json:
        _print(asdict(told))
        return
    put(*story_page(told, {feed: contract.title for feed, contract in story.contracts.items()}, spoken))


def _answer(pair: str, verdict: str, by: str, reason: str, language: str | None, as_json: bool, **more: int) -> None:
    from linkage import review

    _act(lambda engine, number: review.answer(engine, number, verdict, by=by, reason=reason, **more), pair, "Q", language, as_json)


def _act(action: Callable[[Any, int], Any], name: str, letter: str, language: str | None, as_json: bool) -> None:
    from gridhub.commands.review_pages import taken_line

    story, spoken = _begin(language)
    with _said(spoken):
        decision = action(story.engine, _number(name, letter, spoken))
    if as_json:
        _print(asdict(decision))
    else:
        put(taken_line(decision, spoken))


def _begin(language: str | None) -> tuple[Any, str]:
    if language not in (None, "zh", "en"):
        raise typer.BadParameter("zh or en", param_hint="--language")
    story = hub()
    return story, language or story.settings.language


def _number(name: str, letter: str, language: str) -> int:
    digits = name.strip().upper().removeprefix(letter)
    if not digits.isdecimal() or len(digits) > 18:
        raise GridhubError(f"a number like {letter}12 is expected" if language == "en" else f"编号应如 {letter}12")
    return int(digits)


@contextmanager
def _said(language: str):
    """A decision that can't be taken is one line in the reader's language."""
    from linkage.decisions import DecisionError

    try:
        yield
    except DecisionError as error:
        raise GridhubError(error.told(language)) from None


def _print(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, default=str))
