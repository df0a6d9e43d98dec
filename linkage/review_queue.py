"""The review queue (复核队列): the pairs an answer would help most, first; and what was answered, waits or rests.

Expected gain of a minute = how unsure we are × how many records the answer can move × what hangs on them:

* unsure = min(q, 1 - q), the chance that what stands now is wrong or, asked the other way, the chance an answer surprises.
  q is the model's probability where the model alone left the pair open, or only the county's rule not to link so (``suggest``). Where a rule, a constraint or another candidate
  contradicts the model, its probability is no longer what anybody believes: q is then at most one half, as unsure as can be.
* records = those of the smaller of the two persons: on "same" they change hands, the larger person keeps its own.
* benefit = 5 where one of the two persons has a record that assistance, disability, allowance or death hangs on, else 1: such
  an error costs a family money and a department a verification of ten working days. A policy, not a measurement; it orders
  the queue and decides nothing.

Of several open pairs between the same two persons only the best is asked: one answer settles them all. A pair somebody
answered, or could not answer and which still rests, is not asked. Conflicts that no answer can settle (two valid ID numbers,
two people of one record) are not asked either: their cause is mended at its source.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

from linkage.decisions import BENEFIT_FEEDS
from linkage.model import load_model

ANSWERABLE = ("review", "foreign_id", "two_birth_dates", "decided_different")
BENEFIT_FACTOR = 5.0
CONTRADICTED = 0.5
DECIDED = {"pending": ("pending",), "resting": ("resting",), "decided": ("binding",), "undone": ()}


@dataclass(frozen=True)
class QueuedPair:
    """A pair that waits for an answer. No source key and no value of a person stands in it.

    ``probability``: the model's; ``believed``: q of the gain; ``records``: that change hands if the two are one;
    ``rule``: the rule or veto that decided, ``weight`` if the probability alone did.
    """

    pair_id: int
    kind: str
    feed_l: str
    person_l: str
    feed_r: str
    person_r: str
    probability: float
    believed: float
    records: int
    benefit: bool
    gain: float
    rule: str


@dataclass(frozen=True)
class TakenDecision:
    """A decision that stands, and what came of it.

    ``effect``: ``done`` (the last run shows it), ``next_run`` (the next will), ``pending`` (待复核), ``resting`` (until
    ``rest_until``), ``refused`` (the world forbids it: two valid IDs, say), ``gone`` (a record is no longer there), ``undone`` (taken back,
    or replaced by a newer one of the pair: ``undo_reason`` then names it).
    """

    decision_id: int
    pair_id: int
    feed_l: str
    person_l: str | None
    feed_r: str
    person_r: str | None
    verdict: str
    state: str
    effect: str
    by: str
    at: datetime
    reason: str
    confirmed_by: str | None
    rest_until: datetime | None
    probability: float | None
    undone_by: str | None
    undone_at: datetime | None
    undo_reason: str | None


def queue(engine: Engine, limit: int = 50) -> list[QueuedPair]:
    """What is most worth a person's minute, the best first. Numbers the pairs it lists, so that they can be asked for."""
    model = load_model()
    values = {"kinds": list(ANSWERABLE), "benefit": BENEFIT_FEEDS, "factor": BENEFIT_FACTOR, "contradicted": CONTRADICTED,
              "vetoes": [veto.name for veto in model.vetoes if not veto.suggest], "upper": model.setting("upper"), "limit": limit, "now": datetime.now(UTC)}
    with engine.begin() as connection:
        connection.execute(text(_ASKED), values)
        number_pairs(connection, "asked")
        return [QueuedPair(**row) for row in connection.execute(text(_QUEUE)).mappings()]


def decisions(engine: Engine, state: str | None = "pending", limit: int = 200, pair_id: int | None = None) -> list[TakenDecision]:
    """What was decided and stands, the newest first. ``state``: pending, resting, decided, None for all that stand (KeyError for another);
    ``undone``: what no longer stands; ``pair_id``: of that pair alone."""
    states = DECIDED[state] if state else tuple(name for names in DECIDED.values() for name in names)
    values = {"states": list(states), "undone": state == "undone", "limit": limit, "pair": pair_id, "now": datetime.now(UTC)}
    with engine.begin() as connection:
        connection.execute(text(_TAKEN), values)
        number_pairs(connection, "asked")
        return [TakenDecision(**row) for row in connection.execute(text(_TAKEN_LIST)).mappings()]


