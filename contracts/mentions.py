"""Reads the persons a row names and where they live, and adds what is implied."""

from __future__ import annotations

from dataclasses import fields as dataclass_fields

from contracts.fields import Columns
from contracts.model import Dwelling, Mention, Table
from contracts.node import Node
from contracts.vocabulary import DWELLING_KINDS, GROUP_KINDS, IMPLIED, MENTION_COLUMNS, ROLES

_KEYS = [
    "role",
    "suffix",
    "columns",
    "constants",
    "dwelling",
    "group",
    "refers",
    "ended_when",
    "dead_when",
    "death_date",
]
_DWELLING_PARTS = tuple(f.name for f in dataclass_fields(Dwelling) if f.name not in ("kind", "code_table"))


def read_mentions(node: Node, table: Table, parent: Columns | None) -> tuple[Mention, ...]:
    """The mentions of one entry of ``schema``; ``parent`` are the main table's columns for a list inside its rows."""
    columns = Columns(table.fields, parent)
    custom = node.custom(("key", "each", "mentions"))
    mentions = tuple(_read(entry, columns) for entry in custom.each("mentions", []))
    suffixes = [mention.suffix for mention in mentions]
    if len(set(suffixes)) < len(suffixes):
        custom.fail("a suffix of its own is expected for each mention", "mentions")
    return mentions


def _read(node: Node, columns: Columns) -> Mention:
    node.only(_KEYS)
    suffix = node.get("suffix")
    if suffix and not (suffix.startswith("#") and suffix[1:].isalnum()):
        node.fail("an empty text or # and a word is expected", "suffix")
    group = node.child("group", default={})
    group.only(("kind", "key"))
    refers = node.child("refers", default={})
    refers.only(("feed", "key"))
    death_date = node.get("death_date", str, None)
    if death_date is not None and columns.require(node, "death_date", death_date) != ("date", None):
        node.fail("a date field is expected", "death_date")
    return Mention(
        role=node.one_of("role", ROLES),
        suffix=suffix,
        columns=_read_columns(node.child("columns"), columns),
        constants=_read_constants(node.child("constants", default={}), node.get("columns", dict)),
        dwelling=_read_dwelling(node.child("dwelling"), columns) if node.has("dwelling") else None,
        group_kind=group.one_of("kind", GROUP_KINDS) if group.value else None,
        group_key=_read_group_key(group, columns) if group.value else (),
        ref_feed=refers.get("feed") if refers.value else None,
        ref_key=_read_reference(refers, columns) if refers.value else None,
        ended_when=_read_conditions(node.child("ended_when", default={}), columns),
        dead_when=_read_conditions(node.child("dead_when", default={}), columns),
        death_date=death_date,
    )


def _read_columns(node: Node, columns: Columns) -> dict[str, str]:
    node.only(MENTION_COLUMNS)
    if not {"name", "id_number", "id_embedded"} & set(node.value):
        node.fail("a name or an ID number is expected")
    result: dict[str, str] = {}
    for target, column in node.value.items():
        type_name, suffix = columns.require(node, target, column)
        if type_name not in MENTION_COLUMNS[target] or suffix != ("id" if target == "id_embedded" else None):
            node.fail(f"a column of type {' or '.join(MENTION_COLUMNS[target])} is expected", target)
        result[target] = column
    for target, column in node.value.items():
        for implied, companion in IMPLIED.get(target, {}).items():
            result.setdefault(implied, f"{column}_{companion}")
    return result


def _read_constants(node: Node, columns: dict) -> dict[str, str]:
    node.only(MENTION_COLUMNS)
    for target, value in node.value.items():
        if not isinstance(value, str):
            node.fail("a text is expected", target)
        if target in columns:
            node.fail("either a column or a constant is expected", target)
    return dict(node.value)


def _read_dwelling(node: Node, columns: Columns) -> Dwelling:
    node.only(("kind", "code_table", *_DWELLING_PARTS))
    parts = {}
    for part in _DWELLING_PARTS:
        if node.has(part):
            parts[part] = node.get(part)
            type_name, _ = columns.require(node, part, parts[part])
            if part == "address" and type_name != "address":
                node.fail("a column of type address is expected", part)
    if not parts:
        node.fail("an address, a code or parts are expected")
    if ("code" in parts) != node.has("code_table"):
        node.fail("a code and the table it is looked up in are expected together", "code_table")
    return Dwelling(kind=node.one_of("kind", DWELLING_KINDS), code_table=node.get("code_table", str, None), **parts)


def _read_group_key(node: Node, columns: Columns) -> tuple[str, ...]:
    parts = node.texts("key")
    if not parts:
        node.fail("at least one column is expected", "key")
    for part in parts:
        if part == "record_key" or (part == "parent_key" and columns.parent is not None):
            continue
        columns.require(node, "key", part)
    return parts


def _read_reference(node: Node, columns: Columns) -> str:
    column = node.get("key")
    # The other feed's record key is raw text: only an untouched column can be equal to it.
    if columns.require(node, "key", column)[0] != "key":
        node.fail("a column of type key is expected", "key")
    return column


def _read_conditions(node: Node, columns: Columns) -> dict[str, tuple[str, ...]]:
    result = {}
    for column in node.value:
        columns.require(node, column, column)
        result[column] = node.texts(column)
        if not result[column]:
            node.fail("at least one value is expected", column)
    return result
