"""A row some recipient holds keeps a hash of what it was made of, so that an unchanged one is not made again."""

import sqlalchemy as sa
from alembic import op

revision = "0012_rows_not_looked_at"
down_revision = "0007_household_events"


def upgrade() -> None:
    op.add_column("extract_row", sa.Column("row_hash", sa.BigInteger(), nullable=True), schema="hub")


def downgrade() -> None:
    op.drop_column("extract_row", "row_hash", schema="hub")