def number_pairs(connection: Connection, table: str) -> None:
    """Give every pair of ``table`` (feed_l, record_key_l, feed_r, record_key_r) its lasting number in ``hub.review_pair``."""
    connection.execute(text(_NUMBER.format(table=table)), {"now": datetime.now(UTC)})


def pair_of(engine: Engine, pair_id: int) -> tuple[tuple[str, str], tuple[str, str]] | None:
    """The two records (feed, record_key) of a numbered pair; None if there is none of that number."""
    with engine.connect() as connection:
        row: Any = connection.execute(text(_PAIR), {"id": pair_id}).first()
    return ((row[0], row[1]), (row[2], row[3])) if row else None


_ASKED = """
CREATE TEMP TABLE asked ON COMMIT DROP AS
WITH open_pair AS (
    SELECT c.kind, c.feed_l, c.record_key_l, l.person_id AS person_l, c.feed_r, c.record_key_r, r.person_id AS person_r,
           coalesce(c.probability, 0.5) AS probability, split_part(c.evidence, ' ', 1) AS rule
    FROM hub.link_conflict c
    JOIN hub.person_link l ON l.feed = c.feed_l AND l.record_key = c.record_key_l AND l.recorded_to IS NULL
    JOIN hub.person_link r ON r.feed = c.feed_r AND r.record_key = c.record_key_r AND r.recorded_to IS NULL
    WHERE c.recorded_to IS NULL AND c.kind = ANY(:kinds) AND l.person_id <> r.person_id),
answered AS (
    SELECT least(l.person_id, r.person_id) AS one, greatest(l.person_id, r.person_id) AS other
    FROM hub.link_decision d
    JOIN hub.person_link l ON l.feed = d.feed_l AND l.record_key = d.record_key_l AND l.recorded_to IS NULL
    JOIN hub.person_link r ON r.feed = d.feed_r AND r.record_key = d.record_key_r AND r.recorded_to IS NULL
    WHERE d.recorded_to IS NULL AND (d.state <> 'resting' OR d.rest_until > :now)),
party AS (
    SELECT person_id, count(*)::int AS records, bool_or(feed ~ :benefit) AS benefit FROM hub.person_link
    WHERE recorded_to IS NULL AND person_id IN (SELECT person_l FROM open_pair UNION SELECT person_r FROM open_pair) GROUP BY person_id),
judged AS (
    SELECT o.*, least(a.records, b.records) AS records, a.benefit OR b.benefit AS benefit,
           CASE WHEN o.kind = 'review' AND NOT o.rule = ANY(:vetoes) AND o.probability < :upper THEN o.probability
                ELSE least(o.probability, :contradicted) END AS believed
    FROM open_pair o JOIN party a ON a.person_id = o.person_l JOIN party b ON b.person_id = o.person_r
    WHERE (least(o.person_l, o.person_r), greatest(o.person_l, o.person_r)) NOT IN (SELECT one, other FROM answered)),
worth AS (
    SELECT j.*, least(believed, 1 - believed) * records * CASE WHEN benefit THEN :factor ELSE 1 END AS gain FROM judged j),
best AS (
    SELECT DISTINCT ON (least(person_l, person_r), greatest(person_l, person_r)) * FROM worth
    ORDER BY least(person_l, person_r), greatest(person_l, person_r), gain DESC, feed_l, record_key_l, feed_r, record_key_r)
SELECT * FROM best ORDER BY gain DESC, person_l, person_r LIMIT :limit
"""
_ORDERED = '({side}.feed_{l} COLLATE "C", {side}.record_key_{l} COLLATE "C")'
_SWAPPED = f"{_ORDERED.format(side='a', l='l')} > {_ORDERED.format(side='a', l='r')}"
# A number is of the pair, whichever way round; the same collation as Python's, which decisions are sorted by.
_NORMAL = f"""
SELECT DISTINCT CASE WHEN s THEN feed_r ELSE feed_l END AS feed_l, CASE WHEN s THEN record_key_r ELSE record_key_l END AS record_key_l,
       CASE WHEN s THEN feed_l ELSE feed_r END AS feed_r, CASE WHEN s THEN record_key_l ELSE record_key_r END AS record_key_r
FROM (SELECT a.*, {_SWAPPED} AS s FROM {{table}} a) t
"""
_NUMBER = f"""
INSERT INTO hub.review_pair (feed_l, record_key_l, feed_r, record_key_r, recorded_from)
SELECT n.*, :now FROM ({_NORMAL}) n
WHERE NOT EXISTS (SELECT FROM hub.review_pair p WHERE p.feed_l = n.feed_l AND p.record_key_l = n.record_key_l
                    AND p.feed_r = n.feed_r AND p.record_key_r = n.record_key_r)
ORDER BY 1, 2, 3, 4 ON CONFLICT DO NOTHING
"""
NUMBERED = """
JOIN hub.review_pair p ON (p.feed_l, p.record_key_l, p.feed_r, p.record_key_r) IN (
    (a.feed_l, a.record_key_l, a.feed_r, a.record_key_r), (a.feed_r, a.record_key_r, a.feed_l, a.record_key_l))
"""
_QUEUE = f"""
SELECT p.pair_id, a.kind, p.feed_l, CASE WHEN as_shown THEN a.person_l ELSE a.person_r END AS person_l,
       p.feed_r, CASE WHEN as_shown THEN a.person_r ELSE a.person_l END AS person_r, a.probability, a.believed, a.records, a.benefit, a.gain, a.rule
FROM asked a {NUMBERED} CROSS JOIN LATERAL (SELECT (a.feed_l, a.record_key_l) = (p.feed_l, p.record_key_l) AS as_shown) o ORDER BY a.gain DESC, a.person_l, a.person_r
"""
_TAKEN = """
CREATE TEMP TABLE asked ON COMMIT DROP AS
WITH run AS (SELECT max(recorded_from) AS at FROM hub.link_run)
SELECT d.*, l.person_id AS person_l, r.person_id AS person_r,
       CASE WHEN d.recorded_to IS NOT NULL THEN 'undone'
            WHEN d.state <> 'binding' THEN d.state
            WHEN l.person_id IS NULL OR r.person_id IS NULL THEN 'gone'
            WHEN (d.verdict = 'same') = (l.person_id = r.person_id) THEN 'done'
            WHEN coalesce(d.confirmed_at, d.recorded_from) > run.at THEN 'next_run' ELSE 'refused' END AS effect
FROM hub.link_decision d CROSS JOIN run
LEFT JOIN hub.person_link l ON l.feed = d.feed_l AND l.record_key = d.record_key_l AND l.recorded_to IS NULL
LEFT JOIN hub.person_link r ON r.feed = d.feed_r AND r.record_key = d.record_key_r AND r.recorded_to IS NULL
WHERE CASE WHEN :undone THEN d.recorded_to IS NOT NULL
           ELSE d.recorded_to IS NULL AND d.state = ANY(:states) AND (d.state <> 'resting' OR d.rest_until > :now) END
  AND (cast(:pair AS bigint) IS NULL OR EXISTS (
      SELECT FROM hub.review_pair p WHERE p.pair_id = :pair AND (p.feed_l, p.record_key_l, p.feed_r, p.record_key_r) = (d.feed_l, d.record_key_l, d.feed_r, d.record_key_r)))
ORDER BY d.decision_id DESC LIMIT :limit
"""
_TAKEN_LIST = f"""
SELECT a.decision_id, p.pair_id, a.feed_l, a.person_l, a.feed_r, a.person_r, a.verdict, a.state, a.effect, a.decided_by AS by,
       a.recorded_from AS at, a.reason, a.confirmed_by, a.rest_until, a.probability,
       a.undone_by, a.recorded_to AS undone_at, a.undo_reason
FROM asked a {NUMBERED} ORDER BY a.decision_id DESC
"""
_PAIR = "SELECT feed_l, record_key_l, feed_r, record_key_r FROM hub.review_pair WHERE pair_id = :id"
