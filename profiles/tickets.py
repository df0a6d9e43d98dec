"""Correction tickets (校核单): where a department's own record differs from the register, or keeps a dead person as active.

A ticket names the record and the attribute, never another department's value: the department looks in its own file
and answers in ten working days (政务数据共享条例 §26). It closes by itself when it no longer holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import duckdb
import pyarrow as pa
from sqlalchemy import Connection, Engine, text

from profiles.households import run_stages
from warehouse.bulk import read_arrow, stage, unstage

KEY = ("department", "feed", "record_key", "attribute", "kind")
OPENED, CLOSED = "ticket_opened", "ticket_closed"


def raise_tickets(con: duckdb.DuckDBPyConnection, engine: Engine, departments: Mapping[str, str]) -> tuple[int, int]:
    """Stage what to open and what to close, from tables ``fact`` and ``value``; how many of each.

    ``departments``: feed → the department that answers for it.
    """
    schema = pa.schema([("feed", pa.string()), ("department", pa.string())])
    con.register(
        "department", pa.Table.from_pylist([{"feed": f, "department": d} for f, d in departments.items()], schema)
    )
    run_stages(con, "ticket")
    con.register(
        "old_ticket",
        read_arrow(engine, f"SELECT ticket_id, {', '.join(KEY)} FROM hub.ticket WHERE recorded_to IS NULL"),
    )
    key = ", ".join(KEY)
    opened = con.sql(f"SELECT * FROM ticket ANTI JOIN old_ticket USING ({key}) ORDER BY {key}").to_arrow_table()
    closed = con.sql(f"SELECT ticket_id FROM old_ticket ANTI JOIN ticket USING ({key})").to_arrow_table()
    con.unregister("department")
    con.unregister("old_ticket")
    for name, rows in ((OPENED, opened), (CLOSED, closed)):
        if rows.num_rows:
            stage(engine, name, rows)
    return opened.num_rows, closed.num_rows


def write_tickets(connection: Connection, counts: tuple[int, int], now: datetime) -> None:
    """Open and close what :func:`raise_tickets` staged, inside the caller's transaction."""
    opened, closed = counts
    if closed:
        connection.execute(
            text(
                f"UPDATE hub.ticket t SET recorded_to = :now, state = 'closed' FROM staging.{CLOSED} c "
                "WHERE t.ticket_id = c.ticket_id AND t.recorded_to IS NULL"
            ),
            {"now": now},
        )
    if opened:
        listed = ", ".join(KEY)
        connection.execute(
            text(
                f"INSERT INTO hub.ticket ({listed}, detail, recorded_from) "
                f"SELECT {listed}, detail::jsonb, :now FROM staging.{OPENED} ORDER BY {listed}"
            ),
            {"now": now},
        )
    unstage(connection, OPENED, CLOSED)
