"""What is known before assembly: mentions with their person, and the few rows of single feeds profiles need.

Everything is read once as Arrow and worked on in DuckDB.
"""

from __future__ import annotations

from datetime import date

import duckdb
from sqlalchemy import Engine, text

from places.directory import read_directory
from places.resolve import resolve_texts
from warehouse.bulk import read_arrow
from warehouse.compute import analyst
from warehouse.mention import compose

MENTIONS = """
SELECT feed, record_key, role, name, former_name, id_number, sex, birth_date, birth_precision, ethnicity, relation,
       marital_status, schooling, phone, group_kind, group_key, compound_id, building_id, unit, room, dwelling_id,
       dead, death_date, ended, source_time, batch_id
FROM hub.mention
"""
LINKS = "SELECT feed, record_key, person_id FROM hub.person_link WHERE recorded_to IS NULL"

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

# Visits that met nobody name no person, so the mention view does not know them.
EMPTY_VISITS = f"""
SELECT record_key AS event_id, occurred_at AS visited_at,
       coalesce({compose("compound", "building", "unit", "room")}, address) AS address_text
FROM record.grid_visit WHERE recorded_to IS NULL AND living_status IN ('empty', 'separated')
"""


def read_facts(engine: Engine, day: date, threads: int = 2, memory_mb: int = 800) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with table ``fact`` (a mention with its ``person_id``; ``own``: the row is about the
    person itself), the tables of :data:`ROWS`, and variable ``day``."""
    con = analyst(threads, memory_mb)
    con.execute("SET VARIABLE day = ?", [day])
    con.execute("SET TimeZone = 'Asia/Shanghai'")
    con.register("mention", read_arrow(engine, MENTIONS))
    con.register("link", read_arrow(engine, LINKS))
    con.execute(
        """CREATE TABLE fact AS
           SELECT l.person_id, m.*, m.role NOT IN ('mother', 'guardian', 'operator', 'applicant') AS own
           FROM mention m JOIN link l USING (feed, record_key)"""
    )
    con.unregister("mention")
    con.unregister("link")
    with engine.connect() as connection:
        found = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'record'"))
        present = set(found.scalars())
    for name, (table, query) in ROWS.items():
        if table in present:
            con.register("row", read_arrow(engine, f"{query} WHERE recorded_to IS NULL"))
        else:
            columns = ", ".join(f"NULL AS {c}" for c in _columns(query))
            con.execute(f"CREATE TABLE {name} AS SELECT {columns} WHERE false")
            continue
        con.execute(f"CREATE TABLE {name} AS SELECT * FROM row")
        con.unregister("row")
    _empty_visits(con, engine, "grid_visit" in present)
    return con


def _empty_visits(con: duckdb.DuckDBPyConnection, engine: Engine, known: bool) -> None:
    """Table ``empty_visit(event_id, dwelling_id, visited_at)``: dwellings found empty, or only registered (人户分离)."""
    con.execute("CREATE TABLE empty_visit (event_id VARCHAR, dwelling_id VARCHAR, visited_at TIMESTAMPTZ)")
    visits = read_arrow(engine, EMPTY_VISITS) if known else None
    if visits is None or not visits.num_rows:
        return
    con.register("visits", visits)
    con.register("places", resolve_texts(visits["address_text"].combine_chunks(), read_directory(engine)))
    con.execute(
        """INSERT INTO empty_visit SELECT v.event_id, p.dwelling_id, v.visited_at
           FROM visits v JOIN places p USING (address_text)
           WHERE p.dwelling_id IS NOT NULL AND v.event_id NOT IN (SELECT group_key FROM fact WHERE group_kind = 'visit')"""
    )
    con.unregister("visits")
    con.unregister("places")


def _columns(query: str) -> list[str]:
    listed = query.removeprefix("SELECT ").split(" FROM ")[0].split(", ")
    return [column.split(" AS ")[-1].strip() for column in listed]
