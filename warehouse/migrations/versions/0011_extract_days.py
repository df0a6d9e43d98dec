"""An extract keeps the day it stands for, from which a weekly or monthly agreement counts."""

import sqlalchemy as sa
from alembic import op

revision = "0011_extract_days"
down_revision = "0006_matched_lists"


def upgrade() -> None:
    op.add_column("extract", sa.Column("as_of", sa.Date(), nullable=True), schema="hub")
    op.execute("UPDATE hub.extract SET as_of = CAST(recorded_from AT TIME ZONE 'Asia/Shanghai' AS date)")
    op.alter_column("extract", "as_of", nullable=False, schema="hub")


def downgrade() -> None:
    op.drop_column("extract", "as_of", schema="hub")
