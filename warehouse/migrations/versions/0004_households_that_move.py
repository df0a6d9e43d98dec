"""A household that moves keeps its id: its row is closed and another opened."""

from alembic import op

revision = "0004_households_that_move"
down_revision = "0003_households_and_publication"


def upgrade() -> None:
    op.drop_constraint("household_pkey", "household", schema="hub", type_="primary")
    op.create_primary_key("household_pkey", "household", ["household_id", "recorded_from"], schema="hub")


def downgrade() -> None:
    op.drop_constraint("household_pkey", "household", schema="hub", type_="primary")
    op.create_primary_key("household_pkey", "household", ["household_id"], schema="hub")
