"""Runs one cross rule over small tables: rows in as dicts, judged subjects out."""

from __future__ import annotations

import json
from datetime import date

import duckdb
import pytest

from contracts.cross_rules import load_rules
from contracts.fields import Columns
from contracts.reader import load_contracts

TODAY = date(2026, 11, 22)
DUCK = {"date": "DATE", "timestamp": "TIMESTAMPTZ", "integer": "BIGINT", "decimal": "DOUBLE", "boolean": "BOOLEAN"}
HUB = {
    "mention": dict.fromkeys(
        ["feed", "record_key", "table_name", "base_key", "role", "name", "sex", "ethnicity", "relation", "marital_status", "id_number", "phone", "group_kind", "group_key", "compound_id", "building_id", "unit", "room", "dwelling_id", "person_id"],
        "VARCHAR",
    )
    | {"birth_date": "DATE", "death_date": "DATE", "dead": "BOOLEAN", "ended": "BOOLEAN", "source_time": "TIMESTAMPTZ"},
    "person": dict.fromkeys(["person_id", "name", "sex", "id_number", "dwelling_id", "community_code"], "VARCHAR")
    | {"birth_date": "DATE", "alive": "BOOLEAN"},
    "household": dict.fromkeys(["household_id", "kind", "natural_key"], "VARCHAR"),
    "household_member": dict.fromkeys(["household_id", "kind", "person_id", "relation"], "VARCHAR"),
    "address": dict.fromkeys(["address_text", "level", "compound_id", "building_id", "unit", "room", "dwelling_id"], "VARCHAR"),
}
DEFAULTS = {"mention": {"dead": False, "ended": False}, "person": {"alive": True}}


class SmallRules:
    """The rules over tables made of their documented columns (docs/contracts.md)."""

    def __init__(self) -> None:
        self.tables = {table.name: table for contract in load_contracts().values() for table in contract.tables}
        self.rules = {rule.id: rule for rule in load_rules(tables=self.tables)}

    def columns_of(self, name: str) -> dict[str, str]:
        """Column -> DuckDB type of an input."""
        if name in HUB:
            return HUB[name]
        columns = {"record_key": "VARCHAR", "parent_key": "VARCHAR", "source_time": "TIMESTAMPTZ"}
        for column, (kind, suffix) in Columns(self.tables[name].fields).types.items():
            columns[column] = DUCK.get(kind, "VARCHAR") if suffix is None else "VARCHAR"
        return columns

    def run(self, rule_id: str, **inputs: list[dict]) -> tuple[list[str], list[tuple]]:
        """Column names and rows of one rule's query; inputs not given are empty."""
        rule = self.rules[rule_id]
        assert set(inputs) <= set(rule.inputs), "the rule does not read this input"
        with duckdb.connect() as connection:
            connection.execute("SET VARIABLE today = $1", [TODAY])
            for name in rule.inputs:
                columns = self.columns_of(name)
                listed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
                connection.execute(f'CREATE TABLE "{name}" ({listed})')
                for row in inputs.get(name, []):
                    row = DEFAULTS.get(name, {}) | row
                    assert set(row) <= set(columns), "no such column"
                    names = ", ".join(f'"{column}"' for column in row)
                    places = ", ".join(f"${i + 1}" for i in range(len(row)))
                    connection.execute(f'INSERT INTO "{name}" ({names}) VALUES ({places})', list(row.values()))
            answer = connection.execute(rule.sql)
            return [column[0] for column in answer.description], answer.fetchall()

    def judge(self, rule_id: str, **inputs: list[dict]) -> dict[str, tuple]:
        """Subject -> (broken, detail)."""
        _, rows = self.run(rule_id, **inputs)
        assert len({subject for subject, *_ in rows}) == len(rows), "a subject twice"
        return {subject: (broken, json.loads(detail) if detail else None) for subject, broken, detail in rows}

    def broken(self, rule_id: str, **inputs: list[dict]) -> set[str]:
        """The subjects that break the rule."""
        return {subject for subject, (is_broken, _) in self.judge(rule_id, **inputs).items() if is_broken}

    @staticmethod
    def registered(key: str, household: str = "S|1", **more) -> dict:
        """A mention from the register."""
        own = {
            "feed": "psb_register",
            "record_key": key,
            "base_key": key,
            "group_key": household,
            "person_id": f"P{key}",
        }
        return own | more


@pytest.fixture(scope="session")
def rules() -> SmallRules:
    return SmallRules()
