"""Places and persons: addresses resolved, who is who, and why."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from warehouse.signature import UNSEEN
from warehouse.tables.base import metadata, stamp

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
    stamp("resolved_at", nullable=False),
)

person = Table(
    "person",
    metadata,
    Column("person_id", Text, primary_key=True),
    Column("replaced_by", Text),  # after a merge
    stamp("recorded_from", nullable=False),
    stamp("recorded_to"),
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
    stamp("recorded_from", nullable=False),
    stamp("recorded_to"),
    Index("person_link_record", "feed", "record_key", postgresql_where=text("recorded_to IS NULL")),
    Index("person_link_person", "person_id", postgresql_where=text("recorded_to IS NULL")),
    Index("person_link_record_before", "feed", "record_key", postgresql_where=text("recorded_to IS NOT NULL")),
    Index("person_link_person_before", "person_id", postgresql_where=text("recorded_to IS NOT NULL")),
)



def _compared(column: str) -> str:
    """A signer's name as two are told apart, in SQL: see :mod:`warehouse.signature`."""
    return f"lower(regexp_replace(normalize({column}, NFKC), '{UNSEEN}', '', 'g'))"


link_decision = Table(  # what a person decided; outlives every re-run
    "link_decision",
    metadata,
    Column("decision_id", BigInteger, primary_key=True, autoincrement=True),
    Column("feed_l", Text, nullable=False),
    Column("record_key_l", Text, nullable=False),
    Column("feed_r", Text, nullable=False),
    Column("record_key_r", Text, nullable=False),
    Column("verdict", Text, nullable=False),  # same | different | unsure
    Column("state", Text, nullable=False, server_default="binding"),  # binding | pending (waits for a second person) | resting (can't say)
    Column("decided_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    stamp("rest_until"),  # resting: the pair is not asked again before
    Column("confirmed_by", Text),
    stamp("confirmed_at"),
    Column("confirm_reason", Text),
    Column("undone_by", Text),
    Column("undo_reason", Text),
    Column("probability", Float),  # what the model said when it was decided, for calibration; with its rule and levels
    Column("rule", Text),
    Column("evidence", Text),
    stamp("recorded_from", nullable=False),
    stamp("recorded_to"),
    CheckConstraint("state IN ('binding', 'pending', 'resting')", name="link_decision_state"),
    CheckConstraint(f"recorded_to IS NOT NULL OR {_compared('confirmed_by')} <> {_compared('decided_by')}", name="link_decision_two_people"),
)
# hub.binding_decision (a view, migration 0005): the open ones that linkage obeys.

review_pair = Table(  # a number for a pair somebody was shown, so that no source key is typed or printed
    "review_pair",
    metadata,
    Column("pair_id", BigInteger, primary_key=True, autoincrement=True),
    Column("feed_l", Text, nullable=False),
    Column("record_key_l", Text, nullable=False),
    Column("feed_r", Text, nullable=False),
    Column("record_key_r", Text, nullable=False),
    stamp("recorded_from", nullable=False),
    UniqueConstraint("feed_l", "record_key_l", "feed_r", "record_key_r", name="review_pair_records"),
)

access_log = Table(  # who looked at whose data, when and what for; only ids of ours, no value
    "access_log",
    metadata,
    Column("access_id", BigInteger, primary_key=True, autoincrement=True),
    Column("seen_by", Text, nullable=False),
    Column("action", Text, nullable=False),  # review.show, review.history …
    Column("subject", Text, nullable=False),  # pair, person or household id
    Column("purpose", Text, nullable=False),
    stamp("seen_at", nullable=False),
    Index("access_log_subject", "subject"),
)

link_conflict = Table(
    "link_conflict",
    metadata,
    Column("kind", Text, nullable=False),  # foreign_id, two_valid_ids, two_birth_dates, same_feed, review
    Column("feed_l", Text, nullable=False),
    Column("record_key_l", Text, nullable=False),
    Column("feed_r", Text, nullable=False),
    Column("record_key_r", Text, nullable=False),
    Column("probability", Float),
    Column("evidence", Text),
    stamp("recorded_from", nullable=False),
    stamp("recorded_to"),
)

person_event = Table(  # minted, merged, split: what became of person X
    "person_event",
    metadata,
    Column("person_id", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),  # minted merged_into split_from
    Column("other_id", Text),
    Column("cause", Text, nullable=False),
    stamp("recorded_from", nullable=False),
)

link_run = Table(
    "link_run",
    metadata,
    Column("run_id", BigInteger, primary_key=True, autoincrement=True),
    Column("model_version", Text, nullable=False),
    Column("figures", JSONB, nullable=False),
    stamp("recorded_from", nullable=False),
)

link_model = Table(  # a training's outcome, frozen; linkage.artefact reads and writes it
    "link_model",
    metadata,
    Column("version", Text, primary_key=True),  # of the contents
    Column("state", Text, nullable=False),  # candidate | active | retired
    Column("model_version", Text, nullable=False),  # of the model file
    stamp("trained_at", nullable=False),
    Column("trained_on", JSONB, nullable=False),
    Column("weights", JSONB, nullable=False),
    Column("priors", JSONB, nullable=False),
    Column("frequencies", LargeBinary, nullable=False),  # Parquet: how common each name is
    Column("unseen", JSONB, nullable=False),
    Column("thresholds", JSONB, nullable=False),
    Column("figures", JSONB, nullable=False),
    Index("link_model_active", "state", unique=True, postgresql_where=text("state = 'active'")),
)

link_model_event = Table(  # trained, backtested, activated, retired: who and why
    "link_model_event",
    metadata,
    Column("event_id", BigInteger, primary_key=True, autoincrement=True),
    Column("version", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("figures", JSONB, nullable=False),
    stamp("recorded_from", nullable=False),
)
