"""One moment of the warehouse (快照): reads that all see the same rows, and which rows came or changed since an earlier moment.

What changed is told by PostgreSQL's own row stamp (``xmin``, the transaction that wrote a row): it also tells what was
moved on in place, and never misses a transaction that began before a moment and ended after it, as clocks do.
A deleted row leaves no stamp; who relies on this counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from sqlalchemy import Engine, text

from warehouse.bulk import arrow_of, reading

_FAR = 1_000_000_000  # transactions: half of what PostgreSQL can tell apart


@dataclass(frozen=True)
class Horizon:
    """A moment as PostgreSQL counts: which cluster and database, and the oldest transaction that was not over."""

    place: str
    transaction: int


class Snapshot:
    """Reads of one moment; :func:`snapshot` makes it."""

    def __init__(self, engine: Engine, cursor: Any) -> None:
        self._engine, self._cursor = engine, cursor

    def read(self, sql: str, parameters: Mapping[str, object] | None = None) -> pa.Table:
        """As :func:`warehouse.bulk.read_arrow`. Raises QueryError."""
        return arrow_of(self._cursor, bound(self._engine, sql, parameters) if parameters else sql)

    def horizon(self) -> Horizon:
        """This moment, to ask :meth:`span` of a later one."""
        row = self.read(
            "SELECT (SELECT system_identifier FROM pg_control_system())::text || '/' || current_database() AS place, "
            "pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS transaction"
        ).to_pylist()[0]
        return Horizon(row["place"], row["transaction"])

    def since(self, earlier: Horizon) -> str | None:
        """``:since`` of :func:`changed`; None if what changed can't be told (another cluster, a restored database,
        too long ago)."""
        now = self.horizon()
        if now.place != earlier.place or not 0 <= now.transaction - earlier.transaction < _FAR:
            return None
        return str(earlier.transaction % 2**32)


def changed(row: str) -> str:
    """SQL: whether the row of that alias was written since the moment ``:since`` (:meth:`Snapshot.since`). Both ages are
    counted from one and the same transaction, so what goes on meanwhile does not matter."""
    return f"age({row}.xmin) <= age(CAST(CAST(:since AS text) AS xid))"


@contextmanager
def snapshot(engine: Engine) -> Iterator[Snapshot]:
    """A moment of the warehouse; its connection is its own, and closed at the end."""
    with reading(engine) as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield Snapshot(engine, cursor)


def bound(engine: Engine, sql: str, parameters: Mapping[str, object]) -> str:
    """``sql`` with its ``:name`` parameters quoted by psycopg2, for the driver that reads statements without any."""
    with engine.connect() as connection:
        compiled = text(sql).bindparams(**parameters).compile(engine)
        cursor = connection.connection.cursor()
        return cursor.mogrify(str(compiled), compiled.params).decode("utf-8")
