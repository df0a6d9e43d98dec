"""What was handed to whom (发布台账): ``hub.extract``, a row an extract, and ``hub.extract_row``, what a recipient holds now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Engine, text

from contracts.agreements import Agreement
from publish.deltas import ADDED, CHANGED, REMOVED
from publish.recipients import Handed
from warehouse.bulk import append, read_arrow, stage_all, unstage
from warehouse.tables.households import extract

SHANGHAI = ZoneInfo("Asia/Shanghai")
LOCK = 0x7075_626C
_MANY_ROWS = 5_000  # from here on the planner is told at once
STAGED, STAGED_AGAIN = "extract_change", "extract_again"
_SAME = "r.recipient = c.recipient AND r.dataset = c.dataset AND r.row_key = c.row_key"
_CHANGES = {
    REMOVED: f"DELETE FROM hub.extract_row r USING {{staged}} c WHERE c.change = :change AND {_SAME}",
    CHANGED: f"""UPDATE hub.extract_row r SET content_hash = c.content_hash, row_hash = c.row_hash, sequence = c.sequence
                 FROM {{staged}} c WHERE c.change = :change AND {_SAME}""",
    ADDED: """INSERT INTO hub.extract_row (recipient, dataset, row_key, content_hash, row_hash, sequence)
              SELECT recipient, dataset, row_key, content_hash, row_hash, sequence FROM {staged} WHERE change = :change""",
}
_AGAIN = f"UPDATE hub.extract_row r SET row_hash = c.row_hash FROM {{staged}} c WHERE {_SAME}"
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
    row_key, content_hash, row_hash, change)`` says what changed, ``row_again`` which rows are the same under a new ``row_hash``.
    """
    changes = _changes(con, handed)
    again = con.sql("SELECT * FROM row_again").to_arrow_table()
    tables = {name: rows for name, rows in ((STAGED, changes), (STAGED_AGAIN, again)) if rows.num_rows}
    staged = stage_all(engine, tables) if tables else {}
    now = datetime.now(UTC)
    with engine.begin() as connection:
        append(connection, extract, pa.Table.from_pylist([{**row, "recorded_from": now} for row in handed], EXTRACT))
        kinds = set(changes["change"].unique().to_pylist())
        added = pc.sum(pc.equal(changes["change"], ADDED)).as_py() or 0
        joined = again.num_rows + changes.num_rows - added
        if joined:  # the planner must know how few they are, or how many
            for name in [*staged.values(), *(["hub.extract_row"] if joined >= _MANY_ROWS else [])]:
                connection.execute(text(f"ANALYZE {name}"))
        for change, statement in _CHANGES.items():
            if change in kinds:
                connection.execute(text(statement.format(staged=staged[STAGED])), {"change": change})
        if again.num_rows:
            connection.execute(text(_AGAIN.format(staged=staged[STAGED_AGAIN])))
        if added >= _MANY_ROWS:
            connection.execute(text("ANALYZE hub.extract_row"))
        unstage(connection, *tables)


def _changes(con: duckdb.DuckDBPyConnection, handed: list[dict]) -> pa.Table:
    """``row_change`` with the sequence it was handed out under."""
    sequences = pa.table(
        {
            "recipient": pa.array([row["recipient"] for row in handed], pa.string()),
            "sequence": pa.array([row["sequence"] for row in handed], pa.int32()),
        }
    )
    con.register("handed", sequences)
    changes = con.sql(
        "SELECT c.*, h.sequence FROM row_change c JOIN handed h USING (recipient) ORDER BY recipient, dataset, row_key"
    ).to_arrow_table()
    con.unregister("handed")
    return changes


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
