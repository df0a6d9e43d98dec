"""Tables that outlive a run are patched, not made again: which rows differ from what came out now, and putting them right."""

from __future__ import annotations

import duckdb


def changed(con: duckdb.DuckDBPyConnection, table: str, now: str, key: str = "i", within: str | None = None) -> int:
    """Make ``changed_<table>`` (key): rows of ``table`` that ``now`` has otherwise (by ``digest``), not, or new; and
    ``<table>_before``, their old rows. ``within``: a query of the keys that ``now`` answers for (default: all). Returns their number."""
    old = f"SELECT {key}, digest FROM {table}" + (f" WHERE {key} IN ({within})" if within else "")
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE changed_{table} AS
            SELECT coalesce(n.{key}, o.{key}) AS {key} FROM {now} n FULL JOIN ({old}) o ON o.{key} = n.{key}
            WHERE n.digest IS DISTINCT FROM o.digest"""
    )
    con.execute(f"CREATE OR REPLACE TEMP TABLE {table}_before AS FROM {table} WHERE {key} IN (FROM changed_{table})")
    return con.execute(f"SELECT count(*) FROM changed_{table}").fetchall()[0][0]


def replace(con: duckdb.DuckDBPyConnection, table: str, now: str, key: str = "i") -> None:
    """Put the rows of ``changed_<table>`` right: out with the old ones, in with those of ``now``."""
    if con.execute(f"SELECT count(*) FROM {table}_before").fetchall()[0][0]:
        con.execute(f"DELETE FROM {table} WHERE {key} IN (FROM changed_{table})")
    con.execute(f"INSERT INTO {table} BY NAME SELECT * FROM {now} WHERE {key} IN (FROM changed_{table})")
