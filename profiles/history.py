"""A profile as it is, or as it was believed on a day."""

from __future__ import annotations

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


def profile_document(engine: Engine, known_id: str, day: date | None = None) -> str | None:
    """The JSON document of a residence household (or of the one a person lives in), as believed at the end of
    ``day`` in Shanghai (default: now); None if there was none."""
    until = datetime.combine(day + timedelta(days=1), time(), SHANGHAI) if day else datetime.now(SHANGHAI)
    with engine.connect() as connection:
        return connection.execute(text(FIND), {"id": known_id, "until": until}).scalar()
