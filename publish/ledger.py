"""What was handed to whom (发布台账): ``hub.extract``, a row an extract, and ``hub.extract_row``, what a recipient holds now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
from sqlalchemy import Engine, text

from contracts.agreements import Agreement
from publish.deltas import ADDED, CHANGED, REMOVED
from publish.recipients import Handed
from warehouse.bulk import append, read_arrow, stage, unstage
from warehouse.tables.households import extract

SHANGHAI = ZoneInfo("Asia/Shanghai")
LOCK = 0x7075_626C
STAGED = "extract_change"
EXTRACT = pa.schema(
    [
        ("recipient", pa.string()), ("sequence", pa.int32()), ("kind", pa.string()), ("agreement_version", pa.string()),
        ("rows", pa.int64()), ("added", pa.int64()), ("changed", pa.int64()), ("removed", pa.int64()),
        ("digest", pa.string()), ("file_name", pa.string()), ("as_of", pa.date32()), ("recorded_from", pa.timestamp("us", "UTC")),
    ]
)  # fmt: skip


@contextmanager
def publishing(engine: Engine) -> Iterator[None]:
    """Be the only one that publishes; waits for another process that does. Ends with the process too."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})


def last_extracts(engine: Engine) -> dict[str, Handed]:
    """Recipient → its last extract."""
    found = read_arrow(
        engine,
        "SELECT DISTINCT ON (recipient) recipient, sequence, digest, as_of, recorded_from FROM hub.extract ORDER BY recipient, sequence DESC",
    )
    return {
        row["recipient"]: Handed(row["sequence"], row["digest"], row["as_of"], row["recorded_from"])
        for row in found.to_pylist()
    }


def record(engine: Engine, con: duckdb.DuckDBPyConnection, handed: list[dict]) -> None:
    """Keep the extracts that were handed out and what their recipients now hold, in one transaction.

    ``handed``: rows of :data:`EXTRACT` but ``recorded_from``; the connection's table ``row_change(recipient, dataset,
    row_key, content_hash, change)`` says what changed.
    """
    now = datetime.now(UTC)
    con.register(
        "handed", pa.Table.from_pylist([{"recipient": h["recipient"], "sequence": h["sequence"]} for h in handed])
    )
    changes = con.sql(
        "SELECT c.*, CAST(h.sequence AS INTEGER) AS sequence FROM row_change c JOIN handed h USING (recipient) "
        "ORDER BY recipient, dataset, row_key"
    ).to_arrow_table()
    con.unregister("handed")
    staged = stage(engine, STAGED, changes)
    same = "r.recipient = c.recipient AND r.dataset = c.dataset AND r.row_key = c.row_key"
    with engine.begin() as connection:
        append(connection, extract, pa.Table.from_pylist([{**row, "recorded_from": now} for row in handed], EXTRACT))
        kinds = {
            name: connection.execute(text(f"SELECT 1 FROM {staged} WHERE change = :c LIMIT 1"), {"c": name}).scalar()
            for name in (ADDED, CHANGED, REMOVED)
        }
        if kinds[CHANGED] or kinds[REMOVED]:
            connection.execute(text(f"ANALYZE {staged}"))
        if kinds[REMOVED]:
            connection.execute(
                text(f"DELETE FROM hub.extract_row r USING {staged} c WHERE c.change = :c AND {same}"), {"c": REMOVED}
            )
        if kinds[CHANGED]:
            connection.execute(
                text(
                    f"UPDATE hub.extract_row r SET content_hash = c.content_hash, sequence = c.sequence FROM {staged} c WHERE c.change = :c AND {same}"
                ),
                {"c": CHANGED},
            )
        if kinds[ADDED]:
            connection.execute(
                text(
                    "INSERT INTO hub.extract_row (recipient, dataset, row_key, content_hash, sequence) "
                    f"SELECT recipient, dataset, row_key, content_hash, sequence FROM {staged} WHERE change = :c"
                ),
                {"c": ADDED},
            )
        unstage(connection, STAGED)


def listing(
    engine: Engine, agreements: Mapping[str, Agreement], recipient: str | None = None, limit: int = 100
) -> list[dict]:
    """Extracts, newest first: recipient, sequence, as_of, kind, rows, added, changed, removed, agreement (its version then),
    valid_to (of the agreement now; None if there is none any more), folder, handed (when)."""
    statement = text(
        """SELECT recipient, sequence, as_of, kind, rows, added, changed, removed, agreement_version AS agreement, file_name, recorded_from
           FROM hub.extract WHERE CAST(:recipient AS text) IS NULL OR recipient = :recipient
           ORDER BY recorded_from DESC, recipient LIMIT :limit"""
    )
    with engine.connect() as connection:
        rows = [dict(row) for row in connection.execute(statement, {"recipient": recipient, "limit": limit}).mappings()]
    for row in rows:
        agreement = agreement_of(agreements, row["recipient"])
        row["valid_to"] = agreement.valid_to if agreement else None
        row["folder"] = row.pop("file_name").rpartition("/")[0]
        row["handed"] = row.pop("recorded_from").astimezone(SHANGHAI).isoformat(sep=" ", timespec="minutes")
    return rows


def agreement_of(agreements: Mapping[str, Agreement], recipient: str) -> Agreement | None:
    """The agreement a recipient of the ledger is served under: its own, or the template of its kind."""
    if recipient in agreements:
        return agreements[recipient]
    kind = recipient.partition("-")[0]
    return next((a for a in agreements.values() if a.template and a.kind == kind), None)
