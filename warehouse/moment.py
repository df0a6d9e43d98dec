"""Many readings of one moment (同一时点读取): queries over several connections that all see the warehouse as it was when it began.

A stage that reads thirty tables one after the other would mix what another stage committed between them, and
would wait for PostgreSQL and for Arrow in turn. One connection exports its snapshot, the others take it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from queue import SimpleQueue
from typing import Any

import pyarrow as pa
from sqlalchemy import Engine

from warehouse.bulk import arrow_of, reading

AT_ONCE = 2  # PostgreSQL answers one query on one core: two keep two cores busy, and no more tables stand in memory


class Moment:
    """A moment of the warehouse; ``tables`` and ``batches`` read it as Arrow. Made by :func:`moment`."""

    def __init__(self, engine: Engine, stack: ExitStack, at_once: int) -> None:
        first = stack.enter_context(reading(engine))
        _begin(first)
        first.execute("SELECT pg_export_snapshot()")
        (snapshot,) = first.fetchone()
        self._free: SimpleQueue[Any] = SimpleQueue()
        self._free.put(first)
        for _ in range(at_once - 1):
            other = stack.enter_context(reading(engine))
            _begin(other)
            other.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")  # the server's own word; it can't be bound
            self._free.put(other)
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="read")
        stack.callback(self._pool.shutdown, cancel_futures=True)

    def tables(self, queries: Mapping[str, str]) -> dict[str, Future[pa.Table]]:
        """Begin to read the results of ``queries`` (name → SQL), in their order; the futures raise QueryError."""
        return {name: self._pool.submit(self._table, sql) for name, sql in queries.items()}

    @contextmanager
    def batches(self, sql: str) -> Iterator[pa.RecordBatchReader]:
        """The result of one large query, batch by batch; it takes one of the connections meanwhile."""
        cursor = self._free.get()
        try:
            cursor.execute(sql)
            yield cursor.fetch_record_batch()
        finally:
            self._free.put(cursor)

    def _table(self, sql: str) -> pa.Table:
        cursor = self._free.get()
        try:
            return arrow_of(cursor, sql)
        finally:
            self._free.put(cursor)


@contextmanager
def moment(engine: Engine, at_once: int = AT_ONCE) -> Iterator[Moment]:
    """The warehouse as it is now, over ``at_once`` connections; nothing can be written over them. Raises QueryError."""
    with ExitStack() as stack:
        yield Moment(engine, stack, at_once)


def _begin(cursor: Any) -> None:
    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
