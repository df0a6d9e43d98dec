"""Judge the rules across feeds over the warehouse and keep what they found, with history (跨表规则的结果).

The inputs (docs/contracts.md) are read once, only the columns the rules name. An assembly that goes before is judged beside
(:class:`CrossRules`): its records at the moment it reads them, its outcome as it stands in DuckDB. A finding is opened when it is new, closed when it is gone, and untouched while it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from importlib import import_module
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
from sqlalchemy import Engine, text

from contracts.cross_rules import HUB_INPUTS, CrossRule, load_rules
from profiles.facts import Mentions, told
from warehouse.bulk import lock, quoted, read_arrow, stage_all, unstage
from warehouse.moment import moment
from warehouse.snapshot import Snapshot

if TYPE_CHECKING:
    from expectations.cross import CrossVerdict  # Great Expectations comes with it

CROSS_BATCH = "cross"  # hub.rule_result holds the newest results of these rules under this batch id and feed
_HUB_SOURCES = {
    "mention": "hub.mention m LEFT JOIN hub.person_link l ON l.feed = m.feed AND l.record_key = m.record_key AND l.recorded_to IS NULL",
    "person": "hub.person_profile m WHERE m.recorded_to IS NULL",
    "household": "hub.household m WHERE m.recorded_to IS NULL",
    "household_member": "hub.household_member m WHERE m.recorded_to IS NULL",
    "address": "hub.address m",
}
_RELATIONS = {"person": "person_profile"}
_OUTCOMES = {"person": "person_profile", "household": "household", "household_member": "member"}  # what an assembly leaves, its table in DuckDB
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


class CrossRules:
    """The rules (default: contracts/rules) over what this warehouse has, as of ``today``; a rule over a record table it does
    not have is left out. Given to an assembly (profiles.facts.Beside), it judges beside that: over the records of the
    assembly's moment, and over what the assembly leaves as soon as it knows that."""

    def __init__(self, engine: Engine, today: date, *, threads: int = 2, rules: Iterable[CrossRule] | None = None) -> None:
        self.engine, self.today, self.threads = engine, today, threads
        self.columns: dict[str, list[str]] = {}
        for row in read_arrow(engine, _COLUMNS).to_pylist():
            self.columns.setdefault(row["relation"], []).append(row["column_name"])
        asked = load_rules() if rules is None else rules
        self.rules = [r for r in asked if all(_relation(name) in self.columns for name in r.inputs)]
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="rules")  # what it is given it does in order
        self._records: Future[dict[str, pa.Table]] | None = None
        self._asked: Future[dict[str, pa.Table]] | None = None
        self._verdict: Future[CrossVerdict] | None = None

    def begin(self, now: Snapshot, mentions: Mentions) -> None:
        """Begin to read the records of this moment, and to ask the rules that need no more; a second time, where an
        assembly started over, nothing."""
        if self._records is None:
            self._records = self._worker.submit(self._read, now, mentions)
            self._asked = self._worker.submit(self._ask_of_records)

    def finish(self) -> None:
        """Wait until the records are read; their moment can be left then. Raises QueryError."""
        if self._records:
            self._records.result()

    def settled(self, con: duckdb.DuckDBPyConnection) -> None:
        """Judge, beside what is done meanwhile, over what the assembly leaves in ``con`` (as what it will have written)."""
        left = {}
        for name in _OUTCOMES.keys() & _texts(self.rules).keys():
            left[name] = told(con, _OUTCOMES[name], self._wanted(name))
            if left[name] is None:
                return  # a rule asks for what is only written: it is read then
        self._verdict = self._worker.submit(self._judge, left)

    def verdict(self) -> CrossVerdict:
        """What was judged beside an assembly, else over all as it is now. Raises ExpectationError where a query fails,
        QueryError where the warehouse can't be read."""
        with self._worker:
            if self._verdict:
                return self._verdict.result()
        from expectations.cross import run_cross_rules

        tables = read_inputs(self.engine, self.rules, self.columns)
        return run_cross_rules(self.rules, tables, today=self.today, threads=self.threads)

    def _read(self, now: Snapshot, mentions: Mentions) -> dict[str, pa.Table]:
        asked = {name: sql for name, sql in _queries(self.rules, self.columns).items() if name not in _OUTCOMES}
        of_mentions = asked.pop("mention", None)
        reading = now.begin(asked)
        tables = {}
        if of_mentions:
            known = mentions([*self._wanted("mention"), "person_id"])
            tables["mention"] = now.read(of_mentions) if known is None else known
        return tables | {name: table.result() for name, table in reading.items()}

    def _ask_of_records(self) -> dict[str, pa.Table]:
        from expectations.cross import ask

        answers = ask(self._over(outcomes=False), self._records.result(), today=self.today, threads=1)
        import_module("expectations.engine")  # two seconds, the first time
        return answers

    def _judge(self, left: Mapping[str, pa.Table]) -> CrossVerdict:
        from expectations.cross import ask, judge_answers

        tables = self._records.result() | left
        answers = self._asked.result() | ask(self._over(outcomes=True), tables, today=self.today, threads=1)
        return judge_answers(self.rules, answers)

    def _over(self, *, outcomes: bool) -> list[CrossRule]:
        """The rules that look at what an assembly leaves, or the others."""
        return [rule for rule in self.rules if outcomes != _OUTCOMES.keys().isdisjoint(rule.inputs)]

    def _wanted(self, name: str) -> list[str]:
        return _wanted(name, _texts(self.rules)[name], self.columns)


def judge_cross_rules(
    engine: Engine, today: date, *, threads: int = 2, rules: Iterable[CrossRule] | None = None, judging: CrossRules | None = None
) -> FindingFigures:
    """Judge all rules (default: contracts/rules) as of ``today``, or take what was judged beside an assembly
    (``judging``); writes what changed, in one transaction. Raises as :meth:`CrossRules.verdict`."""
    judging = judging or CrossRules(engine, today, threads=threads, rules=rules)
    verdict = judging.verdict()
    with engine.begin() as connection:
        lock(connection, "cross_rules")  # also what is staged is one run's
        stage_all(engine, {"cross_found": verdict.findings, "cross_judged": verdict.results})
        values = {"now": datetime.now(UTC), "batch": CROSS_BATCH}
        closed = connection.execute(text(_CLOSE), values).rowcount
        opened = connection.execute(text(_OPEN), values).rowcount
        connection.execute(text(_FORGET), values)
        connection.execute(text(_RESULTS), values)
        unstage(connection, "cross_found", "cross_judged")
    return FindingFigures(len(judging.rules), verdict.findings.num_rows, opened, closed)


def read_inputs(engine: Engine, rules: Iterable[CrossRule], columns: Mapping[str, list[str]]) -> dict[str, pa.Table]:
    """Input name → its rows at one moment, cut to the columns that a rule over it names. ``columns``: of each relation.
    Raises QueryError."""
    with moment(engine) as now:
        return {name: table.result() for name, table in now.tables(_queries(rules, columns)).items()}


def _texts(rules: Iterable[CrossRule]) -> dict[str, str]:
    """Input name → the text of all rules over it."""
    told: dict[str, str] = {}
    for rule in rules:
        for name in rule.inputs:
            told[name] = f"{told.get(name, '')} {rule.sql}"
    return told


def _queries(rules: Iterable[CrossRule], columns: Mapping[str, list[str]]) -> dict[str, str]:
    """Input name → the query that reads it, the longest first, so that two connections end together."""
    return {name: _select(name, _wanted(name, sql, columns)) for name, sql in sorted(_texts(rules).items(), key=lambda item: item[0] != "mention")}


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
