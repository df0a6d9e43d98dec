"""Alerts (告警): what a person should know of now. One open alert a kind, feed and subject."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, select, text, update

from contracts.model import Contract
from warehouse.bulk import lock
from warehouse.tables import alert, batch, feed_state

_RAISE = """
INSERT INTO hub.alert (kind, feed, subject, message, raised_at)
SELECT CAST(:kind AS text), CAST(:feed AS text), CAST(:subject AS text), :message, :raised_at
WHERE NOT EXISTS (SELECT 1 FROM hub.alert WHERE kind = :kind AND feed IS NOT DISTINCT FROM :feed
                  AND subject = :subject AND cleared_at IS NULL)
"""


def raise_alert(
    connection: Connection, kind: str, feed: str | None, subject: str, message: str, at: datetime | None = None
) -> bool:
    """Raise an alert in the caller's transaction; False if it stands already. No person's value in it."""
    values = {"kind": kind, "feed": feed, "subject": subject, "message": message, "raised_at": at or datetime.now(UTC)}
    return connection.execute(text(_RAISE), values).rowcount > 0


def clear(connection: Connection, kind: str, feed: str | None, subject: str | None = None) -> int:
    """Clear the open alerts of a kind and feed (and subject); how many there were."""
    open_ones = update(alert).where(
        alert.c.kind == kind, alert.c.feed.is_not_distinct_from(feed), alert.c.cleared_at.is_(None)
    )
    if subject is not None:
        open_ones = open_ones.where(alert.c.subject == subject)
    return connection.execute(open_ones.values(cleared_at=datetime.now(UTC))).rowcount


def open_alerts(engine: Engine) -> list[Mapping[str, Any]]:
    """What stands open, oldest first."""
    shown = select(alert.c.kind, alert.c.feed, alert.c.subject, alert.c.message, alert.c.raised_at)
    with engine.connect() as connection:
        rows = connection.execute(
            shown.where(alert.c.cleared_at.is_(None)).order_by(alert.c.raised_at, alert.c.alert_id)
        )
        return [dict(row) for row in rows.mappings()]


def watch_freshness(engine: Engine, contracts: Mapping[str, Contract], now: datetime) -> dict[str, int]:
    """Raise an alert for each feed whose due delivery is missing at ``now``, clear those that came.

    Late is what expectations.freshness says; what was due before the hub's first batch is no one's
    fault. Returns counts: ``late``, ``raised``, ``cleared``.
    """
    from expectations.freshness import FeedState, late_feeds

    state = feed_state.c
    with engine.begin() as connection:
        lock(connection, "alerts")
        read = select(state.feed, func.greatest(state.last_read_at, state.watermark_at), state.last_period)
        states = {feed: FeedState(at, period) for feed, at, period in connection.execute(read)}
        since = connection.execute(select(func.min(batch.c.fetched_at))).scalar()
        late = {each.feed: each for each in late_feeds(contracts, states, now, since=since or now)}
        raised = cleared = 0
        standing = select(alert.c.feed).where(alert.c.kind == "late_feed", alert.c.cleared_at.is_(None))
        standing_feeds = set(connection.execute(standing).scalars())
        for feed in sorted(standing_feeds - late.keys()):
            cleared += clear(connection, "late_feed", feed)
        for feed in sorted(late.keys() - standing_feeds):  # one late since long ago is one alert, not one a day
            each = late[feed]
            raised += raise_alert(connection, "late_feed", feed, each.subject, each.text, now)
    return {"late": len(late), "raised": raised, "cleared": cleared}
