"""Quality: what was set aside, which cells could not be read, what rules found."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from warehouse.tables.base import metadata, stamp

quarantine = Table(
    "quarantine",
    metadata,
    Column("batch_id", Text, primary_key=True),
    Column("row_no", BigInteger, primary_key=True),
    Column("part", Integer, primary_key=True, server_default="0"),  # 0: the row; n: its n-th listed element
    Column("feed", Text, nullable=False, index=True),
    Column("table_name", Text, nullable=False),
    Column("location", Text),  # sheet, page or line
    Column("record_key", Text),
    Column("reasons", ARRAY(Text), nullable=False),
    Column("raw", Text),  # JSON of the row as it came, or its unreadable text
    Column("state", Text, nullable=False, server_default="open"),  # open released replayed
    Column("decided_by", Text),
    Column("decision_reason", Text),
    Column("replay_batch_id", Text),
    stamp("recorded_from", nullable=False),
    stamp("decided_at"),
)

value_issue = Table(
    "value_issue",
    metadata,
    Column("feed", Text, nullable=False),
    Column("table_name", Text, nullable=False),
    Column("record_key", Text, nullable=False),
    Column("column_name", Text, nullable=False),  # canonical
    Column("reason", Text, nullable=False),  # a code of standards.reasons
    Column("rule_id", Text, nullable=False),
    Column("dimension", Text, nullable=False),
    Column("severity", Text, nullable=False),  # warning: the cell is null; info: a finding
    Column("raw", Text),
    Column("batch_id", Text, nullable=False),
    Column("row_no", BigInteger, nullable=False),
    stamp("recorded_from", nullable=False),
    stamp("recorded_to"),
    Index("value_issue_open", "table_name", "record_key", postgresql_where=text("recorded_to IS NULL")),
)

rule_result = Table(
    "rule_result",
    metadata,
    Column("batch_id", Text, primary_key=True),
    Column("rule_id", Text, primary_key=True),
    Column("feed", Text, nullable=False),
    Column("column_name", Text),
    Column("dimension", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("evaluated", BigInteger, nullable=False),
    Column("unexpected", BigInteger, nullable=False),
)

cross_finding = Table(  # what rules across feeds found, kept with history
    "cross_finding",
    metadata,
    Column("rule_id", Text, nullable=False),
    Column("dimension", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("department", Text),  # who is asked to check
    Column("subject_kind", Text, nullable=False),  # person | household | record
    Column("subject", Text, nullable=False),  # person_id, household_id or feed:record_key
    Column("detail", JSONB),
    stamp("recorded_from", nullable=False),
    stamp("recorded_to"),
)

alert = Table(
    "alert",
    metadata,
    Column("alert_id", BigInteger, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),  # late_feed, refused_delivery, held_batch, ...
    Column("feed", Text),
    Column("subject", Text, nullable=False),  # e.g. the period that is missing
    Column("message", Text, nullable=False),
    stamp("raised_at", nullable=False),
    stamp("cleared_at"),
)
