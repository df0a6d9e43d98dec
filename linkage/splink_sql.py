"""What Splink has DuckDB do (预测语句), taken down the first time and said again when it would say the same.

Splink works its statements out of its settings, by parsing every level again, which takes longer than to score a day's few hundred
pairs. They depend on the settings and on the names and columns of the tables it is given, which are
the same from run to run; what it writes is kept among the tables that a run leaves to the next (linkage.remembered), so that a day
needs no Splink at all.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import duckdb

_NOTES = "splink_sql"


def say(con: duckdb.DuckDBPyConnection, asked: Any, predict: Callable[[Any], None]) -> None:
    """Do what ``predict`` has Splink do over the database API it is given, from the notes in ``con`` if there are any of it.

    ``asked``: all that the statements depend on, as JSON can say it. Statements that make or drop something are what is taken
    down; ``predict`` must not look at what came out."""
    key = hashlib.new("sm3", json.dumps([version("splink"), asked], sort_keys=True).encode()).hexdigest()
    con.execute(f"CREATE TABLE IF NOT EXISTS {_NOTES} (asked VARCHAR, nth INTEGER, said VARCHAR)")
    known = con.execute(f"SELECT said FROM {_NOTES} WHERE asked = ? ORDER BY nth", [key]).fetchall()
    for (sql,) in known:
        con.execute(sql)
    if not known:
        taken: list[str] = []
        predict(database(con, taken))
        con.executemany(f"INSERT INTO {_NOTES} VALUES (?, ?, ?)", [[key, nth, sql] for nth, sql in enumerate(taken)])


def database(con: duckdb.DuckDBPyConnection, taken: list[str] | None = None) -> Any:
    """Splink's API over ``con``; what it makes and drops is added to ``taken``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from splink import DuckDBAPI

    class Notes(DuckDBAPI):
        def query(self, sql: str) -> Any:
            return self._execute_sql_against_backend(sql)

        def _execute_sql_against_backend(self, final_sql: str) -> Any:
            if taken is not None and final_sql.lstrip().startswith(("CREATE", "DROP")):
                taken.append(final_sql)
            return super()._execute_sql_against_backend(final_sql)

    return Notes(con)
