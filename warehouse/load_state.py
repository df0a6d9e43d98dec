"""What a load says of the batch itself: its row, how far the feed was read, which snapshots are in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import insert

from warehouse.load_rows import LoadContext
from warehouse.tables import batch, feed_state, snapshot

if TYPE_CHECKING:
    from connectors.landed import LandedBatch

_SHANGHAI = timezone(timedelta(hours=8))

# The files of a folder are remembered one by one. Any other watermark is one place in the source: it comes
# from the batch fetched last, so that one which waited at a gate does not move it back.
_ADVANCE = """
INSERT INTO hub.feed_state AS f (feed, watermark, last_period, watermark_at, recorded_at, last_loaded_at)
VALUES (:feed, CAST(:watermark AS jsonb), :period, :said_at, :recorded_at, :loaded_at)
ON CONFLICT (feed) DO UPDATE SET
    watermark = CASE
        WHEN f.watermark_at IS NULL OR excluded.watermark_at >= f.watermark_at THEN f.watermark || excluded.watermark
        ELSE excluded.watermark || f.watermark END
      || CASE WHEN f.watermark ? 'files' AND excluded.watermark ? 'files' THEN jsonb_build_object('files',
              CASE WHEN excluded.watermark_at >= f.watermark_at
                   THEN (f.watermark -> 'files') || (excluded.watermark -> 'files')
                   ELSE (excluded.watermark -> 'files') || (f.watermark -> 'files') END)
         ELSE '{}'::jsonb END,
    last_period = greatest(f.last_period, excluded.last_period),
    watermark_at = greatest(f.watermark_at, excluded.watermark_at),
    recorded_at = excluded.recorded_at,
    last_loaded_at = excluded.last_loaded_at
"""

_CLEAR_ALERTS = """
UPDATE hub.alert SET cleared_at = now()
WHERE cleared_at IS NULL AND feed = :feed AND kind IN ('held_batch', 'refused_delivery') AND subject = ANY(:subjects)
"""

# What a release or replay took out of its parent's quarantine. A release was decided by a person before.
_SETTLE = """
UPDATE hub.quarantine SET replay_batch_id = :child,
    state = CASE WHEN decided_by IS NULL THEN 'replayed' ELSE 'released' END
WHERE batch_id = :parent AND part = 0 AND row_no = ANY(:rows) AND state = 'open'
"""

_LATEST = """
SELECT p.partition_name FROM unnest(CAST(:partitions AS text[])) AS p (partition_name)
WHERE NOT EXISTS (
    SELECT 1 FROM hub.snapshot AS n WHERE n.feed = :feed AND n.partition_name = p.partition_name
      AND (n.source_order, n.fetched_at) > (:snapshot_order, CAST(:said_at AS timestamptz)))
"""


def last_recorded(connection: Connection, feed: str) -> datetime | None:
    """``recorded_at`` of the feed's latest load."""
    return connection.execute(select(feed_state.c.recorded_at).where(feed_state.c.feed == feed)).scalar()


def snapshot_order(accepted: pa.Table, manifest: Mapping[str, Any], said_at: datetime) -> int:
    """The order all rows of a full snapshot share: its period yyyymm, else the newest row's, else the fetch."""
    if manifest.get("period"):
        return int(manifest["period"])
    newest = pc.max(accepted["source_order"]).as_py() if accepted.num_rows else None
    return newest if newest is not None else (said_at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def record_snapshot(
    connection: Connection, context: LoadContext, manifest: Mapping[str, Any], accepted: pa.Table
) -> tuple[list[str], date]:
    """Remember the partitions this full snapshot holds; those it is the latest of, and the day it stands for."""
    period, said_at = manifest.get("period"), context.said_at
    if context.contract.partition is None:
        rows = {"": accepted.num_rows}
    else:
        counted = accepted.group_by("_partition").aggregate([([], "count_all")]).to_pylist()
        rows = dict.fromkeys(manifest.get("partitions") or (), 0)
        rows |= {row["_partition"] or "": row["count_all"] for row in counted}
    common = {
        "batch_id": context.batch_id, "feed": context.contract.feed, "source_order": context.snapshot_order,
        "period": period, "fetched_at": said_at,
    }  # fmt: skip
    if rows:
        seen = [common | {"partition_name": name, "rows": count} for name, count in rows.items()]
        connection.execute(insert(snapshot), seen)
    latest = connection.execute(text(_LATEST), context.bound() | {"partitions": list(rows)}).scalars().all()
    day = datetime.strptime(period, "%Y%m").date() if period else said_at.astimezone(_SHANGHAI).date()
    return list(latest), day


def record_load(
    connection: Connection,
    context: LoadContext,
    landed: LandedBatch,
    counts: Mapping[str, int],
    findings: Sequence[Any],
    loaded_at: datetime,
) -> None:
    """Write the batch's row as loaded; the table's check holds landed = accepted + quarantined."""
    values = describe(landed) | counts | {
        "state": "loaded",
        "recorded_at": context.recorded_at,
        "loaded_at": loaded_at,
    }  # fmt: skip
    if findings:
        values["findings"] = [finding.as_dict() for finding in findings]
    row = insert(batch).values(values)
    changes = {name: row.excluded[name] for name in values if name != "batch_id"}
    connection.execute(row.on_conflict_do_update(index_elements=[batch.c.batch_id], set_=changes))
    connection.execute(
        text(_CLEAR_ALERTS), {"feed": landed.feed, "subjects": [landed.batch_id, landed.manifest.get("delivery")]}
    )
    if landed.manifest.get("replay_of"):
        rows = {"parent": landed.manifest["replay_of"], "rows": list(landed.manifest["replay_rows"])}
        connection.execute(text(_SETTLE), rows | {"child": landed.batch_id})


def describe(landed: LandedBatch) -> dict[str, Any]:
    """What the manifest says of a batch, as columns of ``hub.batch``."""
    manifest = landed.manifest
    return {
        "batch_id": landed.batch_id,
        "feed": landed.feed,
        "replay_of": manifest.get("replay_of"),
        "period": manifest.get("period"),
        "delivery": manifest.get("delivery"),
        "watermark": manifest.get("watermark"),
        "fetched_at": manifest["fetched_at"],
        "landed": int(manifest["rows"]),
        "contract_version": manifest.get("contract_version"),
        "digest": manifest.get("digest"),
        "drift": list(manifest.get("drift") or ()),
    }


def advance(connection: Connection, context: LoadContext, manifest: Mapping[str, Any], loaded_at: datetime) -> None:
    """Move the feed's watermark and its moment of belief, in the load's transaction."""
    watermark = {} if manifest.get("replay_of") else dict(manifest.get("watermark") or {})
    more = {
        "watermark": json.dumps(watermark, ensure_ascii=False), "period": manifest.get("period"),
        "loaded_at": loaded_at,
    }  # fmt: skip
    connection.execute(text(_ADVANCE), context.bound() | more)
