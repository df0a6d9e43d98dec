"""Correction tickets (校核单): where a department's own record differs from the register, or keeps a dead person as active.

A ticket names the record and the attribute, never another department's value: the department looks in its own file
and answers in ten working days (政务数据共享条例 §26). It closes by itself when it no longer holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import duckdb
import pyarrow as pa

from warehouse.bulk import Writing
from warehouse.tables import ticket

KEY = ("department", "feed", "record_key", "attribute", "kind")
TICKETS = ("ticket_opened", "ticket_closed")  # what is to be opened, and closed
BELIEVED = f"SELECT {', '.join(KEY)} FROM hub.ticket WHERE recorded_to IS NULL"


def ticket_changes(con: duckdb.DuckDBPyConnection, old: str, new: str) -> dict[str, pa.Table]:
    """What to open and what to close (:data:`TICKETS`) between the tables ``old`` (open tickets) and ``new``."""
    key, (opened, closed) = ", ".join(KEY), TICKETS
    return {
        opened: con.sql(f"SELECT {key}, detail FROM {new} ANTI JOIN {old} USING ({key}) ORDER BY {key}").to_arrow_table(),
        closed: con.sql(f"SELECT {key} FROM {old} ANTI JOIN {new} USING ({key})").to_arrow_table(),
    }


def write_tickets(transaction: Writing, changes: Mapping[str, pa.Table], now: datetime) -> None:
    """Open and close what :func:`ticket_changes` found, as of ``now``."""
    opened, closed = (changes[name] for name in TICKETS)
    transaction.open(ticket, opened, now)
    if closed.num_rows:
        transaction.stage({TICKETS[1]: closed})
        same = " AND ".join(f"t.{name} = c.{name}" for name in KEY)
        transaction.execute(
            f"UPDATE hub.ticket t SET recorded_to = :now, state = 'closed' FROM pg_temp.{TICKETS[1]} c "
            f"WHERE {same} AND t.recorded_to IS NULL",
            {"now": now},
        )
