"""A landed batch, judged whole (整批校验): a verdict for the feed's table and for each list inside its rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Protocol

import pyarrow as pa

from contracts.model import Contract
from expectations.canonical import canonicalise
from expectations.suite import suite_for
from expectations.validate import validate
from expectations.verdict import Verdict


class Landed(Protocol):
    """What is needed of a landed batch (connectors.landing.LandedBatch)."""

    manifest: Mapping[str, Any]

    def records(self) -> pa.Table: ...


def verdicts_of(
    contract: Contract, landed: Landed, *, today: date, parameters: Mapping[str, Any] | None = None
) -> dict[str, Verdict]:
    """The verdict per record table of a contract, main table first.

    ``parameters``: thresholds from the feed's history for ``{"$PARAMETER": …}``. Raises
    ExpectationError if a rule could not be judged.
    """
    records = landed.records()
    fetched_at = _moment(landed.manifest["fetched_at"])
    lists = tuple(table.each for table in contract.tables if table.each)
    verdicts: dict[str, Verdict] = {}
    for table in contract.tables:
        main = table is contract.table
        canonical = canonicalise(
            records, table, contract, today=today, fetched_at=fetched_at, period=landed.manifest.get("period")
        )
        rules = suite_for(table, lists if main else ())
        without = None if main else verdicts[contract.table.name].quarantined["_row"]
        verdicts[table.name] = validate(canonical, table, rules, parameters=parameters or {}, without=without)
    return verdicts


def preload() -> None:
    """Import Great Expectations once (6 s), for a process that forks workers, such as Airflow's scheduler."""
    import expectations.engine  # noqa: F401


def _moment(value: str | datetime) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
