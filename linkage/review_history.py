"""What became of a person (人员沿革): the events of an id, where its records are today, and what people decided about them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, text

from linkage.review_queue import NUMBERED, number_pairs
from linkage.review_records import delivered


@dataclass(frozen=True)
class PersonEvent:
    """Something that happened to an id. ``kind``: minted, merged_into, split_from; ``other_id``: into or from whom; ``records``: how many
    went along; ``decisions``: ids of those about the two that were taken, confirmed or undone since the run before, so its cause. One
    taken and undone between two runs caused nothing."""

    person_id: str
    kind: str
    other_id: str | None
    cause: str
    at: datetime
    records: int
    decisions: tuple[int, ...]


@dataclass(frozen=True)
class HeldRecord:
    """A record the person holds today, and why. ``pair_id`` numbers it with the person's first record, so that
    ``different`` on it takes the record out; None for the first itself. No source key stands here."""

    feed: str
    role: str
    rule: str
    probability: float | None
    evidence: str | None
    since: datetime
    pair_id: int | None


@dataclass(frozen=True)
class PersonStory:
    """``present_id``: the id that stands for it today, followed through merges. ``events``: of the id and of those it met, oldest first.
    ``went_to``: where the records it ever held are today, person and number, itself included; ``left``: how many of them ended or are
    delivered no more; ``stands``: whether ``present_id`` has a record. ``decisions``: ids of decisions that stand about its records."""

    person_id: str
    present_id: str
    events: tuple[PersonEvent, ...]
    records: tuple[HeldRecord, ...]
    went_to: tuple[tuple[str, int], ...]
    left: int
    stands: bool
    decisions: tuple[int, ...]


def story(engine: Engine, person_id: str) -> PersonStory | None:
    """What became of ``person_id``; None if there never was one."""
    with engine.begin() as connection:
        here = present(connection, person_id)
        if here is None:
            return None
        asked = {"person": person_id}
        events = tuple(PersonEvent(**{**row, "decisions": tuple(row["decisions"] or ())}) for row in connection.execute(text(_EVENTS), asked).mappings())
        held = connection.execute(text(_EVER), asked).all()
        went = Counter(now for _, _, now in held if now)
        left = len(held) - len(delivered(connection, [(feed, key) for feed, key, _ in held]))
        stands = connection.execute(text(_STANDS), {"person": here}).scalar_one()
        connection.execute(text(_HELD), asked)
        number_pairs(connection, "asked")
        records = tuple(HeldRecord(**row) for row in connection.execute(text(_RECORDS)).mappings())
        decisions = tuple(connection.execute(text(_DECISIONS), asked).scalars())
    went_to = tuple(sorted(went.items(), key=lambda each: (-each[1], each[0])))
    return PersonStory(person_id, here, events, records, went_to, left, stands, decisions)


def present(connection: Connection, person_id: str) -> str | None:
    """The id that stands for ``person_id`` today, followed through merges; None if there never was one."""
    return connection.execute(text(_PRESENT), {"person": person_id}).scalar()


_EVENTS = """
WITH met AS (
    SELECT e.*, (SELECT max(r.recorded_from) FROM hub.link_run r WHERE r.recorded_from < e.recorded_from) AS before
    FROM hub.person_event e WHERE e.person_id = :person OR e.other_id = :person)
SELECT m.person_id, m.kind, m.other_id, m.cause, m.recorded_from AS at,
       (SELECT count(*)::int FROM hub.person_link l WHERE l.person_id = m.person_id
          AND m.recorded_from = CASE WHEN m.kind = 'merged_into' THEN l.recorded_to ELSE l.recorded_from END) AS records,
       (SELECT array_agg(d.decision_id ORDER BY d.decision_id) FROM hub.link_decision d
        WHERE d.state = 'binding' AND m.other_id IS NOT NULL
          AND (coalesce(d.confirmed_at, d.recorded_from) > m.before AND coalesce(d.confirmed_at, d.recorded_from) <= m.recorded_from)
              <> coalesce(d.recorded_to > m.before AND d.recorded_to <= m.recorded_from, false)
          AND EXISTS (SELECT FROM hub.person_link l WHERE l.feed = d.feed_l AND l.record_key = d.record_key_l AND l.person_id IN (m.person_id, m.other_id))
          AND EXISTS (SELECT FROM hub.person_link l WHERE l.feed = d.feed_r AND l.record_key = d.record_key_r AND l.person_id IN (m.person_id, m.other_id))
       ) AS decisions
FROM met m ORDER BY m.recorded_from, m.kind, m.person_id
"""
_PRESENT = """
WITH RECURSIVE chain AS (
    SELECT person_id, replaced_by FROM hub.person WHERE person_id = :person
    UNION SELECT p.person_id, p.replaced_by FROM hub.person p JOIN chain c ON p.person_id = c.replaced_by)
SELECT person_id FROM chain WHERE replaced_by IS NULL
"""
_EVER = """
WITH held AS (SELECT DISTINCT feed, record_key FROM hub.person_link WHERE person_id = :person)
SELECT h.feed, h.record_key, now.person_id FROM held h
LEFT JOIN hub.person_link now ON now.feed = h.feed AND now.record_key = h.record_key AND now.recorded_to IS NULL
"""
_STANDS = "SELECT EXISTS (SELECT FROM hub.person_link WHERE person_id = :person AND recorded_to IS NULL)"
# The register's record stands for the person where there is one, else the first.
_HELD = """
CREATE TEMP TABLE asked ON COMMIT DROP AS
SELECT first_value(feed) OVER w AS feed_l, first_value(record_key) OVER w AS record_key_l, feed AS feed_r, record_key AS record_key_r,
       role, rule, probability, evidence, recorded_from AS since, row_number() OVER w AS place
FROM hub.person_link WHERE person_id = :person AND recorded_to IS NULL
WINDOW w AS (ORDER BY feed <> 'psb_register', feed, record_key)
"""
_RECORDS = f"""
SELECT a.feed_r AS feed, a.role, a.rule, a.probability, a.evidence, a.since, CASE WHEN a.place > 1 THEN p.pair_id END AS pair_id
FROM asked a {NUMBERED} ORDER BY a.place
"""
_DECISIONS = """
SELECT DISTINCT d.decision_id FROM hub.link_decision d
JOIN hub.person_link l ON l.person_id = :person
     AND ((l.feed, l.record_key) = (d.feed_l, d.record_key_l) OR (l.feed, l.record_key) = (d.feed_r, d.record_key_r))
WHERE d.recorded_to IS NULL ORDER BY 1
"""
