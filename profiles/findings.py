"""Judge the rules across feeds over the warehouse and keep what they found, with history (跨表规则的结果).

The inputs (docs/contracts.md) are read once, only the columns the rules name: records at the moment an assembly reads them,
if it goes before (:class:`CrossInputs`). A finding is opened when it is new, closed when it is gone, and untouched while it stands.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from importlib import import_module
from threading import Thread

import duckdb
import pyarrow as pa
from sqlalchemy import Engine, text

from contracts.cross_rules import HUB_INPUTS, CrossRule, load_rules
from warehouse.bulk import lock, quoted, read_arrow, stage_all, unstage
from warehouse.moment import moment
from warehouse.snapshot import Snapshot

CROSS_BATCH = "cross"  # hub.rule_result holds the newest results of these rules under this batch id and feed
_HUB_SOURCES = {
    "mention": "hub.mention m LEFT JOIN hub.person_link l ON l.feed = m.feed AND l.record_key = m.record_key AND l.recorded_to IS NULL",
    "person": "hub.person_profile m WHERE m.recorded_to IS NULL",
    "household": "hub.household m WHERE m.recorded_to IS NULL",
    "household_member": "hub.household_member m WHERE m.recorded_to IS NULL",
    "address": "hub.address m",
}
_RELATIONS = {"person": "person_profile"}
_OUTCOMES = ("person", "household", "household_member")  # what an assembly writes
_COLUMNS = """
SELECT n.nspname || '.' || c.relname AS relation, a.attname AS column_name
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname IN ('hub', 'record') AND c.relkind IN ('r', 'v') ORDER BY a.attnum
"""
_EVERYTHING = re.compile(r"(?:select|distinct|,)\s+(?:\w+\.)?\*", re.IGNORECASE)

_SAME = """c.rule_id = s.rule_id AND c.subject_kind = s.subject_kind AND c.subject = s.subject AND c.dimension = s.dimension
    AND c.severity = s.severity AND c.department IS NOT DISTINCT FROM s.department AND c.detail IS NOT DISTINCT FROM s.detail::jsonb"""
_CLOSE = f"""
UPDATE hub.cross_finding c SET recorded_to = :now
WHERE c.recorded_to IS NULL AND NOT EXISTS (SELECT FROM staging.cross_found s WHERE {_SAME})
"""
_OPEN = f"""
INSERT INTO hub.cross_finding (rule_id, dimension, severity, department, subject_kind, subject, detail, recorded_from)
SELECT s.rule_id, s.dimension, s.severity, s.department, s.subject_kind, s.subject, s.detail::jsonb, :now
FROM staging.cross_found s
WHERE NOT EXISTS (SELECT FROM hub.cross_finding c WHERE c.recorded_to IS NULL AND {_SAME})
ORDER BY s.rule_id, s.subject
"""
_FORGET = "DELETE FROM hub.rule_result WHERE batch_id = :batch"
_RESULTS = """
INSERT INTO hub.rule_result (batch_id, rule_id, feed, column_name, dimension, severity, evaluated, unexpected)
SELECT :batch, rule_id, :batch, column_name, dimension, severity, evaluated, unexpected FROM staging.cross_judged
"""


@dataclass(frozen=True)
class FindingFigures:
    """Rules judged, findings that stand, and how many of them came and went."""

    cross_rules: int
    findings: int
    findings_opened: int
    findings_closed: int

    def counts(self) -> dict[str, int]:
        """The figures as plain numbers."""
        return asdict(self)


class CrossInputs:
    """The inputs of the rules (default: contracts/rules) over what this warehouse has; a rule over a record table it does
    not have is left out. Given to an assembly (profiles.facts.Beside), it reads the records at the assembly's moment, while
    that works; what the assembly leaves, or all if there was none, is read when asked for."""

    def __init__(self, engine: Engine, rules: Iterable[CrossRule] | None = None) -> None:
        self.engine = engine
        self.columns: dict[str, list[str]] = {}
        for row in read_arrow(engine, _COLUMNS).to_pylist():
            self.columns.setdefault(row["relation"], []).append(row["column_name"])
        asked = load_rules() if rules is None else rules
        self.rules = [r for r in asked if all(_relation(name) in self.columns for name in r.inputs)]
        self._begun: dict[str, Future[pa.Table]] = {}
        self._read: dict[str, pa.Table] = {}

    def begin(self, now: Snapshot, mentions: duckdb.DuckDBPyConnection | None) -> None:
        """Begin to read the records of this moment. ``mentions``: knows the views ``mention`` and ``link``, so that they
        need not be read again."""
        self._read.clear()
        if mentions:  # two seconds of importing, while DuckDB has long statements to work on
            Thread(target=import_module, args=("expectations.engine",), name="import").start()
        asked = {name: sql for name, sql in _queries(self.rules, self.columns).items() if name not in _OUTCOMES}
        if mentions and "mention" in asked:
            known = {name for name, *_ in mentions.execute("DESCRIBE mention").fetchall()}
            wanted = _wanted("mention", _told(self.rules)["mention"], self.columns)
            if known.issuperset(wanted):
                del asked["mention"]
                listed = ", ".join(f"m.{quoted(c)}" for c in wanted)
                joined = f"SELECT {listed}, l.person_id FROM mention m LEFT JOIN link l ON l.feed = m.feed AND l.record_key = m.record_key"
                self._begun = now.begin(asked)
                self._read["mention"] = mentions.sql(joined).to_arrow_table()
                return
        self._begun = now.begin(asked)

    def finish(self) -> None:
        """Wait for what :meth:`begin` reads; its moment can be left then. Raises QueryError."""
        self._read |= {name: table.result() for name, table in self._begun.items()}
        self._begun = {}

    def tables(self) -> dict[str, pa.Table]:
        """Input name → its rows. Raises QueryError."""
        return self._read | read_inputs(self.engine, self.rules, self.columns, but=tuple(self._read))


def judge_cross_rules(
    engine: Engine, today: date, *, threads: int = 2, rules: Iterable[CrossRule] | None = None, inputs: CrossInputs | None = None
) -> FindingFigures:
    """Judge all rules (default: contracts/rules) as of ``today`` over ``inputs`` (default: all as it is now); writes what
    changed, in one transaction.

    Raises ExpectationError where a query fails, QueryError where the warehouse can't be read.
    """
    from expectations.cross import run_cross_rules  # Great Expectations comes with it

    inputs = inputs or CrossInputs(engine, rules)
    judged = inputs.rules
    verdict = run_cross_rules(judged, inputs.tables(), today=today, threads=threads)
    stage_all(engine, {"cross_found": verdict.findings, "cross_judged": verdict.results})
    values = {"now": datetime.now(UTC), "batch": CROSS_BATCH}
    with engine.begin() as connection:
        lock(connection, "cross_rules")
        closed = connection.execute(text(_CLOSE), values).rowcount
        opened = connection.execute(text(_OPEN), values).rowcount
        connection.execute(text(_FORGET), values)
        connection.execute(text(_RESULTS), values)
        unstage(connection, "cross_found", "cross_judged")
    return FindingFigures(len(judged), verdict.findings.num_rows, opened, closed)


def read_inputs(
    engine: Engine, rules: Iterable[CrossRule], columns: Mapping[str, list[str]], but: Collection[str] = ()
) -> dict[str, pa.Table]:
    """Input name → its rows at one moment, cut to the columns that a rule over it names; without those of ``but``.
    ``columns``: of each relation."""
    asked = {name: sql for name, sql in _queries(rules, columns).items() if name not in but}
    with moment(engine) as now:
        return {name: table.result() for name, table in now.tables(asked).items()}


def _told(rules: Iterable[CrossRule]) -> dict[str, str]:
    """Input name → the text of all rules over it."""
    told: dict[str, str] = {}
    for rule in rules:
        for name in rule.inputs:
            told[name] = f"{told.get(name, '')} {rule.sql}"
    return told


def _queries(rules: Iterable[CrossRule], columns: Mapping[str, list[str]]) -> dict[str, str]:
    """Input name → the query that reads it, the longest first, so that two connections end together."""
    return {name: _select(name, _wanted(name, sql, columns)) for name, sql in sorted(_told(rules).items(), key=lambda item: item[0] != "mention")}


def _relation(name: str) -> str:
    return f"hub.{_RELATIONS.get(name, name)}" if name in HUB_INPUTS else f"record.{name}"


def _wanted(name: str, sql: str, columns: Mapping[str, list[str]]) -> list[str]:
    words, present = set(re.findall(r"\w+", sql.lower())), columns[_relation(name)]
    return present if _EVERYTHING.search(sql) else [c for c in present if c in words] or present[:1]


def _select(name: str, wanted: list[str]) -> str:
    listed = ", ".join(f"m.{quoted(c)}" for c in wanted)
    if name == "mention":
        listed += ", l.person_id"
    source = _HUB_SOURCES.get(name, f"record.{quoted(name)} m WHERE m.recorded_to IS NULL AND m.state = 'present'")
    return f"SELECT {listed} FROM {source}"
