"""Reads and checks the feeds' contracts (数据契约): YAML in, frozen :mod:`contracts.model` values out.

The files follow the Open Data Contract Standard v3.2 (docs/contracts.md says how we use it). Every
error is one line naming file and field: :class:`contracts.node.ContractError`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from contracts.connector_options import read_connector
from contracts.fields import Columns, read_table
from contracts.mentions import read_mentions
from contracts.model import ChangePolicy, Contract, Freshness, Gate, Mode, Table
from contracts.node import ContractError, Node
from contracts.odcs import check_schema
from contracts.schedule import check_cron
from contracts.vocabulary import DEPARTMENTS

__all__ = ["ContractError", "load_contracts", "read_contract"]

FEEDS = Path(__file__).resolve().parent / "feeds"
_TOP = [
    "apiVersion",
    "kind",
    "id",
    "name",
    "version",
    "status",
    "domain",
    "description",
    "slaProperties",
    "customProperties",
    "schema",
    "tags",
    "team",
    "support",
]
_CUSTOM = [
    "titleEn",
    "connection",
    "connector",
    "mode",
    "order",
    "time",
    "partition",
    "forbidden",
    "derive",
    "ignored",
    "keepUnreadable",
    "changePolicy",
    "gate",
    "optionalFile",
    "pairsWith",
]
_POLICIES = {
    "added": ("accept", "refuse"),
    "missing_optional": ("null", "refuse"),
    "missing_required": ("null", "refuse"),
}


def load_contracts(*extra_folders: Path | str, strict: bool = False) -> dict[str, Contract]:
    """Every feed's contract by feed, from ``contracts/feeds`` and further folders, in order of feed.

    ``strict`` also holds each file against ODCS's own JSON schema (slow: for tests and ``doctor``).
    Raises ContractError, also for what only shows between files: a feed or table described twice, a
    reference to a feed that is not there.
    """
    contracts: dict[str, Contract] = {}
    for folder in (FEEDS, *map(Path, extra_folders)):
        if not folder.is_dir():
            raise ContractError(folder.name, "folder", "an existing folder of contracts is expected")
        for path in sorted(folder.glob("*.yaml")):
            contract = read_contract(path, strict=strict)
            if contract.feed in contracts:
                raise ContractError(path.name, "id", f"a feed of its own is expected, {contract.feed} is described")
            contracts[contract.feed] = contract
    _check_together(contracts)
    return dict(sorted(contracts.items()))


def read_contract(path: Path | str, *, strict: bool = False) -> Contract:
    """The contract in one file. Raises ContractError naming file and field."""
    path = Path(path)
    node = Node.read(path)
    if strict:
        check_schema(node)
    node.only(_TOP)
    node.one_of("kind", ("DataContract",))
    node.matching("apiVersion", r"v3\.\d+\.\d+", "a version 3 of ODCS")
    feed = node.matching("id", r"[a-z][a-z0-9_]*", "a snake_case name")
    if path.stem != feed:
        node.fail(f"the name of the file, {path.stem}, is expected", "id")
    custom = node.custom(_CUSTOM)
    connector, options = read_connector(custom.child("connector"))
    tables = _read_tables(node, feed)
    schedule, freshness = _read_terms(node)
    contract = Contract(
        feed=feed,
        title=node.get("name"),
        title_en=custom.get("titleEn"),
        department=node.one_of("domain", DEPARTMENTS),
        version=node.matching("version", r"\d+\.\d+\.\d+", "a version such as 1.0.0"),
        connection=custom.matching("connection", r"[a-z][a-z0-9_]*", "an Airflow connection id"),
        connector=connector,
        mode=Mode(custom.one_of("mode", [mode.value for mode in Mode])),
        schedule=schedule,
        tables=tables,
        options=options,
        freshness=freshness,
        order_field=custom.get("order", str, None),
        time_field=custom.get("time", str, None),
        period_from=options["file"] if "(?P<period>" in options.get("file", "") else None,
        partition=custom.one_of("partition", ("sheet",), None),
        forbidden=custom.texts("forbidden", []),
        derive={key: custom.child("derive").texts(key) for key in custom.get("derive", dict, {})},
        ignored=custom.texts("ignored", []),
        keep_unreadable=custom.get("keepUnreadable", bool, True),
        change_policy=_read_policy(custom.child("changePolicy", default={})),
        gate=_read_gate(custom.child("gate", default={}), tables[0]),
        optional_file=custom.get("optionalFile", bool, False),
        pairs_with=custom.get("pairsWith", str, None),
    )
    _check_whole(custom, contract)
    return contract


def _read_tables(node: Node, feed: str) -> tuple[Table, ...]:
    entries = list(node.each("schema"))
    if not entries:
        node.fail("at least one table is expected", "schema")
    tables: list[Table] = []
    for entry in entries:
        table = read_table(entry, feed, main=not tables)
        if table.name in (known.name for known in tables):
            entry.fail("a table described once is expected", "name")
        parent = Columns(tables[0].fields) if tables else None
        tables.append(replace(table, mentions=read_mentions(entry, table, parent)))
    return tuple(tables)


def _read_terms(node: Node) -> tuple[str, Freshness]:
    terms = {entry.get("property"): entry for entry in node.each("slaProperties")}
    for name in ("frequency", "latency"):
        if name not in terms:
            node.fail(f"a property {name} is expected", "slaProperties")
    frequency, latency = terms["frequency"], terms["latency"]
    check_cron(frequency, "schedule")
    latency.one_of("unit", ("h",))
    hours = latency.get("value", int)
    if hours <= 0:
        latency.fail("a number of hours above 0 is expected", "value")
    every = frequency.one_of("value", ("hourly", "daily", "monthly"))
    return frequency.get("schedule"), Freshness(every=every, late_after_hours=hours)


def _read_policy(node: Node) -> ChangePolicy:
    node.only(_POLICIES)
    return ChangePolicy(**{key: node.one_of(key, _POLICIES[key]) for key in node.value})


def _read_gate(node: Node, table: Table) -> Gate:
    node.only(("lost", "quarantined", "mix", "mix_fields", "least"))
    shares = {}
    for key in ("lost", "quarantined", "mix"):
        if node.has(key):
            shares[key] = float(node.get(key, (int, float)))
            if not 0 < shares[key] <= 1:
                node.fail("a share above 0 and up to 1 is expected", key)
    columns = Columns(table.fields)
    for name in node.texts("mix_fields", []):
        columns.require(node, "mix_fields", name)
    return Gate(**shares, mix_fields=node.texts("mix_fields", []), least=node.get("least", int, Gate.least))


def _check_whole(custom: Node, contract: Contract) -> None:
    """What concerns the table and the contract together."""
    types = {field.name: field.type for field in contract.table.fields}
    sources = set(contract.source_columns)
    for key, name in (("order", contract.order_field), ("time", contract.time_field)):
        allowed = ("timestamp", "integer") if key == "order" else ("timestamp", "date", "month")
        if name is not None and types.get(name) not in allowed:
            custom.fail(f"a field of type {' or '.join(allowed)} is expected", key)
    if contract.order_field is None and contract.connector != "drop":
        custom.fail("the field that gives the source's order is expected", "order")
    if contract.time_field is None and types.get(contract.order_field or "") == "integer":
        custom.fail("the field saying when it was so is expected, the order is only a number", "time")
    for key, names in (("forbidden", contract.forbidden), ("ignored", contract.ignored)):
        for name in names:
            if name in sources or any(name in field.aliases for field in contract.table.fields):
                custom.fail(f"a column that is no field is expected, {name} is one", key)
    if contract.forbidden and contract.keep_unreadable:
        custom.fail("false is expected where columns are forbidden", "keepUnreadable")
    for landed, parts in contract.derive.items():
        if landed not in sources:
            custom.fail("the source column of a field is expected", f"derive.{landed}")
        if not parts or not set(parts) <= set(contract.forbidden):
            custom.fail("forbidden columns are expected", f"derive.{landed}")
    if contract.partition and contract.options.get("format") != "xlsx":
        custom.fail("sheets are expected only of a workbook", "partition")
    if contract.mode is not Mode.INCREMENTAL and contract.connector != "drop":
        custom.fail("incremental is expected of anything but files", "mode")
    if contract.mode is Mode.INCREMENT and contract.period_from is None:
        custom.fail("a group (?P<period>...) is expected in the file name", "connector.file")
    _check_options(custom, contract, sources)


def _check_options(custom: Node, contract: Contract, sources: set[str]) -> None:
    """The columns the connector works by are columns of the feed."""
    for option in ("key", "updated", "sequence"):
        name = contract.options.get(option)
        if name is not None and name not in sources:
            custom.fail(f"a source column of the table is expected, {name!r} is none", f"connector.{option}")
    known = sources.union(*(field.aliases for field in contract.table.fields))
    for name in contract.options.get("header_has", ()):
        if name not in known:
            custom.fail(f"a header of the table is expected, {name!r} is none", "connector.header_has")
    pattern = contract.options.get("file")
    if pattern is not None and re.compile(pattern).groups > 1:
        custom.fail("no group but (?P<period>...) is expected", "connector.file")


def _check_together(contracts: dict[str, Contract]) -> None:
    owners: dict[str, str] = {}
    for contract in contracts.values():
        for table in contract.tables:
            if table.name in owners:
                raise ContractError(
                    f"{contract.feed}.yaml", f"schema[{table.name}].name", "a table of its own is expected"
                )
            owners[table.name] = contract.feed
    for contract in contracts.values():
        if contract.pairs_with is not None and contract.pairs_with not in contracts:
            raise ContractError(f"{contract.feed}.yaml", "customProperties.pairsWith", "a feed that exists is expected")
        for table in contract.tables:
            for mention in table.mentions:
                field = f"schema[{table.name}].customProperties.mentions[{mention.role}]"
                if mention.ref_feed is not None and mention.ref_feed not in contracts:
                    raise ContractError(
                        f"{contract.feed}.yaml", f"{field}.refers.feed", "a feed that exists is expected"
                    )
                if mention.dwelling and mention.dwelling.code_table not in (None, *owners):
                    raise ContractError(
                        f"{contract.feed}.yaml",
                        f"{field}.dwelling.code_table",
                        "a record table that exists is expected",
                    )
