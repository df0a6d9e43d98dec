"""Bulk rows in and out of PostgreSQL as Arrow, through ADBC.

In: :func:`writing` is a transaction whose rows are copied straight into lasting tables. Where another transaction is the
caller's, :func:`stage` copies a table into an unlogged table of schema ``staging`` and commits; one set-based statement of the
caller's then moves the rows (:func:`append` does both). What a killed run left in ``staging`` is dropped when the same stage
starts over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, Engine, Table, text
from sqlalchemy.dialects.postgresql import JSONB

from warehouse.engine import TELLS_VALUES, adbc_connection
from warehouse.errors import QueryError, StatementRefused

STAGING = "staging"
_NUL = "\x00"  # PostgreSQL's text cannot hold it
_NUL_PICTURE = "\u2400"
_MANY = 10_000  # rows from which an empty table takes them in faster without its indexes
_REFUSED = ("0A", "22", "3D", "42")  # SQLSTATE classes of a statement that can't work, however often it is sent


def quoted(name: str) -> str:
    """An identifier in double quotes; ValueError if it holds one itself."""
    if '"' in name or _NUL in name or not name:
        raise ValueError(f"not a name of a table or column: {name!r}")
    return f'"{name}"'


def sql_type(arrow: pa.DataType) -> str:
    """The PostgreSQL type ADBC copies an Arrow type into; ValueError for one we do not use."""
    if pa.types.is_string(arrow) or pa.types.is_large_string(arrow) or pa.types.is_null(arrow):
        return "text"
    if pa.types.is_int64(arrow):
        return "bigint"
    if pa.types.is_int32(arrow):
        return "integer"
    if pa.types.is_float64(arrow):
        return "double precision"
    if pa.types.is_boolean(arrow):
        return "boolean"
    if pa.types.is_date32(arrow):
        return "date"
    if pa.types.is_timestamp(arrow):
        return "timestamptz" if arrow.tz else "timestamp"
    if pa.types.is_list(arrow) and pa.types.is_string(arrow.value_type):
        return "text[]"
    raise ValueError(f"no PostgreSQL type for Arrow's {arrow}")


def read_arrow(engine: Engine, sql: str, parameters: Mapping[str, object] | None = None) -> pa.Table:
    """The result of a query with ``:name`` parameters as an Arrow table.

    Parameters are quoted by psycopg2 itself, as in any of its queries, because ADBC reads at
    full speed (COPY) only from a statement without placeholders. ``jsonb`` comes as JSON text,
    ``numeric`` as float64.
    Raises QueryError.
    """
    with reading(engine) as cursor:
        return arrow_of(cursor, bound(engine, sql, parameters) if parameters else sql)


def bound(engine: Engine, sql: str, parameters: Mapping[str, object]) -> str:
    """``sql`` with its ``:name`` parameters quoted by psycopg2, for a driver that reads statements without any."""
    with engine.connect() as connection:
        compiled = text(sql).bindparams(**parameters).compile(engine)
        cursor = connection.connection.cursor()
        return cursor.mogrify(str(compiled), compiled.params).decode("utf-8")


@contextmanager
def reading(engine: Engine) -> Iterator[Any]:
    """An ADBC cursor over a connection of its own, for :func:`arrow_of`; its transaction is rolled back."""
    with _adbc(engine) as (_, cursor):
        yield cursor


def arrow_of(cursor: Any, sql: str) -> pa.Table:
    """The result of a query without parameters over an open cursor, as :func:`read_arrow` gives it. Raises QueryError."""
    with _told():
        cursor.execute(sql)
        return _plain(cursor.fetch_arrow_table())


def stage(engine: Engine, name: str, table: pa.Table) -> str:
    """Copy ``table`` into the fresh unlogged table ``staging.<name>`` and commit; its quoted name.

    A NUL inside a text becomes U+2400 (␀), which PostgreSQL can hold.
    """
    return stage_all(engine, {name: table})[name]


def stage_all(engine: Engine, tables: Mapping[str, pa.Table]) -> dict[str, str]:
    """:func:`stage` for several tables over one connection: bare name → quoted name."""
    targets = {name: f"{STAGING}.{quoted(name)}" for name in tables}
    with _adbc(engine) as (connection, cursor):
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {STAGING}")
        for name, table in tables.items():
            ready = _storable(table)
            cursor.execute(f"DROP TABLE IF EXISTS {targets[name]}")
            cursor.execute(f"CREATE UNLOGGED TABLE {targets[name]} ({_definition(ready.schema)})")
            if ready.num_rows:
                cursor.adbc_ingest(name, ready, mode="append", db_schema_name=STAGING)
        connection.commit()
    return targets


def unstage(connection: Connection, *names: str) -> None:
    """Drop staged tables, inside the caller's transaction."""
    for name in names:
        connection.execute(text(f"DROP TABLE IF EXISTS {STAGING}.{quoted(name)}"))


