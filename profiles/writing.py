"""Writes what an assembly found different: a row that no longer stands is closed, a new one opened; the rest is untouched."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime

import duckdb
import pyarrow as pa

from profiles.documents import PERSONS, PROFILES, changed_rows
from profiles.history import SUBJECT
from profiles.tickets import TICKETS, ticket_changes, write_tickets
from warehouse.bulk import Writing
from warehouse.tables import metadata

MEMBER = "household_id, kind, person_id, relation, basis, confidence, valid_from"
EVENT = "household_id, kind, happened_on, person_id, other_household_id, review"


@dataclass(frozen=True)
class Table:
    """A table of hub that keeps history: which rows to close and which to add, between what was believed (``old``) and
    what is so now (``new``). Persons and profiles are built in buckets instead (profiles.documents)."""

    key: str
    closed: str  # query of the keys whose open row no longer stands
    added: str | None = None
    same: str | None = None  # which open row (t) a key to close (c) means, where columns do not say it


_HASHED = "SELECT o.{key} FROM {{old}} o LEFT JOIN {{new}} n USING ({key}) WHERE o.content_hash IS DISTINCT FROM n.content_hash"
TABLES = {
    "household": Table(
        "household_id",
        "SELECT household_id FROM {old} ANTI JOIN {new} USING (household_id, natural_key)",
        "SELECT household_id, kind, natural_key FROM {new} ANTI JOIN {old} USING (household_id, natural_key)",
    ),
    "household_member": Table(
        "household_id, person_id",
        f"SELECT household_id, person_id FROM (SELECT {MEMBER} FROM {{old}} EXCEPT SELECT {MEMBER} FROM {{new}})",
        f"SELECT {MEMBER} FROM {{new}} EXCEPT SELECT {MEMBER} FROM {{old}}",
    ),
    "household_event": Table(  # what became a year old is no longer looked at, and stays
        "kind, happened_on, subject",
        """SELECT DISTINCT kind, happened_on, subject FROM {old} ANTI JOIN {new} USING (kind, happened_on, subject)
           WHERE happened_on > getvariable('day') - INTERVAL 365 DAY""",
        f"""SELECT {EVENT} FROM (FROM {{new}} QUALIFY row_number() OVER (PARTITION BY kind, happened_on, subject ORDER BY household_id) = 1)
            ANTI JOIN {{old}} USING (kind, happened_on, subject) ORDER BY ALL""",
        f"t.kind = c.kind AND t.happened_on = c.happened_on AND c.subject = {SUBJECT}",
    ),
    "person_profile": Table("person_id", _HASHED.format(key="person_id")),
    "profile": Table("household_id", _HASHED.format(key="household_id")),
}  # fmt: skip
_OUTCOME = {"household_member": "member", "household_event": "event"}  # the name of a table's outcome in DuckDB, where it is another


@dataclass(frozen=True)
class Outcome:
    """What an assembly changed in the warehouse."""

    profiles_changed: int
    tickets_opened: int
    tickets_closed: int


def write(
    con: duckdb.DuckDBPyConnection, transaction: Writing, outcomes: Mapping[str, tuple[str, str]], now: datetime, meanwhile: Callable[[], None]
) -> Outcome:
    """Write what differs, all as of ``now``. ``outcomes``: outcome → names of the tables of what was believed and what is so
    now. The transaction works in a thread of its own: it takes in one thing while the next is built. ``meanwhile`` is called
    when it has most to do, and nothing is built yet."""
    rows = {}
    for name, table in TABLES.items():
        old, new = outcomes[_OUTCOME.get(name, name)]
        rows[f"{name}_closed"] = con.sql(table.closed.format(old=old, new=new)).to_arrow_table()
        if table.added:
            rows[f"{name}_added"] = con.sql(table.added.format(old=old, new=new)).to_arrow_table()
    rows |= ticket_changes(con, *outcomes["ticket"])
    opened, closed = (rows[name].num_rows for name in TICKETS)
    profiles = 0
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="write") as writer:
        taking = writer.submit(_history, transaction, rows, now)
        del rows
        meanwhile()
        for written in (PERSONS, PROFILES):
            for bucket in changed_rows(con, written, *outcomes[written.table]):
                profiles += bucket.num_rows if written is PROFILES else 0
                taking.result()
                taking = writer.submit(transaction.open, metadata.tables[f"hub.{written.table}"], bucket, now)
        taking.result()
    return Outcome(profiles, opened, closed)


def _history(transaction: Writing, rows: Mapping[str, pa.Table], now: datetime) -> None:
    """Close what no longer stands, add what does now."""
    for name, table in TABLES.items():
        if (closed := rows[f"{name}_closed"]).num_rows:
            transaction.stage({f"{name}_closed": closed})
            same = table.same or " AND ".join(f"t.{column} = c.{column}" for column in table.key.split(", "))
            transaction.execute(
                f"UPDATE hub.{name} t SET recorded_to = :now FROM pg_temp.{name}_closed c WHERE {same} AND t.recorded_to IS NULL",
                {"now": now},
            )
        if table.added:
            transaction.open(metadata.tables[f"hub.{name}"], rows[f"{name}_added"], now)
    write_tickets(transaction, rows, now)


def analyse(transaction: Writing) -> None:
    """After a whole assembly: the planner must not take its tables for empty when the next one closes a few of their rows.
    Of columns without documents: those are large and tell it nothing."""
    listed = (f"hub.{name} ({table.key.split(', ')[0]}, recorded_to)" for name, table in TABLES.items())
    transaction.execute("ANALYZE " + ", ".join(listed))


def record_run(transaction: Writing, token: str, day: date, figures: Mapping, whole: bool, now: datetime) -> None:
    """Say which assembly the warehouse stands at."""
    transaction.execute(
        "INSERT INTO hub.assembly_run (token, as_of, mode, figures, recorded_from) "
        "VALUES (:token, :day, :mode, CAST(:figures AS jsonb), :now)",
        {"token": token, "day": day, "mode": "whole" if whole else "changes", "figures": json.dumps(dict(figures)), "now": now},
    )
