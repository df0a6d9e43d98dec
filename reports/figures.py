"""The figures of the supervisors' report (报告数字): read from the warehouse once, frozen, without a value of any person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Engine, func, select

from contracts.cross_rules import load_rules
from contracts.model import Contract
from expectations.freshness import FeedState, late_feeds
from reports.clusters import Clusters, read_clusters
from reports.labels import Text
from reports.population import Compound, Population, read_population
from reports.quality import Quality, read_quality
from reports.scores import Score
from warehouse.bulk import read_arrow
from warehouse.tables import batch, feed_state

KEPT_REPORTS = 24  # headlines of earlier reports kept for the trend
EXTRACTS = """
SELECT DISTINCT ON (recipient) recipient, sequence, kind, rows, added, changed, removed, recorded_from
FROM hub.extract ORDER BY recipient, sequence DESC
"""


@dataclass(frozen=True)
class Extract:
    """What a recipient was handed last: counts only."""

    recipient: str
    sequence: int
    kind: str
    rows: int
    added: int
    changed: int
    removed: int
    handed_at: str


@dataclass(frozen=True)
class Report:
    """One report, as of ``today`` (ages, visits) and ``made_at`` (deliveries)."""

    made_at: datetime
    today: date
    quality: Quality
    population: Population
    extracts: tuple[Extract, ...]
    history: tuple[Mapping[str, Any], ...] = ()  # headlines of earlier reports, oldest first
    clusters: Clusters | None = None

    @property
    def headline(self) -> dict[str, int | float | None]:
        """The numbers of the first lines, which the next report compares itself with."""
        feeds, people = self.quality.feeds, self.population
        values = [d.overall for d in self.quality.departments if d.overall is not None]
        return {
            "persons": people.persons,
            "households": people.households,
            "profiles": people.profiles,
            "room_rate": people.room_rate,
            "feeds_due": self.quality.feeds_due,
            "feeds_on_time": self.quality.feeds_on_time,
            "landed": sum(f.landed for f in feeds),
            "accepted": sum(f.accepted for f in feeds),
            "quarantined": sum(f.quarantined for f in feeds),
            "waiting": sum(f.waiting for f in feeds),
            "issues": sum(i.rows for i in self.quality.issues),
            "findings": sum(c.broken for c in self.quality.cross),
            "score": round(sum(values) / len(values), 2) if values else None,
        }

    @property
    def balanced(self) -> bool:
        """Every feed's rows add up."""
        return all(feed.balanced for feed in self.quality.feeds)

    def document(self) -> dict[str, Any]:
        """The same figures as plain JSON values, for ``index.json``."""
        quality = _plain(self.quality)
        for made, feed in zip(quality["feeds"], self.quality.feeds, strict=True):
            made |= {"accepted": feed.accepted, "balanced": feed.balanced}
        return {
            "made_at": self.made_at.isoformat(),
            "as_of": self.today.isoformat(),
            "headline": self.headline,
            "quality": quality,
            "population": _plain(self.population),
            "clusters": _plain(self.clusters),
            "extracts": _plain(self.extracts),
            "history": [*self.history],
        }


def read_figures(
    engine: Engine, contracts: Mapping[str, Contract], *, today: date, now: datetime, before: Mapping[str, Any] | None = None
) -> Report:
    """All figures as the warehouse has them at ``now`` (with a zone). ``before``: ``document()`` of the last report."""
    rules = load_rules()
    quality = read_quality(engine, contracts, rules, _late(engine, contracts, now))
    population = read_population(engine, today)
    extracts = tuple(
        Extract(**{k: v for k, v in row.items() if k != "recorded_from"}, handed_at=row["recorded_from"].isoformat())
        for row in read_arrow(engine, EXTRACTS).to_pylist()
    )
    history: tuple[Mapping[str, Any], ...] = ()
    if before:
        history = (*before.get("history", ()), {"made_at": before["made_at"], **before["headline"]})[-KEPT_REPORTS:]
        population = replace(population, compounds=_crossed(population.compounds, before))
    return Report(now, today, quality, population, extracts, history, read_clusters(engine))


def _late(engine: Engine, contracts: Mapping[str, Contract], now: datetime) -> dict[str, Text]:
    """Feed → what is missing, as expectations.freshness judges it."""
    state = feed_state.c
    with engine.connect() as connection:
        read = select(state.feed, func.greatest(state.last_read_at, state.watermark_at), state.last_period)
        states = {feed: FeedState(at, period) for feed, at, period in connection.execute(read)}
        since = connection.execute(select(func.min(batch.c.fetched_at))).scalar()
    return {
        each.feed: Text(each.text, each.text_en) for each in late_feeds(contracts, states, now, since=since or now)
    }


def _crossed(compounds: tuple[Compound, ...], before: Mapping[str, Any]) -> tuple[Compound, ...]:
    """Compounds with the line they crossed since the last report; one that fell out of the list fell below."""
    had = {c["compound_id"]: c["point"] for c in before.get("population", {}).get("compounds", ())}
    return tuple(
        replace(c, crossed=("up" if c.point else "down") if had.get(c.compound_id, False) != c.point else None)
        for c in compounds
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Score):
        return {"value": value.value, "judged": value.judged, "broken": value.broken}
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
