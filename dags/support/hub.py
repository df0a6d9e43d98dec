"""The pipeline as a task sees it: settings from the environment, connections from Airflow.

Imported inside tasks only: at parse time nothing here is needed.
"""

from __future__ import annotations

from airflow.sdk import BaseHook
from connectors.connection import Connection

from gridhub.pipeline import Hub
from gridhub.settings import Settings


def airflow_connection(conn_id: str) -> Connection:
    """The connection of that id from Airflow, so that its secrets backends work."""
    found = BaseHook.get_connection(conn_id)
    return Connection(
        conn_id=conn_id,
        conn_type=found.conn_type or "",
        host=found.host or "",
        port=found.port,
        login=found.login,
        password=found.password,
        schema=found.schema or "",
        extra=found.extra_dejson,
        uri=None,
    )


def hub() -> Hub:
    """A pipeline for one task."""
    return Hub(Settings.from_environment(), resolve=airflow_connection)
