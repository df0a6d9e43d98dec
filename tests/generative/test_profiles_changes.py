"""What an assembly of the changes leaves equals what an assembly of everything leaves: every table, every row."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

from profiles import assembly
from profiles.households import stages
from profiles.known import CATALOG
from profiles.steps import kept_tables, steps
from tests.changing_world import DEPARTMENTS, ChangingWorld

BELIEVED = ("household", "member", "happening", "highest")


def whole(world: ChangingWorld, before: dict | None) -> duckdb.DuckDBPyConnection:
    """Everything worked out as of the world's day, against what was believed ``before`` (Arrow tables; None: nothing)."""
    con = duckdb.connect(config={"threads": 2})
    con.execute(f"ATTACH ':memory:' AS {CATALOG}")
    con.execute(f"USE {CATALOG}")
    world.fill(con)
    assembly.prepare(con, world.day, DEPARTMENTS)
    assembly.facts_to_membership(con, world.grids())
    if before:
        for name in BELIEVED:
            con.register("read", before[name])
            con.execute(f"CREATE TABLE {name if name == 'highest' else f'old_{name}'} AS SELECT * FROM read")
            con.unregister("read")
    else:
        con.execute("CREATE TABLE old_household (household_id VARCHAR, kind VARCHAR, natural_key VARCHAR)")
        con.execute("CREATE TABLE old_member AS SELECT '' AS household_id, * FROM membership WHERE false")
        con.execute("CREATE TABLE highest (kind VARCHAR, number BIGINT)")
        con.execute(
            """CREATE TABLE old_happening (household_id VARCHAR, kind VARCHAR, happened_on DATE, person_id VARCHAR,
                                           other_household_id VARCHAR, review BOOLEAN)"""
        )
    assembly.membership_to_documents(con)
    return con


def rows(con: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return sorted(str(row) for row in con.execute(f"FROM {CATALOG}.{table}").fetchall())


def written(con: duckdb.DuckDBPyConnection, outcome: str, ids: list[str]) -> list[str]:
    """The rows that would be written out for these persons or households."""
    con.register("ids", pa.table({"id": pa.array(ids, pa.string())}))
    con.execute("CREATE OR REPLACE TEMP TABLE bucket AS FROM ids")
    con.execute("CREATE OR REPLACE TEMP VIEW last_version AS SELECT '' AS household_id, 0 AS version WHERE false")
    found = con.execute(dict(stages("writing"))[{"person_profile": "person_row", "profile": "profile_row"}[outcome]]).fetchall()
    con.execute("DROP VIEW last_version")
    return sorted(str(row) for row in found)


def lived(seed: int, days: int, share: float, people: int) -> None:
    """Let a world live; after each step compare the moved-on tables with those of everything."""
    world = ChangingWorld(seed, people=people, homes=max(3, people // 3))
    con = whole(world, None)
    try:
        for _ in range(days):
            before, last = {name: con.sql(f"FROM {name}").to_arrow_table() for name in BELIEVED}, world.day
            touched = world.live(world.chance.choice([0, 1, 1, 7, 31]), share)
            assembly.prepare(con, world.day, DEPARTMENTS)
            assembly.move_on(con, last, world.changes(touched), world.grids())
            expected = whole(world, before)
            for table in (*kept_tables(), "fact", "empty_place"):
                assert rows(con, table) == rows(expected, table), f"seed {seed}, {world.day}: {table}"
            for outcome, key in (("person_profile", "person_id"), ("profile", "household_id")):
                ids = [found for (found,) in con.execute(f"SELECT {key} FROM now_{outcome}").fetchall()]
                assert written(con, outcome, ids) == written(expected, outcome, ids), f"seed {seed}, {world.day}: {outcome}"
            expected.close()
    finally:
        con.close()


@pytest.mark.parametrize("seed", range(4))
def test_moving_on_with_the_changes_equals_working_everything_out(seed: int):
    lived(seed, days=3, share=0.05, people=12)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 114))
def test_moving_on_for_weeks(seed: int):
    lived(seed, days=8, share=(seed % 5 + 1) * 0.02, people=8 + seed % 23)


def test_each_step_keeps_something_and_names_its_stages():
    names = [step.name for step in steps()]
    assert len(names) == len(set(names)) >= 25
    assert all((step.keeps or step.leaves) and step.stages and step.todo for step in steps())
    assert len(kept_tables()) == len(set(kept_tables()))  # profiles.steps._take relies on it
