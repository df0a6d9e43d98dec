"""Loads a judged batch: rows, history, issues, quarantine, watermark and the batch's own state, or nothing.

Arrow goes to unlogged staging tables through ADBC; one SQLAlchemy transaction then does everything
else, under a lock a feed. Killed at any line, the warehouse is as before or as after.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from sqlalchemy import Connection, Engine, select, text

from contracts.model import Contract, Mode, Table
from expectations.verdict import ISSUES, QUARANTINED, Verdict
from warehouse import load_state
from warehouse.bulk import lock, stage_all, sweep, unstage
from warehouse.errors import BatchStateError, LoadError
from warehouse.load_children import load_children
from warehouse.load_quality import load_issues, load_quarantine, load_results, quarantine_rows
from warehouse.load_rows import LoadContext, RowCounts, load_main
from warehouse.record_tables import canonical_types, qualified
from warehouse.tables import batch

if TYPE_CHECKING:
    from connectors.landed import LandedBatch

_OWN = ("record_key", "parent_key", "source_order", "source_time", "content_hash", "_row", "_partition")
_MANY_ROWS = 2_000  # from here on the planner is told at once; below, autovacuum does in time


@dataclass(frozen=True)
class BatchCounts:
    """What became of a batch: landed = inserted + changed + unchanged + superseded + quarantined."""

    landed: int
    inserted: int
    changed: int
    unchanged: int
    superseded: int
    quarantined: int
    vanished: int
    value_issues: int

    def counts(self) -> dict[str, int]:
        """The same as a dict, for logs and summaries."""
        return asdict(self)


def load_batch(
    engine: Engine,
    contract: Contract,
    landed: LandedBatch,
    verdicts: Mapping[str, Verdict],
    *,
    findings: Sequence[Any] = (),
) -> BatchCounts:
    """Load a landed batch with its verdicts, a verdict a record table. A loaded batch is not loaded again.

    ``findings``: gate findings kept with the batch (objects with ``as_dict``). Raises
    LoadError if the counts do not add up to the landed rows or a verdict is missing,
    BatchStateError if the batch is held, rejected or refused.
    """
    with engine.begin() as connection:
        lock(connection, "load", contract.feed)
        sweep(engine, f"load.{contract.feed}.")  # what a killed load left; the lock keeps other loads away
        return load_in(connection, contract, landed, verdicts, findings=findings)


def load_in(
    connection: Connection,
    contract: Contract,
    landed: LandedBatch,
    verdicts: Mapping[str, Verdict],
    *,
    findings: Sequence[Any] = (),
    loaded_at: datetime | None = None,
) -> BatchCounts:
    """:func:`load_batch` inside a transaction that holds the feed's lock already (a rebuild's, say)."""
    done = _already(connection, landed)
    if done is not None:
        return done
    manifest, loaded_at = landed.manifest, loaded_at or datetime.now(UTC)
    _check(contract, landed, verdicts)
    with _staged(connection, contract, landed, verdicts) as names:
        context, closing, day = _context(connection, contract, manifest, verdicts, landed.batch_id)
        main = contract.table
        present = verdicts[main.name].accepted.column_names
        rows = load_main(connection, context, names[main.name], present, names["quarantined"], closing, day)
        for child in contract.tables[1:]:
            columns = verdicts[child.name].accepted.column_names
            load_children(connection, context, child, names[child.name], columns, rows.vanished)
        issues = load_issues(connection, context, names["issues"])
        load_quarantine(connection, context, names["quarantined"])
        load_results(connection, context, (verdict.results for verdict in verdicts.values()))
        connection.execute(text("DROP TABLE load_decision, load_touched"))
    counts = _counts(landed, rows, verdicts[main.name].quarantined.num_rows, issues)
    load_state.record_load(connection, context, landed, counts.counts(), findings, loaded_at)
    load_state.advance(connection, context, manifest, loaded_at)
    if rows.inserted + rows.changed >= _MANY_ROWS:
        for table in contract.tables:
            connection.execute(text(f"ANALYZE {qualified(table)}"))
    return counts


def _already(connection: Connection, landed: LandedBatch) -> BatchCounts | None:
    columns = [batch.c[name] for name in BatchCounts.__dataclass_fields__]
    known = connection.execute(
        select(batch.c.state, *columns).where(batch.c.batch_id == landed.batch_id).with_for_update()
    ).one_or_none()
    if known is None or known.state == "landed":
        return None
    if known.state == "loaded":
        return BatchCounts(*known[1:])
    raise BatchStateError(f"{landed.feed}: batch {landed.batch_id} is {known.state}, so it is not loaded")


def _check(contract: Contract, landed: LandedBatch, verdicts: Mapping[str, Verdict]) -> None:
    missing = [table.name for table in contract.tables if table.name not in verdicts]
    if missing:
        raise LoadError(f"{contract.feed}: batch {landed.batch_id}: no verdict on {', '.join(missing)}")
    main = verdicts[contract.table.name]
    accepted, quarantined, rows = main.accepted.num_rows, main.quarantined.num_rows, int(landed.manifest["rows"])
    if accepted + quarantined != rows:
        raise LoadError(
            f"{contract.feed}: batch {landed.batch_id}: {rows} rows landed, "
            f"but {accepted} accepted + {quarantined} quarantined"
        )


def _counts(landed: LandedBatch, rows: RowCounts, quarantined: int, issues: int) -> BatchCounts:
    """Counted from what the database did; the table's own check compares them with the landed rows."""
    return BatchCounts(
        landed=int(landed.manifest["rows"]), inserted=rows.inserted, changed=rows.changed, unchanged=rows.unchanged,
        superseded=rows.superseded, quarantined=quarantined, vanished=rows.vanished, value_issues=issues,
    )  # fmt: skip


