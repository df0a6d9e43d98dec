"""The hard cases of real deliveries, case by case: what each becomes, or why it becomes nothing."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from standards import address, pinyin, variants
from standards.reasons import REASONS
from standards.semantic_types import TYPES, standardise

FOLDER = Path(__file__).parent
TODAY = date(2026, 11, 22)
VALUES = ("resident_ids", "names", "dates", "phones", "numbers", "codes")


def _load(name: str):
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


def _value_cases():
    for name in VALUES:
        for block in _load(name):
            what = block.get("crosswalk", block["type"])
            for case in block["cases"]:
                yield pytest.param(block, case, id=f"{what}: {case['title']}")


def _shown(value):
    return value.isoformat() if hasattr(value, "isoformat") else value


@pytest.mark.parametrize(("block", "case"), _value_cases())
def test_value(block, case):
    kind = TYPES[block["type"]]
    result = standardise(
        block["type"],
        pa.array([case["raw"]], pa.string()),
        today=TODAY,
        crosswalk=block.get("crosswalk"),
        options=block.get("options"),
    )
    assert _shown(result.values[0].as_py()) == case["value"]
    assert result.reason[0].as_py() == case.get("reason")
    assert result.notice[0].as_py() == case.get("notice")
    for suffix in kind.companions:
        default = "day" if suffix == "precision" and case["value"] is not None else None
        assert result.companions[suffix][0].as_py() == case.get(suffix, default), suffix


def test_every_reason_the_corpus_expects_is_explained():
    expected = {
        case[kind]
        for name in VALUES
        for block in _load(name)
        for case in block["cases"]
        for kind in ("reason", "notice")
        if kind in case
    }
    assert len(expected) > 50
    assert expected <= REASONS.keys()


@pytest.mark.parametrize("case", [pytest.param(c, id=f"address: {c['title']}") for c in _load("addresses")["cases"]])
def test_address(case):
    parsed = address.parse(pa.array([case["raw"]], pa.string())).to_pylist()[0]
    expected = {column: case.get(column) for column in address.COLUMNS}
    assert parsed == expected


def test_all_spellings_of_one_dwelling_give_the_same_building_unit_and_room():
    cases = [c for c in _load("addresses")["cases"] if c["title"].startswith(("one dwelling", "…"))]
    assert len(cases) > 12
    table = address.parse(pa.array([c["raw"] for c in cases]))
    assert set(zip(*(table[name].to_pylist() for name in ("building", "unit", "room")), strict=True)) == {
        ("3", "2", "501")
    }
    assert set(table["compound"].to_pylist()) == {"轩辕小区", "轩辕"}


@pytest.mark.parametrize("case", [pytest.param(c, id=f"pinyin: {c['title']}") for c in _load("match_keys")["pinyin"]])
def test_pinyin(case):
    assert pinyin.syllables(pa.array([case["name"]])).to_pylist() == [case["syllables"]]


@pytest.mark.parametrize("case", [pytest.param(c, id=f"folded: {c['title']}") for c in _load("match_keys")["folded"]])
def test_folded(case):
    assert variants.fold(pa.array([case["name"]])).to_pylist() == [case["folded"]]
    assert variants.shapes(pa.array([case["name"]])).to_pylist() == [case["shape"]]
