"""What is known before assembly: mentions with their person, and the few rows of single feeds profiles need.

Everything is read once as Arrow, from one moment of the warehouse, and worked on in DuckDB.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import duckdb
import pyarrow as pa

from places.store import FOUND_EMPTY, VISITED
from warehouse.bulk import quoted
from warehouse.mention import HALVES
from warehouse.snapshot import Snapshot, changed
from warehouse.touched import tables_present

MENTIONS = """
SELECT feed, record_key, base_key, hashtextextended(address_text, 0) AS address, role, name, former_name, id_number, sex, birth_date, birth_precision, ethnicity, relation,
       marital_status, schooling, phone, group_kind, group_key, compound_id, building_id, unit, room, dwelling_id,
       dead, death_date, ended, source_time, batch_id
FROM hub.mention
"""
LINKS = "SELECT feed, record_key, person_id FROM hub.person_link WHERE recorded_to IS NULL"
# ``own``: the row is about the person itself.
FACT = """SELECT l.person_id, m.*, m.role NOT IN ('mother', 'guardian', 'operator', 'applicant') AS own
          FROM mention m JOIN link l USING (feed, record_key)"""

# Rows of single feeds: table in DuckDB -> query. A site without a feed has no such table: see read_facts.
ROWS = {
    "visit": ("grid_visit", "SELECT record_key AS event_id, occurred_at, living_status FROM record.grid_visit"),
    "request": ("grid_request", "SELECT record_key, category, accepted_at, closed_at FROM record.grid_request"),
    "permit": ("psb_permit", "SELECT record_key, tenure FROM record.psb_permit"),
    "family": (
        "civil_assistance_family",
        "SELECT record_key, card_no, assistance_kind, status, state FROM record.civil_assistance_family",
    ),
    "disability": (
        "civil_disability",
        "SELECT record_key, disability_class, disability_grade, state FROM record.civil_disability",
    ),
    "allowance": (
        "civil_old_age_allowance",
        "SELECT record_key, tier, stopped_month, state FROM record.civil_old_age_allowance",
    ),
    "pupil": (
        "edu_enrolment",
        "SELECT record_key, grade, status, left_behind, migrant_child, state FROM record.edu_enrolment",
    ),
    "archive": ("health_record", "SELECT record_key, doctor_team, in_care, status FROM record.health_record"),
    "exam": ("health_elderly_exam", "SELECT record_key, self_care_grade, next_due_on FROM record.health_elderly_exam"),
    "vaccination": (
        "health_child_vaccination",
        "SELECT record_key, up_to_date, next_due_on FROM record.health_child_vaccination",
    ),
    "marriage": ("civil_marriage", "SELECT record_key, kind, registered_on FROM record.civil_marriage"),
    "entity": (
        "market_entity",
        "SELECT record_key, entity_name, entity_type, status, party_member_shop FROM record.market_entity",
    ),
    "register": (
        "psb_register",
        "SELECT record_key, station_code || '|' || household_no AS register_key, household_kind, relation, register_address, "
        "moved_in_on, cancelled, cancel_reason FROM record.psb_register",
    ),
}

# Dwellings found empty, or only registered (人户分离): such a visit names no person, so the mention view does not know it, but its place is
# resolved with all others (places.store).
_EMPTY_VISITS = f"""(
    SELECT record_key, occurred_at, {VISITED} AS address_text FROM record.grid_visit WHERE {FOUND_EMPTY}) v JOIN hub.address a ON a.address_text = v.address_text"""
EMPTY_PLACES = f"SELECT record_key AS event_id, dwelling_id, occurred_at AS visited_at FROM {_EMPTY_VISITS} WHERE dwelling_id IS NOT NULL"
MOVED_EMPTY = f"SELECT record_key FROM {_EMPTY_VISITS} WHERE {changed('a')}"  # their rows may be older than their place
EMPTY_TABLE = "grid_visit"
EMPTY_PLACE = pa.schema(
    [("event_id", pa.string()), ("dwelling_id", pa.string()), ("visited_at", pa.timestamp("us", tz="UTC"))]
)


# All mentions of a moment, the named columns, with their ``person_id``; None where the assembly does not know all of them.
Mentions = Callable[[Sequence[str]], "pa.Table | None"]


class Beside(Protocol):
    """Who else works on the moment of an assembly and on what it leaves, beside it."""

    def begin(self, now: Snapshot, mentions: Mentions) -> None:
        """Begin to read. ``mentions`` may be asked from another thread, until :meth:`finish`."""

    def finish(self) -> None:
        """Be done with the moment."""

    def settled(self, con: duckdb.DuckDBPyConnection) -> None:
        """Everything is worked out: ``con`` knows the tables of profiles.assembly.OUTCOMES, until this returns."""


def read_facts(con: duckdb.DuckDBPyConnection, moment: Snapshot, beside: Beside | None = None) -> None:
    """Into ``con``: table ``fact`` (a mention with its ``person_id``; ``own``: the row is about the person itself), the
    tables of :data:`ROWS`, and ``empty_place`` (where a visit met nobody)."""
    read = moment.read_all({half: f"{MENTIONS} WHERE {half}" for half in HALVES} | {"link": LINKS})
    con.register("link", read.pop("link"))
    mentions = pa.concat_tables(read.values())
    con.register("mention", mentions)
    con.execute(f"CREATE TABLE fact AS {FACT}")
    con.unregister("mention")
    con.unregister("link")
    if beside:
        cursor, number = con.cursor(), mentions.num_rows
        (catalog,) = con.execute("SELECT current_catalog()").fetchall()[0]
        beside.begin(moment, lambda columns: all_of(told(cursor, f"{catalog}.fact", columns), number))
    del read, mentions
    for name, rows in read_rows(moment).items():
        _keep(con, name, rows)
    _keep(con, "empty_place", empty_places(moment))


def read_rows(moment: Snapshot, keys: Sequence[str] | None = None) -> dict[str, pa.Table]:
    """The tables of :data:`ROWS`: all open rows, or those of the record keys. A site without a feed has none of it."""
    present = tables_present(moment)
    asked = {name: _open(f"{query} WHERE recorded_to IS NULL", keys) for name, (table, query) in ROWS.items() if table in present}
    found = moment.read_all(asked, _bound(keys))
    for name, (_, query) in ROWS.items():
        found.setdefault(name, pa.table({column: pa.nulls(0, pa.string()) for column in _columns(query)}))
    return found


def empty_places(moment: Snapshot, keys: Sequence[str] | None = None) -> pa.Table:
    """``event_id, dwelling_id, visited_at``: dwellings found empty, or only registered (人户分离)."""
    if EMPTY_TABLE not in tables_present(moment):
        return EMPTY_PLACE.empty_table()
    return moment.read(_open(EMPTY_PLACES, keys), _bound(keys))


def told(con: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]) -> pa.Table | None:
    """Columns of a table in DuckDB; None where it does not have them all."""
    if not {name for name, *_ in con.execute(f"DESCRIBE {table}").fetchall()}.issuperset(columns):
        return None
    return con.sql(f"SELECT {', '.join(map(quoted, columns))} FROM {table}").to_arrow_table()


def all_of(rows: pa.Table | None, number: int) -> pa.Table | None:
    """``rows`` if there are so many; facts are fewer than mentions where some are not linked yet."""
    return rows if rows is not None and rows.num_rows == number else None


def _open(sql: str, keys: Sequence[str] | None) -> str:
    return sql if keys is None else f"{sql} AND record_key = ANY(:keys)"


def _bound(keys: Sequence[str] | None) -> dict | None:
    return None if keys is None else {"keys": list(keys)}


def _keep(con: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    con.register("read", rows)
    con.execute(f"CREATE TABLE {name} AS SELECT * FROM read")
    con.unregister("read")


def _columns(query: str) -> list[str]:
    listed = query.removeprefix("SELECT ").split(" FROM ")[0].split(", ")
    return [column.split(" AS ")[-1].strip() for column in listed]
