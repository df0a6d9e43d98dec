"""Reads the rules across records, feeds and time (跨表规则) of ``rules/*.yaml``.

A rule is one DuckDB query over named inputs; docs/contracts.md lists them. It judges: a row a
subject with ``broken`` true, false or null (not judged), so that shares can be told, not only counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.model import Dimension, Severity
from contracts.node import ContractError, Node
from contracts.vocabulary import DEPARTMENTS

__all__ = ["HUB_INPUTS", "ContractError", "CrossRule", "load_rules"]

RULES = Path(__file__).resolve().parent / "rules"
SUBJECTS = ("person", "household", "record")
# Inputs that are not record tables; every record table of the contracts is an input under its own name.
HUB_INPUTS = ("mention", "person", "household", "household_member", "address")
# A rule looks and tells; none may change or reach beyond its inputs.
_FORBIDDEN = ("insert ", "update ", "delete ", "create ", "attach ", "copy ", "install ", "load ", "pragma ", ";")


@dataclass(frozen=True)
class CrossRule:
    """One rule. ``sql`` returns ``subject, broken, detail`` (text, boolean, JSON text or null)."""

    id: str  # <file>.<name>
    title: str  # Chinese
    title_en: str
    dimension: Dimension
    severity: Severity  # warning or info: nothing is quarantined for what stands in another record
    department: str  # who is asked to check
    subject_kind: str  # person: person_id; household: household_id; record: <feed>:<record key>
    inputs: tuple[str, ...]
    sql: str


def load_rules(folder: Path | str = RULES, tables: Mapping[str, object] | None = None) -> tuple[CrossRule, ...]:
    """All rules, in order of file and place. ``tables``: the record tables there are, to hold the inputs against.

    Raises ContractError naming file and field.
    """
    rules: list[CrossRule] = []
    for path in sorted(Path(folder).glob("*.yaml")):
        node = Node.read(path)
        node.only(("rules",))
        rules += [_read(entry, path.stem, tables) for entry in node.each("rules")]
        ids = [rule.id for rule in rules]
        if len(set(ids)) < len(ids):
            node.fail("an id of its own is expected for each rule", "rules")
    return tuple(rules)


def _read(node: Node, topic: str, tables: Mapping[str, object] | None) -> CrossRule:
    rule_id = node.get("id")
    node = Node(node.value, node.file, f"rules[{rule_id}]")
    node.only(["id", "title", "titleEn", "dimension", "severity", "department", "subject", "inputs", "sql"])
    node.matching("id", rf"{topic}\.[a-z][a-z0-9_]*", f"{topic}. and a snake_case name")
    inputs = node.texts("inputs")
    if not inputs:
        node.fail("at least one input is expected", "inputs")
    for name in inputs:
        if tables is not None and name not in HUB_INPUTS and name not in tables:
            node.fail(f"an input that exists is expected, {name} is none", "inputs")
    sql = node.get("sql").strip()
    lowered = sql.lower()
    if any(word in lowered for word in _FORBIDDEN) or not lowered.startswith(("select", "with")):
        node.fail("one SELECT is expected", "sql")
    for name in inputs:
        if name not in lowered:
            node.fail(f"a query over {name} is expected", "sql")
    return CrossRule(
        id=rule_id,
        title=node.get("title"),
        title_en=node.get("titleEn"),
        dimension=Dimension(node.one_of("dimension", [d.value for d in Dimension])),
        severity=Severity(node.one_of("severity", ("warning", "info"))),
        department=node.one_of("department", DEPARTMENTS),
        subject_kind=node.one_of("subject", SUBJECTS),
        inputs=inputs,
        sql=sql,
    )
