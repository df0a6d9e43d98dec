"""Makes the records again from landing (重建): after a crosswalk, a rule or the code itself was mended.

Same batches in the same order, so recorded times, issues and counts come out as a first load would
have made them. What persons decided stays: gates, releases, links, person ids, tickets. A purged batch (清除) is
no part of it: the warehouse comes out as if it had never come, only how far the source was read stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, select, text, update

from contracts.model import Contract
from expectations.verdict import Verdict
from warehouse.bulk import lock, sweep
from warehouse.errors import WarehouseError
from warehouse.load import load_in, moment
from warehouse.record_tables import qualified
from warehouse.tables import batch

if TYPE_CHECKING:
    from connectors.landed import LandedBatch

Judge = Callable[[Contract, "LandedBatch"], Mapping[str, Verdict]]

# Deleted, not truncated: whoever reads meanwhile sees the old rows until the new ones are committed.
_EMPTY = """
DELETE FROM hub.{table} WHERE feed = ANY(:feeds)
"""
_KEEP_DECISIONS = """
CREATE TEMP TABLE rebuild_decision ON COMMIT DROP AS
SELECT batch_id, row_no, part, decided_by, decision_reason, decided_at FROM hub.quarantine
WHERE feed = ANY(:feeds) AND decided_by IS NOT NULL
"""
_RESTORE_DECISIONS = """
UPDATE hub.quarantine AS q
SET decided_by = d.decided_by, decision_reason = d.decision_reason, decided_at = d.decided_at
FROM rebuild_decision AS d
WHERE q.batch_id = :batch_id AND d.batch_id = q.batch_id AND d.row_no = q.row_no AND d.part = q.part
"""
_KEEP_REACH = """
CREATE TEMP TABLE rebuild_reach ON COMMIT DROP AS
SELECT feed, watermark, watermark_at FROM hub.feed_state f
WHERE feed = ANY(:feeds) AND EXISTS (SELECT FROM hub.batch b WHERE b.feed = f.feed AND b.state = 'purged')
"""
# What a purged batch brought is not read again: the place reached before holds, unless a batch nobody knew went further.
_RESTORE_REACH = """
UPDATE hub.feed_state AS f SET
    watermark = CASE WHEN f.watermark_at > r.watermark_at THEN r.watermark || f.watermark ELSE f.watermark || r.watermark END
      || CASE WHEN r.watermark ? 'files' THEN jsonb_build_object('files', CASE WHEN f.watermark_at > r.watermark_at
              THEN (r.watermark -> 'files') || coalesce(f.watermark -> 'files', '{}') ELSE coalesce(f.watermark -> 'files', '{}') || (r.watermark -> 'files') END)
         ELSE '{}'::jsonb END,
    watermark_at = greatest(f.watermark_at, r.watermark_at)
