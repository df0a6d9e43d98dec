"""What every feed and department delivered and how good it is: reconciliation, indicators, reasons, drift, alerts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from contracts.cross_rules import CrossRule
from contracts.model import Contract, Mode
from reports import labels
from reports.labels import Text
from reports.remarks import (
    Counted,
    Notice,
    Tickets,
    alerts,
    drifted,
    quarantined,
    stopped,
    tickets,
    title_of,
    value_issues,
)
from reports.scores import Score, Scores, accessibility, overall, pooled, rule_scores, timeliness
from warehouse.bulk import read_arrow

CROSS_BATCH = "cross"  # hub.rule_result keeps the rules across feeds under this batch id (profiles/findings.py)

BATCHES = """
SELECT feed, count(*) AS batches, count(*) FILTER (WHERE state = 'loaded') AS loaded,
       count(*) FILTER (WHERE state = 'refused') AS refused, count(*) FILTER (WHERE state = 'held') AS held,
       coalesce(sum(landed) FILTER (WHERE state = 'held'), 0)::bigint AS held_rows,
       coalesce(sum(landed) FILTER (WHERE state = 'loaded'), 0)::bigint AS landed,
       coalesce(sum(inserted) FILTER (WHERE state = 'loaded'), 0)::bigint AS inserted,
       coalesce(sum(changed) FILTER (WHERE state = 'loaded'), 0)::bigint AS changed,
       coalesce(sum(unchanged) FILTER (WHERE state = 'loaded'), 0)::bigint AS unchanged,
       coalesce(sum(superseded) FILTER (WHERE state = 'loaded'), 0)::bigint AS superseded,
       coalesce(sum(quarantined) FILTER (WHERE state = 'loaded'), 0)::bigint AS quarantined,
       string_agg(DISTINCT period, ',') FILTER (WHERE state = 'loaded') AS periods, max(loaded_at) AS loaded_at
FROM hub.batch GROUP BY feed
"""
# A full snapshot says everything anew, so only the newest counts; of any other feed all that was judged.
RESULTS = """
WITH newest AS (
    SELECT DISTINCT ON (feed) feed, batch_id FROM hub.batch
    WHERE state = 'loaded' AND replay_of IS NULL AND feed = ANY(:snapshots)
    ORDER BY feed, period DESC NULLS LAST, fetched_at DESC
)
SELECT r.feed, r.rule_id, r.dimension, sum(r.evaluated)::bigint AS evaluated, sum(r.unexpected)::bigint AS unexpected
FROM hub.rule_result r JOIN hub.batch b USING (batch_id) LEFT JOIN newest n ON n.feed = r.feed
WHERE b.state = 'loaded' AND (n.batch_id IS NULL OR n.batch_id = r.batch_id)
GROUP BY 1, 2, 3
"""
CROSS = """
SELECT rule_id, evaluated, unexpected FROM hub.rule_result WHERE batch_id = :batch
"""
WAITING = "SELECT feed, count(*) AS rows FROM hub.quarantine WHERE part = 0 AND state = 'open' GROUP BY 1"


@dataclass(frozen=True)
class FeedFigures:
    """One feed: rows landed and what became of them, and its six indicators."""

    feed: str
    title: Text
    department: str
    mode: str
    batches: int
    refused: int
    held: int
    held_rows: int
    landed: int
    inserted: int
    changed: int
    unchanged: int
    superseded: int
    quarantined: int
    waiting: int  # rows still in quarantine
    late: Text | None
    loaded_at: str | None
    scores: Scores
    overall: float | None

    @property
    def accepted(self) -> int:
        """Rows that became or confirmed a record."""
        return self.inserted + self.changed + self.unchanged + self.superseded

    @property
    def balanced(self) -> bool:
        """landed = accepted + quarantined."""
        return self.landed == self.accepted + self.quarantined


@dataclass(frozen=True)
class DepartmentFigures:
    """One department: its feeds' indicators together, and what rules across feeds ask it to check."""

    department: str
    title: Text
    feeds: int
    landed: int
    scores: Scores
    overall: float | None


