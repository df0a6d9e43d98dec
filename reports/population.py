"""Persons, households and places (人、户、房): linkage and household figures, coverage by community and grid, health points.

Statistics only: no row about a person leaves this module, and counts of people below five are suppressed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import pyarrow as pa
from sqlalchemy import Engine

from places import grids
from reports import labels
from reports.disclosure import share, shown
from reports.labels import Text
from warehouse.bulk import bound
from warehouse.compute import analyst
from warehouse.moment import moment

FRESH_DAYS = 180  # a visit counts as evidence of residence for so long (domain rules, section 7)
HEALTH_POINT = 2000  # residents from which a compound has a health point with full-time staff (domain rules, 0.2)
LINK_RULES = 12  # rules of linkage shown one by one
NEAR = 0.9  # compounds from this share of the line are listed too

TOTALS = """
SELECT count(*) AS persons, count(*) FILTER (WHERE alive) AS alive, count(*) FILTER (WHERE alive AND dwelling_id IS NOT NULL) AS placed,
       (SELECT count(*) FROM hub.household WHERE recorded_to IS NULL AND kind = 'residence') AS households,
       (SELECT count(*) FROM hub.profile WHERE recorded_to IS NULL) AS profiles,
       (SELECT count(*) FROM hub.binding_decision) AS decisions
FROM hub.person_profile WHERE recorded_to IS NULL
"""
LINK_RUN = "SELECT figures::text AS figures, model_version FROM hub.link_run ORDER BY run_id DESC LIMIT 1"
CONFLICTS = "SELECT kind, count(*) AS n FROM hub.link_conflict WHERE recorded_to IS NULL GROUP BY 1 ORDER BY 2 DESC, 1"
KNOWN_TO = """
SELECT feeds, count(*) AS n FROM (
    SELECT person_id, count(DISTINCT feed) AS feeds FROM hub.person_link WHERE recorded_to IS NULL GROUP BY 1) AS known
GROUP BY 1 ORDER BY 1
"""
HOUSEHOLDS = """
SELECT kind, least(size, 8) AS size, count(*) AS n FROM (
    SELECT household_id, kind, count(*) AS size FROM hub.household_member WHERE recorded_to IS NULL GROUP BY 1, 2) AS sized
GROUP BY 1, 2 ORDER BY 1, 2
"""
BASIS = """
SELECT basis, count(*) AS n FROM hub.household_member WHERE recorded_to IS NULL AND kind = 'residence'
GROUP BY 1 ORDER BY 2 DESC, 1
"""
MEMBERS = """
SELECT p.dwelling_id, p.community_code, p.grid_id, count(*) AS persons
FROM hub.profile p JOIN hub.household_member m USING (household_id)
WHERE p.recorded_to IS NULL AND m.recorded_to IS NULL AND m.kind = 'residence' GROUP BY 1, 2, 3
"""
DWELLINGS = """
SELECT dwelling_id, min(community_code) AS community_code, min(compound_id) AS compound_id,
       min(building_id) AS building_id, min(coalesce(unit, '0')) AS unit
