"""Publication (发布): every recipient's extract, full at first, then only what changed.

Files first, the ledger last: a run killed between leaves folders no ledger row knows, and the next run overwrites them
under the same sequence number. A recipient whose agreement is not valid or whose next extract is not due, or whose unit
has ended, keeps its last extract.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
from sqlalchemy import Engine

from contracts.agreements import Agreement, Dataset
from contracts.model import Contract
from contracts.reader import load_contracts
from publish import datasets, ledger
from publish.deltas import REMOVED, TABLES, compare
from publish.desk import Desk
from publish.recipients import Party, due, parties
from publish.retractions import TOUCHED, moved, note_touched
from publish.source import another, keep, opened
from publish.suppression import suppress

SIDE_BY_SIDE = 2  # a county's tables are too small for DuckDB to work on one with two threads


@dataclass(frozen=True)
class PublishFigures:
    """What a run handed out. ``not_due``: recipients whose weekly or monthly extract is not yet due; ``not_valid``: those
    whose agreement is not in force on the day."""

    recipients: int
    extracts: int
    full: int
    added: int
    changed: int
    removed: int
    cells_suppressed: int
    not_due: int
    not_valid: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """The figures as plain numbers."""
        return {
            "recipients": self.recipients, "extracts": self.extracts, "full": self.full,
            "rows_handed": self.added + self.changed + self.removed, "added": self.added, "changed": self.changed,
            "removed": self.removed, "cells_suppressed": self.cells_suppressed, "recipients_not_due": self.not_due,
            "agreements_not_valid": len(self.not_valid),
        }  # fmt: skip


def publish(
    engine: Engine,
    agreements: Mapping[str, Agreement],
    out: Path,
    today: date,
    contracts: Mapping[str, Contract] | None = None,
    threads: int = 2,
    memory_mb: int = 400,
) -> PublishFigures:
    """Hand every recipient of an agreement valid on ``today``, as often as it says, what is new for it, as files under ``out``.

    ``contracts`` (default: the packaged ones) say which department a feed belongs to. Raises
    :class:`publish.datasets.DatasetError` before anything is written if a dataset lacks what an agreement grants.
    """
    contracts = load_contracts() if contracts is None else contracts
    valid = [agreement for agreement in agreements.values() if agreement.valid_on(today)]
    not_valid = tuple(agreement.recipient for agreement in agreements.values() if not agreement.valid_on(today))
    with ledger.publishing(engine), opened(engine, contracts, today, threads, memory_mb) as con:
        con.execute(TABLES)
        made, last = parties(con, valid), ledger.last_extracts(engine)
        serving = due(made, last, today)
        desk = Desk(out, today, last)
        con.execute(TOUCHED)
        hidden = _Handover(con, serving, desk, today).all()
        for recipient, entries in moved(con, engine, last).items():
            desk.tell_moved(recipient, entries)
        handed = desk.finish()
        ledger.record(engine, con, handed)
    total = Counter()
    for row in handed:
        total.update({name: row[name] for name in ("added", "changed", "removed")})
    recipients, served = (sum(len(party.recipients) for party in some) for some in (made, serving))
    full = sum(row["kind"] == "full" for row in handed)
    return PublishFigures(
        recipients,
        len(handed),
        full,
        total["added"],
        total["changed"],
        total["removed"],
        hidden,
        recipients - served,
        not_valid,
    )


class _Handover:
    """Puts on the desk what changed, dataset by dataset: each query runs once for everybody who is granted it."""

    def __init__(self, con: duckdb.DuckDBPyConnection, made: list[Party], desk: Desk, day: date) -> None:
        self.con, self.made, self.desk, self.day = con, made, desk, day
        self._one_writes = threading.Lock()

    def all(self) -> int:
        """Every dataset, two side by side; the number of suppressed cells."""
        names = datasets.names(party.agreement for party in self.made)
        workers: list[duckdb.DuckDBPyConnection] = []
        own = threading.local()

        def begin() -> None:
            own.con = another(self.con, self.day)
            workers.append(own.con)

        with ThreadPoolExecutor(SIDE_BY_SIDE, "dataset", begin) as pool:
            try:
                hidden = sum(pool.map(lambda name: self._dataset(own.con, name), names))
            finally:
                pool.shutdown(cancel_futures=True)
                for worker in workers:
                    worker.close()
        for recipient, dataset, removed in _withdrawn(self.con, self.made):
            self.desk.withdraw(recipient, dataset, removed)
        return hidden

    def _dataset(self, con: duckdb.DuckDBPyConnection, name: str) -> int:
        query = datasets.materialise(con, name)
        users = [(party, dataset) for party in self.made if (dataset := party.agreement.dataset(name))]
        for party, dataset in users:
            datasets.check(party.agreement, dataset, query)
        hidden = 0
        for limit in {dataset.suppress_below for _, dataset in users if dataset.suppress_below}:
            hidden += suppress(con, query.table, query.counts, limit)
        for party, dataset in users:
            self._put(con, party, dataset, query)
        con.execute(f"DROP TABLE {query.table}")
        return hidden

    def _put(self, con: duckdb.DuckDBPyConnection, party: Party, dataset: Dataset, query: datasets.Query) -> None:
        table = compare(con, party, dataset, query)
        counted: dict[str, Counter] = {recipient: Counter() for recipient in party.recipients}
        for recipient, change, number in con.execute(
            f"SELECT recipient, change, count(*) FROM {table} GROUP BY ALL"
        ).fetchall():
            counted[recipient][change] = number
        rows = con.sql(f"SELECT * EXCLUDE (recipient, row_key, content_hash, row_hash) FROM {table}").to_arrow_table()
        start = 0
        with self._one_writes:
            con.execute(
                f"INSERT INTO row_change SELECT recipient, ?, row_key, content_hash, row_hash, change FROM {table}",
                [dataset.name],
            )
            for recipient in sorted(counted):  # as the rows are
                length = counted[recipient].total()
                self.desk.put(party.recipients[recipient], dataset, rows.slice(start, length), counted[recipient])
                start += length
        note_touched(con, table, dataset, query, self.desk.last)
        con.execute(f"DROP TABLE {table}")


def _withdrawn(con: duckdb.DuckDBPyConnection, made: list[Party]) -> list[tuple[str, str, int]]:
    """A dataset the agreement no longer grants: what is held of it is removed, the manifest asks for its deletion."""
    granted = [
        {"recipient": recipient, "dataset": dataset.name}
        for party in made
        for recipient in party.recipients
        for dataset in party.agreement.datasets
    ]
    schema = pa.schema([("recipient", pa.string()), ("dataset", pa.string())])
    keep(con, "grant_now", pa.Table.from_pylist(granted, schema))
    con.execute(
        """CREATE TABLE withdrawn AS SELECT recipient, dataset, row_key
           FROM held SEMI JOIN grant_now USING (recipient) ANTI JOIN grant_now USING (recipient, dataset)"""
    )
    con.execute(f"INSERT INTO row_change SELECT recipient, dataset, row_key, NULL, NULL, '{REMOVED}' FROM withdrawn")
    return con.execute("SELECT recipient, dataset, count(*) FROM withdrawn GROUP BY ALL ORDER BY ALL").fetchall()
