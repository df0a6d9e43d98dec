"""Writes what an assembly found different: a row that no longer stands is closed, a new one opened; the rest is untouched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import duckdb
import pyarrow as pa
from sqlalchemy import Connection, Engine, text

from profiles.documents import PERSONS, PROFILES, Written, build_changed
from profiles.history import SUBJECT
from profiles.tickets import TICKETS, close_tickets, open_tickets, ticket_changes
from warehouse.bulk import stage, stage_all, sweep, unstage

MEMBER = "household_id, kind, person_id, relation, basis, confidence, valid_from"
EVENT = "household_id, kind, happened_on, person_id, other_household_id, review"


@dataclass(frozen=True)
class Table:
    """A table of hub that keeps history: which rows to close and which to add, between what was believed (``old``) and
    what is so now (``new``). Persons and profiles are built in buckets instead (profiles.documents)."""

    key: str
    columns: str  # all but history
    closed: str  # query of the keys whose open row no longer stands
    added: str | None = None
    same: str | None = None  # which open row (t) a key to close (c) means, where columns do not say it


_HASHED = "SELECT o.{key} FROM {{old}} o LEFT JOIN {{new}} n USING ({key}) WHERE o.content_hash IS DISTINCT FROM n.content_hash"
TABLES = {
    "household": Table(
        "household_id", "household_id, kind, natural_key",
        "SELECT household_id FROM {old} ANTI JOIN {new} USING (household_id, natural_key)",
        "SELECT household_id, kind, natural_key FROM {new} ANTI JOIN {old} USING (household_id, natural_key)",
    ),
    "household_member": Table(
        "household_id, person_id", MEMBER,
        f"SELECT household_id, person_id FROM (SELECT {MEMBER} FROM {{old}} EXCEPT SELECT {MEMBER} FROM {{new}})",
        f"SELECT {MEMBER} FROM {{new}} EXCEPT SELECT {MEMBER} FROM {{old}}",
    ),
    "household_event": Table(  # what became a year old is no longer looked at, and stays
        "kind, happened_on, subject", EVENT,
        """SELECT DISTINCT kind, happened_on, subject FROM {old} ANTI JOIN {new} USING (kind, happened_on, subject)
           WHERE happened_on > getvariable('day') - INTERVAL 365 DAY""",
        f"""SELECT {EVENT} FROM (FROM {{new}} QUALIFY row_number() OVER (PARTITION BY kind, happened_on, subject ORDER BY household_id) = 1)
            ANTI JOIN {{old}} USING (kind, happened_on, subject) ORDER BY ALL""",
        f"t.kind = c.kind AND t.happened_on = c.happened_on AND c.subject = {SUBJECT}",
    ),
    "person_profile": Table(
        "person_id",
        "person_id, name, sex, birth_date, id_number, dwelling_id, community_code, alive, content_hash, attributes",
        _HASHED.format(key="person_id"),
    ),
    "profile": Table(
        "household_id", "household_id, version, content_hash, community_code, grid_id, dwelling_id, document",
        _HASHED.format(key="household_id"),
    ),
}  # fmt: skip
_OUTCOME = {"household_member": "member", "household_event": "event"}  # the name of a table's outcome in DuckDB, where it is another


@dataclass(frozen=True)
class Outcome:
    """What an assembly changed in the warehouse."""

    profiles_changed: int
    tickets_opened: int
    tickets_closed: int


class Writing:
    """Writes an assembly's outcomes inside the caller's transaction, all as of one moment."""

    def __init__(self, con: duckdb.DuckDBPyConnection, engine: Engine, connection: Connection, now: datetime) -> None:
        self.con, self.engine, self.connection, self.now = con, engine, connection, now

    def write(self, outcomes: Mapping[str, tuple[str, str]]) -> Outcome:
        """Write what differs. ``outcomes``: outcome → names of the tables of what was believed and what is so now."""
        sweep(self.engine, *(f"{table}_" for table in TABLES))
        rows: dict[str, pa.Table] = {}
        for name, table in TABLES.items():
            old, new = outcomes[_OUTCOME.get(name, name)]
            rows[f"{name}_closed"] = self.con.sql(table.closed.format(old=old, new=new)).to_arrow_table()
            if table.added:
                rows[f"{name}_added"] = self.con.sql(table.added.format(old=old, new=new)).to_arrow_table()
        tickets = ticket_changes(self.con, *outcomes["ticket"])
        rows |= tickets
        staged = {name: table for name, table in rows.items() if table.num_rows}
        del rows
        stage_all(self.engine, staged)
        for name, table in TABLES.items():
            if f"{name}_closed" in staged:
                self._close(name, table)
            if f"{name}_added" in staged:
                self._add(name, f"{name}_added")
        self._tickets(staged)
        unstage(self.connection, *staged)
        self._build(PERSONS, *outcomes["person_profile"])
        changed = self._build(PROFILES, *outcomes["profile"])
        return Outcome(changed, *(tickets[name].num_rows for name in TICKETS))

    def _close(self, name: str, table: Table) -> None:
        same = table.same or " AND ".join(f"t.{column} = c.{column}" for column in table.key.split(", "))
        self._run(f"UPDATE hub.{name} t SET recorded_to = :now FROM staging.{name}_closed c WHERE {same} AND t.recorded_to IS NULL")

    def _add(self, name: str, staged: str) -> None:
        columns = TABLES[name].columns
        self._run(f"INSERT INTO hub.{name} ({columns}, recorded_from) SELECT {columns}, :now FROM staging.{staged}")

    def _tickets(self, staged: Mapping[str, pa.Table]) -> None:
        for name, statement in zip(TICKETS, (open_tickets(), close_tickets()), strict=True):
            if name in staged:
                self._run(statement)

    def _build(self, written: Written, old: str, new: str) -> int:
        """Persons or profiles: the database takes a bucket in while the next one is built."""

        def take(place: int, rows: pa.Table) -> None:
            name = f"{written.table}_added_{place}"
            stage(self.engine, name, rows)
            self._add(written.table, name)
            unstage(self.connection, name)

        return build_changed(self.con, written, old, new, take)

    def _run(self, statement: str) -> None:
        self.connection.execute(text(statement), {"now": self.now})


def analyse(connection: Connection) -> None:
    """After a whole assembly: the planner must not take its tables for empty when the next one closes a few of their rows.
    Of columns without documents: those are large and tell it nothing."""
    told = {name: f"{table.columns.split(', ')[0]}, recorded_to" for name, table in TABLES.items()}
    connection.execute(text("ANALYZE " + ", ".join(f"hub.{name} ({columns})" for name, columns in told.items())))


def record_run(connection: Connection, token: str, day: date, figures: Mapping, whole: bool, now: datetime) -> None:
    """Say which assembly the warehouse stands at."""
    connection.execute(
        text(
            "INSERT INTO hub.assembly_run (token, as_of, mode, figures, recorded_from) "
            "VALUES (:token, :day, :mode, CAST(:figures AS jsonb), :now)"
        ),
        {"token": token, "day": day, "mode": "whole" if whole else "changes", "figures": json.dumps(dict(figures)), "now": now},
    )
