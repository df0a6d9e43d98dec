"""The quarantine (隔离区): rows set aside whole, and what a person decided about them.

A release or a replay is a child batch (``replay_of``): the pipeline lands and judges it, its load
settles the parent's rows (warehouse.load_state). The parent's counts stand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, func, select, update

from warehouse.errors import BatchStateError
from warehouse.signature import legible
from warehouse.tables import quarantine

if TYPE_CHECKING:
    from connectors.landed import LandedBatch

_q = quarantine.c


def summary(engine: Engine, feed: str | None = None) -> list[Mapping[str, Any]]:
    """Open rows by feed, batch, table and reason: counts, no values. A row with two reasons counts for both."""
    reason = func.unnest(_q.reasons).label("reason")
    rows = select(_q.feed, _q.batch_id, _q.table_name, reason, func.count().label("rows")).where(_q.state == "open")
    rows = rows.where(_q.feed == feed) if feed else rows
    shown = rows.group_by(_q.feed, _q.batch_id, _q.table_name, reason).order_by(_q.feed, _q.batch_id, reason)
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(shown).mappings()]


def rows(engine: Engine, batch_id: str, limit: int = 20) -> list[Mapping[str, Any]]:
    """The open rows of a batch as they came. Personal data: for a screen, never for a log."""
    names = ("row_no", "part", "table_name", "location", "record_key", "reasons", "raw")
    shown = select(*(_q[name] for name in names)).where(_q.batch_id == batch_id, _q.state == "open")
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(shown.order_by(_q.row_no, _q.part).limit(limit)).mappings()]


def open_rows(engine: Engine, batch_id: str) -> list[int]:
    """Row numbers of a batch that can be judged again: its own rows, not elements of lists inside them."""
    found = select(_q.row_no).where(_q.batch_id == batch_id, _q.state == "open", _q.part == 0).order_by(_q.row_no)
    with engine.connect() as connection:
        return list(connection.execute(found).scalars())


def decide_release(engine: Engine, batch_id: str, row_numbers: Sequence[int], reason: str, by: str) -> None:
    """Write down that these rows may pass against the rules' advice, before they are landed again.

    Raises BatchStateError if one is not an open row of the batch or has no usable key, which no decision can give it.
    """
    wanted = sorted(set(row_numbers))
    if not wanted or not legible(reason) or not legible(by):
        raise BatchStateError(f"batch {batch_id}: a release needs rows, a reason and a name")
    which = (_q.batch_id == batch_id, _q.part == 0, _q.row_no.in_(wanted), _q.state == "open")
    with engine.begin() as connection:
        found = connection.execute(select(_q.row_no, _q.record_key).where(*which).with_for_update()).all()
        missing = sorted(set(wanted) - {row.row_no for row in found})
        if missing:
            raise BatchStateError(f"batch {batch_id}: not open in quarantine: rows {missing}")
        keyless = [row.row_no for row in found if row.record_key is None]
        if keyless:
            raise BatchStateError(f"batch {batch_id}: rows without a usable key can't be released: {keyless}")
        decision = {"decided_by": by, "decision_reason": reason, "decided_at": datetime.now(UTC)}
        connection.execute(update(quarantine).where(*which).values(decision))


def is_release(engine: Engine, landed: LandedBatch) -> bool:
    """Whether a child batch passes by a person's decision (a release) and not by being judged again (a replay)."""
    if not landed.manifest.get("replay_of"):
        return False
    decided = select(func.count()).where(
        _q.batch_id == landed.manifest["replay_of"],
        _q.part == 0,
        _q.row_no.in_(list(landed.manifest["replay_rows"])),
        _q.decided_by.is_not(None),
    )
    with engine.connect() as connection:
        return connection.execute(decided).scalar_one() == len(set(landed.manifest["replay_rows"]))
