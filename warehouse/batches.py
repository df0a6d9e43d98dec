"""The life of a batch beside its load: held at a gate, approved, rejected, refused; what was read how far.

States (批次状态): ``landed`` (known, not loaded), ``held`` (waits for a person), ``loaded``, ``rejected`` (by a
person, or read again since), ``refused`` (the delivery contradicts itself; it never became a batch),
``purged`` (erased on an order; its row says what it was).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from contracts.model import Contract
from warehouse import alerts
from warehouse.bulk import lock
from warehouse.errors import BatchStateError
from warehouse.gate_history import gate_history as gate_history
from warehouse.load_state import describe
from warehouse.signature import legible
from warehouse.tables import batch, feed_state

if TYPE_CHECKING:
    from connectors.errors import DeliveryRefused
    from connectors.landed import LandedBatch

_INGEST = 0x6772_6964  # the class of the advisory locks that say "this feed is being ingested"

# A held batch whose window was read again, from the same place and later, has nothing the new one lacks.
# Files are told apart by name, so each waits for its own decision.
_OVERTAKEN = """
UPDATE hub.batch SET state = 'rejected', decided_by = 'gridhub', decided_at = now(), decision_reason = :reason
WHERE feed = :feed AND state = 'held' AND batch_id <> :batch_id AND fetched_at < :fetched_at
  AND replay_of IS NULL AND NOT coalesce(watermark, '{}') ? 'files'
RETURNING batch_id
"""


# -- ingesting ---------------------------------------------------------------------------


@contextmanager
def ingesting(engine: Engine, feed: str) -> Iterator[None]:
    """Be the only one that ingests this feed; waits for another process that does. Ends with the process too."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        name = {"kind": _INGEST, "feed": feed}
        connection.execute(text("SELECT pg_advisory_lock(:kind, hashtext(:feed))"), name)
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:kind, hashtext(:feed))"), name)


def any_ingesting(engine: Engine) -> bool:
    """Whether any process ingests any feed of this warehouse right now."""
    with engine.connect() as connection:
        found = text(
            "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = :kind AND granted "
            "AND objsubid = 2 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
        )
        return bool(connection.execute(found, {"kind": _INGEST}).scalar())


def watermark(engine: Engine, feed: str) -> dict[str, Any]:
    """How far the feed was read, as its connector wrote it; empty before the first load.

    A file that waits at a gate, was rejected or purged counts as read: a person decides, or did.
    """
    undecided = select(batch.c.watermark["files"]).where(
        batch.c.feed == feed, batch.c.state.in_(("held", "rejected", "purged")), batch.c.watermark.has_key("files")
    )
    with engine.connect() as connection:
        known = connection.execute(select(feed_state.c.watermark).where(feed_state.c.feed == feed)).scalar()
        waiting = connection.execute(undecided.order_by(batch.c.fetched_at)).scalars().all()
    reached = dict(known or {})
    for files in waiting:
        reached["files"] = {**files, **reached.get("files", {})}
    return reached


def note_read(engine: Engine, feed: str, at: datetime) -> None:
    """Remember that the source was read to its end, news or not: what is on time is not late."""
    row = insert(feed_state).values(feed=feed, watermark={}, last_read_at=at)
    latest = func.greatest(feed_state.c.last_read_at, row.excluded.last_read_at)
    with engine.begin() as connection:
        connection.execute(row.on_conflict_do_update(index_elements=[feed_state.c.feed], set_={"last_read_at": latest}))


def not_loaded(engine: Engine, landed: Iterable[LandedBatch]) -> list[LandedBatch]:
    """Of landed batches those still to be loaded, in the same order: a kill came between, or a person approved."""
    landed = list(landed)
    with engine.connect() as connection:
        settled = select(batch.c.batch_id).where(
            batch.c.batch_id.in_([each.batch_id for each in landed]), batch.c.state != "landed"
        )
        done = set(connection.execute(settled).scalars())
    return [each for each in landed if each.batch_id not in done]


# -- gates -------------------------------------------------------------------------------


def hold(engine: Engine, contract: Contract, landed: LandedBatch, findings: Sequence[Any]) -> None:
    """Stop a batch before it changes anything: it waits for a person. ``findings``: why (``as_dict()``).

    Raises BatchStateError if it is loaded already.
    """
    values = describe(landed) | {"state": "held", "findings": [finding.as_dict() for finding in findings]}
    row = insert(batch).values(values)
    changes = {name: row.excluded[name] for name in values if name != "batch_id"}
    with engine.begin() as connection:
        lock(connection, "load", contract.feed)
        held = connection.execute(
            row.on_conflict_do_update(index_elements=[batch.c.batch_id], set_=changes, where=batch.c.state != "loaded")
        )
        if not held.rowcount:
            raise BatchStateError(f"{contract.feed}: batch {landed.batch_id} is loaded, so it can't be held")
        overtaken = connection.execute(
            text(_OVERTAKEN),
            {
                "feed": contract.feed, "batch_id": landed.batch_id, "fetched_at": landed.manifest["fetched_at"],
                "reason": f"read again: {landed.batch_id}",
            },
        ).scalars()  # fmt: skip
        for earlier in overtaken.all():
            alerts.clear(connection, "held_batch", contract.feed, earlier)
        kinds = "、".join(dict.fromkeys(str(finding.as_dict()["kind"]) for finding in findings))
        message = f"{contract.title}: 批次{landed.batch_id}在闸门等待决定({kinds})"
        alerts.raise_alert(connection, "held_batch", contract.feed, landed.batch_id, message)


