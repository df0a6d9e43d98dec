"""Correction tickets (校核单): where a department's own record differs from the register, or keeps a dead person as active.

A ticket names the record and the attribute, never another department's value: the department looks in its own file
and answers in ten working days (政务数据共享条例 §26). It closes by itself when it no longer holds.
"""

from __future__ import annotations

from datetime import datetime

import duckdb
from sqlalchemy import Connection, Engine, text

from warehouse.bulk import stage, unstage

KEY = ("department", "feed", "record_key", "attribute", "kind")
OPENED, CLOSED = "ticket_opened", "ticket_closed"
BELIEVED = f"SELECT {', '.join(KEY)} FROM hub.ticket WHERE recorded_to IS NULL"


def stage_tickets(con: duckdb.DuckDBPyConnection, engine: Engine, old: str, new: str) -> tuple[int, int]:
    """Stage what to open and what to close between the tables ``old`` (open tickets) and ``new``; how many of each."""
    key = ", ".join(KEY)
    opened = con.sql(f"SELECT {key}, detail FROM {new} ANTI JOIN {old} USING ({key}) ORDER BY {key}").to_arrow_table()
    closed = con.sql(f"SELECT {key} FROM {old} ANTI JOIN {new} USING ({key})").to_arrow_table()
    for name, rows in ((OPENED, opened), (CLOSED, closed)):
        if rows.num_rows:
            stage(engine, name, rows)
    return opened.num_rows, closed.num_rows


def write_tickets(connection: Connection, counts: tuple[int, int], now: datetime) -> None:
    """Open and close what :func:`stage_tickets` staged, inside the caller's transaction."""
    opened, closed = counts
    listed = ", ".join(KEY)
    if closed:
        same = " AND ".join(f"t.{name} = c.{name}" for name in KEY)
        connection.execute(
            text(
                f"UPDATE hub.ticket t SET recorded_to = :now, state = 'closed' FROM staging.{CLOSED} c "
                f"WHERE {same} AND t.recorded_to IS NULL"
            ),
            {"now": now},
        )
    if opened:
        connection.execute(
            text(
                f"INSERT INTO hub.ticket ({listed}, detail, recorded_from) "
                f"SELECT {listed}, detail::jsonb, :now FROM staging.{OPENED} ORDER BY {listed}"
            ),
            {"now": now},
        )
    unstage(connection, *([CLOSED] if closed else []), *([OPENED] if opened else []))
