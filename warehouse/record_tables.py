"""The record tables (schema ``record``): made from the contracts, changed only by adding.

A column a newer contract no longer names stays, with its history; a new one is added and null in
what is older. A column whose type changed is refused: that takes a migration and a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, text

from contracts.model import Contract, Table
from standards.semantic_types import TYPES
from warehouse.bulk import quoted, sql_type
from warehouse.errors import SchemaError

SCHEMA = "record"

# ``confirmed_at`` is the fetch of the newest batch that said the same; with ``source_order`` it says
# which of two versions is newer. Both move on when a delivery repeats an open row unchanged.
OWN_COLUMNS: Mapping[str, str] = {
    "record_key": "text NOT NULL",
    "parent_key": "text",
    "source_order": "bigint NOT NULL",
    "source_time": "timestamptz",
    "partition_name": "text",
    "state": "text NOT NULL",
    "content_hash": "text NOT NULL",
    "batch_id": "text NOT NULL",
    "row_no": "bigint NOT NULL",
    "valid_to": "date",
    "confirmed_at": "timestamptz NOT NULL",
    "recorded_from": "timestamptz NOT NULL",
    "recorded_to": "timestamptz",
}
VERSION_COLUMNS = frozenset({"state", "valid_to", "recorded_from", "recorded_to"})  # what a version says of itself


def qualified(table: Table | str) -> str:
    """``record."<table>"``, ready for a statement."""
    return f"{SCHEMA}.{quoted(table if isinstance(table, str) else table.name)}"


def canonical_types(table: Table) -> dict[str, str]:
    """Canonical columns and companions of a record table, in contract order, with their PostgreSQL types.

    Raises SchemaError for a field whose name is one of the warehouse's own.
    """
    columns: dict[str, str] = {}
    for field in table.fields:
        kind = TYPES[field.type]
        columns[field.name] = sql_type(kind.arrow_type)
        columns |= {f"{field.name}_{suffix}": sql_type(arrow) for suffix, arrow in kind.companions.items()}
    for name in columns.keys() & OWN_COLUMNS.keys():
        raise SchemaError(f"{table.name}: {name}: the name is the warehouse's own")
    return columns


def synchronise(connection: Connection, contracts: Iterable[Contract]) -> None:
    """Make each record table of the contracts and add its new columns, in the caller's transaction.

    Raises SchemaError where a column exists with another type.
    """
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    existing = _existing(connection)
    for contract in contracts:
        for table in contract.tables:
            wanted = canonical_types(table)
            if table.name not in existing:
                _create(connection, table, wanted)
                continue
            _add_columns(connection, table, wanted, existing[table.name])


def kept_columns(connection: Connection, table: Table) -> str:
    """Every column a version hands on to the next when only its state changes, ready for a statement.

    Read from the database: columns a newer contract no longer names keep their values too.
    """
    names = _existing(connection)[table.name]
    return ", ".join(quoted(name) for name in names if name not in VERSION_COLUMNS)


def _existing(connection: Connection) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    rows = connection.execute(
        text(
            "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) "
            "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
            "WHERE c.relnamespace = CAST(:schema AS regnamespace) AND c.relkind = 'r'"
        ),
        {"schema": SCHEMA},
    )
    for table, column, kind in rows:
        found.setdefault(table, {})[column] = kind
    return found


def _create(connection: Connection, table: Table, wanted: Mapping[str, str]) -> None:
    columns = [f"{quoted(name)} {kind}" for name, kind in (OWN_COLUMNS | wanted).items()]
    connection.execute(text(f"CREATE TABLE {qualified(table)} ({', '.join(columns)})"))
    indexes = {"one_open": "UNIQUE INDEX {} ON {} (record_key) WHERE recorded_to IS NULL"}
    if table.each:
        indexes["open_children"] = "INDEX {} ON {} (parent_key) WHERE recorded_to IS NULL"
    for suffix, definition in indexes.items():
        name = quoted(f"{table.name}_{suffix}")
        connection.execute(text("CREATE " + definition.format(name, qualified(table))))


def _add_columns(connection: Connection, table: Table, wanted: Mapping[str, str], there: Mapping[str, str]) -> None:
    for name, kind in wanted.items():
        if name not in there:
            connection.execute(text(f"ALTER TABLE {qualified(table)} ADD COLUMN {quoted(name)} {kind}"))
        elif _plain(there[name]) != _plain(kind):
            raise SchemaError(
                f"{table.name}: {name}: the column holds {_plain(there[name])} and the contract now says "
                f"{_plain(kind)}; give the field a new name, or write a migration"
            )


def _plain(kind: str) -> str:
    return {"timestamptz": "timestamp with time zone", "timestamp": "timestamp without time zone"}.get(kind, kind)
