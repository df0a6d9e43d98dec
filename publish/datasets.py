"""The datasets agreements name: one query a file in ``datasets/``, run once for all recipients.

A file opens with ``-- <name> — <what it is>``, ``-- key: <columns>`` (unique together; they stay readable in a row that
was removed) and, for statistics, ``-- counts: <columns>``. Columns with a meaning of their own: ``owner`` (scope
``own``: the department whose record it is), ``own_subject`` (the departments that know the person), ``community_code`` and
``grid_id`` (scope ``unit``), ``line_…`` (the sums a count takes part in, see :mod:`publish.suppression`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from contracts.agreements import Agreement, Dataset
from publish.masks import words

FOLDER = Path(__file__).parent / "datasets"
UNIT_COLUMN = {"community": "community_code", "grid": "grid_id"}


class DatasetError(ValueError):
    """A dataset's query that does not give what it must; names dataset and column."""


@dataclass(frozen=True)
class Query:
    """A dataset's query as its file states it; ``columns`` (name → DuckDB type) once it was run."""

    name: str
    sql: str
    key: tuple[str, ...]
    counts: tuple[str, ...]
    columns: dict[str, str]

    @property
    def table(self) -> str:
        """The DuckDB table that holds its rows."""
        return f"dataset_{self.name}"


def read_query(name: str) -> Query:
    """The query of that name. DatasetError if there is none, or it states no key."""
    path = FOLDER / f"{name}.sql"
    if not path.is_file():
        raise DatasetError(f"{name}: publish/datasets/{name}.sql is expected")
    text = path.read_text(encoding="utf-8")
    head = dict(
        line.removeprefix("-- ").split(": ", 1)
        for line in text.splitlines()
        if line.startswith(("-- key: ", "-- counts: "))
    )
    if "key" not in head:
        raise DatasetError(f"{name}: a line `-- key: <columns>` is expected")
    counts = tuple(head["counts"].split(", ")) if "counts" in head else ()
    return Query(name, text, tuple(head["key"].split(", ")), counts, {})


def materialise(con: duckdb.DuckDBPyConnection, name: str) -> Query:
    """Run a dataset's query into its table, each row with its ``row_key`` and ``row_hash`` (:func:`stamped`); DatasetError if
    its key is not unique."""
    query = read_query(name)
    con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS\n{query.sql}")
    columns = {row[0]: row[1] for row in con.execute(f"DESCRIBE {name}").fetchall()}
    missing = [column for column in (*query.key, *query.counts) if column not in columns]
    if missing:
        raise DatasetError(f"{name}: the column {missing[0]} is expected")
    query = Query(name, query.sql, query.key, query.counts, columns)
    con.execute(f"CREATE OR REPLACE TABLE {query.table} AS SELECT *, {stamped(query)} FROM {name}")
    con.execute(f"DROP VIEW {name}")
    twice = con.execute(f"SELECT count(*) - count(DISTINCT row_key) FROM {query.table}").fetchall()[0][0]
    if twice:
        raise DatasetError(f"{name}: {', '.join(query.key)} are expected to be unique, {twice} rows are not")
    return query


def stamped(query: Query) -> str:
    """The expressions of ``row_key``, a row's key columns as JSON, and ``row_hash``, 63 bits over everything in it: a row
    that has the same one as before need not be looked at. Counts are suppressed later, so statistics have none."""
    key = ", ".join(words(name, query.columns[name]) for name in query.key)
    whole = "NULL" if query.counts else f"hash('{duckdb.__version__}', {', '.join(query.columns)}) >> 1"
    return f"CAST(to_json([{key}]) AS VARCHAR) AS row_key, CAST({whole} AS BIGINT) AS row_hash"


def check(agreement: Agreement, dataset: Dataset, query: Query) -> None:
    """Deny by default, held: every granted column is there, the scope's too, and a removed row can be told by a key
    in clear. Raises DatasetError."""
    where = f"{agreement.recipient}: {dataset.name}"
    needed = {granted.name: "granted" for granted in dataset.fields}
    if dataset.scope == "own":
        needed["owner"] = "scope own"
    if dataset.scope == "unit":
        needed[UNIT_COLUMN[agreement.kind]] = "scope unit"
    if any(granted.clear_for == "own" for granted in dataset.fields):
        needed["own_subject"] = "clear_for own"
    for column, why in needed.items():
        if column not in query.columns:
            raise DatasetError(f"{where}: the query lacks the column {column} ({why})")
    clear = [granted.name for granted in dataset.fields if granted.mask == "none"]
    if not set(query.key) & set(clear):
        raise DatasetError(f"{where}: one of {', '.join(query.key)} is expected in clear, to tell a removed row by")
    if dataset.scope == "statistics" and not query.counts:
        raise DatasetError(f"{where}: a line `-- counts: <columns>` is expected in the query")


def names(agreements: Iterable[Agreement]) -> list[str]:
    """Every dataset some agreement names, each once."""
    return sorted({dataset.name for agreement in agreements for dataset in agreement.datasets})
