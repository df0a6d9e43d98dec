"""Brings a database to what the code and the contracts say: hub by Alembic, record tables, the mention view."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from contracts.model import Contract
from warehouse import mention, record_tables
from warehouse.bulk import STAGING, lock
from warehouse.tables import metadata

MIGRATIONS = Path(__file__).with_name("migrations")
_FOLLOWS = re.compile(r'^down_revision = "(\w+)"', re.MULTILINE)


def upgrade(engine: Engine, contracts: Mapping[str, Contract]) -> None:
    """Bring the database up to date; nothing happens, in milliseconds, if it is. Safe from several processes.

    Raises warehouse.errors.SchemaError where a contract contradicts a table that exists.
    """
    with engine.begin() as connection:
        lock(connection, "schema")
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {STAGING}"))
        if _current(connection) != _newest():
            _migrate(connection)
        record_tables.synchronise(connection, contracts.values())
        mention.create_view(connection, contracts)


def _newest() -> str:
    """The migration no other one follows, read from the files: Alembic takes a third of a second to import."""
    files = list((MIGRATIONS / "versions").glob("[0-9]*.py"))
    followed = {match[1] for path in files if (match := _FOLLOWS.search(path.read_text(encoding="utf-8")))}
    return next(path.stem for path in files if path.stem not in followed)


def _current(connection: Connection) -> str | None:
    known = text("SELECT to_regclass(:name)")
    if connection.execute(known, {"name": f"{metadata.schema}.alembic_version"}).scalar() is None:
        return None
    return connection.execute(text(f"SELECT version_num FROM {metadata.schema}.alembic_version")).scalar()


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
