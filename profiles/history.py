"""A profile as it is, or as it was believed on a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, text

SHANGHAI = ZoneInfo("Asia/Shanghai")

FIND = """
SELECT p.document FROM hub.profile p
WHERE p.household_id IN (
        SELECT :id UNION
        SELECT household_id FROM hub.household_member
        WHERE person_id = :id AND kind = 'residence' AND recorded_from < :until AND coalesce(recorded_to, 'infinity') >= :until)
  AND p.recorded_from < :until AND coalesce(p.recorded_to, 'infinity') >= :until
ORDER BY p.household_id LIMIT 1
"""

# Memberships are closed and opened again when only their confidence changes: touching rows are one stay.
STAYS = """
WITH row AS (
    SELECT m.household_id, m.person_id, m.recorded_from, m.recorded_to,
           lag(m.recorded_to) OVER (PARTITION BY m.household_id, m.person_id ORDER BY m.recorded_from) AS before
    FROM hub.household_member m WHERE m.kind = 'residence' AND m.household_id = :id
), stay AS (
    SELECT *, sum(CASE WHEN before IS NULL OR before < recorded_from THEN 1 ELSE 0 END) OVER (PARTITION BY person_id ORDER BY recorded_from) AS n
    FROM row
), span AS (
    SELECT person_id, min(recorded_from) AS since, CASE WHEN bool_or(recorded_to IS NULL) THEN NULL ELSE max(recorded_to) END AS until
    FROM stay GROUP BY person_id, n
), founded AS (SELECT min(recorded_from) AS at FROM hub.household WHERE household_id = :id)
SELECT CASE WHEN since = at THEN 'founded' ELSE 'joined' END AS kind, since AS at, person_id FROM span, founded
UNION ALL
SELECT CASE WHEN EXISTS (SELECT FROM hub.household_member o WHERE o.person_id = span.person_id AND o.kind = 'residence'
                           AND o.household_id <> :id AND o.recorded_from = span.until) THEN 'moved_to_another_household' ELSE 'left' END, until, person_id
FROM span WHERE until IS NOT NULL
UNION ALL
SELECT 'moved', h.recorded_from, NULL FROM hub.household h, founded WHERE h.household_id = :id AND h.recorded_from > at
UNION ALL
SELECT 'dissolved', max(h.recorded_to), NULL FROM hub.household h WHERE h.household_id = :id HAVING bool_and(h.recorded_to IS NOT NULL)
ORDER BY 2, 1, 3
"""


@dataclass(frozen=True)
class Change:
    """What we came to believe of a household, and when: founded, joined, left, moved_to_another_household (persons),
    moved (the whole household, to another dwelling), dissolved."""

    kind: str
    at: datetime
    person_id: str | None


def household_changes(engine: Engine, household_id: str) -> list[Change]:
    """The changes of a residence household, oldest first; none if there is no such household."""
    with engine.connect() as connection:
        return [Change(*row) for row in connection.execute(text(STAYS), {"id": household_id})]


def profile_document(engine: Engine, known_id: str, day: date | None = None) -> str | None:
    """The JSON document of a residence household (or of the one a person lives in), as believed at the end of
    ``day`` in Shanghai (default: now); None if there was none."""
    until = datetime.combine(day + timedelta(days=1), time(), SHANGHAI) if day else datetime.now(SHANGHAI)
    with engine.connect() as connection:
        return connection.execute(text(FIND), {"id": known_id, "until": until}).scalar()
