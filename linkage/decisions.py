"""What people decide about links (人工决定): taken, confirmed by a second person, undone.

A decision says of two records that they are the same person, or different people, or that nobody can say (说不清). The
first two are constraints of every later run until they are undone; the next run then links as if they had never been made.
Linkage reads ``hub.binding_decision`` and nothing else of this. Records are named by (feed, record_key) as in the crosswalk.

Two-person rule (双人复核): a merge that touches a record money or care hangs on binds only after a second, different person
confirmed it; until then it is pending and visible. A record that ever stood with one counts: parted from it, it can be put back. Parting two records needs one person: it takes nothing from anybody
that a machine or a person had not given before, and it can be undone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, text

from linkage.contradictions import Said, contradicting, together
from warehouse.bulk import lock
from warehouse.signature import legible, same_signer

VERDICTS = ("same", "different", "unsure")
# Assistance (低保, 特困), disability, allowance, death: a wrong merge there gives or stops somebody's money.
BENEFIT_FEEDS = r"^civil_(assistance_.*|disability|old_age_allowance|death)$"
# A pair nobody could decide is asked again when the next monthly deliveries are in: a month, and some days for late ones.
REST_DAYS = 35


class DecisionError(ValueError):
    """A decision that can't be taken; ``zh`` and ``en`` say what was expected, and name decisions, never a record."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en

    def told(self, language: str = "zh") -> str:
        """The sentence in that language."""
        return self.en if language == "en" else self.zh


@dataclass(frozen=True)
class Decision:
    """One decision as it is kept. ``state``: binding, pending (待复核) or resting (说不清, until ``rest_until``)."""

    decision_id: int
    feed_l: str
    feed_r: str
    verdict: str
    state: str
    by: str
    reason: str
    at: datetime
    rest_until: datetime | None
    confirmed_by: str | None
    confirmed_at: datetime | None
    undone_by: str | None
    undone_at: datetime | None


def decide(engine: Engine, left: tuple[str, str], right: tuple[str, str], verdict: str, *, by: str, reason: str,
           rest_days: int = REST_DAYS) -> Decision:
    """Record what a person decided of ``left`` and ``right`` (feed, record_key).

    The newest decision on a pair holds: earlier ones are closed, but a merge that waits for its second person leaves
    what binds until then. ``unsure`` takes the pair out of the queue for ``rest_days`` and binds nothing.
    DecisionError if the verdict is unknown, the two are one record, a record is not linked yet, who decided or why is left
    out, or the decision contradicts others, which are then named.
    """
    if verdict not in VERDICTS:
        raise DecisionError("结论只能是：同一人（same）、不同人（different）、说不清（unsure）", f"verdict: expected one of {', '.join(VERDICTS)}")
    if left == right:
        raise DecisionError("需要两条不同的记录", "two different records are expected")
    by, reason = _signed(by, reason)
    left, right = sorted((left, right))
    now = datetime.now(UTC)
    with engine.begin() as connection:
        lock(connection, "link_decision")  # two people at once could contradict each other unseen
        pair = _pair(left, right)
        if connection.execute(text(_KNOWN), pair).scalar_one() < 2:
            raise DecisionError("其中一条记录尚未关联，请先运行 gridhub link", "a record of the pair is not linked; run `gridhub link` first")
        _not_said_already(connection, pair, verdict)
        values = {**pair, "verdict": verdict, "by": by, "reason": reason, "now": now, "state": "binding", "until": None}
        if verdict == "unsure":
            values |= {"state": "resting", "until": now + timedelta(days=rest_days)}
        else:
            standing = _standing(connection, pair)
            _refuse_contradiction(standing, left, right, verdict)
            if verdict == "same" and _benefits(connection, together(standing, left, right)):
                values["state"] = "pending"
        model = connection.execute(text(_MODEL_SAID), pair).mappings().first() or {}
        decision_id = connection.execute(
            text(_OPEN), {**values, "probability": model.get("probability"), "rule": model.get("rule"), "evidence": model.get("evidence")}
        ).scalar_one()
        _supersede(connection, pair, decision_id, by, values["state"])
        return _read(connection, decision_id)


def confirm(engine: Engine, decision_id: int, *, by: str, reason: str) -> Decision:
    """The second person's yes (复核): the pending merge binds from the next run on.

    DecisionError if it does not wait for one, ``by`` is who decided, or other decisions made since contradict it.
    """
    by, reason = _signed(by, reason)
    with engine.begin() as connection:
        lock(connection, "link_decision")
        row = _open_row(connection, decision_id)
        if row["state"] != "pending":
            raise DecisionError(f"决定 D{decision_id} 无需复核", f"decision D{decision_id} does not wait for a second person")
        if same_signer(by, row["decided_by"]):
            raise DecisionError(f"决定 D{decision_id} 须由另一人复核", f"decision D{decision_id} must be confirmed by another person than who took it")
        left, right = (row["feed_l"], row["record_key_l"]), (row["feed_r"], row["record_key_r"])
        pair = _pair(left, right)
        _refuse_contradiction(_standing(connection, pair), left, right, row["verdict"])
        connection.execute(text(_CONFIRM), {"id": decision_id, "by": by, "reason": reason, "now": datetime.now(UTC)})
        _supersede(connection, pair, decision_id, by, "binding")
        return _read(connection, decision_id)


