"""``ingest_<feed>`` for each contract, on its own schedule, and ``ingest_org`` for the directory."""

from __future__ import annotations

from airflow.sdk import dag, task
from support.policy import COMMON, RECORDS, feed_asset, ingest_dag_id

from contracts.reader import load_contracts
from gridhub.settings import Settings

RUNBOOK = """### {title}（{feed}）
Fetches what **{department}** offers through `{connection}`, lands it, validates it and loads it.

- **Why did it stop?** Read the last line of the task's log: feed, file or page, row, field, what was expected. `gridhub batches --feed {feed}` lists the batches.
- **A gate held the batch** (闸门): `gridhub gate show BATCH`, then `gridhub gate approve BATCH --reason "…"`: it is loaded at once.
- **Rows in quarantine** (隔离区): `gridhub quarantine list --feed {feed}`; after the crosswalk or the source is mended, `gridhub quarantine replay BATCH`.
- **Connection trouble** is retried with back-off; a permanent error fails at once. `gridhub doctor` checks the connection.
- Running it again is safe: a batch happens once. More in `docs/runbook.md`.
"""


def ingest_dag(contract):
    """The DAG of one feed."""

    @dag(
        dag_id=ingest_dag_id(contract.feed),
        dag_display_name=f"采集 {contract.title}",
        schedule=contract.schedule,
        tags=["ingest", contract.department],
        doc_md=RUNBOOK.format(
            title=contract.title, feed=contract.feed, department=contract.department, connection=contract.connection
        ),
        **COMMON,
    )
    def ingest():
        @task(outlets=[RECORDS, feed_asset(contract.feed)], pool=contract.connection)
        def fetch_validate_load(feed: str) -> dict:
            from support.hub import hub

            return hub().ingest(feed).counts()

        fetch_validate_load(contract.feed)

    return ingest()


def directory_dag(contracts):
    """One DAG for the directory's tables, in the order their files refer to each other."""
    first = contracts[0]

    @dag(
        dag_id="ingest_org",
        dag_display_name="采集 县办名录",
        schedule=first.schedule,
        tags=["ingest", first.department],
        doc_md=RUNBOOK.format(title="县办名录", feed="org_*", department=first.department, connection=first.connection),
        **COMMON,
    )
    def ingest_org():
        @task(outlets=[RECORDS, feed_asset("org")], pool=first.connection)
        def fetch_validate_load(feeds: list[str]) -> dict:
            from support.hub import hub

            return hub().ingest_many(feeds).counts()

        fetch_validate_load([c.feed for c in contracts])

    return ingest_org()


_settings = Settings.from_environment()
_contracts = load_contracts(*([_settings.contracts] if _settings.contracts else []))
_directory = [c for c in _contracts.values() if ingest_dag_id(c.feed) == "ingest_org"]
for _contract in _contracts.values():
    if _contract not in _directory:
        globals()[ingest_dag_id(_contract.feed)] = ingest_dag(_contract)
globals()["ingest_org"] = directory_dag(_directory)
