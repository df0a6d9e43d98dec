"""A purge (清除) on a written order: a batch leaves landing and warehouse as if it had never come; a tombstone says it was there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors import refused
from connectors.purge import purge as bury
from gridhub.errors import UnknownFeed
from gridhub.figures import StageFigures
from gridhub.pipeline import Hub
from places.store import nobody_named
from warehouse import batches, erasure
from warehouse import rebuild as rebuilding
from warehouse.errors import BatchStateError
from warehouse.signature import legible
from warehouse.snapshot import snapshot


def purge(hub: Hub, batch_id: str, reason: str, by: str) -> StageFigures:
    """Erase a batch, and the releases and replays of its rows: bytes, rows, and what was derived from them and is history.

    First it is marked, so that no rebuild asks for it; then landing keeps a tombstone; then the feed's records are made again from
    the batches that are left, linked and assembled. Killed anywhere, the same command goes on. What was published stands until the
    next publication retracts it. Raises BatchStateError (unknown, or no reason or name), LandingError (neither batch nor tombstone).
    """
    started = time.monotonic()
    known = batches.about(hub.engine, batch_id)
    if known is None or known["state"] == "refused":
        return StageFigures("purge", time.monotonic() - started, _unloaded(hub, batch_id, known, reason, by))
    if known["replay_of"]:
        raise BatchStateError(f"batch {batch_id} holds rows of {known['replay_of']}: purge that one, and this goes with it")
    feed = known["feed"]
    if feed not in hub.contracts:
        raise UnknownFeed(f"{feed}: no such feed under contract, so its records can't be made again")
    contract, figures = hub.contracts[feed], {}
    with batches.ingesting(hub.engine, feed):
        members = erasure.family(hub.engine, batch_id)
        erasure.mark_purged(hub.engine, contract, members, reason, by)
        for member in members:
            bury(hub.landing, member, reason=reason, by=by, at=datetime.now(UTC))
        if erasure.was_loaded(hub.engine, members):
            figures["batches_left"] = rebuilding.rebuild(hub.engine, {feed: contract}, hub.landing.complete(feed), hub.verdicts).batches
    if figures:  # records are other ones now
        hub.link(anew=True)
        figures["forgotten"] = erasure.forget_records(hub.engine, contract, batch_id)
        hub.assemble(anew=True)
        with snapshot(hub.engine) as now:
            places = nobody_named(now)
        figures["forgotten"] += erasure.forget_versions(hub.engine, batch_id, places.values())
    return StageFigures("purge", time.monotonic() - started, {"purged": len(members), **figures})


def _unloaded(hub: Hub, batch_id: str, known: Mapping[str, Any] | None, reason: str, by: str) -> dict[str, int]:
    """What the warehouse never took: a delivery that was refused, or a batch that landed and nothing more."""
    if not legible(reason) or not legible(by):
        raise BatchStateError(f"batch {batch_id}: a purge needs a reason and a name")
    at = datetime.now(UTC)
    if known is None:
        bury(hub.landing, batch_id, reason=reason, by=by, at=at)
        return {"purged": 1}
    return {"purged": refused.erase(hub.landing.root, known["feed"], known["delivery"], known["digest"], reason=reason, by=by, at=at)}