def sweep(engine: Engine, *prefixes: str) -> None:
    """Drop every staged table whose name starts so: what killed runs left. The caller holds the lock of those prefixes."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        left = connection.execute(
            text("SELECT tablename FROM pg_tables WHERE schemaname = :schema AND tablename ^@ ANY(:prefixes)"),
            {"schema": STAGING, "prefixes": list(prefixes)},
        ).scalars()
        unstage(connection, *left.all())


def append(connection: Connection, target: Table, rows: pa.Table) -> int:
    """Add ``rows`` to a table of :mod:`warehouse.tables` inside the caller's transaction; their number.

    Columns go by name; JSON text is cast where the target is ``jsonb``. Two callers must not
    append to one target at the same time (each stage of the pipeline holds a lock of its own).
    """
    if not rows.num_rows:
        return 0
    name = f"append_{target.name}"
    staged = stage(connection.engine, name, rows)
    columns = [quoted(column) for column in rows.column_names]
    values = [
        f"{column}::jsonb" if isinstance(target.c[plain].type, JSONB) else column
        for column, plain in zip(columns, rows.column_names, strict=True)
    ]
    connection.execute(
        text(f"INSERT INTO {target.fullname} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {staged}")
    )
    unstage(connection, name)
    return rows.num_rows


class Writing:
    """One transaction; :func:`writing` makes it."""

    def __init__(self, engine: Engine, cursor: Any) -> None:
        self._engine, self._cursor = engine, cursor

    def execute(self, sql: str, parameters: Mapping[str, object] | None = None) -> int:
        """Run a statement with ``:name`` parameters; how many rows it wrote."""
        self._cursor.execute(bound(self._engine, sql, parameters) if parameters else sql)
        return self._cursor.rowcount

    def ask(self, sql: str) -> list[tuple]:
        """The rows of a query without parameters, as the transaction sees them."""
        self._cursor.execute(sql)
        return self._cursor.fetchall()

    def stage(self, tables: Mapping[str, pa.Table]) -> None:
        """Copy tables into ones of these names that only this transaction sees; they are gone when it ends."""
        for name, table in tables.items():
            ready = _storable(table)
            self._cursor.execute(f"CREATE TEMPORARY TABLE {quoted(name)} ({_definition(ready.schema)}) ON COMMIT DROP")
            if ready.num_rows:
                self._cursor.adbc_ingest(name, ready, mode="append", temporary=True)

    def append(self, target: Table, rows: pa.Table) -> None:
        """Copy ``rows`` straight into a table of :mod:`warehouse.tables`: columns by name, each of its very type, ``jsonb`` from JSON text.

        Where they are many and the first, and nobody is reading the table, the indexes are made anew when the rows are in, for a fraction
        of the time. Nobody else can read the table from then on until the transaction ends. It never waits for readers: one that waits
        in turn for another connection of its own would wait for ever.
        """
        if not rows.num_rows:
            return
        later = []
        if rows.num_rows >= _MANY and self.ask(f"SELECT NOT EXISTS (SELECT FROM {target.fullname})") == [(True,)] and self._alone(target):
            for name, definition in self.ask(_INDEXES.format(table=target.fullname)):
                self._cursor.execute(f"DROP INDEX {name}")
                later.append(definition)
        ready = _storable(rows)
        for index, name in enumerate(ready.column_names):
            if isinstance(target.c[name].type, JSONB):
                ready = ready.set_column(index, name, ready[name].cast(pa.json_()))
        self._cursor.adbc_ingest(target.name, ready, mode="append", db_schema_name=target.schema)
        for definition in later:
            self._cursor.execute(definition)

    def _alone(self, target: Table) -> bool:
        """Whether nobody else is using the table; then nobody is until the transaction ends."""
        self._cursor.execute(_LOCK.format(table=target.fullname))
        return self.ask(_LOCKED.format(table=target.fullname)) == [(True,)]

    def open(self, target: Table, rows: pa.Table, now: datetime) -> None:
        """:meth:`append` rows that are believed from ``now`` on."""
        since = pa.repeat(pa.scalar(now, pa.timestamp("us", "UTC")), rows.num_rows)
        self.append(target, rows.append_column("recorded_from", since))


# In a block of its own, as a statement that fails ends the transaction.
_LOCK = """
DO $$ BEGIN LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE NOWAIT; EXCEPTION WHEN lock_not_available THEN NULL; END $$
"""
_LOCKED = """
SELECT EXISTS (SELECT FROM pg_locks WHERE relation = '{table}'::regclass AND pid = pg_backend_pid() AND mode = 'AccessExclusiveLock' AND granted)
"""
# All but those of a constraint, ready to be written into a statement.
_INDEXES = """
SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i
WHERE i.indrelid = '{table}'::regclass AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
"""


@contextmanager
def writing(engine: Engine) -> Iterator[Writing]:
    """A transaction of its own: committed when the block ends, gone when it raises. Raises QueryError."""
    with _adbc(engine) as (connection, cursor):
        yield Writing(engine, cursor)
        connection.commit()


def lock(connection: Connection, *what: str) -> None:
    """Wait for the advisory lock of that name and hold it until the transaction ends."""
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))"), {"what": "|".join(what)})


@contextmanager
def _adbc(engine: Engine) -> Iterator[tuple]:
    """A connection and cursor whose errors do not repeat the statement."""
    with _told(), adbc_connection(engine) as connection, connection.cursor() as cursor:
        yield connection, cursor


@contextmanager
def _told() -> Iterator[None]:
    """The driver's errors as QueryError without the statement, since its parameters stand in it."""
    from adbc_driver_manager import Error

    try:
        yield
    except Error as error:
        details = {
            bytes(name).decode() if isinstance(name, bytes) else name: told for name, told in error.details or ()
        }
        said = details.get("PG_DIAG_MESSAGE_PRIMARY", b"").decode("utf-8", "replace")
        if not error.sqlstate or error.sqlstate.startswith(TELLS_VALUES):
            said = "a value was refused" if error.sqlstate else f"no answer ({error.status_code.name})"
        kind = StatementRefused if (error.sqlstate or "").startswith(_REFUSED) else QueryError
        raise kind(f"{said} (SQLSTATE {error.sqlstate})" if error.sqlstate else said) from None


def _plain(table: pa.Table) -> pa.Table:
    """Without the driver's own types and notes: numeric (a sum of bigint, say) as float64, jsonb as its text."""
    columns = {}
    for field, column in zip(table.schema, table.columns, strict=True):
        if isinstance(field.type, pa.BaseExtensionType):
            column = pa.chunked_array([chunk.storage for chunk in column.chunks], field.type.storage_type)
            if "numeric" in str(field.type):
                column = column.cast(pa.float64())
        columns[field.name] = column
    return pa.table(columns)


def _definition(schema: pa.Schema) -> str:
    return ", ".join(f"{quoted(field.name)} {sql_type(field.type)}" for field in schema)


def _storable(table: pa.Table) -> pa.Table:
    for index, field in enumerate(table.schema):
        column = table.column(index)
        if pa.types.is_dictionary(field.type):
            column = column.cast(field.type.value_type)
        elif pa.types.is_null(field.type):
            column = column.cast(pa.string())
        if pa.types.is_string(column.type) and pc.any(pc.match_substring(column, _NUL)).as_py():
            column = pc.replace_substring(column, _NUL, _NUL_PICTURE)
        if column.type != field.type or column is not table.column(index):
            table = table.set_column(index, field.name, column)
    return table
