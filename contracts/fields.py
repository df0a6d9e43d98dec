"""Reads one record table of a contract: its fields, its key, its rules."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from contracts.model import Dimension, Field, Rule, Severity, Table
from contracts.node import Node
from contracts.vocabulary import COMPANIONS, IMPLIED_RULES, LEVELS, LOGICAL_TYPES, RESERVED

_CROSSWALKS = Path(__file__).resolve().parent.parent / "standards" / "crosswalks"
_NAME = r"[a-z][a-z0-9_]*"
_WHERE = re.compile(r'(?P<column>[a-z][a-z0-9_]*) == "[^"]*"')
# Arguments of expectations that name a column of the same table.
_COLUMN_ARGUMENTS = frozenset({"id_column", "other", "column_A", "column_B"})
_TABLE_KEYS = [
    "name",
    "physicalName",
    "businessName",
    "description",
    "logicalType",
    "customProperties",
    "quality",
    "properties",
]
_FIELD_KEYS = [
    "name",
    "physicalName",
    "businessName",
    "description",
    "logicalType",
    "physicalType",
    "primaryKey",
    "primaryKeyPosition",
    "required",
    "classification",
    "synonyms",
    "customProperties",
    "quality",
    "examples",
]
_RULE_KEYS = ["name", "description", "type", "engine", "severity", "implementation", "customProperties"]


@cache
def _crosswalks() -> frozenset[str]:
    return frozenset(f"{path.parent.name}/{path.stem}" for path in _CROSSWALKS.glob("*/*.csv"))


class Columns:
    """The columns of a record table by name: fields, companions and, where allowed, the parent's."""

    def __init__(self, fields: tuple[Field, ...], parent: Columns | None = None) -> None:
        self.parent = parent
        self.types: dict[str, tuple[str, str | None]] = {}  # column -> semantic type, companion suffix
        for field in fields:
            self.types[field.name] = (field.type, None)
        for field in fields:
            for suffix in COMPANIONS.get(field.type, ()):
                self.types.setdefault(f"{field.name}_{suffix}", (field.type, suffix))

    def find(self, column: str) -> tuple[str, str | None] | None:
        """Semantic type and companion suffix of a column; None if there is none."""
        if column.startswith("parent.") and self.parent is not None:
            return self.parent.find(column.removeprefix("parent."))
        return self.types.get(column)

    def require(self, node: Node, key: str, column: Any) -> tuple[str, str | None]:
        """Like :meth:`find`; ContractError at ``node.key`` if there is no such column."""
        found = self.find(column) if isinstance(column, str) else None
        if found is None:
            node.fail(f"a canonical column of the table is expected, {column!r} is none", key)
        return found


def read_table(node: Node, feed: str, main: bool) -> Table:
    """One entry of ``schema`` without its mentions. ContractError names what is wrong."""
    node.only(_TABLE_KEYS)
    name = node.matching("name", _NAME, "a snake_case name")
    if main and name != feed:
        node.fail(f"the main table is expected to be called {feed}", "name")
    if not main and not name.startswith(f"{feed}_"):
        node.fail(f"a name starting with {feed}_ is expected", "name")
    custom = node.custom(("key", "each", "mentions"))
    each = custom.get("each", str, None)
    if main and each is not None:
        custom.fail("the main table is not a list inside a row", "each")
    if not main and each is None:
        custom.fail("the source column holding the list is expected", "each")
    properties = list(node.each("properties"))
    if not properties:
        node.fail("at least one property is expected", "properties")
    fields = tuple(_read_field(prop) for prop in properties)
    _check_names(properties, fields)
    key, blank = _read_key(node, custom, properties, fields) if main else ((), ())
    columns = Columns(fields)
    rules = [_read_rule(rule, f"{name}.table", None, columns) for rule in node.each("quality", [])]
    for prop, field in zip(properties, fields, strict=True):
        rules += [_read_rule(rule, f"{name}.{field.name}", field.name, columns) for rule in prop.each("quality", [])]
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            node.fail(f"a rule called {rule.id} once is expected", "quality")
        seen.add(rule.id)
    return Table(name=name, fields=fields, key=key, rules=tuple(rules), blank_key=blank, each=each)