def undo(engine: Engine, decision_id: int, *, by: str, reason: str) -> Decision:
    """Take a decision back (撤销), a pending one too; the next run leaves no trace of it in the links. DecisionError if it is not open."""
    by, reason = _signed(by, reason)
    with engine.begin() as connection:
        lock(connection, "link_decision")
        _open_row(connection, decision_id)
        connection.execute(text(_UNDO), {"id": decision_id, "by": by, "reason": reason, "now": datetime.now(UTC)})
        return _read(connection, decision_id)


def touches_benefits(connection: Connection, left: tuple[str, str], right: tuple[str, str]) -> bool:
    """Whether "same" of these two takes two people."""
    return _benefits(connection, together(_standing(connection, _pair(left, right)), left, right))


def _signed(by: str, reason: str) -> tuple[str, str]:
    by, reason = legible(by), legible(reason)
    if not by or not reason:
        raise DecisionError("须写明何人、因何作出决定", "who decided, and why, must be said")
    return by, reason


def _pair(left: tuple[str, str], right: tuple[str, str]) -> dict[str, Any]:
    return {"feed_l": left[0], "key_l": left[1], "feed_r": right[0], "key_r": right[1]}


def _open_row(connection: Connection, decision_id: int) -> Any:
    row = connection.execute(text("SELECT * FROM hub.link_decision WHERE decision_id = :id AND recorded_to IS NULL"), {"id": decision_id}).mappings().first()
    if row is None:
        raise DecisionError(f"没有生效或待复核的决定 D{decision_id}", f"there is no open decision D{decision_id}")
    return row


def _not_said_already(connection: Connection, pair: dict[str, Any], verdict: str) -> None:
    for said in connection.execute(text(_ON_PAIR), pair).mappings():
        name = f"D{said['decision_id']}"
        if said["verdict"] == verdict and said["state"] == "pending":
            raise DecisionError(f"决定 {name} 已作出同样结论，等待另一人复核：gridhub review confirm {name}",
                                f"decision {name} says so and waits for a second person: gridhub review confirm {name}")
        if said["verdict"] == verdict and said["state"] == "binding":
            raise DecisionError(f"决定 {name} 已作出同样结论", f"decision {name} says so already")
        if verdict == "unsure" and said["state"] != "resting":
            raise DecisionError(f"该对记录已有决定 {name}，如有疑问请先撤销", f"decision {name} is about this pair; undo it first")


def _standing(connection: Connection, pair: dict[str, Any]) -> list[Said]:
    """What binds or waits to bind, less what was said of this very pair."""
    rows = connection.execute(text(_STANDING), pair).all()
    return [Said(number, (feed_l, key_l), (feed_r, key_r), verdict) for number, feed_l, key_l, feed_r, key_r, verdict in rows]


def _refuse_contradiction(standing: list[Said], left: tuple[str, str], right: tuple[str, str], verdict: str) -> None:
    if ids := contradicting(standing, left, right, verdict):
        named = [f"D{number}" for number in ids]
        raise DecisionError(f"与已有决定相矛盾：{'、'.join(named)}。请先撤销其中之一（gridhub review undo）",
                            f"contradicts what was decided: {', '.join(named)}; undo one of them first (gridhub review undo)")


def _benefits(connection: Connection, records: set[tuple[str, str]]) -> bool:
    """Whether any of these records, or of the persons they ever stood in, is one that a benefit hangs on."""
    feeds, keys = zip(*sorted(records), strict=True)
    return connection.execute(text(_BENEFITS), {"feeds": list(feeds), "keys": list(keys), "benefit": BENEFIT_FEEDS}).scalar_one()


def _supersede(connection: Connection, pair: dict[str, Any], decision_id: int, by: str, state: str) -> None:
    closable = ["binding", "pending", "resting"] if state == "binding" else ["pending", "resting"]
    connection.execute(text(_SUPERSEDE), {**pair, "id": decision_id, "by": by, "states": closable, "now": datetime.now(UTC),
                                          "reason": f"D{decision_id}"})


def _read(connection: Connection, decision_id: int) -> Decision:
    return Decision(**connection.execute(text(_READ), {"id": decision_id}).mappings().one())


