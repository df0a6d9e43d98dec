"""Trained models of the linkage as artefacts, and what happened to each version."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008_trained_models"
down_revision = "0004_households_that_move"


def upgrade() -> None:
    op.create_table(
        "link_model",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("trained_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trained_on", postgresql.JSONB(), nullable=False),
        sa.Column("weights", postgresql.JSONB(), nullable=False),
        sa.Column("priors", postgresql.JSONB(), nullable=False),
        sa.Column("frequencies", sa.LargeBinary(), nullable=False),
        sa.Column("unseen", postgresql.JSONB(), nullable=False),
        sa.Column("thresholds", postgresql.JSONB(), nullable=False),
        sa.Column("figures", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("version"),
        schema="hub",
    )
    op.create_index(
        "link_model_active",
        "link_model",
        ["state"],
        unique=True,
        schema="hub",
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_table(
        "link_model_event",
        sa.Column("event_id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("figures", postgresql.JSONB(), nullable=False),
        sa.Column("recorded_from", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("event_id"),
        schema="hub",
    )
    op.create_index(op.f("ix_hub_link_model_event_version"), "link_model_event", ["version"], unique=False, schema="hub")


def downgrade() -> None:
    op.drop_table("link_model_event", schema="hub")
    op.drop_table("link_model", schema="hub")
