"""Writes what an assembly found different: a row that no longer stands is closed, a new one opened; the rest is untouched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import duckdb
from sqlalchemy import Connection, Engine, text

from profiles.documents import PERSONS, PROFILES, stage_changed
from profiles.history import SUBJECT
from profiles.tickets import stage_tickets, write_tickets
from warehouse.bulk import stage, sweep, unstage

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
class Staged:
    """What waits in staging: table → names of staged rows to add; which tables have keys to close; tickets."""

    added: Mapping[str, list[str]]
    closed: frozenset[str]
    profiles_changed: int
    tickets: tuple[int, int]


def stage_outcomes(con: duckdb.DuckDBPyConnection, engine: Engine, outcomes: Mapping[str, tuple[str, str]]) -> Staged:
    """Stage what differs. ``outcomes``: outcome → names of the tables of what was believed and what is so now."""
    sweep(engine, *(f"{table}_" for table in TABLES))
    added, closed = {}, set()
    for name, table in TABLES.items():
        old, new = outcomes[_OUTCOME.get(name, name)]
        added[name] = []
        if table.added:
            rows = con.sql(table.added.format(old=old, new=new)).to_arrow_table()
            added[name] = [f"{name}_added"] if rows.num_rows else []
            if rows.num_rows:
                stage(engine, f"{name}_added", rows)
        keys = con.sql(table.closed.format(old=old, new=new)).to_arrow_table()
        if keys.num_rows:
            closed.add(name)
            stage(engine, f"{name}_closed", keys)
    added["person_profile"], _ = stage_changed(con, engine, PERSONS, *outcomes["person_profile"])
    added["profile"], changed = stage_changed(con, engine, PROFILES, *outcomes["profile"])
    return Staged(added, frozenset(closed), changed, stage_tickets(con, engine, *outcomes["ticket"]))


def write(connection: Connection, staged: Staged, now: datetime) -> None:
    """Move what is staged into the tables, inside the caller's transaction."""
    for name, table in TABLES.items():
        if name in staged.closed:
            same = table.same or " AND ".join(f"t.{column} = c.{column}" for column in table.key.split(", "))
            connection.execute(
                text(
                    f"UPDATE hub.{name} t SET recorded_to = :now FROM staging.{name}_closed c WHERE {same} AND t.recorded_to IS NULL"
                ),
                {"now": now},
            )
            unstage(connection, f"{name}_closed")
        for part in staged.added[name]:
            connection.execute(
                text(f"INSERT INTO hub.{name} ({table.columns}, recorded_from) SELECT {table.columns}, :now FROM staging.{part}"),
                {"now": now},
            )
        unstage(connection, *staged.added[name])
    write_tickets(connection, staged.tickets, now)


def record_run(connection: Connection, token: str, day: date, figures: Mapping, whole: bool, now: datetime) -> None:
    """Say which assembly the warehouse stands at."""
    connection.execute(
        text(
            "INSERT INTO hub.assembly_run (token, as_of, mode, figures, recorded_from) "
            "VALUES (:token, :day, :mode, CAST(:figures AS jsonb), :now)"
        ),
        {"token": token, "day": day, "mode": "whole" if whole else "changes", "figures": json.dumps(dict(figures)), "now": now},
    )
