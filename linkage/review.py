"""Review of links (关联复核): what the portal and ``gridhub review`` call. Pure functions over the warehouse, plain frozen values back.

The story: :func:`queue` lists what is worth a minute, :func:`look` shows one pair with its reasons, :func:`answer` records
same, different or can't say, :func:`confirm` is the second person's yes, :func:`undo` takes an answer back, :func:`became` tells
what became of a person, :func:`judged_pairs` is what calibration is measured with. The next ``gridhub link`` applies what
binds. Everything that shows a person's data takes who looks and what for, and writes it down first.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
from sqlalchemy import Engine, text

from linkage.decisions import BENEFIT_FEEDS, REST_DAYS, Decision, DecisionError, confirm, decide, touches_benefits, undo
from linkage.model import load_model
from linkage.review_history import HeldRecord, PersonEvent, PersonStory, present, story
from linkage.review_queue import QueuedPair, TakenDecision, decisions, pair_of, queue
from linkage.review_records import Compared, Side, side_by_side
from linkage.review_waterfall import Step, Waterfall, folded, in_force, waterfall
from warehouse.access import note_look
from warehouse.bulk import read_arrow

__all__ = ["BENEFIT_FEEDS", "REST_DAYS", "Compared", "Decision", "DecisionError", "HeldRecord", "PairView", "PersonEvent", "PersonStory", "QueuedPair",
           "Side", "Step", "TakenDecision", "Waterfall", "answer", "became", "confirm", "decisions", "judged_pairs", "look", "queue", "undo"]

PURPOSE = "人员关联复核"
JUDGED = pa.schema([("probability", pa.float64()), ("verdict", pa.string()), ("decided_at", pa.timestamp("us", "UTC")), ("rule", pa.string()),
                    ("evidence", pa.string())])


@dataclass(frozen=True)
class PairView:
    """A pair as a person judges it. ``kind``: of the conflict, ``linked`` where the two are one person now, None where
    nothing is stored of the pair; ``two_people``: "same" needs a second person; ``decisions``: what stands about the pair."""

    pair_id: int
    kind: str | None
    left: Side
    right: Side
    fields: tuple[Compared, ...]
    waterfall: Waterfall | None
    two_people: bool
    decisions: tuple[TakenDecision, ...]


def look(engine: Engine, pair_id: int, *, by: str, purpose: str = PURPOSE, language: str = "zh") -> PairView:
    """A pair with both records side by side and its waterfall of weights. The look is written down before anything is read.

    DecisionError if there is no pair of that number, warehouse.access.AccessRefused if who or what for is left out.
    """
    left, right = _numbered(engine, pair_id)
    note_look(engine, by=by, action="review.show", subject=f"Q{pair_id}", purpose=purpose)
    with engine.connect() as connection:
        one, other, fields = side_by_side(connection, left, right, language)
        pair = {"feed_l": left[0], "key_l": left[1], "feed_r": right[0], "key_r": right[1]}
        stored = connection.execute(text(_STORED), pair).mappings().first()
        two_people = touches_benefits(connection, left, right)
    shown = None
    if stored:
        model = load_model()
        name = next((field for field in fields if field.field == "name"), None)
        names = (folded(name.left if name else None), folded(name.right if name else None))
        shown = waterfall(model, in_force(engine, model, names), stored["kind"], stored["probability"], stored["evidence"], names)
    standing = decisions(engine, None, pair_id=pair_id)
    return PairView(pair_id, stored["kind"] if stored else None, one, other, fields, shown, two_people, tuple(standing))


def answer(engine: Engine, pair_id: int, verdict: str, *, by: str, reason: str, rest_days: int = REST_DAYS) -> Decision:
    """Record what a person says of a pair: ``same``, ``different`` or ``unsure`` (asked again after ``rest_days``).

    The decision's ``state`` is ``pending`` where a second person must confirm it. DecisionError says why it can't be taken.
    """
    left, right = _numbered(engine, pair_id)
    return decide(engine, left, right, verdict, by=by, reason=reason, rest_days=rest_days)


def became(engine: Engine, person_id: str, *, by: str, purpose: str = PURPOSE) -> PersonStory | None:
    """What became of a person; None if there never was one. Which departments hold a record of somebody is personal: the look is written down."""
    with engine.connect() as connection:
        if present(connection, person_id) is None:
            return None  # what is not an id of ours may be a person's number, which the log must not hold
    note_look(engine, by=by, action="review.history", subject=person_id, purpose=purpose)
    return story(engine, person_id)


def judged_pairs(engine: Engine) -> pa.Table:
    """The pairs people decided, as calibration is measured with: probability (the model's, when it was decided), verdict (same |
    different), decided_at, rule, evidence (levels). Only what binds: no pending, resting or undone one, and none the model had not scored.
    """
    return read_arrow(engine, _JUDGED).cast(JUDGED)


def _numbered(engine: Engine, pair_id: int) -> tuple[tuple[str, str], tuple[str, str]]:
    pair = pair_of(engine, pair_id)
    if pair is None:
        raise DecisionError(f"没有编号为 Q{pair_id} 的记录对，见 gridhub review list", f"there is no pair Q{pair_id}; see `gridhub review list`")
    return pair


# The open conflict of the pair, else of the two persons (which records stand for them changes with what is delivered); of two records
# that are one person already, the weaker of their links.
_STORED = """
WITH sides AS (
    SELECT l.person_id AS one, r.person_id AS other, l.probability AS p_l, r.probability AS p_r, l.rule || coalesce(' ' || l.evidence, '') AS e_l,
           r.rule || coalesce(' ' || r.evidence, '') AS e_r
    FROM hub.person_link l JOIN hub.person_link r ON r.feed = :feed_r AND r.record_key = :key_r AND r.recorded_to IS NULL
    WHERE l.feed = :feed_l AND l.record_key = :key_l AND l.recorded_to IS NULL)
SELECT kind, probability, evidence FROM (
    SELECT c.kind, c.probability, c.evidence,
           CASE WHEN (c.feed_l, c.record_key_l, c.feed_r, c.record_key_r) IN ((:feed_l, :key_l, :feed_r, :key_r), (:feed_r, :key_r, :feed_l, :key_l))
                THEN 1 ELSE 2 END AS place
    FROM hub.link_conflict c
    JOIN hub.person_link a ON a.feed = c.feed_l AND a.record_key = c.record_key_l AND a.recorded_to IS NULL
    JOIN hub.person_link b ON b.feed = c.feed_r AND b.record_key = c.record_key_r AND b.recorded_to IS NULL
    JOIN sides s ON (a.person_id, b.person_id) IN ((s.one, s.other), (s.other, s.one))
    WHERE c.recorded_to IS NULL AND s.one <> s.other
    UNION ALL SELECT 'linked', CASE WHEN p_r < p_l OR e_l ~ '^(first|only)_record' THEN p_r ELSE p_l END,
                     CASE WHEN p_r < p_l OR e_l ~ '^(first|only)_record' THEN e_r ELSE e_l END, 3 FROM sides WHERE one = other) s
ORDER BY place, probability DESC LIMIT 1
"""
_JUDGED = """
SELECT probability, verdict, coalesce(confirmed_at, recorded_from) AS decided_at, rule, evidence FROM hub.link_decision
WHERE recorded_to IS NULL AND state = 'binding' AND verdict IN ('same', 'different') AND probability IS NOT NULL ORDER BY decision_id
"""
