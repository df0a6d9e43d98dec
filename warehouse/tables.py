"""The warehouse's own tables (schema ``hub``); record tables (schema ``record``) come from contracts.

Alembic migrates what stands here. ``recorded_from/recorded_to`` say when we believed a row
(open: ``recorded_to`` is null), ``valid_from/valid_to`` when it was so.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData(schema="hub")


def _stamp(name: str, **kw) -> Column:
    return Column(name, DateTime(timezone=True), **kw)


# -- batches: what arrived and what became of it ------------------------------------------
batch = Table(
    "batch",
    metadata,
    Column("batch_id", Text, primary_key=True),
    Column("feed", Text, nullable=False, index=True),
    Column("state", Text, nullable=False),  # landed held loaded rejected refused
    Column("replay_of", Text),
    Column("period", Text),  # yyyymm of a file
    Column("delivery", Text),  # file name or window, never a person's value
    Column("watermark", JSONB),  # what the feed's state becomes when this batch is loaded
    _stamp("fetched_at", nullable=False),
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
    _stamp("loaded_at"),
    CheckConstraint(
        "state <> 'loaded' OR landed = inserted + changed + unchanged + superseded + quarantined",
        name="landed_is_accepted_plus_quarantined",
    ),
)

feed_state = Table(
    "feed_state",
    metadata,
    Column("feed", Text, primary_key=True),
    Column("watermark", JSONB, nullable=False),
    Column("last_period", Text),
    _stamp("last_loaded_at"),
)

# -- quality -------------------------------------------------------------------------------
quarantine = Table(
    "quarantine",
    metadata,
    Column("batch_id", Text, primary_key=True),
    Column("row_no", BigInteger, primary_key=True),
    Column("feed", Text, nullable=False, index=True),
    Column("location", Text),  # sheet, page or line
    Column("record_key", Text),
    Column("reasons", ARRAY(Text), nullable=False),
    Column("raw", Text),  # JSON of the row as it came, or its unreadable text
    Column("state", Text, nullable=False, server_default="open"),  # open released replayed
    Column("decided_by", Text),
    Column("decision_reason", Text),
    Column("replay_batch_id", Text),
    _stamp("recorded_from", nullable=False),
    _stamp("decided_at"),
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
    _stamp("recorded_from", nullable=False),
    _stamp("recorded_to"),
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
    _stamp("recorded_from", nullable=False),
    _stamp("recorded_to"),
)

alert = Table(
    "alert",
    metadata,
    Column("alert_id", BigInteger, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),  # late_feed, refused_delivery, held_batch, ...
    Column("feed", Text),
    Column("subject", Text, nullable=False),  # e.g. the period that is missing
    Column("message", Text, nullable=False),
    _stamp("raised_at", nullable=False),
    _stamp("cleared_at"),
)

# -- places --------------------------------------------------------------------------------
address = Table(
    "address",
    metadata,
    Column("address_text", Text, primary_key=True),  # as cleaned by the "address" semantic type
    Column("level", Text, nullable=False),  # room unit building compound community none
    Column("community_code", Text),
    Column("compound_id", Text),
    Column("building_id", Text),
    Column("unit", Text),
    Column("room", Text),
    Column("dwelling_id", Text, index=True),  # only at level room
    Column("confidence", Float, nullable=False),
    Column("reason", Text),  # why it is not a room, a code of standards.reasons
    Column("directory_digest", Text, nullable=False),  # the directory it was resolved against
    _stamp("resolved_at", nullable=False),
)

# -- linkage -------------------------------------------------------------------------------
person = Table(
    "person",
    metadata,
    Column("person_id", Text, primary_key=True),
    Column("replaced_by", Text),  # after a merge
    _stamp("recorded_from", nullable=False),
    _stamp("recorded_to"),
)

person_link = Table(
    "person_link",
    metadata,
    Column("feed", Text, nullable=False),
    Column("record_key", Text, nullable=False),  # with the mention's suffix
    Column("person_id", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("rule", Text, nullable=False),  # the pass that linked it, or "only record"
    Column("probability", Float),
    Column("evidence", Text),  # which comparisons spoke, as level names; no values
    _stamp("recorded_from", nullable=False),
    _stamp("recorded_to"),
    Index("person_link_record", "feed", "record_key", postgresql_where=text("recorded_to IS NULL")),
    Index("person_link_person", "person_id", postgresql_where=text("recorded_to IS NULL")),
)

link_decision = Table(  # what a person decided; outlives every re-run
    "link_decision",
    metadata,
    Column("decision_id", BigInteger, primary_key=True, autoincrement=True),
    Column("feed_l", Text, nullable=False),
    Column("record_key_l", Text, nullable=False),
    Column("feed_r", Text, nullable=False),
    Column("record_key_r", Text, nullable=False),
    Column("verdict", Text, nullable=False),  # same | different
    Column("decided_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    _stamp("recorded_from", nullable=False),
    _stamp("recorded_to"),
)

link_conflict = Table(
    "link_conflict",
    metadata,
    Column("kind", Text, nullable=False),  # two_valid_ids, two_birth_dates, same_feed, review
    Column("feed_l", Text, nullable=False),
    Column("record_key_l", Text, nullable=False),
    Column("feed_r", Text, nullable=False),
    Column("record_key_r", Text, nullable=False),
    Column("probability", Float),
    Column("evidence", Text),
    _stamp("recorded_from", nullable=False),
    _stamp("recorded_to"),
)

person_event = Table(  # minted, merged, split: what became of person X
    "person_event",
    metadata,
    Column("person_id", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),  # minted merged_into split_from
    Column("other_id", Text),
    Column("cause", Text, nullable=False),
    _stamp("recorded_from", nullable=False),
)

link_run = Table(
    "link_run",
    metadata,
    Column("run_id", BigInteger, primary_key=True, autoincrement=True),
    Column("model_version", Text, nullable=False),
    Column("figures", JSONB, nullable=False),
    _stamp("recorded_from", nullable=False),
)

# -- households and profiles ---------------------------------------------------------------
person_profile = Table(  # one row a person: surviving values and where each came from
    "person_profile",
    metadata,
    Column("person_id", Text, nullable=False),
    Column("name", Text),
    Column("sex", Text),
    Column("birth_date", Date),
    Column("id_number", Text),
    Column("dwelling_id", Text),
    Column("community_code", Text),
    Column("alive", Boolean, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("attributes", Text, nullable=False),  # JSON {attribute: {value, feed, record, batch, time, confidence}}
    _stamp("recorded_from", nullable=False),
    _stamp("recorded_to"),
    Index("person_profile_open", "person_id", unique=True, postgresql_where=text("recorded_to IS NULL")),
)

household = Table(
    "household",
    metadata,
    Column("household_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # residence | register | assistance
    Column("natural_key", Text),  # station|number, card number; null for residence
    _stamp("recorded_from", nullable=False),
    _stamp("recorded_to"),
)

household_member = Table(
    "household_member",
    metadata,
    Column("household_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("person_id", Text, nullable=False),
    Column("relation", Text),  # GB/T 4761
    Column("basis", Text, nullable=False),  # which source put the person here
    Column("confidence", Float, nullable=False),
    Column("valid_from", Date),
    Column("valid_to", Date),
    _stamp("recorded_from", nullable=False),
    _stamp("recorded_to"),
    Index("household_member_open", "household_id", postgresql_where=text("recorded_to IS NULL")),
    Index("household_member_person", "person_id", postgresql_where=text("recorded_to IS NULL")),
)

profile = Table(
    "profile",
    metadata,
    Column("household_id", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("content_hash", Text, nullable=False),
    Column("community_code", Text),
    Column("grid_id", Text),
    Column("dwelling_id", Text),
    Column("document", Text, nullable=False),  # JSON, the profile document
    _stamp("recorded_from", nullable=False),
    _stamp("recorded_to"),
    Index("profile_open", "household_id", unique=True, postgresql_where=text("recorded_to IS NULL")),
)

ticket = Table(  # correction tickets (校核): a department is asked to verify a value
    "ticket",
    metadata,
    Column("ticket_id", BigInteger, primary_key=True, autoincrement=True),
    Column("department", Text, nullable=False),
    Column("feed", Text, nullable=False),
    Column("record_key", Text, nullable=False),
    Column("attribute", Text, nullable=False),
    Column("kind", Text, nullable=False),  # conflict, unregistered, dead_but_paid, ...
    Column("detail", JSONB),
    Column("state", Text, nullable=False, server_default="open"),
    _stamp("recorded_from", nullable=False),
    _stamp("recorded_to"),
)

# -- publication ---------------------------------------------------------------------------
extract = Table(
    "extract",
    metadata,
    Column("recipient", Text, primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("kind", Text, nullable=False),  # full | delta
    Column("agreement_version", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("added", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("removed", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),  # SM3 of the file
    Column("file_name", Text, nullable=False),
    _stamp("recorded_from", nullable=False),
)

extract_row = Table(  # what the recipient holds now, by content hash
    "extract_row",
    metadata,
    Column("recipient", Text, primary_key=True),
    Column("dataset", Text, primary_key=True),
    Column("row_key", Text, primary_key=True),
    Column("content_hash", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
)
