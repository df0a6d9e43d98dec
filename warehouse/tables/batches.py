"""Batches: what arrived, what became of it, how far each feed was read."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from warehouse.tables.base import metadata, stamp

batch = Table(
    "batch",
    metadata,
    Column("batch_id", Text, primary_key=True),
    Column("feed", Text, nullable=False, index=True),
    Column("state", Text, nullable=False),  # landed held loaded rejected refused purged
    Column("replay_of", Text),
    Column("period", Text),  # yyyymm of a file
    Column("delivery", Text),  # file name or window, never a person's value
    Column("watermark", JSONB),  # what the feed's state becomes when this batch is loaded
    stamp("fetched_at", nullable=False),
    Column("landed", BigInteger, nullable=False, server_default="0"),
    Column("inserted", BigInteger, nullable=False, server_default="0"),
    Column("changed", BigInteger, nullable=False, server_default="0"),
    Column("unchanged", BigInteger, nullable=False, server_default="0"),
    Column("superseded", BigInteger, nullable=False, server_default="0"),
    Column("quarantined", BigInteger, nullable=False, server_default="0"),
    Column("vanished", BigInteger, nullable=False, server_default="0"),
    Column("value_issues", BigInteger, nullable=False, server_default="0"),
    Column("contract_version", Text),
    Column("digest", Text),
    Column("drift", JSONB),  # columns renamed, added, missing: [{"column":..,"kind":..,"policy":..}]
    Column("findings", JSONB),  # gate findings, and why a delivery was refused
    Column("decided_by", Text),
    Column("decision_reason", Text),
    stamp("recorded_at"),  # the load's moment of belief: fetched_at, or the feed's latest where that is later
    stamp("decided_at"),
    stamp("loaded_at"),
    CheckConstraint(
        "state <> 'loaded' OR landed = inserted + changed + unchanged + superseded + quarantined",
        name="landed_is_accepted_plus_quarantined",
    ),
)

feed_state = Table(
    "feed_state",
    metadata,
    Column("feed", Text, primary_key=True),
    Column("watermark", JSONB, nullable=False, server_default="{}"),
    Column("last_period", Text),
    stamp("watermark_at"),  # fetched_at of the batch the watermark comes from: an older batch does not move it
    stamp("recorded_at"),  # recorded_at of the latest load: belief never runs backwards
    stamp("last_loaded_at"),
    stamp("last_read_at"),  # when the source was last read to its end, news or not
)

snapshot = Table(  # which full snapshots were loaded: what is older closes nothing, what is absent closes nothing
    "snapshot",
    metadata,
    Column("batch_id", Text, primary_key=True),
    Column("partition_name", Text, primary_key=True),  # sheet; "" for a whole file
    Column("feed", Text, nullable=False),
    Column("source_order", BigInteger, nullable=False),
    Column("period", Text),
    Column("rows", BigInteger, nullable=False),  # landed rows of the partition, quarantined ones included
    stamp("fetched_at", nullable=False),
    Index("snapshot_feed", "feed", "partition_name", "source_order"),
)
