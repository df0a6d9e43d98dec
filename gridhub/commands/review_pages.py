"""How ``gridhub review`` looks: rows and pages for a terminal, Chinese or English. Nothing here reads or decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from gridhub.commands.output import day, laid_out, moment
from linkage.review import (
    Compared,
    Decision,
    PairView,
    PersonEvent,
    PersonStory,
    QueuedPair,
    Side,
    TakenDecision,
    Waterfall,
)
from linkage.words import CONFLICTS, ROLES, RULES, VETOES, word

Feeds = Mapping[str, str]  # feed -> its Chinese title

_WORDS: Mapping[str, tuple[str, str]] = {
    "pair": ("记录对", "pair"), "decision": ("决定", "decision"), "left": ("左", "left"), "right": ("右", "right"), "person": ("人员", "person"),
    "probability": ("概率", "probability"), "records": ("涉及记录", "records moved"), "benefit": ("涉及待遇", "benefits"), "gain": ("预期收益", "gain"),
    "why": ("原因", "why"), "verdict": ("结论", "verdict"), "effect": ("状态", "effect"), "by": ("何人", "by"), "at": ("何时", "at"),
    "confirmed_by": ("复核人", "confirmed by"), "until": ("再次询问", "asked again"), "reason": ("理由", "reason"), "field": ("项目", "field"),
    "comparison": ("比较项", "comparison"), "level": ("结果", "level"), "bits": ("权重（比特）", "weight (bits)"), "total": ("累计", "total"),
    "event": ("事件", "event"), "count": ("记录数", "records"), "other": ("相关人员", "other"), "cause": ("缘由", "cause"), "feed": ("数据源", "feed"), "role": ("角色", "role"),
    "since": ("自", "since"), "link": ("关联依据", "linked by"), "same": ("同一人", "same"), "different": ("不同人", "different"),
    "unsure": ("说不清", "can't say"), "done": ("已生效", "carried out"), "next_run": ("下次关联时生效", "at the next link"),
    "pending": ("待另一人复核", "waits for a second person"), "resting": ("暂不询问", "rests"), "refused": ("未能执行：与事实约束冲突", "can't be carried out"),
    "gone": ("记录已不存在", "a record is gone"), "minted": ("新编号", "new"), "merged_into": ("并入", "merged into"), "split_from": ("拆分自", "split from"),
    "linked": ("已关联为同一人", "linked as one person"), "undone": ("已撤销", "undone"), "undone_by": ("撤销人", "undone by"),
    "undone_at": ("撤销时间", "undone at"), "rival": ("另有相近的候选人", "another candidate is nearly as good"),
}
_CAUSES = {
    "minted": ("首次出现的记录", "first record"), "merged_into": ("双方记录关联到一起", "the records of both were linked"),
    "split_from": ("记录关联到别处或不再关联", "records were linked elsewhere or no longer"),
}  # fmt: skip
_ALSO = {"zh": "另有", "en": "also"}


def _w(name: str, language: str) -> str:
    return word(_WORDS, name, language)


def queue_rows(pairs: Sequence[QueuedPair], feeds: Feeds, language: str) -> list[dict[str, Any]]:
    """The queue as table rows: no personal value."""
    return [{
        _w("pair", language): f"Q{pair.pair_id}", _w("left", language): f"{feeds.get(pair.feed_l, pair.feed_l)} {pair.person_l}",
        _w("right", language): f"{feeds.get(pair.feed_r, pair.feed_r)} {pair.person_r}", _w("probability", language): pair.probability,
        _w("records", language): pair.records, _w("benefit", language): _yes(pair.benefit, language), _w("gain", language): pair.gain,
        _w("why", language): _why(pair, language),
    } for pair in pairs]  # fmt: skip


def decision_rows(taken: Sequence[TakenDecision], feeds: Feeds, language: str) -> list[dict[str, Any]]:
    """Decisions as table rows: what stands, or what was undone."""
    return [{
        _w("decision", language): f"D{d.decision_id}", _w("pair", language): f"Q{d.pair_id}",
        _w("left", language): f"{feeds.get(d.feed_l, d.feed_l)} {d.person_l or ''}", _w("right", language): f"{feeds.get(d.feed_r, d.feed_r)} {d.person_r or ''}",
        _w("verdict", language): _w(d.verdict, language), _w("effect", language): _w(d.effect, language), _w("by", language): d.by,
        _w("at", language): moment(d.at), _w("confirmed_by", language): d.confirmed_by or "",
        **({_w("undone_by", language): d.undone_by, _w("undone_at", language): moment(d.undone_at), _w("reason", language): d.undo_reason} if d.undone_at else
           {_w("until", language): day(d.rest_until) if d.rest_until else "", _w("reason", language): d.reason}),
    } for d in taken]  # fmt: skip


def taken_line(decision: Decision, language: str) -> str:
    """What was just decided, confirmed or undone, in a line."""
    name = f"D{decision.decision_id} {_w(decision.verdict, language)}"
    if decision.undone_at:
        return f"{name}: undone; the next link leaves no trace of it" if language == "en" else f"{name}：已撤销，下次关联后不留痕迹"
    if decision.state == "pending":
        return (f"{name}: benefits hang on it; binds after another person's `gridhub review confirm D{decision.decision_id}`" if language == "en"
                else f"{name}：涉及待遇记录，须另一人复核后生效：gridhub review confirm D{decision.decision_id}")
    if decision.state == "resting":
        until = day(decision.rest_until)
        return f"{name}: asked again from {until}" if language == "en" else f"{name}：{until} 以后再次询问"
    return f"{name}: the next link applies it" if language == "en" else f"{name}：下次关联时生效"


def pair_page(view: PairView, feeds: Feeds, language: str) -> Iterator[RenderableType]:
    """One pair: both records, the waterfall, what was decided."""
    title = f"Q{view.pair_id}  {_kind(view, language)}"
    if view.two_people:
        title += "  [benefits: two people]" if language == "en" else "  【涉及待遇：合并须双人复核】"
    yield Text(title, style="bold")
    yield _records(view, feeds, language)
    for side in (view.left, view.right):
        yield Text(_around(side, feeds, language))
    if view.waterfall:
        yield _waterfall(view.waterfall, language)
    for taken in view.decisions:
        yield Text(f"D{taken.decision_id} {_w(taken.verdict, language)} · {_w(taken.effect, language)} · {taken.by} {day(taken.at)} · {taken.reason}")


def story_page(told: PersonStory, feeds: Feeds, language: str) -> Iterator[RenderableType]:
    """What became of a person."""
    title = told.person_id if told.present_id == told.person_id else f"{told.person_id} {'is today' if language == 'en' else '今为'} {told.present_id}"
    if not told.stands:
        title += ": has no record any more" if language == "en" else "：已无记录"
    yield Text(title, style="bold")
    if told.events:
        yield laid_out([{
            _w("at", language): moment(event.at), _w("person", language): event.person_id, _w("event", language): _w(event.kind, language),
            _w("other", language): event.other_id or "", _w("count", language): event.records, _w("cause", language): _cause(event, language),
        } for event in told.events])  # fmt: skip
    if told.records:
        yield laid_out([{
            _w("pair", language): f"Q{held.pair_id}" if held.pair_id else "", _w("feed", language): feeds.get(held.feed, held.feed) if language == "zh" else held.feed,
            _w("role", language): word(ROLES, held.role, language), _w("link", language): word(RULES, held.rule, language),
            _w("probability", language): _figure(held.probability), _w("since", language): day(held.since),
        } for held in told.records])  # fmt: skip
    went = "  ".join(f"{person} {count}" for person, count in told.went_to)
    yield Text(f"Records it ever held are today with: {went or '—'}; ended or no longer delivered: {told.left}" if language == "en"
               else f"曾有记录现属：{went or '—'}；已终止或不再报送：{told.left}")
    if told.decisions:
        yield Text(f"{_w('decision', language)}{': ' if language == 'en' else '：'}" + " ".join(f"D{number}" for number in told.decisions))


def _kind(view: PairView, language: str) -> str:
    """What the pair is: one person, or what put it before somebody, which need not be its probability."""
    if view.kind == "linked":
        return _w("linked", language)
    return view.waterfall.decision_title(language) if view.waterfall and view.kind == "review" else word(CONFLICTS, view.kind, language)


def _cause(event: PersonEvent, language: str) -> str:
    """A decision where one stood behind it, else what the data said."""
    if event.decisions:
        return f"{_w('decision', language)} " + " ".join(f"D{number}" for number in event.decisions)
    return event.cause if language == "en" else word(_CAUSES, event.kind, language)


def _records(view: PairView, feeds: Feeds, language: str) -> Table:
    table = Table()
    table.add_column(_w("field", language), overflow="fold")
    for side in (view.left, view.right):
        feed = feeds.get(side.feed, side.feed) if language == "zh" else side.feed
        table.add_column(Text(f"{feed} {side.person_id or ''}"), overflow="fold")
    table.add_column("")
    for field in view.fields:
        mark = {True: "＝", False: "≠", None: ""}[field.agree]
        table.add_row(Text(field.title(language)), _value(field, "left", language), _value(field, "right", language), mark, style="yellow" if field.agree is False else None)
    return table


def _value(field: Compared, side: str, language: str) -> Text:
    own, also = getattr(field, side) or "", getattr(field, f"{side}_also")
    return Text.assemble(own, (f" ({_ALSO[language]} {(', ' if language == 'en' else '、').join(also)})", "dim") if also else "")


def _around(side: Side, feeds: Feeds, language: str) -> str:
    comma = ", " if language == "en" else "、"
    held = comma.join(f"{feeds.get(feed, feed) if language == 'zh' else feed} {count}" for feed, count in side.feeds)
    time = day(side.source_time) if side.source_time else "—"
    place = f"{side.batch_id or '—'} #{side.row_no or '—'}"
    together = comma.join(side.together) or "—"
    if language == "en":
        gone = " (ended or no longer delivered)" if side.gone else ""
        return f"{side.person_id or '—'}: records {held}; this one {time}, batch {place}{gone}; named together with: {together}"
    return f"{side.person_id or '—'}：记录 {held}；本条时间 {time}，批次 {place}{'（已终止或不再报送）' if side.gone else ''}；同列人员：{together}"


def _waterfall(shown: Waterfall, language: str) -> RenderableType:
    decided, stored = shown.decision_title(language), _figure(shown.probability)
    if not shown.steps:
        return Text(f"{decided}; stored probability {stored or '—'}" if language == "en" else f"{decided}；所存概率 {stored or '—'}")
    table = Table()
    for name in ("comparison", "level", "bits", "total"):
        table.add_column(_w(name, language), justify="right" if name in ("bits", "total") else "left", overflow="fold")
    for step in shown.steps:
        table.add_row(step.title(language), step.level_title(language), f"{step.weight:+.2f}", f"{step.total:+.2f}")
    model = _figure(shown.model_probability)
    table.caption = (f"{decided}; by the weights {model}, stored {stored}; model {shown.model}" if language == "en"
                     else f"{decided}；按权重概率 {model}，所存概率 {stored}；模型 {shown.model}")
    table.caption_justify = "left"
    return table


def _why(pair: QueuedPair, language: str) -> str:
    if pair.kind != "review" or (pair.rule == "weight" and pair.believed == pair.probability):
        return word(CONFLICTS, pair.kind, language)
    return word(VETOES, pair.rule, language) if pair.rule in VETOES else _w("rival", language)  # sure enough to link, but for somebody else


def _figure(probability: float | None) -> str:
    return "" if probability is None else f"{probability:.4f}"


def _yes(value: bool, language: str) -> str:
    return ("yes" if language == "en" else "是") if value else ""
