"""What a person does beside the scheduled story: approve, reject, release, replay, rebuild, probe."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from connectors.connection import base_url
from connectors.purge import tombstones
from gridhub.errors import GridhubError
from gridhub.figures import StageFigures
from gridhub.pipeline import Hub
from warehouse import batches, erasure, quarantine
from warehouse import rebuild as rebuilding


def approve(hub: Hub, batch_id: str, reason: str, by: str) -> StageFigures:
    """Let a held batch through its gate and load it."""
    started = time.monotonic()
    feed = batches.approve(hub.engine, batch_id, reason, by)
    with batches.ingesting(hub.engine, feed):
        counts = hub.accept(hub.contracts[feed], hub.landing.open(batch_id))
    return StageFigures("approve", time.monotonic() - started, counts)


def reject(hub: Hub, batch_id: str, reason: str, by: str) -> None:
    """Refuse a held batch for good."""
    batches.reject(hub.engine, batch_id, reason, by)


def replay(hub: Hub, batch_id: str) -> StageFigures:
    """Judge a batch's quarantined rows again, as the contract, rules and crosswalks now stand."""
    rows = quarantine.open_rows(hub.engine, batch_id)
    if not rows:
        raise GridhubError(f"batch {batch_id}: no open rows in quarantine that can be judged again")
    return _again(hub, "replay", batch_id, rows)


def release(hub: Hub, batch_id: str, rows: list[int], reason: str, by: str) -> StageFigures:
    """Let rows pass against the rules' advice. The decision is written first and outlives a rebuild."""
    quarantine.decide_release(hub.engine, batch_id, rows, reason, by)
    return _again(hub, "release", batch_id, rows)


def rebuild(hub: Hub) -> StageFigures:
    """Make the record tables again from landing, without what was purged of it; decisions and person ids stay."""
    started = time.monotonic()
    erasure.adopt(hub.engine, tombstones(hub.landing))
    figures = rebuilding.rebuild(hub.engine, hub.contracts, hub.landing.complete(), hub.verdicts)
    return StageFigures("rebuild", time.monotonic() - started, figures.counts())


def probe(hub: Hub, conn_id: str) -> str:
    """Whether a connection is configured and its address can be read; ConnectorError if not."""
    connection = hub.resolve(conn_id)
    if connection.conn_type in ("http", "https"):
        return base_url(connection)
    return connection.conn_type or "configured"


def _again(hub: Hub, stage: str, batch_id: str, rows: list[int]) -> StageFigures:
    started = time.monotonic()
    parent = hub.landing.open(batch_id)
    contract = hub.contracts[parent.feed]
    with batches.ingesting(hub.engine, contract.feed):
        child = hub.landing.land_replay(contract, parent, rows, fetched_at=datetime.now(UTC))
        counts = hub.accept(contract, child)
    return StageFigures(stage, time.monotonic() - started, {"rows": len(rows), **counts})
