"""Publication (发布): every recipient's extract, full at first, then only what changed.

Files first, the ledger last: a run killed between leaves folders no ledger row knows, and the next run overwrites them
under the same sequence number. A recipient whose agreement is not valid, or whose unit has ended, keeps its last extract.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
from sqlalchemy import Engine

from contracts.agreements import Agreement, Dataset
from contracts.model import Contract
from contracts.reader import load_contracts
from publish import datasets, ledger
from publish.deltas import ADDED, CHANGED, REMOVED, compare
from publish.files import ExtractFolder
from publish.recipients import Party, parties
from publish.source import keep, opened
from publish.suppression import suppress


@dataclass(frozen=True)
class PublishFigures:
    """What a run handed out. ``not_valid``: recipients whose agreement is not in force on the day."""

    recipients: int
    extracts: int
    full: int
    added: int
    changed: int
    removed: int
    cells_suppressed: int
    not_valid: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """The figures as plain numbers."""
        return {
            "recipients": self.recipients, "extracts": self.extracts, "full": self.full,
            "rows_handed": self.added + self.changed + self.removed, "added": self.added, "changed": self.changed,
            "removed": self.removed, "cells_suppressed": self.cells_suppressed, "agreements_not_valid": len(self.not_valid),
        }  # fmt: skip


@dataclass(frozen=True)
class Change:
    """What changed of one dataset for all recipients of a party: ``rows`` sorted by recipient, ``slices`` into it."""

    party: Party
    dataset: Dataset
    rows: pa.Table  # recipient, change, then the granted fields
    slices: Mapping[str, tuple[int, int]]  # recipient -> start, length

    def of(self, recipient: str) -> pa.Table:
        """A recipient's rows without the recipient."""
        start, length = self.slices.get(recipient, (0, 0))
        return self.rows.slice(start, length).drop_columns(["recipient"])


def publish(
    engine: Engine,
    agreements: Mapping[str, Agreement],
    out: Path,
    today: date,
    contracts: Mapping[str, Contract] | None = None,
    threads: int = 2,
    memory_mb: int = 500,
) -> PublishFigures:
    """Hand every recipient of an agreement valid on ``today`` what is new for it, as files under ``out``.

    ``contracts`` (default: the packaged ones) say which department a feed belongs to. Raises
    :class:`publish.datasets.DatasetError` before anything is written if a dataset lacks what an agreement grants.
    """
    contracts = load_contracts() if contracts is None else contracts
    valid = [agreement for agreement in agreements.values() if agreement.valid_on(today)]
    not_valid = tuple(agreement.recipient for agreement in agreements.values() if not agreement.valid_on(today))
    with ledger.publishing(engine), opened(engine, contracts, today, threads, memory_mb) as con:
        keep(con, "held", ledger.read_held(engine))
        con.execute(
            "CREATE TABLE row_change (recipient VARCHAR, dataset VARCHAR, row_key VARCHAR, content_hash VARCHAR, change VARCHAR)"
        )
        made = parties(con, valid)
        changes, hidden = _changes(con, made)
        last = ledger.last_extracts(engine)
        handed = _write(con, made, changes, last, out, today)
        if handed:
            ledger.record(engine, con, handed)
    total = Counter()
    for row in handed:
        total.update({name: row[name] for name in ("added", "changed", "removed")})
    recipients = sum(len(party.recipients) for party in made)
    full = sum(row["kind"] == "full" for row in handed)
    return PublishFigures(
        recipients, len(handed), full, total["added"], total["changed"], total["removed"], hidden, not_valid
    )


def _changes(con: duckdb.DuckDBPyConnection, made: list[Party]) -> tuple[list[Change], int]:
    """What changed, dataset by dataset: each query runs once for everybody who is granted it."""
    changes, hidden = [], 0
    for name in datasets.names(party.agreement for party in made):
        query = datasets.materialise(con, name)
        users = [(party, party.agreement.dataset(name)) for party in made if party.agreement.dataset(name)]
        for party, dataset in users:
            datasets.check(party.agreement, dataset, query)
        for limit in {dataset.suppress_below for _, dataset in users if dataset.suppress_below}:
            hidden += suppress(con, query.table, query.counts, limit)
        for party, dataset in users:
            changes.append(_change(con, party, dataset, query))
        con.execute(f"DROP TABLE {query.table}")
    _withdrawn(con, made)
    return changes, hidden


