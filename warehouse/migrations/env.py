"""Alembic's environment for schema ``hub``.

:func:`warehouse.schema.upgrade` hands its own connection in; on the command line
(``alembic revision --autogenerate -m …``) the URL comes from ``AIRFLOW_CONN_WAREHOUSE``.
"""

from __future__ import annotations

import os

from alembic import context
from sqlalchemy import Connection, text

from warehouse.engine import engine_for
from warehouse.tables import metadata


def _only_hub(name: str | None, kind: str, parents: dict) -> bool:
    """Record tables and staging are not Alembic's."""
    return kind != "schema" or name == metadata.schema


def _migrate(connection: Connection) -> None:
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {metadata.schema}"))
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_schemas=True,
        include_name=_only_hub,
        version_table_schema=metadata.schema,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _migrate(given)
else:
    with engine_for(os.environ["AIRFLOW_CONN_WAREHOUSE"]).begin() as made:
        _migrate(made)