FROM hub.address WHERE dwelling_id IS NOT NULL GROUP BY 1
"""
VISITED = """
SELECT DISTINCT dwelling_id FROM hub.mention
WHERE role = 'resident' AND dwelling_id IS NOT NULL AND source_time >= CAST(:since AS date)
"""
PRECISION = """
SELECT feed, community_code, building_id, coalesce(unit, '0') AS unit, address_level, count(*) AS n
FROM hub.mention WHERE address_text IS NOT NULL GROUP BY 1, 2, 3, 4, 5
"""


@dataclass(frozen=True)
class Count:
    """A named number; ``n`` is the suppression mark where it is too small to show."""

    name: Text
    n: int | str


@dataclass(frozen=True)
class Area:
    """Coverage of a community or grid. Counts may be suppressed; rates are per cent or None."""

    code: str
    name: str
    community: str
    dwellings: int | str
    households: int | str
    persons: int | str
    visited: int | str  # households visited in the last 180 days
    visited_rate: float | None
    room_rate: float | None  # addresses given here that lead to one room


@dataclass(frozen=True)
class Compound:
    """A compound at or near the line of the health-point rule."""

    compound_id: str
    name: str
    community: str
    persons: int
    point: bool
    crossed: str | None = None  # up | down, against the report before


@dataclass(frozen=True)
class Population:
    """Everything about people, as statistics."""

    persons: int
    alive: int
    placed: int
    households: int
    profiles: int
    decisions: int
    mentions: int
    mentions_with_id: int
    model_version: str | None
    links: tuple[Count, ...]
    known_to: tuple[Count, ...]
    conflicts: tuple[Count, ...]
    kinds: tuple[Count, ...]
    sizes: tuple[Count, ...]  # residence households by persons
    basis: tuple[Count, ...]
    communities: tuple[Area, ...]
    grids: tuple[Area, ...]
    compounds: tuple[Compound, ...]
    compounds_all: int
    precision: Mapping[str, tuple[int, int]]  # feed -> addresses, of them to the room

    @property
    def room_rate(self) -> float | None:
        """Per cent of the living who have a room."""
        return round(100 * self.placed / self.alive, 1) if self.alive else None


# What is read, what takes longest first.
QUERIES = {
    "precision": PRECISION, "known_to": KNOWN_TO, "visited": VISITED, "members": MEMBERS, "dwellings": DWELLINGS, "totals": TOTALS,
    "households": HOUSEHOLDS, "basis": BASIS, "link_run": LINK_RUN, "conflicts": CONFLICTS,
}  # fmt: skip


def read_population(engine: Engine, today: date) -> Population:
    """Figures of the open rows, all of one moment; visits count back from ``today``."""
    visited = bound(engine, VISITED, {"since": (today - timedelta(days=FRESH_DAYS)).isoformat()})
    with moment(engine) as now:
        asked, directory = now.tables(QUERIES | {"visited": visited}), now.tables(grids.QUERIES)
        read = {name: table.result() for name, table in asked.items()}
        laid = grids.laid({name: table.result() for name, table in directory.items()}, today)
    totals = read["totals"].to_pylist()[0]
    run = (read["link_run"].to_pylist() or [{"figures": "{}", "model_version": None}])[0]
    figures = json.loads(run["figures"])
    households = read["households"].to_pylist()
    kinds = {kind: sum(row["n"] for row in households if row["kind"] == kind) for kind in labels.LABELS["household"]}
    sizes = [(row["size"], row["n"]) for row in households if row["kind"] == "residence"]
    con = _places(read, laid)
    try:
        communities, units = _areas(con, "community_code"), _areas(con, "grid_id")
        compounds, compounds_all = _compounds(con)
        precision = {feed: (n, room) for feed, n, room in con.execute(
            "SELECT feed, sum(n)::BIGINT, coalesce(sum(n) FILTER (address_level = 'room'), 0)::BIGINT FROM precision GROUP BY 1"
        ).fetchall()}  # fmt: skip
    finally:
        con.close()
    return Population(
        **totals, mentions=figures.get("mentions", 0), mentions_with_id=figures.get("mentions_with_id", 0),
        model_version=run["model_version"], links=_links(figures.get("rules", {})),
        known_to=_numbered(read["known_to"], ("个数据源", " feeds"), ("个数据源", " feed")),
        conflicts=_counts("conflict", [(r["kind"], r["n"]) for r in read["conflicts"].to_pylist()]),
        kinds=_counts("household", kinds.items()), sizes=_sizes(sizes),
        basis=_counts("basis", [(r["basis"], r["n"]) for r in read["basis"].to_pylist()], people=True),
        communities=communities, grids=units, compounds=compounds, compounds_all=compounds_all, precision=precision,
    )  # fmt: skip


def _counts(kind: str, pairs, *, people: bool = False) -> tuple[Count, ...]:
    pairs = list(pairs)
    numbers = [n for _, n in pairs]
    values = shown(numbers, [0] * len(pairs)) if people else numbers
    return tuple(Count(labels.label(kind, code), n) for (code, _), n in zip(pairs, values, strict=True))


def _links(rules: Mapping[str, int]) -> tuple[Count, ...]:
    """The rules that linked most, the rest together."""
    ordered = sorted(rules.items(), key=lambda item: -item[1])
    rest = sum(n for _, n in ordered[LINK_RULES:])
    more = (Count(Text("其他依据", "Other rules"), rest),) if rest else ()
    return _counts("rule", ordered[:LINK_RULES]) + more


def _numbered(table, many: tuple[str, str], one: tuple[str, str]) -> tuple[Count, ...]:
    rows = table.to_pylist()
    values = shown([row["n"] for row in rows], [0] * len(rows))
    words = [one if row["feeds"] == 1 else many for row in rows]
    return tuple(
        Count(Text(f"{row['feeds']}{zh}", f"{row['feeds']}{en}"), n) for row, (zh, en), n in zip(rows, words, values, strict=True)
    )


def _sizes(sizes: list[tuple[int, int]]) -> tuple[Count, ...]:
    values = shown([n for _, n in sizes], [0] * len(sizes))
    names = [Text("8人及以上", "8 or more") if size == 8 else Text(f"{size}人", f"{size}") for size, _ in sizes]
    return tuple(Count(name, n) for name, n in zip(names, values, strict=True))


def _places(read: Mapping[str, pa.Table], laid: grids.GridMap) -> duckdb.DuckDBPyConnection:
    """Dwellings with compound and grid (``place``), households in them (``home``), addresses (``precision``)."""
    con = analyst()
    con.register("grid_unit", laid.units)
    con.register("grid_compound", laid.compounds)
    for name, table in (("dwelling", "dwellings"), ("household", "members"), ("visited", "visited"), ("said", "precision")):
        con.register(name, read[table])
    con.execute(
        """CREATE TABLE place AS SELECT d.*, u.grid_id FROM dwelling d
           LEFT JOIN grid_unit u ON u.building_id = d.building_id AND u.unit = d.unit;
           CREATE TABLE home AS SELECT h.*, d.compound_id, v.dwelling_id IS NOT NULL AS visited FROM household h
           LEFT JOIN dwelling d USING (dwelling_id) LEFT JOIN visited v USING (dwelling_id);
           CREATE TABLE precision AS SELECT s.*, u.grid_id FROM said s
           LEFT JOIN grid_unit u ON u.building_id = s.building_id AND u.unit = s.unit;
           CREATE TABLE area AS
           SELECT DISTINCT 'community_code' AS kind, community_code AS code, community AS name, community_code, community FROM grid_compound
           UNION ALL SELECT DISTINCT 'grid_id', u.grid_id, u.grid, c.community_code, c.community
           FROM grid_unit u JOIN grid_compound c USING (compound_id) WHERE u.grid_id IS NOT NULL"""
    )
    return con


def _areas(con: duckdb.DuckDBPyConnection, key: str) -> tuple[Area, ...]:
    rows = con.execute(
        f"""SELECT a.code, any_value(a.name), any_value(a.community_code), any_value(a.community),
                   coalesce(any_value(p.n), 0), coalesce(any_value(h.n), 0), coalesce(any_value(h.persons), 0)::BIGINT,
                   coalesce(any_value(h.visited), 0)::BIGINT, coalesce(any_value(r.n), 0)::BIGINT, coalesce(any_value(r.room), 0)::BIGINT
            FROM area a
            LEFT JOIN (SELECT {key} AS code, count(*) AS n FROM place GROUP BY 1) p USING (code)
            LEFT JOIN (SELECT {key} AS code, count(*) AS n, sum(persons) AS persons, count(*) FILTER (visited) AS visited
                       FROM home GROUP BY 1) h USING (code)
            LEFT JOIN (SELECT {key} AS code, sum(n) AS n, sum(n) FILTER (address_level = 'room') AS room FROM precision GROUP BY 1) r
                  USING (code)
            WHERE a.kind = ? AND a.code IS NOT NULL GROUP BY a.code ORDER BY a.code""",
        [key],
    ).fetchall()
    groups = [row[2] if key == "grid_id" else "" for row in rows]
    columns = [shown([row[i] for row in rows], groups) for i in (4, 5, 6, 7)]
    return tuple(
        Area(row[0], row[1] or row[0], row[3] or "", *(column[i] for column in columns), share(row[7], row[5]), share(row[9], row[8]))
        for i, row in enumerate(rows)
    )


def _compounds(con: duckdb.DuckDBPyConnection) -> tuple[tuple[Compound, ...], int]:
    rows = con.execute(
        """SELECT c.compound_id, c.compound, c.community, sum(h.persons)::BIGINT AS persons FROM grid_compound c
           LEFT JOIN home h USING (compound_id) GROUP BY 1, 2, 3 ORDER BY persons DESC NULLS LAST, c.compound_id"""
    ).fetchall()
    listed = (Compound(i, name or i, where or "", n, n >= HEALTH_POINT) for i, name, where, n in rows if n and n >= NEAR * HEALTH_POINT)
    return tuple(listed), len(rows)
