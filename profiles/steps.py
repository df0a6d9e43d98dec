"""A change worked out step by step (增量): the same stages as for the whole county, over the small world a change touches.

A step of ``sql/steps.sql`` says who or what a change can touch (``todo``), what the stages need to see to work that out
exactly (``world``: tables cut to it, by a condition or by a query of their own), which stages then run, and which tables keep
their outcome. What came out differently stands in ``d_<table>``, the rows that were (``now`` false) and those that are; it is what the next steps look at, so a change
goes as far as it matters.

``known`` is the catalog of the last assembly (profiles.known); the small world stands in temporary tables, which hide the
known ones of the same name while the stages run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa

from profiles.households import stages
from profiles.known import CATALOG
from profiles.survivorship import statements

STEPS = Path(__file__).parent / "sql" / "steps.sql"
STAGE_FILES = ("residence", "membership", "identity", "event", "document", "ticket")
_MADE = re.compile(r"\bCREATE OR REPLACE (?:TEMP )?(TABLE|MACRO)\b")  # TEMP: no later assembly looks at it


@dataclass(frozen=True)
class Part:
    """Rows of a known table: what a step sees of it, or what of it the step answers for."""

    table: str
    scope: str  # condition over its columns and ``todo``

    def rows(self) -> str:
        """The query of them."""
        return f"SELECT * FROM {CATALOG}.{self.table} WHERE {self.scope}"


@dataclass(frozen=True)
class Step:
    """One step of ``sql/steps.sql``."""

    name: str
    todo: str
    worlds: tuple[tuple[str, str], ...]
    stages: tuple[str, ...]
    keeps: tuple[Part, ...]
    leaves: tuple[str, ...]  # temporary tables that stay, for who writes the outcome


@cache
def steps() -> tuple[Step, ...]:
    """The steps in order."""
    text = STEPS.read_text(encoding="utf-8")
    return tuple(_step(part) for part in re.split(r"^-- step: ", text, flags=re.MULTILINE)[1:])


def kept_tables() -> list[str]:
    """Tables a step keeps, in order."""
    return [keep.table for step in steps() for keep in step.keeps]


def run_steps(con: duckdb.DuckDBPyConnection, chosen: Iterable[Step]) -> None:
    """Run steps over what changed; ``d_<table>`` of everything before them stands."""
    made = all_stages()
    for step in chosen:
        _run(con, step, made)


def replace(con: duckdb.DuckDBPyConnection, table: str, rows: pa.Table, scope: str) -> None:
    """Rows of a known table that meet ``scope`` become ``rows``; what differs is in ``d_<table>``. ``rows`` may lack
    columns only if there are none."""
    con.register("read", rows)
    _take(con, Part(table, scope), "read" if rows.num_rows else f"(FROM {CATALOG}.{table} WHERE false)")
    con.unregister("read")


def differing(con: duckdb.DuckDBPyConnection, table: str) -> None:
    """The two sides of ``d_<table>`` as ``was_<table>`` and ``now_<table>``."""
    for name, side in (("was", "NOT now"), ("now", "now")):
        con.execute(f"CREATE OR REPLACE TEMP VIEW {name}_{table} AS SELECT * EXCLUDE (now) FROM d_{table} WHERE {side}")


def _run(con: duckdb.DuckDBPyConnection, step: Step, made: Mapping[str, str]) -> None:
    todo = _made_rows(con, "todo", f"SELECT DISTINCT id FROM ({step.todo}) AS t(id) WHERE id IS NOT NULL")
    if not todo and not step.leaves:
        for keep in step.keeps:
            _made_rows(con, f"d_{keep.table}", f"SELECT *, true AS now FROM {CATALOG}.{keep.table} WHERE false")
        return
    hidden = [table for table, _ in step.worlds]
    for table, query in step.worlds:
        con.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {query}")
    for stage in step.stages:
        con.execute(_MADE.sub(r"CREATE OR REPLACE TEMP \1", made[stage], count=1))
        if _MADE.search(made[stage])[1] == "TABLE":
            hidden.append(stage)
    for keep in step.keeps:
        _take(con, keep, f"temp.{keep.table}")
    for table in dict.fromkeys(hidden):
        if table not in step.leaves:
            con.execute(f"DROP TABLE temp.{table}")


def _take(con: duckdb.DuckDBPyConnection, keep: Part, rows: str) -> None:
    """Compare ``rows`` with the known table within the scope, and let it become them."""
    table = keep.table
    now = f"SELECT * FROM {rows} WHERE {keep.scope}"
    # Which rows first, then all of each: in one, DuckDB reads every column of the whole table. Only of a table nothing was
    # written to in this transaction yet, and each is taken once: it loses rows that are looked up by number otherwise.
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE was AS SELECT *, rowid AS known_row FROM {CATALOG}.{table}
            WHERE rowid IN (SELECT rowid FROM {CATALOG}.{table} WHERE {keep.scope})"""
    )
    both = f"SELECT *, true AS now FROM ({now}) UNION ALL SELECT * EXCLUDE (known_row), false FROM was"
    both = f"SELECT * EXCLUDE (now), min(now) AS now FROM ({both}) GROUP BY ALL HAVING min(now) = max(now)"
    if _made_rows(con, f"d_{table}", both):
        con.execute(f"DELETE FROM {CATALOG}.{table} WHERE rowid IN (SELECT known_row FROM was)")
        con.execute(f"INSERT INTO {CATALOG}.{table} {now}")


def _made_rows(con: duckdb.DuckDBPyConnection, table: str, query: str) -> int:
    """Make a temporary table; its number of rows."""
    return con.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {query}").fetchall()[0][0]


def all_stages() -> dict[str, str]:
    """Every stage by name."""
    made = dict(statements())
    for name in STAGE_FILES:
        made |= dict(stages(name))
    return made


def _step(text: str) -> Step:
    name, *parts = re.split(r"^-- (?=todo|world: |stages: |keep: |leave: )", text, flags=re.MULTILINE)
    todo, worlds, run, keeps, leaves = "", [], (), [], []
    for part in parts:
        head, _, body = part.partition("\n")
        word, _, rest = head.partition(": ")
        if word.startswith("todo"):
            todo = body.strip()
        elif word == "world":
            table, _, scope = rest.strip().partition(" ")
            worlds.append((table, _part(rest.strip()).rows() if scope else body.strip()))
        elif word == "stages":
            run = tuple(rest.split(", "))
        elif word == "keep":
            keeps.append(_part(rest.strip()))
        else:
            leaves.append(rest.strip())
    return Step(name.strip(), todo, tuple(worlds), run, tuple(keeps), tuple(leaves))


def _part(text: str) -> Part:
    """``<table> where <condition>``, or ``<table> by <columns>``: where one of them is in ``todo``."""
    table, how, rest = text.split(" ", 2)
    if how == "where":
        return Part(table, rest)
    return Part(table, " OR ".join(f"{column} IN (SELECT id FROM todo)" for column in rest.split(", ")))
