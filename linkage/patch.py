"""Tables that outlive a run are patched, not made again: which rows differ from what came out now, and putting them right."""

from __future__ import annotations

import duckdb


def update(con: duckdb.DuckDBPyConnection, table: str, now: str, key: str = "i", within: str | None = None, before: str | None = None) -> int:
    """Bring ``table`` to what ``now`` holds, comparing rows by ``digest``; ``now`` is dropped.

    Leaves ``changed_<table>`` (key), the rows that came out otherwise, new or not at all, and ``<table>_before``: of their old rows the
    columns ``before`` (None: no such table).
    ``within``: a query of the keys that ``now`` answers for (default: all). ``now`` is made as :func:`lasting` says. Returns how
    many rows changed.
    """
    if is_empty(con, table):
        con.execute(f"CREATE OR REPLACE TEMP TABLE changed_{table} AS SELECT {key} FROM {now}")
        con.execute(f"DROP TABLE IF EXISTS {table}")
        con.execute(f"ALTER TABLE {now} RENAME TO {table}")
        if before:
            con.execute(f"CREATE OR REPLACE TEMP TABLE {table}_before AS SELECT {before} FROM {table} LIMIT 0")
        return con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
    old = f"SELECT {key}, digest FROM {table}" + (f" WHERE {key} IN ({within})" if within else "")
    con.execute(f"""CREATE OR REPLACE TEMP TABLE changed_{table} AS
                    SELECT coalesce(n.{key}, o.{key}) AS {key} FROM {now} n FULL JOIN ({old}) o ON o.{key} = n.{key}
                    WHERE n.digest IS DISTINCT FROM o.digest""")
    if before:
        con.execute(f"CREATE OR REPLACE TEMP TABLE {table}_before AS SELECT {before} FROM {table} WHERE {key} IN (FROM changed_{table})")
    con.execute(f"DELETE FROM {table} WHERE {key} IN (FROM changed_{table})")
    con.execute(f"INSERT INTO {table} BY NAME SELECT * FROM {now} WHERE {key} IN (FROM changed_{table})")
    con.execute(f"DROP TABLE {now}")
    return con.execute(f"SELECT count(*) FROM changed_{table}").fetchall()[0][0]


def lasting(con: duckdb.DuckDBPyConnection, table: str) -> str:
    """What kind of table the rows for ``table`` are made as: a lasting one, if they become it, else one that passes."""
    return "TABLE" if is_empty(con, table) else "TEMP TABLE"


def is_empty(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether there is no such table yet, or no row in it."""
    there = con.execute("SELECT count(*) FROM duckdb_tables() WHERE NOT temporary AND table_name = ?", [table]).fetchall()[0][0]
    return not there or con.execute(f"SELECT count(*) FROM (FROM {table} LIMIT 1)").fetchall()[0][0] == 0
