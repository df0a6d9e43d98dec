"""What was written since an earlier moment (快照): a moment of the warehouse that knows where it stands among transactions.

What changed is told by PostgreSQL's own row stamp (``xmin``, the transaction that wrote a row): it also tells what was
moved on in place, and never misses a transaction that began before a moment and ended after it, as clocks do.
A deleted row leaves no stamp; who relies on this counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
from sqlalchemy import Engine

from warehouse.bulk import bound
from warehouse.moment import Moment, moment

_FAR = 1_000_000_000  # transactions: half of what PostgreSQL can tell apart


@dataclass(frozen=True)
class Horizon:
    """A moment as PostgreSQL counts: which cluster and database, and the oldest transaction that was not over."""

    place: str
    transaction: int


class Snapshot:
    """Reads of one moment; :func:`snapshot` makes it."""

    def __init__(self, engine: Engine, now: Moment) -> None:
        self._engine, self._now = engine, now

    def read(self, sql: str, parameters: Mapping[str, object] | None = None) -> pa.Table:
        """As :func:`warehouse.bulk.read_arrow`. Raises QueryError."""
        (table,) = self.read_all({"read": sql}, parameters).values()
        return table

    def read_all(self, queries: Mapping[str, str], parameters: Mapping[str, object] | None = None) -> dict[str, pa.Table]:
        """The results of several queries with the same parameters, two read at a time. Raises QueryError."""
        ready = {name: bound(self._engine, sql, parameters) if parameters else sql for name, sql in queries.items()}
        return {name: table.result() for name, table in self._now.tables(ready).items()}

    def begin(self, queries: Mapping[str, str]) -> dict[str, Future[pa.Table]]:
        """Begin to read the results of queries without parameters, after what is being read; to be asked for before the
        moment is over."""
        return self._now.tables(queries)

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
    """The warehouse as it is now. Raises QueryError."""
    with moment(engine) as now:
        yield Snapshot(engine, now)
