"""A second signer differs in what can be seen: a zero-width character after a name is no other person.

A record also counts by whom it stood with before, so closed links are found by index. Decisions confirmed before stay as they are (NOT VALID), and one that is closed may be whatever it was, so that it can be undone.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013_second_signers"
down_revision = "0012_rows_not_looked_at"

# warehouse.signature.UNSEEN as it was then
_UNSEEN = (
    r"[\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f"
    r"\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd"
    r"\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_ADD = "ALTER TABLE hub.link_decision ADD CONSTRAINT link_decision_two_people CHECK ({check}) NOT VALID"

_BEFORE = {"person_link_record_before": ["feed", "record_key"], "person_link_person_before": ["person_id"]}


def _compared(column: str) -> str:
    return f"lower(regexp_replace(normalize({column}, NFKC), '{_UNSEEN}', '', 'g'))"


def upgrade() -> None:
    op.drop_constraint("link_decision_two_people", "link_decision", schema="hub", type_="check")
    op.execute(_ADD.format(check=f"recorded_to IS NOT NULL OR {_compared('confirmed_by')} <> {_compared('decided_by')}"))
    for name, columns in _BEFORE.items():
        op.create_index(name, "person_link", columns, schema="hub", postgresql_where=sa.text("recorded_to IS NOT NULL"))


def downgrade() -> None:
    for name in _BEFORE:
        op.drop_index(name, "person_link", schema="hub")
    op.drop_constraint("link_decision_two_people", "link_decision", schema="hub", type_="check")
    op.execute(_ADD.format(check="lower(confirmed_by) <> lower(decided_by)"))