@dataclass(frozen=True)
class CrossFigures:
    """A rule across feeds: subjects judged, subjects that break it."""

    rule_id: str
    title: Text
    dimension: str
    department: str
    judged: int
    broken: int


@dataclass(frozen=True)
class Quality:
    """Everything about deliveries."""

    feeds: tuple[FeedFigures, ...]
    departments: tuple[DepartmentFigures, ...]
    cross: tuple[CrossFigures, ...]
    quarantine: tuple[Counted, ...]
    issues: tuple[Counted, ...]
    drift: tuple[Notice, ...]
    gates: tuple[Notice, ...]
    alerts: tuple[Notice, ...]
    tickets: tuple[Tickets, ...]
    feeds_due: int
    feeds_on_time: int


def read_quality(
    engine: Engine, contracts: Mapping[str, Contract], rules: Iterable[CrossRule], late: Mapping[str, Text]
) -> Quality:
    """Deliveries and their quality as the warehouse has them now; ``late``: feed → what is missing."""
    snapshots = [feed for feed, contract in contracts.items() if contract.mode is Mode.SNAPSHOT]
    batches = {row["feed"]: row for row in read_arrow(engine, BATCHES).to_pylist()}
    waiting = {row["feed"]: row["rows"] for row in read_arrow(engine, WAITING).to_pylist()}
    results = defaultdict(list)
    for row in read_arrow(engine, RESULTS, {"snapshots": snapshots or [""]}).to_pylist():
        results[row["feed"]].append(row)
    feeds = tuple(
        _feed(contract, batches.get(feed), results[feed], waiting.get(feed, 0), late.get(feed))
        for feed, contract in contracts.items()
    )
    cross = _cross(engine, rules)
    due = [each for each in feeds if each.batches or each.late]
    return Quality(
        feeds, _departments(feeds, cross), cross, quarantined(engine, contracts), value_issues(engine, contracts),
        drifted(engine, contracts), stopped(engine, contracts), alerts(engine, contracts, late), tickets(engine),
        len(due), sum(1 for each in due if not each.late),
    )  # fmt: skip


def _feed(contract: Contract, batch: Mapping | None, results: list, waiting: int, late: Text | None) -> FeedFigures:
    row = defaultdict(int, batch or {})
    scores = rule_scores(contract, results)
    periods = (row["periods"] or "").split(",")
    scores["时效性"] = timeliness(contract, periods, late is not None, bool(row["loaded"]))
    scores["可访问性"] = accessibility(
        row["batches"], row["loaded"], row["landed"] + row["held_rows"], waiting + row["held_rows"]
    )
    numbers = ("batches", "refused", "held", "held_rows", "landed", "inserted", "changed", "unchanged", "superseded", "quarantined")
    at: datetime | None = row["loaded_at"] or None
    return FeedFigures(
        contract.feed, title_of(contract), contract.department, contract.mode.value, *(int(row[n]) for n in numbers), waiting,
        late, at.isoformat() if at else None, scores, overall(scores),
    )  # fmt: skip


def _departments(feeds: tuple[FeedFigures, ...], cross: tuple[CrossFigures, ...]) -> tuple[DepartmentFigures, ...]:
    made = []
    for name in dict.fromkeys(each.department for each in feeds):
        own = [each for each in feeds if each.department == name]
        across: dict[str, Score] = defaultdict(Score)
        for rule in cross:
            if rule.department == name:
                across[rule.dimension] += Score(rule.judged, rule.broken)
        scores = pooled((each.scores for each in own), across)
        made.append(
            DepartmentFigures(name, labels.department(name), len(own), sum(e.landed for e in own), scores, overall(scores))
        )
    return tuple(sorted(made, key=lambda d: labels.DEPARTMENT_ORDER.get(d.department, 99)))


def _cross(engine: Engine, rules: Iterable[CrossRule]) -> tuple[CrossFigures, ...]:
    known = {row["rule_id"]: row for row in read_arrow(engine, CROSS, {"batch": CROSS_BATCH}).to_pylist()}
    return tuple(
        CrossFigures(r.id, Text(r.title, r.title_en), r.dimension.value, r.department, row["evaluated"], row["unexpected"])
        for r in rules
        if (row := known.get(r.id))
    )
