"""What happens to households, kept as events; and which assembly the warehouse stands at."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007_household_events"
down_revision = "0011_extract_days"


def upgrade() -> None:
    op.create_table(
        "household_event",
        sa.Column("event_id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=True),
        sa.Column("person_id", sa.Text(), nullable=True),
        sa.Column("other_household_id", sa.Text(), nullable=True),
        sa.Column("review", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("recorded_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_to", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("event_id"),
        schema="hub",
    )
    op.create_index("household_event_household", "household_event", ["household_id"], schema="hub")
    op.create_table(
        "assembly_run",
        sa.Column("run_id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("figures", postgresql.JSONB(), nullable=False),
        sa.Column("recorded_from", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("run_id"),
        schema="hub",
    )


def downgrade() -> None:
    op.drop_table("assembly_run", schema="hub")
    op.drop_table("household_event", schema="hub")
