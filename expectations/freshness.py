"""Which feeds are late (时效): what a contract promised against what was loaded last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.model import Contract
from expectations.identity import SHANGHAI

_WORDS = {"hourly": ("小时", "hour"), "daily": ("日", "day"), "monthly": ("月", "month")}


@dataclass(frozen=True)
class FeedState:
    """What the warehouse knows of a feed: when a read last ended well (even if it brought nothing new),
    and the newest file period (yyyymm) loaded."""

    last_loaded_at: datetime | None = None
    last_period: str | None = None


@dataclass(frozen=True)
class Lateness:
    """A delivery that should be there. ``subject`` names it: yyyymm, a day or an hour (Shanghai)."""

    feed: str
    subject: str
    late_since: datetime
    text: str  # Chinese, one line
    text_en: str


def late_feeds(
    contracts: Mapping[str, Contract],
    states: Mapping[str, FeedState],
    now: datetime,
    *,
    since: datetime | None = None,
) -> list[Lateness]:
    """The feeds whose newest due delivery is missing at ``now`` (with a zone), in order of feed.

    A delivery of the hour, day or month that begins at T is late from T + ``late_after_hours``. A
    file feed is judged by its period, any other by its last good read. ``since``: when the hub
    began; what was due before is nobody's fault. An optional file is never late.
    """
    found = []
    for feed, contract in sorted(contracts.items()):
        if contract.optional_file:
            continue
        patience = timedelta(hours=contract.freshness.late_after_hours)
        due = _begin(now.astimezone(SHANGHAI) - patience, contract.freshness.every)
        if since is not None and due < since:
            continue
        if _arrived(contract, states.get(feed, FeedState()), due):
            continue
        subject, late_since = _name(due, contract.freshness.every), due + patience
        word, word_en = _WORDS[contract.freshness.every]
        found.append(
            Lateness(
                feed, subject, late_since,
                f"{contract.title}: {subject}的数据(每{word})应于{late_since:%Y-%m-%d %H:%M}前到达, 尚未到达",
                f"{contract.title_en}: the delivery of {subject} (one a {word_en}) was due by {late_since:%Y-%m-%d %H:%M}",
            )
        )  # fmt: skip
    return found


def _arrived(contract: Contract, state: FeedState, due: datetime) -> bool:
    if contract.period_from is not None and contract.freshness.every == "monthly":
        return state.last_period is not None and state.last_period >= _name(due, "monthly")
    return state.last_loaded_at is not None and state.last_loaded_at >= due


def _begin(moment: datetime, every: str) -> datetime:
    hour = moment.replace(minute=0, second=0, microsecond=0)
    if every == "hourly":
        return hour
    return hour.replace(hour=0) if every == "daily" else hour.replace(hour=0, day=1)


def _name(begin: datetime, every: str) -> str:
    return begin.strftime({"hourly": "%Y-%m-%d %H:00", "daily": "%Y-%m-%d", "monthly": "%Y%m"}[every])
