"""The pipeline as a task sees it: settings from the environment, connections from Airflow.

Imported inside tasks only: at parse time nothing here is needed.
"""

from __future__ import annotations

from airflow.sdk import BaseHook

from connectors.connection import Connection
from gridhub.pipeline import Hub
from gridhub.settings import Settings
from support.policy import ingest_dag_id


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


def ingests_expected(context) -> bool:
    """Whether an ingest's task runs or waits for its turn, so that its update will start the linking again.

    Tasks, not runs, are asked for: a run still counts as running when its last task has ended and told its news.
    One that waits for a retry does not count: a system that is down must not hold up everybody's profile.
    """
    pipeline = hub()
    dags = {ingest_dag_id(feed) for feed in pipeline.contracts}
    count, states = context["ti"].get_ti_count, ["scheduled", "queued", "running"]
    return pipeline.ingesting() or any(count(dag_id=dag_id, states=states) for dag_id in sorted(dags))


def skip_while_ingesting() -> None:
    """Skip the task while an ingest is under way: its own update starts the linking again."""
    from airflow.sdk import get_current_context
    from airflow.sdk.exceptions import AirflowSkipException

    if ingests_expected(get_current_context()):
        raise AirflowSkipException("an ingest is under way; its own update starts this again")
