"""The three kinds of household: residence (居住), register (户籍), assistance (共同生活). Kept apart, each dated.

Each maker leaves a table ``membership`` row: kind, group_key (what holds it together), person_id,
relation, basis, confidence, valid_from. Stable ids are given in :mod:`profiles.identity`.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from profiles import rules

SQL = Path(__file__).parent / "sql"


def stages(name: str) -> list[tuple[str, str]]:
    """The named statements of ``sql/<name>.sql``: ``-- stage: <name> — <why>`` opens each."""
    text = (SQL / f"{name}.sql").read_text(encoding="utf-8")
    parts = [part.strip() for part in text.split("-- stage: ") if part.strip()]
    return [(part.split(" ", 1)[0], part.split("\n", 1)[1].strip().rstrip(";")) for part in parts]


def run_stages(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Run the statements of ``sql/<name>.sql`` in order; temporary tables, which only its own statements look at, go then."""
    for _, statement in stages(name):
        con.execute(statement)
    for stage, statement in stages(name):
        if "CREATE OR REPLACE TEMP TABLE" in statement:
            con.execute(f"DROP TABLE temp.{stage}")


def set_rules(con: duckdb.DuckDBPyConnection) -> None:
    """The rules of ``residence.yaml`` as tables and variables."""
    for name, table in {
        "residence_step": rules.residence_steps(),
        "residence_tie": rules.residence_ties(),
        "silent_feed": rules.silent_feeds(),
        "death_feed": rules.death_feeds(),
        "overtaking_step": rules.overtaking_steps(),
    }.items():
        con.register(name, table)
    for name, setting in rules.residence_settings().items():
        con.execute(f"SET VARIABLE {name} = ?", [setting])


def assemble_households(con: duckdb.DuckDBPyConnection) -> None:
    """Make table ``membership`` from ``fact``, the surviving values, the feeds' rows and the rules (:func:`set_rules`)."""
    run_stages(con, "residence")
    run_stages(con, "membership")
