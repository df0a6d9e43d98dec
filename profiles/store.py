"""Assemble households and profiles in the warehouse: read once, work in DuckDB, write only what changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime

import duckdb
from sqlalchemy import Connection, Engine, text

from contracts.reader import load_contracts
from places.grids import GridMap, grid_map
from profiles.documents import PERSONS, PROFILES, SHAPE, stage_changed
from profiles.facts import read_facts
from profiles.households import assemble_households, run_stages
from profiles.identity import give_ids
from profiles.survivorship import surviving_values
from profiles.tickets import raise_tickets, write_tickets
from warehouse.bulk import lock, read_arrow, stage, sweep, unstage

# Table -> (its key, its columns but history). A row is changed when its digest is.
WRITTEN = {
    "household": ("household_id", ("household_id", "kind", "natural_key")),
    "household_member": (
        "household_id, person_id",
        ("household_id", "kind", "person_id", "relation", "basis", "confidence", "valid_from"),
    ),
    "person_profile": (
        "person_id",
        (
            "person_id",
            "name",
            "sex",
            "birth_date",
            "id_number",
            "dwelling_id",
            "community_code",
            "alive",
            "content_hash",
            "attributes",
        ),
    ),
    "profile": (
        "household_id",
        ("household_id", "version", "content_hash", "community_code", "grid_id", "dwelling_id", "document"),
    ),
}


@dataclass(frozen=True)
class ProfileFigures:
    """Open rows after the assembly, and how many profiles got a new version in it."""

    residence_households: int
    register_households: int
    assistance_households: int
    persons: int
    profiles: int
    profiles_changed: int
    tickets_opened: int
    tickets_closed: int

    def counts(self) -> dict[str, int]:
        """The figures as plain numbers."""
        return asdict(self)


def assemble(
    engine: Engine,
    as_of: date,
    threads: int = 2,
    memory_mb: int = 800,
    departments: Mapping[str, str] | None = None,
) -> ProfileFigures:
    """Households of three kinds, surviving values, profile documents and correction tickets as of ``as_of``, in one
    transaction. ``departments``: feed → department (default: the packaged contracts')."""
    if departments is None:
        departments = {contract.feed: contract.department for contract in load_contracts().values()}
    con = read_facts(engine, as_of, threads, memory_mb // 2)  # the other half is for rows that come and go as Arrow
    try:
        return settle(con, engine, grid_map(engine, as_of), departments)
    finally:
        con.close()


def settle(
    con: duckdb.DuckDBPyConnection, engine: Engine, grids: GridMap, departments: Mapping[str, str]
) -> ProfileFigures:
    """The assembly of what stands in ``con`` (tables and variables as profiles.facts leaves them) into the warehouse."""
    con.register("grid_unit", grids.units)
    con.register("grid_compound", grids.compounds)
    con.execute("SET VARIABLE shape = ?", [SHAPE])
    surviving_values(con)
    assemble_households(con)
    # One assembly at a time: what is believed now is read, and what a killed one left is swept, under the lock.
    with engine.begin() as connection:
        lock(connection, "profiles")
        for table in WRITTEN:
            sweep(engine, f"{table}_")
        _previous(con, engine)
        give_ids(con)
        run_stages(con, "document")
        staged, changed = _stage(con, engine)
        tickets = raise_tickets(con, engine, departments)
        now = datetime.now(UTC)
        _write(connection, staged, now)
        write_tickets(connection, tickets, now)
    return _figures(con, changed, tickets)


def _previous(con: duckdb.DuckDBPyConnection, engine: Engine) -> None:
    """What the warehouse believes now, as ``old_*`` tables: keys and digests."""
    reads = {
        "old_household": "SELECT household_id, kind, natural_key FROM hub.household WHERE recorded_to IS NULL",
        "old_member": "SELECT household_id, kind, person_id, relation, basis, confidence, valid_from FROM hub.household_member WHERE recorded_to IS NULL",
        "old_person_profile": "SELECT person_id, content_hash FROM hub.person_profile WHERE recorded_to IS NULL",
        "old_profile": "SELECT household_id, content_hash, version FROM hub.profile WHERE recorded_to IS NULL",
        "last_version": "SELECT household_id, max(version) AS version FROM hub.profile GROUP BY 1",
        "highest": "SELECT kind, max(substr(household_id, 2)::bigint) AS number FROM hub.household GROUP BY kind",
    }
    for name, sql in reads.items():
        con.register(name, read_arrow(engine, sql))


MEMBER = ", ".join(WRITTEN["household_member"][1])
# Table -> query of the keys whose open row no longer stands.
CLOSED = {
    "household": "SELECT household_id FROM old_household ANTI JOIN household USING (household_id, natural_key)",
    "household_member": f"""SELECT household_id, person_id FROM (SELECT {MEMBER} FROM old_member EXCEPT SELECT {MEMBER} FROM member)""",
    "person_profile": """SELECT o.person_id FROM old_person_profile o LEFT JOIN person_profile n USING (person_id)
                         WHERE o.content_hash IS DISTINCT FROM n.content_hash""",
    "profile": """SELECT o.household_id FROM old_profile o LEFT JOIN profile n USING (household_id)
                  WHERE o.content_hash IS DISTINCT FROM n.content_hash""",
}
# Table -> query of the rows to add; persons and profiles are built in buckets (profiles.documents).
ADDED = {
    "household": "SELECT household_id, kind, natural_key FROM household ANTI JOIN old_household USING (household_id, natural_key)",
    "household_member": f"SELECT {MEMBER} FROM member EXCEPT SELECT {MEMBER} FROM old_member",
}


def _stage(con: duckdb.DuckDBPyConnection, engine: Engine) -> tuple[dict[str, list[str]], int]:
    """Stage what changed: table → names of staged rows to add (``<table>_closed`` holds the keys to close), and how
    many profiles are new or changed."""
    staged: dict[str, list[str]] = {}
    for table, query in ADDED.items():
        added = con.sql(query).to_arrow_table()
        staged[table] = [f"{table}_added"] if added.num_rows else []
        if added.num_rows:
            stage(engine, f"{table}_added", added)
    staged["person_profile"], _ = stage_changed(con, engine, PERSONS)
    staged["profile"], changed = stage_changed(con, engine, PROFILES)
    for table, query in CLOSED.items():
        stage(engine, f"{table}_closed", con.sql(query).to_arrow_table())
    return staged, changed


def _write(connection: Connection, staged: dict[str, list[str]], now: datetime) -> None:
    for table, names in staged.items():
        key, columns = WRITTEN[table]
        same = " AND ".join(f"t.{name} = c.{name}" for name in key.split(", "))
        connection.execute(
            text(
                f"UPDATE hub.{table} t SET recorded_to = :now FROM staging.{table}_closed c WHERE {same} AND t.recorded_to IS NULL"
            ),
            {"now": now},
        )
        listed = ", ".join(columns)
        for name in names:
            connection.execute(
                text(f"INSERT INTO hub.{table} ({listed}, recorded_from) SELECT {listed}, :now FROM staging.{name}"),
                {"now": now},
            )
        unstage(connection, f"{table}_closed", *names)


def _figures(con: duckdb.DuckDBPyConnection, changed: int, tickets: tuple[int, int]) -> ProfileFigures:
    kinds = dict(con.execute("SELECT kind, count(*) FROM household GROUP BY kind").fetchall())
    persons = con.execute("SELECT count(*) FROM person_profile").fetchall()[0][0]
    profiles = con.execute("SELECT count(*) FROM profile").fetchall()[0][0]
    return ProfileFigures(
        kinds.get("residence", 0),
        kinds.get("register", 0),
        kinds.get("assistance", 0),
        persons,
        profiles,
        changed,
        *tickets,
    )
