"""Contract = table = suite: what is promised, what is stored and what is judged are one thing."""

from __future__ import annotations

import pytest

from contracts.reader import load_contracts
from expectations.suite import suite_for
from standards.semantic_types import TYPES
from warehouse.record_tables import canonical_types

CONTRACTS = load_contracts()
TABLES = [(contract, table) for contract in CONTRACTS.values() for table in contract.tables]


@pytest.mark.parametrize("contract, table", TABLES, ids=[t.name for _, t in TABLES])
def test_the_record_table_has_the_contracts_columns_and_their_companions(contract, table):
    wanted = set()
    for field in table.fields:
        wanted.add(field.name)
        wanted |= {f"{field.name}_{suffix}" for suffix in TYPES[field.type].companions}
    assert set(canonical_types(table)) == wanted


@pytest.mark.parametrize("contract, table", TABLES, ids=[t.name for _, t in TABLES])
def test_the_suite_judges_every_field_and_every_rule_of_the_contract(contract, table):
    rules = suite_for(table)
    ids = [rule.id for rule in rules]
    assert len(ids) == len(set(ids))
    assert {rule.id for rule in table.rules} <= set(ids)
    judged = {rule.column for rule in rules}
    readable = {f.name for f in table.fields if f.type not in ("key", "json")}
    assert readable <= judged
    assert {f.name for f in table.fields if f.required} <= {r.column for r in rules if r.id.endswith(".required")}


def test_there_are_sixteen_record_feeds_and_fourteen_directory_tables():
    names = list(CONTRACTS)
    assert len([n for n in names if not n.startswith("org_")]) == 16
    assert len([n for n in names if n.startswith("org_")]) == 14
