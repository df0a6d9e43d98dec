"""What was found in deliveries (发现的问题): quarantine and value issues by reason, drift, gates and alerts, in both languages."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Engine

from contracts.model import Contract
from reports import labels
from reports.clusters import alert_text
from reports.labels import Text
from standards.reasons import REASONS
from warehouse.bulk import read_arrow

QUARANTINE = """
SELECT feed, reason, count(*) FILTER (WHERE state = 'open') AS open, count(*) AS total
FROM hub.quarantine, unnest(reasons) AS reason WHERE part = 0 GROUP BY 1, 2 ORDER BY 4 DESC, 1, 2
"""
ISSUES = """
SELECT feed, table_name, column_name, reason, rule_id, dimension, severity, count(*) AS rows
FROM hub.value_issue WHERE recorded_to IS NULL GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 8 DESC, 1, 2, 3, 4
"""
DRIFT = """
SELECT feed, d ->> 'column' AS column_name, d ->> 'kind' AS kind, d ->> 'policy' AS policy, d ->> 'seen' AS seen, count(*) AS batches
FROM hub.batch, jsonb_array_elements(drift) AS d WHERE jsonb_typeof(drift) = 'array' GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 3, 2, 5
"""
HELD = "SELECT batch_id, feed, state, findings::text AS findings FROM hub.batch WHERE state IN ('held', 'refused') ORDER BY batch_id"
# Ten working days (政务数据共享条例 §26) as fourteen days: there is no table of holidays here.
TICKETS = """
SELECT department, kind, count(*) FILTER (WHERE recorded_to IS NULL) AS open,
       count(*) FILTER (WHERE recorded_to IS NULL AND recorded_from < now() - INTERVAL '14 days') AS overdue,
       count(*) FILTER (WHERE recorded_to IS NOT NULL) AS closed
