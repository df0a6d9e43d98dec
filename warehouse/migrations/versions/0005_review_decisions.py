"""Review of links: who decided, confirmed and undid; pairs by number; who looked at whose data."""

import sqlalchemy as sa
from alembic import op

revision = "0005_review_decisions"
down_revision = "0008_trained_models"

_ADDED = (
    sa.Column("state", sa.Text(), nullable=False, server_default="binding"),
    sa.Column("rest_until", sa.DateTime(timezone=True), nullable=True),
    sa.Column("confirmed_by", sa.Text(), nullable=True),
    sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
    sa.Column("confirm_reason", sa.Text(), nullable=True),
    sa.Column("undone_by", sa.Text(), nullable=True),
    sa.Column("undo_reason", sa.Text(), nullable=True),
    sa.Column("probability", sa.Float(), nullable=True),
    sa.Column("rule", sa.Text(), nullable=True),
    sa.Column("evidence", sa.Text(), nullable=True),
)
# What linkage reads: never a merge that still waits for its second person.
_BINDING = """
CREATE VIEW hub.binding_decision AS
SELECT decision_id, feed_l, record_key_l, feed_r, record_key_r, verdict
FROM hub.link_decision WHERE recorded_to IS NULL AND state = 'binding' AND verdict IN ('same', 'different')
"""


def upgrade() -> None:
    for column in _ADDED:
        op.add_column("link_decision", column.copy(), schema="hub")
    op.create_check_constraint(
        "link_decision_state", "link_decision", "state IN ('binding', 'pending', 'resting')", schema="hub"
    )
    op.create_check_constraint(
        "link_decision_two_people", "link_decision", "lower(confirmed_by) <> lower(decided_by)", schema="hub"
    )
    op.execute(_BINDING)
    op.create_table(
        "review_pair",
        sa.Column("pair_id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("feed_l", sa.Text(), nullable=False),
        sa.Column("record_key_l", sa.Text(), nullable=False),
        sa.Column("feed_r", sa.Text(), nullable=False),
        sa.Column("record_key_r", sa.Text(), nullable=False),
        sa.Column("recorded_from", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("pair_id"),
        sa.UniqueConstraint("feed_l", "record_key_l", "feed_r", "record_key_r", name="review_pair_records"),
        schema="hub",
    )
    op.create_table(
        "access_log",
        sa.Column("access_id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("seen_by", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("access_id"),
        schema="hub",
    )
    op.create_index("access_log_subject", "access_log", ["subject"], unique=False, schema="hub")


def downgrade() -> None:
    op.drop_table("access_log", schema="hub")
    op.drop_table("review_pair", schema="hub")
    op.execute("DROP VIEW hub.binding_decision")
    op.drop_constraint("link_decision_two_people", "link_decision", schema="hub", type_="check")
    op.drop_constraint("link_decision_state", "link_decision", schema="hub", type_="check")
    for column in reversed(_ADDED):
        op.drop_column("link_decision", column.name, schema="hub")
