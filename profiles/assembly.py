"""Works an assembly out in DuckDB: of the whole county from its facts, or of what changed since the last one.

Both leave the same tables. Of the whole, ``<outcome>`` stands beside ``old_<outcome>``, what the warehouse believes; of a
change, ``was_<outcome>`` and ``now_<outcome>`` are what differs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date

import duckdb
import pyarrow as pa

from places.grids import GridMap
from profiles import rules
from profiles.changes import Changes
from profiles.documents import SHAPE
from profiles.facts import EMPTY_PLACES, MENTIONS, ROWS
from profiles.households import assemble_households, run_stages, set_rules
from profiles.identity import give_ids
from profiles.steps import STEPS, all_stages, differing, replace, run_steps, steps
from profiles.survivorship import surviving_values
from warehouse.snapshot import Snapshot

# What is written: of each, what was believed and what is so now is compared.
OUTCOMES = ("household", "member", "event", "person_profile", "profile", "ticket")


def prepare(con: duckdb.DuckDBPyConnection, day: date, departments: Mapping[str, str]) -> None:
    """The rules and settings every stage reads."""
    con.execute("SET TimeZone = 'Asia/Shanghai'")
    con.execute("SET VARIABLE day = ?", [day])
    con.execute("SET VARIABLE shape = ?", [SHAPE])
    set_rules(con)
    schema = pa.schema([("feed", pa.string()), ("department", pa.string())])
    listed = [{"feed": feed, "department": department} for feed, department in departments.items()]
    con.register("department", pa.Table.from_pylist(listed, schema))
    con.register("rule_step", rules.steps())


def signature(departments: Mapping[str, str], moment: Snapshot) -> str:
    """A digest of everything but the records that an assembly depends on: rules, SQL, contracts."""
    view = moment.read("SELECT obj_description(to_regclass('hub.mention'), 'pg_class') AS view")["view"].to_pylist()
    parts = [SHAPE, json.dumps(dict(sorted(departments.items()))), str(view), repr(ROWS), MENTIONS, EMPTY_PLACES, *rules.texts()]
    parts += [STEPS.read_text(encoding="utf-8"), *(sql for _, sql in sorted(all_stages().items()))]
    return hashlib.new("sm3", "\x1f".join(parts).encode()).hexdigest()


def facts_to_membership(con: duckdb.DuckDBPyConnection, grids: GridMap) -> None:
    """What does not depend on what was believed: grids, surviving values, who lives with whom."""
    for name, rows in (("grid_unit", grids.units), ("grid_compound", grids.compounds)):
        con.register("read", rows)
        con.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM read")
        con.unregister("read")
    surviving_values(con)
    assemble_households(con)
    con.execute("DROP TABLE chosen")  # wide, and nobody asks for it any more


def membership_to_documents(con: duckdb.DuckDBPyConnection) -> None:
    """Ids, profiles and tickets, against what is believed (profiles.believed)."""
    give_ids(con)
    for name in ("event", "document", "ticket"):
        run_stages(con, name)


def move_on(con: duckdb.DuckDBPyConnection, before: date, changes: Changes, grids: GridMap) -> None:
    """Move the last assembly's outcome on: the ``known`` tables become those of today, ``now_<table>`` and
    ``was_<table>`` say what differs. ``before``: the day of the last assembly."""
    con.execute("SET VARIABLE before = ?", [before])
    con.register("touched", changes.keys)
    con.execute("CREATE OR REPLACE TEMP TABLE todo AS SELECT record_key AS id FROM touched")
    replace(con, "fact", changes.facts, "base_key IN (SELECT id FROM todo)")
    for name, rows in {**changes.rows, "empty_place": changes.empty_places}.items():
        replace(con, name, rows, f"{rows.column_names[0]} IN (SELECT id FROM todo)")
    replace(con, "grid_unit", grids.units, "true")
    replace(con, "grid_compound", grids.compounds, "true")
    con.unregister("touched")
    run_steps(con, steps())
    for outcome in OUTCOMES:
        differing(con, outcome)
