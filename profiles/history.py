"""A profile as it is, or as it was believed on a day."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, text

from linkage.review_history import present

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

KNOWN = "SELECT EXISTS (SELECT FROM hub.person WHERE person_id = :id) OR EXISTS (SELECT FROM hub.household WHERE household_id = :id)"

# What is believed now is found by its index; what no longer is, only where it is asked for.
STANDING = "SELECT person_id, attributes FROM hub.person_profile WHERE person_id = ANY(:people) AND recorded_to IS NULL AND recorded_from < :until"
CLOSED = "SELECT person_id, attributes FROM hub.person_profile WHERE person_id = ANY(:people) AND recorded_to >= :until AND recorded_from < :until"

# Kinds of events (GLOSSARY): what the records say by their own dates, and what an assembly sees against the one before.
TOLD = ("birth", "death", "marriage", "divorce", "moved_in")
SEEN = ("joined", "moved_out", "removed", "moved", "founded", "split", "merged", "dissolved", "new_head")
SUBJECT = "coalesce(person_id, concat_ws('|', household_id, other_household_id))"  # of an event, in DuckDB and PostgreSQL

EVENTS = """
SELECT kind, happened_on, person_id, other_household_id, review, recorded_from FROM hub.household_event
WHERE household_id = :id AND recorded_to IS NULL ORDER BY happened_on, recorded_from, kind, person_id, other_household_id
"""


@dataclass(frozen=True)
class HouseholdEvent:
    """What happened to a residence household, and when we came to know it. ``review``: one source alone says so."""

    kind: str
    happened_on: date
    person_id: str | None
    other_household_id: str | None  # where a person came from or went; what split off, merged, or it was founded from
    review: bool
    recorded_from: datetime


def household_events(engine: Engine, household_id: str) -> list[HouseholdEvent]:
    """The events of a residence household, oldest first; none if there is no such household."""
    with engine.connect() as connection:
        return [HouseholdEvent(*row) for row in connection.execute(text(EVENTS), {"id": household_id})]


def is_known(engine: Engine, known_id: str) -> bool:
    """Whether this is, or was, the id of a person or household."""
    with engine.connect() as connection:
        return connection.execute(text(KNOWN), {"id": known_id}).scalar_one()


def profile_document(engine: Engine, known_id: str, day: date | None = None) -> str | None:
    """The JSON document of a residence household (or of the one a person lives in, under a number merged since, too), as
    believed at the end of ``day`` in Shanghai (default: now), each member's values with their sources; None if there was none."""
    until = datetime.combine(day + timedelta(days=1), time(), SHANGHAI) if day else datetime.now(SHANGHAI)
    with engine.connect() as connection:
        found = connection.execute(text(FIND), {"id": known_id, "until": until}).scalar()
        if found is None and (today := present(connection, known_id)) not in (None, known_id):
            found = connection.execute(text(FIND), {"id": today, "until": until}).scalar()
        if found is None:
            return None
        document = json.loads(found)
        people, values = {member["person_id"] for member in document["members"]}, {}
        for statement in (STANDING, CLOSED):
            if missing := sorted(people - values.keys()):
                rows = connection.execute(text(statement), {"people": missing, "until": until})
                values |= dict(rows.tuples().all())
    for member in document["members"]:
        member["sources"] = _sources(values.get(member["person_id"], "[]"))
    return json.dumps(document, ensure_ascii=False)


def _sources(attributes: str) -> dict[str, dict]:
    """Attribute → its value's source as the profile shows it: whose it is and of when, not which record of theirs."""
    return {
        attribute: {"value": value, "feed": record["feed"], "time": record["time"] and record["time"][:10],
                    "confidence": confidence, "differing": differing}
        for record in json.loads(attributes)
        for attribute, (value, confidence, differing) in record["values"].items()
    }  # fmt: skip
