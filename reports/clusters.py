"""Whether linked persons look like persons (聚类体检), and which trained model links: for the supervisors' page, as statistics."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, text

from linkage.health import latest
from linkage.watch import CHECKS, DRIFT, HEALTH, KINDS
from reports.disclosure import shown
from reports.labels import Text


@dataclass(frozen=True)
class ClusterCheck:
    """One check: persons found and allowed."""

    title: Text
    persons: int | str
    allowed: int
    alarm: bool


@dataclass(frozen=True)
class Clusters:
    """The checks after the last linkage run; ``model``: version that links, None before the first training."""

    checks: tuple[ClusterCheck, ...]
    largest: int
    twice_registered: int | str
    model: str | None


def read_clusters(engine: Engine) -> Clusters | None:
    """Figures of the last run's persons (worked out now if nobody did yet); None before the first run."""
    figures = latest(engine)
    if not figures:
        return None
    with engine.connect() as connection:
        model = connection.execute(text("SELECT version FROM hub.link_model WHERE state = 'active'")).scalar()
    found = figures["checks"]
    # Each check counts persons of its own; nothing adds up to anything else.
    counts = shown([check["persons"] for check in found] + [figures["twice_registered"]], range(len(found) + 1))
    checks = tuple(
        ClusterCheck(Text(*CHECKS[check["check"]]), count, check["allowed"], check["alarm"])
        for check, count in zip(found, counts, strict=False)
    )
    return Clusters(checks, figures["largest"], counts[-1], model)


def alert_text(kind: str, subject: str) -> Text | None:
    """What an alert of the linkage says, in both languages; None for an alert of another room."""
    if kind == HEALTH and subject in CHECKS:
        zh, en = CHECKS[subject]
        return Text(f"{zh}：超过限值", f"{en}: more than allowed")
    measured, _, what = subject.partition(":")
    if kind == DRIFT and measured in KINDS:
        zh, en = KINDS[measured]
        return Text(f"{zh}：{what}，超过限值", f"{en}: {what}, beyond the limit")
    return None