def approve(engine: Engine, batch_id: str, reason: str, by: str) -> str:
    """Let a held batch through; the caller loads it then. Returns its feed; BatchStateError if it is not held."""
    return _decide(engine, batch_id, "landed", reason, by)


def reject(engine: Engine, batch_id: str, reason: str, by: str) -> str:
    """Refuse a held batch for good; landing keeps it. Returns its feed; BatchStateError if it is not held."""
    return _decide(engine, batch_id, "rejected", reason, by)


def approved(engine: Engine, batch_id: str) -> bool:
    """Whether a person let this batch through its gates."""
    with engine.connect() as connection:
        decided = select(batch.c.decided_by).where(
            batch.c.batch_id == batch_id, batch.c.state.in_(("landed", "loaded"))
        )
        return connection.execute(decided).scalar() is not None


def _decide(engine: Engine, batch_id: str, state: str, reason: str, by: str) -> str:
    if not legible(reason) or not legible(by):
        raise BatchStateError(f"batch {batch_id}: a decision needs a reason and a name")
    with engine.begin() as connection:
        known = connection.execute(
            select(batch.c.feed, batch.c.state).where(batch.c.batch_id == batch_id).with_for_update()
        ).one_or_none()
        if known is None or known.state != "held":
            raise BatchStateError(f"batch {batch_id} is {known.state if known else 'not known'}, not held at a gate")
        connection.execute(
            update(batch)
            .where(batch.c.batch_id == batch_id)
            .values(state=state, decided_by=by, decision_reason=reason, decided_at=datetime.now(UTC))
        )
        alerts.clear(connection, "held_batch", known.feed, batch_id)
        return known.feed


# -- refused deliveries --------------------------------------------------------------------


def refuse(engine: Engine, contract: Contract, refusal: DeliveryRefused, at: datetime) -> str:
    """Remember a delivery that was refused whole, and raise an alert; the same one again is remembered once.

    Returns the id it is listed under. The file is read again when it, or its companion, changes.
    """
    told = f"{refusal.delivery}|{refusal.digest}|{refusal.reason}"
    batch_id = f"{contract.feed}-refused-{hashlib.sha256(told.encode()).hexdigest()[:12]}"
    row = insert(batch).values(
        batch_id=batch_id, feed=contract.feed, state="refused", delivery=refusal.delivery, period=refusal.period,
        digest=refusal.digest, fetched_at=at, contract_version=contract.version,
        findings=[{"kind": refusal.reason, "text_en": str(refusal)}],
    )  # fmt: skip
    with engine.begin() as connection:
        connection.execute(row.on_conflict_do_nothing())
        subject, message = (
            refusal.delivery or contract.feed,
            f"{contract.title}: 拒收{refusal.delivery}({refusal.reason})",
        )
        alerts.raise_alert(connection, "refused_delivery", contract.feed, subject, message)
    return batch_id


# -- looking -----------------------------------------------------------------------------


def listing(
    engine: Engine, feed: str | None = None, state: str | None = None, limit: int = 30
) -> list[Mapping[str, Any]]:
    """Batches, newest first, with their counts."""
    names = "batch_id feed state period landed inserted changed unchanged superseded quarantined vanished value_issues"
    rows = select(*(batch.c[name] for name in names.split()), batch.c.fetched_at, batch.c.decided_by)
    rows = rows.where(batch.c.feed == feed) if feed else rows
    rows = rows.where(batch.c.state == state) if state else rows
    with engine.connect() as connection:
        found = connection.execute(rows.order_by(batch.c.fetched_at.desc(), batch.c.batch_id.desc()).limit(limit))
        return [dict(row) for row in found.mappings()]


def about(engine: Engine, batch_id: str) -> Mapping[str, Any] | None:
    """What is known of one batch: feed, state, replay_of, delivery, digest; None if nothing is."""
    names = ("batch_id", "feed", "state", "replay_of", "delivery", "digest")
    with engine.connect() as connection:
        found = connection.execute(select(*(batch.c[name] for name in names)).where(batch.c.batch_id == batch_id)).mappings().first()
    return dict(found) if found else None


def findings(engine: Engine, batch_id: str) -> list[Mapping[str, Any]]:
    """Why a batch was held or a delivery refused, a row a finding; empty for any other."""
    with engine.connect() as connection:
        known = connection.execute(select(batch.c.findings).where(batch.c.batch_id == batch_id)).scalar()
    return list(known or ())
