"""A small county for tests of profiles: mentions as rows, in a DuckDB connection as profiles.facts leaves one."""

from __future__ import annotations

from datetime import UTC, date, datetime

import duckdb
import pyarrow as pa

from profiles.facts import ROWS, _columns
from profiles.households import assemble_households, set_rules
from profiles.survivorship import surviving_values

DAY = date(2026, 11, 1)
COLUMNS = {
    **dict.fromkeys(
        [
            "person_id",
            "feed",
            "record_key",
            "base_key",
            "role",
            "name",
            "former_name",
            "id_number",
            "sex",
            "ethnicity",
            "relation",
            "birth_precision",
            "marital_status",
            "schooling",
            "phone",
            "group_kind",
            "group_key",
            "compound_id",
            "building_id",
            "unit",
            "room",
            "dwelling_id",
            "batch_id",
        ],
        pa.string(),
    ),
    "birth_date": pa.date32(),
    "death_date": pa.date32(),
    "dead": pa.bool_(),
    "ended": pa.bool_(),
    "own": pa.bool_(),
    "source_time": pa.timestamp("us", tz="UTC"),
}
DEFAULTS = {"dead": False, "ended": False, "own": True, "batch_id": "b"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def said(person: str, feed: str, home: str | None, when: str, role: str = "holder", **more) -> dict:
    """One mention: ``feed`` says ``person`` is at ``home`` since ``when``."""
    key = f"{feed}-{person}-{when}"
    return {
        **DEFAULTS, "person_id": person, "feed": feed, "record_key": key, "role": role, "name": person,
        "dwelling_id": home, "building_id": home and home.split("-")[0], "compound_id": home and "C1", "source_time": at(when), **more,
    }  # fmt: skip


def world(facts: list[dict], **rows: list[dict]) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection as profiles.facts leaves one."""
    con = duckdb.connect()
    con.execute("SET VARIABLE day = ?", [DAY])
    con.execute("SET TimeZone = 'Asia/Shanghai'")
    table = pa.table({c: pa.array([f.get(c) for f in facts], t) for c, t in COLUMNS.items()})
    con.register("given", table)
    con.execute("CREATE TABLE fact AS SELECT * FROM given")
    for name, (_, query) in ROWS.items():
        if rows.get(name):
            con.register("given", pa.Table.from_pylist(rows[name]))
            con.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
        else:
            con.execute(
                f"CREATE TABLE {name} AS SELECT {', '.join(f'NULL AS {c}' for c in _columns(query))} WHERE false"
            )
    con.execute("CREATE TABLE empty_place (event_id VARCHAR, dwelling_id VARCHAR, visited_at TIMESTAMPTZ)")
    set_rules(con)
    return con


def homes(con: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    """Members by dwelling."""
    surviving_values(con)
    assemble_households(con)
    found = con.execute(
        "SELECT group_key, list(person_id) FROM membership WHERE kind = 'residence' GROUP BY 1"
    ).fetchall()
    return {key: set(people) for key, people in found}


def visit(event: str, home: str, when: str, people: list[str]) -> tuple[list[dict], dict]:
    facts = [said(p, "grid_visit", home, when, "resident", group_kind="visit", group_key=event) for p in people]
    return facts, {"event_id": event, "occurred_at": at(when), "living_status": "owned"}


def registered(book: str, home: str, *people: tuple) -> tuple[list[dict], list[dict]]:
    """A register household: people as (name, relation to the head, birth date); the facts and the register's rows."""
    facts = [
        said(
            name,
            "psb_register",
            home,
            "2022-01-01",
            group_kind="register",
            group_key=book,
            relation=relation,
            birth_date=born,
        )
        for name, relation, born in people
    ]
    rows = [
        {"record_key": fact["record_key"], "register_key": book, "household_kind": "1", "relation": fact["relation"],
         "register_address": None, "moved_in_on": None, "cancelled": False, "cancel_reason": None}
        for fact in facts
    ]  # fmt: skip
    return facts, rows


def registry(number: str, when: str, man: str, woman: str, status: str | None = "20") -> list[dict]:
    """An entry of the marriage register: a marriage (20), a divorce (40), or a certificate issued again (None: of which is not said)."""
    entry = {"group_kind": "family", "group_key": number, "marital_status": status}
    return [said(p, "civil_marriage", None, when, "spouse", **entry) | {"record_key": f"{number}#{n}"} for n, p in enumerate((man, woman), 1)]


def school(child: str, born: date, home: str, *guardians: tuple[str, str | None]) -> list[dict]:
    """A pupil's row of this autumn, record ``G-<child>``; guardians as (name, relation)."""
    key, family = f"G-{child}", {"group_kind": "family", "group_key": f"G-{child}"}
    pupil = said(child, "edu_enrolment", home, "2026-09-01", birth_date=born, **family) | {"record_key": key}
    told = [said(g, "edu_enrolment", home, "2026-09-01", "guardian", relation=relation, own=False, **family) for g, relation in guardians]
    return [pupil, *(row | {"record_key": f"{key}#guardian{n}"} for n, row in enumerate(told, 1))]


def together(con: duckdb.DuckDBPyConnection) -> set[frozenset[str]]:
    """The residence households, as sets of people."""
    surviving_values(con)
    assemble_households(con)
    found = con.execute("SELECT list(person_id) FROM membership WHERE kind = 'residence' GROUP BY group_key").fetchall()
    return {frozenset(people) for (people,) in found}
