"""What people decide about links (人工决定), the queue of what is worth their minute, and what became of a person.

A decision says of two records that they are the same person or different people. It binds every later run until it is
undone; the next run then links as if it had never been made. Records are named by (feed, record_key) as in the crosswalk.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, text

VERDICTS = ("same", "different")


class DecisionError(ValueError):
    """A decision that can't be taken; the text says what was expected, and names no record."""


def decide(engine: Engine, left: tuple[str, str], right: tuple[str, str], verdict: str, *, by: str, reason: str) -> int:
    """Record that ``left`` and ``right`` (feed, record_key) are the same person or different people; the decision's id.

    An open decision on the same pair is closed first, so the newest holds. DecisionError if the verdict is unknown, the
    two are one record, a record is not linked yet, or who decided and why is left out.
    """
    if verdict not in VERDICTS:
        raise DecisionError(f"verdict: expected one of {', '.join(VERDICTS)}")
    if left == right:
        raise DecisionError("two different records are expected")
    if not by.strip() or not reason.strip():
        raise DecisionError("who decided, and why, must be said")
    (feed_l, key_l), (feed_r, key_r) = sorted((left, right))
    pair = {"feed_l": feed_l, "key_l": key_l, "feed_r": feed_r, "key_r": key_r}
    with engine.begin() as connection:
        known = connection.execute(text(_KNOWN), pair).scalar_one()
        if known < 2:
            raise DecisionError("a record of the pair is not linked; run `gridhub link` first")
        connection.execute(text(_CLOSE), pair)
        return connection.execute(text(_OPEN), {**pair, "verdict": verdict, "by": by, "reason": reason}).scalar_one()


def undo(engine: Engine, decision_id: int) -> bool:
    """Take a decision back; False if it is not open. The next run leaves no trace of it in the links."""
    with engine.begin() as connection:
        closed = text("UPDATE hub.link_decision SET recorded_to = now() WHERE decision_id = :id AND recorded_to IS NULL")
        return connection.execute(closed, {"id": decision_id}).rowcount > 0


def review_queue(engine: Engine, limit: int = 50) -> list[Mapping[str, Any]]:
    """The open conflicts, the most worth a minute first: near even odds, and persons of many records.

    Rows: kind, feed_l, record_key_l, person_l, feed_r, record_key_r, person_r, probability, evidence, records (of both persons).
    """
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(_QUEUE), {"limit": limit}).mappings()]


def history(engine: Engine, person_id: str) -> list[Mapping[str, Any]]:
    """What became of a person: events of the id and of those it met, oldest first (person_id, kind, other_id, cause, recorded_from)."""
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(_HISTORY), {"person": person_id}).mappings()]


def present_id(engine: Engine, person_id: str) -> str | None:
    """The id that stands for ``person_id`` today, followed through merges; None if there never was one."""
    with engine.connect() as connection:
        return connection.execute(text(_PRESENT), {"person": person_id}).scalar()


_KNOWN = """
SELECT count(*) FROM hub.person_link WHERE recorded_to IS NULL
  AND ((feed = :feed_l AND record_key = :key_l) OR (feed = :feed_r AND record_key = :key_r))
"""
_CLOSE = """
UPDATE hub.link_decision SET recorded_to = now()
WHERE recorded_to IS NULL AND feed_l = :feed_l AND record_key_l = :key_l AND feed_r = :feed_r AND record_key_r = :key_r
"""
_OPEN = """
INSERT INTO hub.link_decision (feed_l, record_key_l, feed_r, record_key_r, verdict, decided_by, reason, recorded_from)
VALUES (:feed_l, :key_l, :feed_r, :key_r, :verdict, :by, :reason, now()) RETURNING decision_id
"""
# An answer is worth most where the odds are even and where it moves many records; pairs somebody answered are done.
_QUEUE = """
WITH size AS (SELECT person_id, count(*) AS n FROM hub.person_link WHERE recorded_to IS NULL GROUP BY person_id)
SELECT c.kind, c.feed_l, c.record_key_l, l.person_id AS person_l, c.feed_r, c.record_key_r, r.person_id AS person_r,
       c.probability, c.evidence, sl.n + sr.n AS records
FROM hub.link_conflict c
JOIN hub.person_link l ON l.feed = c.feed_l AND l.record_key = c.record_key_l AND l.recorded_to IS NULL
JOIN hub.person_link r ON r.feed = c.feed_r AND r.record_key = c.record_key_r AND r.recorded_to IS NULL
JOIN size sl ON sl.person_id = l.person_id JOIN size sr ON sr.person_id = r.person_id
WHERE c.recorded_to IS NULL AND l.person_id <> r.person_id AND NOT EXISTS (
    SELECT FROM hub.link_decision d WHERE d.recorded_to IS NULL
      AND (d.feed_l, d.record_key_l, d.feed_r, d.record_key_r) IN (
          (c.feed_l, c.record_key_l, c.feed_r, c.record_key_r), (c.feed_r, c.record_key_r, c.feed_l, c.record_key_l)))
ORDER BY least(c.probability, 1 - c.probability) * sl.n * sr.n DESC, c.feed_l, c.record_key_l, c.feed_r, c.record_key_r
LIMIT :limit
"""
_HISTORY = """
SELECT person_id, kind, other_id, cause, recorded_from FROM hub.person_event
WHERE person_id = :person OR other_id = :person ORDER BY recorded_from, kind, person_id
"""
_PRESENT = """
WITH RECURSIVE chain AS (
    SELECT person_id, replaced_by FROM hub.person WHERE person_id = :person
    UNION SELECT p.person_id, p.replaced_by FROM hub.person p JOIN chain c ON p.person_id = c.replaced_by)
SELECT person_id FROM chain WHERE replaced_by IS NULL
"""
