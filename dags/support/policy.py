"""How tasks fail and what chains them: retry rules, owners, pools and assets."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from airflow.sdk import Asset, ExceptionRetryPolicy, RetryAction, RetryRule

SHANGHAI = ZoneInfo("Asia/Shanghai")

# One asset a stage. Every ingest that loaded something updates RECORDS.
RECORDS = Asset(name="records", uri="gridhub://warehouse/records", group="gridhub")
PERSONS = Asset(name="persons", uri="gridhub://warehouse/persons", group="gridhub")
PROFILES = Asset(name="profiles", uri="gridhub://warehouse/profiles", group="gridhub")
EXTRACTS = Asset(name="extracts", uri="gridhub://out/extracts", group="gridhub")
REPORT = Asset(name="report", uri="gridhub://out/report", group="gridhub")

# Named by path: importing the classes here would cost every parse.
PERMANENT = [
    "connectors.errors.PermanentError",
    "contracts.reader.ContractError",
    "gridhub.settings.SettingsError",
    "gridhub.errors.UnknownFeed",
    "warehouse.errors.SchemaError",
    "warehouse.errors.LoadError",
    "warehouse.errors.StatementRefused",
    "sqlalchemy.exc.ProgrammingError",  # of the warehouse: no such table, a right not given
    "sqlalchemy.exc.DataError",
    "sqlalchemy.exc.NotSupportedError",
]
RETRIES = ExceptionRetryPolicy(
    rules=[
        RetryRule(exception=PERMANENT, action=RetryAction.FAIL, reason="permanent"),
        RetryRule(exception="gridhub.errors.NeedsDecision", action=RetryAction.FAIL, reason="waits for a person"),
    ]
)

COMMON = {
    "start_date": datetime(2026, 1, 1, tzinfo=SHANGHAI),
    "catchup": False,
    "max_active_runs": 1,
    "default_args": {
        "owner": "data-engineering",
        "retries": 3,
        "retry_delay": timedelta(seconds=20),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=10),
        "retry_policy": RETRIES,
        "execution_timeout": timedelta(hours=2),
    },
}


def feed_asset(feed: str) -> Asset:
    """The asset of one feed's records."""
    return Asset(name=f"feed_{feed}", uri=f"gridhub://warehouse/feed/{feed}", group="gridhub")


def ingest_dag_id(feed: str) -> str:
    """The DAG that ingests a feed: the directory's tables are one DAG, for they make sense together."""
    return "ingest_org" if feed.startswith("org_") else f"ingest_{feed}"