FROM rebuild_reach AS r WHERE f.feed = r.feed AND r.watermark_at IS NOT NULL
"""
_KEPT_OF_A_BATCH = ("decided_by", "decision_reason", "decided_at", "findings")


@dataclass(frozen=True)
class RebuildFigures:
    """How many batches were loaded again, and what they brought; ``purged``: batches of these feeds that are gone for good."""

    batches: int
    landed: int
    quarantined: int
    value_issues: int
    purged: int

    def counts(self) -> dict[str, int]:
        """The same as a dict, for logs and summaries."""
        return dict(self.__dict__)


def rebuild(
    engine: Engine, contracts: Mapping[str, Contract], landed: Iterable[LandedBatch], judge: Judge
) -> RebuildFigures:
    """Empty the record tables of ``contracts`` and load every batch of theirs again, in one transaction.

    ``landed``: the complete batches of landing. ``judge`` turns one into verdicts, as at the first
    load; it may read the warehouse through other connections and sees the old state. Batches that wait
    at a gate, were rejected, refused or purged stay so. Raises WarehouseError if a batch that was loaded is
    no longer in landing, and nobody purged it: its rows could not be made again.
    """
    feeds = sorted(contracts)
    totals = {"batches": 0, "landed": 0, "quarantined": 0, "value_issues": 0, "purged": 0}
    with engine.begin() as connection:
        for feed in feeds:
            lock(connection, "load", feed)
            sweep(engine, f"load.{feed}.")
        known = _known(connection, feeds)
        totals["purged"] = sum(row["state"] == "purged" for row in known.values())
        todo = _in_order(known, [each for each in landed if each.feed in contracts])
        _empty(connection, contracts, feeds)
        for each in todo:
            before = known.get(each.batch_id, {})
            contract = contracts[each.feed]
            counts = load_in(connection, contract, each, judge(contract, each), loaded_at=before.get("loaded_at"))
            _restore(connection, each.batch_id, before)
            totals["batches"] += 1
            for name in ("landed", "quarantined", "value_issues"):
                totals[name] += getattr(counts, name)
        connection.execute(text(_RESTORE_REACH))
    _tidy(engine, contracts)
    return RebuildFigures(**totals)


def _known(connection: Connection, feeds: list[str]) -> dict[str, Mapping[str, Any]]:
    columns = [batch.c[name] for name in ("batch_id", "state", "loaded_at", *_KEPT_OF_A_BATCH)]
    rows = connection.execute(select(*columns).where(batch.c.feed.in_(feeds))).mappings()
    return {row["batch_id"]: dict(row) for row in rows}


def _in_order(known: Mapping[str, Mapping[str, Any]], landed: list[LandedBatch]) -> list[LandedBatch]:
    """The batches to load: those that were loaded, in that order, and those nobody has seen yet, by their fetch."""
    there = {each.batch_id for each in landed}
    gone = sorted(name for name, row in known.items() if row["state"] == "loaded" and name not in there)
    if gone:
        raise WarehouseError(f"{len(gone)} loaded batches are not in landing any more, the first is {gone[0]}; lay landing back from the backup")

    def when(each: LandedBatch) -> tuple[datetime, str]:
        loaded_at = known.get(each.batch_id, {}).get("loaded_at")
        return loaded_at or moment(each.manifest["fetched_at"]), each.batch_id

    wanted = [each for each in landed if known.get(each.batch_id, {}).get("state", "loaded") == "loaded"]
    return sorted(wanted, key=when)


def _empty(connection: Connection, contracts: Mapping[str, Contract], feeds: list[str]) -> None:
    bound = {"feeds": feeds}
    for keep in (_KEEP_DECISIONS, _KEEP_REACH):
        connection.execute(text(keep), bound)
    for contract in contracts.values():
        for table in contract.tables:
            connection.execute(text(f"DELETE FROM {qualified(table)}"))
    for name in ("value_issue", "quarantine", "rule_result", "snapshot"):
        connection.execute(text(_EMPTY.format(table=name)), bound)
    connection.execute(text(_EMPTY.format(table="batch") + " AND state = 'loaded'"), bound)
    # the row itself stays for when the source was last read; the loads say the rest again
    connection.execute(
        text("UPDATE hub.feed_state SET watermark = '{}', last_period = NULL, watermark_at = NULL, recorded_at = NULL, "
             "last_loaded_at = NULL WHERE feed = ANY(:feeds)"), bound,
    )  # fmt: skip


def _restore(connection: Connection, batch_id: str, before: Mapping[str, Any]) -> None:
    connection.execute(text(_RESTORE_DECISIONS), {"batch_id": batch_id})
    kept = {name: before[name] for name in _KEPT_OF_A_BATCH if before.get(name) is not None}
    if kept:
        connection.execute(update(batch).where(batch.c.batch_id == batch_id).values(kept))


def _tidy(engine: Engine, contracts: Mapping[str, Contract]) -> None:
    """Give back what the old rows held."""
    for feed in contracts:
        sweep(engine, f"load.{feed}.")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for contract in contracts.values():
            for table in contract.tables:
                connection.execute(text(f"VACUUM (ANALYZE) {qualified(table)}"))
        connection.execute(text("VACUUM (ANALYZE) hub.value_issue"))