def _context(
    connection: Connection, contract: Contract, manifest: Mapping, verdicts: Mapping[str, Verdict], batch_id: str
) -> tuple[LoadContext, list[str], Any]:
    """What the load binds, which partitions it closes, and the day it stands for."""
    fetched_at = moment(manifest["fetched_at"])
    said_at = moment(manifest.get("parent_fetched_at") or fetched_at)
    last = load_state.last_recorded(connection, contract.feed)
    # belief moves on with every load, also with a batch that was held while later ones passed
    recorded_at = max(fetched_at, last + timedelta(microseconds=1)) if last else fetched_at
    if contract.mode is not Mode.SNAPSHOT or manifest.get("replay_of"):
        return LoadContext(contract, batch_id, said_at, recorded_at), [], None
    order = load_state.snapshot_order(verdicts[contract.table.name].accepted, manifest, said_at)
    context = LoadContext(contract, batch_id, said_at, recorded_at, order)
    closing, day = load_state.record_snapshot(connection, context, manifest, verdicts[contract.table.name].accepted)
    return context, closing, day


@contextmanager
def _staged(
    connection: Connection, contract: Contract, landed: LandedBatch, verdicts: Mapping[str, Verdict]
) -> Iterator[dict[str, str]]:
    """The batch in staging: quoted table names by record table, and ``issues`` and ``quarantined`` of all of them."""
    digest = hashlib.sha256(landed.batch_id.encode()).hexdigest()[:8]
    parts: dict[str, pa.Table] = {table.name: _wanted(table, verdicts[table.name]) for table in contract.tables}
    judged = [(table, verdicts[table.name]) for table in contract.tables]
    parts["issues"] = pa.concat_tables(_shaped(verdict.issues, ISSUES) for _, verdict in judged)
    parts["quarantined"] = pa.concat_tables(
        quarantine_rows(table, _shaped(verdict.quarantined, QUARANTINED)) for table, verdict in judged
    )
    bare = {part: f"load.{contract.feed}.{number}.{digest}" for number, part in enumerate(parts)}
    quoted = stage_all(connection.engine, {bare[part]: table for part, table in parts.items()})
    yield {part: quoted[bare[part]] for part in parts}
    unstage(connection, *bare.values())


def _wanted(table: Table, verdict: Verdict) -> pa.Table:
    """The columns the record table has; a verdict may carry more."""
    known = {*_OWN, *canonical_types(table)}
    return verdict.accepted.select([name for name in verdict.accepted.column_names if name in known])


def _shaped(table: pa.Table, schema: pa.Schema) -> pa.Table:
    return table.select(schema.names).cast(schema)


def moment(value: str | datetime) -> datetime:
    """A manifest's moment; ValueError for one without a zone."""
    parsed = datetime.fromisoformat(value) if isinstance(value, str) else value
    if parsed.tzinfo is None:
        raise ValueError("a batch's moment needs a zone")
    return parsed