def _read_field(node: Node) -> Field:
    node.only(_FIELD_KEYS)
    custom = node.custom(("semanticType", "crosswalk", "typeOptions", "blankInKey"))
    type_name = custom.one_of("semanticType", LOGICAL_TYPES)
    if node.get("logicalType") != LOGICAL_TYPES[type_name]:
        node.fail(f"{LOGICAL_TYPES[type_name]} is expected for a {type_name}", "logicalType")
    crosswalk = custom.get("crosswalk", str, None)
    if (type_name == "code") != (crosswalk is not None):
        custom.fail("a crosswalk is expected with the semantic type code, and only with it", "crosswalk")
    if crosswalk is not None and crosswalk not in _crosswalks():
        custom.fail(f"a file standards/crosswalks/{crosswalk}.csv is expected", "crosswalk")
    return Field(
        name=node.matching("name", _NAME, "a snake_case name"),
        source=node.get("physicalName"),
        type=type_name,
        title=node.get("businessName"),
        aliases=tuple(synonym.get("synonym") for synonym in node.each("synonyms", [])),
        required=node.get("required", bool, False),
        crosswalk=crosswalk,
        level=node.one_of("classification", LEVELS),
        options=custom.get("typeOptions", dict, {}),
    )


def _check_names(properties: list[Node], fields: tuple[Field, ...]) -> None:
    names: set[str] = set()
    headers: dict[str, str] = {}
    for prop, field in zip(properties, fields, strict=True):
        made = [field.name, *(f"{field.name}_{suffix}" for suffix in COMPANIONS.get(field.type, ()))]
        for name in made:
            if name in RESERVED:
                prop.fail(f"another name is expected, {name} is the warehouse's own", "name")
            if name in names:
                prop.fail(f"a column {name} once is expected", "name")
        names.update(made)
        # Two fields may read one column, but one header may not mean two columns.
        for header in (field.source, *field.aliases):
            if headers.setdefault(header, field.source) != field.source:
                prop.fail(f"{header} is expected to mean one column", "synonyms")


def _read_key(
    node: Node, custom: Node, properties: list[Node], fields: tuple[Field, ...]
) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:
    sources = {field.source for field in fields}
    positions: dict[int, str] = {}
    blank = []
    for prop, field in zip(properties, fields, strict=True):
        if prop.get("primaryKey", bool, False):
            position = prop.get("primaryKeyPosition", int)
            if position in positions:
                prop.fail("a position taken once is expected", "primaryKeyPosition")
            positions[position] = field.source
        if prop.custom(("semanticType", "crosswalk", "typeOptions", "blankInKey")).get("blankInKey", bool, False):
            if not prop.get("primaryKey", bool, False):
                prop.fail("blankInKey is expected only on a part of the key", "customProperties")
            blank.append(field.source)
    if custom.has("key"):
        if positions:
            custom.fail("either primaryKey or key is expected, not both", "key")
        parts = custom.get("key", list)
        if not parts or not all(isinstance(part, list) and part for part in parts):
            custom.fail("a list of parts, each a list of source columns, is expected", "key")
        for source in (source for part in parts for source in part):
            if source not in sources:
                custom.fail(f"a source column of the table is expected, {source!r} is none", "key")
        return tuple(tuple(part) for part in parts), ()
    if sorted(positions) != list(range(1, len(positions) + 1)) or not positions:
        node.fail("a primaryKey with positions from 1 is expected", "properties")
    if len(blank) == len(positions):
        node.fail("a part of the key that is never blank is expected", "properties")
    return tuple((positions[position],) for position in sorted(positions)), tuple(blank)


def _read_rule(node: Node, prefix: str, column: str | None, columns: Columns) -> Rule:
    node.only(_RULE_KEYS)
    name = node.matching("name", _NAME, "a snake_case name")
    if name in IMPLIED_RULES:
        node.fail(f"another name is expected, {name} is implied for every table", "name")
    node.one_of("type", ("custom",))
    node.one_of("engine", ("great-expectations",))
    if node.one_of("severity", [s.value for s in Severity]) == Severity.WARNING and column is None:
        node.fail("critical or info is expected of a rule about a table, there is no cell to empty", "severity")
    custom = node.custom(("dimension", "titleEn", "where"))
    implementation = node.child("implementation")
    implementation.only(("type", "kwargs"))
    arguments = implementation.get("kwargs", dict, {})
    for key, value in arguments.items():
        if key in _COLUMN_ARGUMENTS:
            columns.require(implementation, f"kwargs.{key}", value)
    where = custom.get("where", str, None)
    if where is not None:
        match = _WHERE.fullmatch(where)
        if not match:
            custom.fail('<column> == "<value>" is expected', "where")
        columns.require(custom, "where", match["column"])
    return Rule(
        id=f"{prefix}.{name}",
        expectation=implementation.matching("type", r"expect_[a-z0-9_]+", "an expectation's type in snake case"),
        dimension=Dimension(custom.one_of("dimension", [d.value for d in Dimension])),
        severity=Severity(node.get("severity")),
        title=node.get("description"),
        title_en=custom.get("titleEn"),
        arguments=arguments,
        column=column,
        where=where,
    )
