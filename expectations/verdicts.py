"""A landed batch, judged whole (整批校验): a verdict for the feed's table and for each list inside its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Protocol

import pyarrow as pa

from contracts.model import Contract, Rule, Severity
from expectations.canonical import canonicalise
from expectations.suite import ImpliedRule, suite_for
from expectations.validate import validate
from expectations.verdict import Verdict


class Landed(Protocol):
    """What is needed of a landed batch (connectors.landing.LandedBatch)."""

    manifest: Mapping[str, Any]

    def records(self) -> pa.Table: ...


def verdicts_of(
    contract: Contract,
    landed: Landed,
    *,
    today: date,
    parameters: Mapping[str, Any] | None = None,
    released: bool = False,
) -> dict[str, Verdict]:
    """The verdict per record table of a contract, main table first.

    ``released``: a person let these rows pass, so the contract's critical rules cost the cell (or only
    note a finding) instead of the row; a row that can't be read or has no key still can't pass.

    ``parameters``: thresholds from the feed's history for ``{"$PARAMETER": …}``. Raises
    ExpectationError if a rule could not be judged.
    """
    records = landed.records()
    fetched_at = _moment(landed.manifest.get("parent_fetched_at") or landed.manifest["fetched_at"])
    lists = tuple(table.each for table in contract.tables if table.each)
    verdicts: dict[str, Verdict] = {}
    for table in contract.tables:
        main = table is contract.table
        canonical = canonicalise(
            records, table, contract, today=today, fetched_at=fetched_at, period=landed.manifest.get("period")
        )
        rules = suite_for(table, lists if main else ())
        if released:
            rules = [_lenient(rule) for rule in rules]
        without = None if main else verdicts[contract.table.name].quarantined["_row"]
        verdicts[table.name] = validate(canonical, table, rules, parameters=parameters or {}, without=without)
    return verdicts


def _lenient(rule: Rule) -> Rule:
    if rule.severity is not Severity.CRITICAL or isinstance(rule, ImpliedRule):
        return rule
    return replace(rule, severity=Severity.WARNING if rule.column else Severity.INFO)


def preload() -> None:
    """Import Great Expectations once (2 s), for a process that forks workers, such as Airflow's scheduler."""
    import expectations.engine  # noqa: F401


def _moment(value: str | datetime) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
