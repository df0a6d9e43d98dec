"""Lists matched against the warehouse: who asked, when, what for, and how many rows were found."""

import sqlalchemy as sa
from alembic import op

revision = "0006_matched_lists"
down_revision = "0005_review_decisions"


def upgrade() -> None:
    counts = ("rows", "matched", "uncertain", "nobody", "unreadable")
    op.create_table(
        "match_run",
        sa.Column("run_id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("file_digest", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in counts),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("run_id"),
        sa.CheckConstraint("rows = matched + uncertain + nobody + unreadable", name="match_run_no_row_lost"),
        schema="hub",
    )


def downgrade() -> None:
    op.drop_table("match_run", schema="hub")