def _change(con: duckdb.DuckDBPyConnection, party: Party, dataset: Dataset, query: datasets.Query) -> Change:
    table = compare(con, party, dataset, query)
    con.execute(
        f"INSERT INTO row_change SELECT recipient, ?, row_key, content_hash, change FROM {table}", [dataset.name]
    )
    slices, start = {}, 0
    for recipient, length in con.execute(f"SELECT recipient, count(*) FROM {table} GROUP BY 1 ORDER BY 1").fetchall():
        slices[recipient] = (start, length)
        start += length
    rows = con.sql(f"SELECT * EXCLUDE (row_key, content_hash) FROM {table}").to_arrow_table()
    con.execute(f"DROP TABLE {table}")
    return Change(party, dataset, rows, slices)


def _withdrawn(con: duckdb.DuckDBPyConnection, made: list[Party]) -> None:
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
        f"""INSERT INTO row_change SELECT recipient, dataset, row_key, NULL, '{REMOVED}'
            FROM held SEMI JOIN grant_now USING (recipient) ANTI JOIN grant_now USING (recipient, dataset)"""
    )


def _write(
    con: duckdb.DuckDBPyConnection,
    made: list[Party],
    changes: list[Change],
    last: Mapping[str, tuple[int, str]],
    out: Path,
    today: date,
) -> list[dict]:
    """Write the folders of all who get something; their ledger rows."""
    counted = con.execute("SELECT recipient, dataset, change, count(*) FROM row_change GROUP BY ALL").fetchall()
    counts: dict[str, dict[str, Counter]] = {}
    for recipient, dataset, change, number in counted:
        counts.setdefault(recipient, {}).setdefault(dataset, Counter())[change] = number
    handed = []
    for party in made:
        mine = [change for change in changes if change.party is party]
        for recipient, agreement in party.recipients.items():
            if recipient in last and recipient not in counts:
                continue  # it holds all of it already
            handed.append(_hand_over(agreement, mine, counts.get(recipient, {}), last.get(recipient), out, today))
    return handed


def _hand_over(
    agreement: Agreement,
    changes: list[Change],
    counts: Mapping[str, Counter],
    last: tuple[int, str] | None,
    out: Path,
    today: date,
) -> dict:
    sequence, kind = (last[0] + 1, "delta") if last else (1, "full")
    folder = ExtractFolder(out, agreement.recipient, sequence)
    folder.start()
    listed = []
    for change in changes:
        rows, number = change.of(agreement.recipient), counts.get(change.dataset.name, Counter())
        if kind == "delta" and not rows.num_rows:
            continue
        file = folder.write_rows(change.dataset.name, [field.title for field in change.dataset.fields], rows)
        listed.append(_entry(change.dataset, file, number))
    withdrawn = sorted(set(counts) - {dataset.name for dataset in agreement.datasets})
    manifest = {
        "recipient": agreement.recipient,
        "title": agreement.title,
        "unit": agreement.unit,
        "sequence": sequence,
        "kind": kind,
        "as_of": today.isoformat(),
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "previous": {"sequence": last[0], "manifest_sm3": last[1]} if last else None,
        "agreement": {
            "version": agreement.version,
            "purpose": agreement.purpose,
            "legal_basis": list(agreement.legal_basis),
            "conditions": list(agreement.conditions),
            "share_class": agreement.share_class,
            "frequency": agreement.frequency,
            "mode": agreement.mode,
            "valid_from": agreement.valid_from.isoformat(),
            "valid_to": agreement.valid_to.isoformat(),
        },
        "datasets": listed,
        "withdrawn": withdrawn,
    }
    file = folder.write_manifest(manifest)
    folder.finish()
    total = sum(counts.values(), Counter())
    return {
        "recipient": agreement.recipient, "sequence": sequence, "kind": kind, "agreement_version": agreement.version,
        "rows": total.total(), "added": total[ADDED], "changed": total[CHANGED], "removed": total[REMOVED],
        "digest": file.sm3, "file_name": f"{folder.name}/{file.name}",
    }  # fmt: skip


def _entry(dataset: Dataset, file, number: Counter) -> dict:
    return {
        "name": dataset.name,
        "title": dataset.title,
        "file": file.name,
        "scope": dataset.scope,
        "suppress_below": dataset.suppress_below,
        "columns": [
            {"title": field.title, "mask": field.mask, "clear_for": field.clear_for} for field in dataset.fields
        ],
        "rows": number.total(),
        "added": number[ADDED],
        "changed": number[CHANGED],
        "removed": number[REMOVED],
        "bytes": file.size,
        "sm3": file.sm3,
    }