FROM hub.ticket GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
"""
ALERTS = "SELECT kind, feed, subject, message, raised_at FROM hub.alert WHERE cleared_at IS NULL ORDER BY raised_at, alert_id"


@dataclass(frozen=True)
class Counted:
    """How often something was found, in a feed (and a column)."""

    feed: str
    title: Text
    reason: Text
    rows: int
    open: int = 0
    column: Text | None = None
    dimension: str | None = None
    severity: str | None = None


@dataclass(frozen=True)
class Notice:
    """Something a person should see: drift, a held batch, an alert. No personal value."""

    kind: Text
    feed: Text
    text: Text


@dataclass(frozen=True)
class Tickets:
    """Correction tickets (校核单) a department has been sent for one cause."""

    title: Text
    kind: Text
    open: int
    overdue: int
    closed: int


def quarantined(engine: Engine, contracts: Mapping[str, Contract]) -> tuple[Counted, ...]:
    return tuple(
        Counted(row["feed"], _named(contracts, row["feed"]), reason_of(contracts, row["feed"], row["reason"]), row["total"], row["open"])
        for row in read_arrow(engine, QUARANTINE).to_pylist()
    )


def value_issues(engine: Engine, contracts: Mapping[str, Contract]) -> tuple[Counted, ...]:
    return tuple(
        Counted(
            row["feed"], _named(contracts, row["feed"]), reason_of(contracts, row["feed"], row["reason"], row["rule_id"]), row["rows"],
            row["rows"], column_of(contracts, row["feed"], row["table_name"], row["column_name"]), row["dimension"], row["severity"],
        )
        for row in read_arrow(engine, ISSUES).to_pylist()
    )  # fmt: skip


def tickets(engine: Engine) -> tuple[Tickets, ...]:
    """Correction tickets by department and cause."""
    return tuple(
        Tickets(labels.department(row["department"]), labels.label("ticket_kind", row["kind"]), row["open"], row["overdue"], row["closed"])
        for row in read_arrow(engine, TICKETS).to_pylist()
    )


def drifted(engine: Engine, contracts: Mapping[str, Contract]) -> tuple[Notice, ...]:
    made = []
    for row in read_arrow(engine, DRIFT).to_pylist():
        column, batches = header(row["column_name"]), row["batches"]
        policy, title = labels.label("policy", row["policy"]), _source_title(contracts, row["feed"], row["column_name"])
        named = Text(f"“{column}”" + (f"（{title}）" if title and title != column else ""), f"“{column}”")
        if row["kind"] == "renamed":
            seen = header(row["seen"])
            text = Text(f"列{named.zh}以“{seen}”送来，按契约的别名识别，共{batches}批", f"column {named.en} came as “{seen}”, known by its alias (batches: {batches})")
        else:
            text = Text(f"列{named.zh}，按契约{policy.zh}，共{batches}批", f"column {named.en}, {policy.en} (batches: {batches})")
        made.append(Notice(labels.label("drift", row["kind"]), _named(contracts, row["feed"]), text))
    return tuple(made)


def stopped(engine: Engine, contracts: Mapping[str, Contract]) -> tuple[Notice, ...]:
    made = []
    for row in read_arrow(engine, HELD).to_pylist():
        for finding in json.loads(row["findings"] or "[]"):
            kind, told = finding.get("kind", ""), finding.get("text_en") or finding.get("kind", "")
            if row["state"] == "held":
                where, text = labels.label("gate", kind), Text(finding.get("text") or told, told)
            else:  # a refusal names file and column in English; its Chinese is that of the reason code
                where = Text("交付被拒", "Refused delivery")
                text = Text(REASONS[kind].zh if kind in REASONS else kind, kind)
            made.append(Notice(where, _named(contracts, row["feed"]), text))
    return tuple(made)


def alerts(engine: Engine, contracts: Mapping[str, Contract], late: Mapping[str, Text]) -> tuple[Notice, ...]:
    made = []
    for row in read_arrow(engine, ALERTS).to_pylist():
        text = late.get(row["feed"]) if row["kind"] == "late_feed" else alert_text(row["kind"], row["subject"])
        made.append(
            Notice(labels.label("alert", row["kind"]), _named(contracts, row["feed"]), text or Text(row["message"], row["message"]))
        )
    return tuple(made)


def header(name: str | None) -> str:
    """A column's header as it may be shown: in a file without a header line a person's row stands there."""
    name = re.sub(r"\d{4,}", "…", name or "")
    return name if len(name) <= 20 else name[:19] + "…"


def title_of(contract: Contract) -> Text:
    return Text(contract.title, contract.title_en)


def _named(contracts: Mapping[str, Contract], feed: str | None) -> Text:
    return title_of(contracts[feed]) if feed in contracts else Text(feed or "—", feed or "—")


def _source_title(contracts: Mapping[str, Contract], feed: str, source: str) -> str | None:
    """The Chinese label of a source column the contract knows."""
    fields = [f for table in contracts[feed].tables for f in table.fields] if feed in contracts else []
    return next((f.title for f in fields if f.source == source), None)


def reason_of(contracts: Mapping[str, Contract], feed: str, reason: str, rule_id: str | None = None) -> Text:
    """A reason code's text, or the title of the contract's own rule."""
    if reason in REASONS:
        return Text(REASONS[reason].zh, REASONS[reason].en)
    if feed in contracts:
        for table in contracts[feed].tables:
            for rule in table.rules:
                if rule.id in (reason, rule_id):
                    return Text(rule.title, rule.title_en)
    return Text(reason, reason)


def column_of(contracts: Mapping[str, Contract], feed: str, table_name: str, column: str) -> Text:
    """The label of a canonical column."""
    for table in contracts[feed].tables if feed in contracts else ():
        for each in table.fields:
            if table.name == table_name and each.name == column:
                return Text(each.title, column.replace("_", " "))
    return Text(column, column.replace("_", " "))