_KNOWN = """
SELECT count(*) FROM hub.person_link WHERE recorded_to IS NULL
  AND ((feed = :feed_l AND record_key = :key_l) OR (feed = :feed_r AND record_key = :key_r))
"""
_SAME_PAIR = "feed_l = :feed_l AND record_key_l = :key_l AND feed_r = :feed_r AND record_key_r = :key_r"
_ON_PAIR = f"SELECT decision_id, verdict, state FROM hub.link_decision WHERE recorded_to IS NULL AND {_SAME_PAIR} ORDER BY decision_id"
_STANDING = f"""
SELECT decision_id, feed_l, record_key_l, feed_r, record_key_r, verdict FROM hub.link_decision
WHERE recorded_to IS NULL AND state IN ('binding', 'pending') AND NOT ({_SAME_PAIR}) ORDER BY decision_id
"""
# Open and closed links have an index each.
_PERSONS = " UNION ".join(f"SELECT l.person_id FROM {{of}} JOIN hub.person_link l USING (feed, record_key) WHERE l.recorded_to IS {state}" for state in ("NULL", "NOT NULL"))
_RECORDS = " UNION ".join(f"SELECT l.feed, l.record_key FROM {{of}} JOIN hub.person_link l USING (person_id) WHERE l.recorded_to IS {state}" for state in ("NULL", "NOT NULL"))
# Closed links count, and those of whom a named record stands with or stood with: else a record is parted from its benefit, merged by one
# person, and put back by undoing what parted it.
_BENEFITS = f"""
WITH named AS (SELECT * FROM unnest(cast(:feeds AS text[]), cast(:keys AS text[])) AS n (feed, record_key)),
own AS MATERIALIZED ({_PERSONS.format(of="named")}),
beside AS MATERIALIZED ({_RECORDS.format(of="own")}),
met AS MATERIALIZED ({_PERSONS.format(of="beside")}),
found AS MATERIALIZED ({_RECORDS.format(of="met")})
SELECT EXISTS (SELECT FROM named WHERE feed ~ :benefit) OR EXISTS (SELECT FROM found WHERE feed ~ :benefit)
"""
# What the model said of the pair, or of the two persons; of records that are one person already, the weaker link.
_MODEL_SAID = """
WITH sides AS (
    SELECT l.person_id AS person_l, r.person_id AS person_r, l.probability AS p_l, r.probability AS p_r, l.rule AS rule_l, r.rule AS rule_r,
           l.evidence AS evidence_l, r.evidence AS evidence_r
    FROM hub.person_link l JOIN hub.person_link r ON r.feed = :feed_r AND r.record_key = :key_r AND r.recorded_to IS NULL
    WHERE l.feed = :feed_l AND l.record_key = :key_l AND l.recorded_to IS NULL),
said AS (
    SELECT c.probability, split_part(c.evidence, ' ', 1) AS rule, nullif(substr(c.evidence, strpos(c.evidence || ' ', ' ') + 1), '') AS evidence,
           (c.feed_l, c.record_key_l, c.feed_r, c.record_key_r) IN ((:feed_l, :key_l, :feed_r, :key_r), (:feed_r, :key_r, :feed_l, :key_l)) AS exact
    FROM hub.link_conflict c
    JOIN hub.person_link a ON a.feed = c.feed_l AND a.record_key = c.record_key_l AND a.recorded_to IS NULL
    JOIN hub.person_link b ON b.feed = c.feed_r AND b.record_key = c.record_key_r AND b.recorded_to IS NULL
    JOIN sides s ON (a.person_id, b.person_id) IN ((s.person_l, s.person_r), (s.person_r, s.person_l))
    WHERE c.recorded_to IS NULL AND c.kind <> 'foreign_id'  -- a number somebody filled in was not weighed
    UNION ALL
    SELECT CASE WHEN p_r < p_l THEN p_r ELSE p_l END, CASE WHEN p_r < p_l THEN rule_r ELSE rule_l END,
           CASE WHEN p_r < p_l THEN evidence_r ELSE evidence_l END, true
    FROM sides WHERE person_l = person_r)
SELECT probability, rule, evidence FROM said WHERE probability IS NOT NULL ORDER BY exact DESC, probability DESC, rule LIMIT 1
"""
_OPEN = """
INSERT INTO hub.link_decision (feed_l, record_key_l, feed_r, record_key_r, verdict, state, decided_by, reason, rest_until, probability, rule, evidence, recorded_from)
VALUES (:feed_l, :key_l, :feed_r, :key_r, :verdict, :state, :by, :reason, :until, :probability, :rule, :evidence, :now) RETURNING decision_id
"""
_SUPERSEDE = f"""
UPDATE hub.link_decision SET recorded_to = :now, undone_by = :by, undo_reason = :reason
WHERE recorded_to IS NULL AND {_SAME_PAIR} AND decision_id <> :id AND state = ANY(:states)
"""
_CONFIRM = """
UPDATE hub.link_decision SET state = 'binding', confirmed_by = :by, confirmed_at = :now, confirm_reason = :reason WHERE decision_id = :id
"""
_UNDO = "UPDATE hub.link_decision SET recorded_to = :now, undone_by = :by, undo_reason = :reason WHERE decision_id = :id"
_READ = """
SELECT decision_id, feed_l, feed_r, verdict, state, decided_by AS by, reason, recorded_from AS at, rest_until, confirmed_by, confirmed_at,
       undone_by, recorded_to AS undone_at FROM hub.link_decision WHERE decision_id = :id
"""
