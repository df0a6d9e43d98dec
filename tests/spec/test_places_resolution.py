"""An address to a dwelling, by example: one dwelling, all its spellings; and what must not be guessed."""

from __future__ import annotations

import pyarrow as pa
import pytest

from places.directory import Directory
from places.resolve import resolve_texts

DIRECTORY = Directory(
    communities=pa.Table.from_pylist(
        [
            {
                "community_code": "130731100008",
                "name": "轩辕社区",
                "town": "涿鹿镇",
                "starts_on": None,
                "ends_on": None,
            },
            {
                "community_code": "130731100009",
                "name": "合符社区",
                "town": "涿鹿镇",
                "starts_on": None,
                "ends_on": None,
            },
        ]
    ),
    compounds=pa.Table.from_pylist(
        [
            {"compound_id": c, "community_code": t, "name": n, "kind": k, "starts_on": None, "ends_on": None}
            for c, t, n, k in [
                ("X", "130731100008", "轩辕小区", "compound"),
                ("H", "130731100009", "合符小区", "compound"),
                ("B1", "130731100008", "滨河小区一期", "compound"),
                ("B2", "130731100008", "滨河小区二期", "compound"),
                ("S", "130731100009", "一中家属院", "compound"),
                ("D", "130731100009", "轩辕老街", "detached"),
                ("Y", "130731100009", "县医院家属楼", "compound"),
            ]
        ]
    ),
    aliases=pa.Table.from_pylist(
        [
            {"alias": "轩辕路12号", "compound_id": "X"},
            {"alias": "符合小区", "compound_id": "H"},
            {"alias": "原县医院家属楼", "compound_id": "Y"},
        ]
    ),
    buildings=pa.Table.from_pylist(
        [
            {"building_id": b, "compound_id": c, "number": n, "units": u, "floors": f, "rooms_per_floor": r}
            for b, c, n, u, f, r in [
                ("X-3", "X", "3", 4, 18, 4),
                ("X-5", "X", "5", 1, 6, 2),
                ("H-1", "H", "1", 3, 6, 2),
                ("B1-1", "B1", "1", 2, 6, 2),
                ("B2-2", "B2", "2", 2, 6, 2),
                ("S-1", "S", "1", 3, 6, 2),
                ("D-12", "D", "12", 1, 1, 1),
                ("Y-1", "Y", "1", 2, 6, 2),
            ]
        ]
    ),
)


def resolved(text: str) -> dict:
    return resolve_texts(pa.array([text]), DIRECTORY).to_pylist()[0]


@pytest.mark.parametrize(
    "text",
    [
        "涿鹿县涿鹿镇轩辕小区3号楼2单元501", "轩辕小区3-2-501", "轩辕3#2-501", "轩辕小区三号楼二单元五〇一室", "轩辕小区3栋2门501",
        "轩辕小区3楼2单元501", "轩辕小区3－2－501", "轩辕小区3号楼2单元0501", "城关镇轩辕社区轩辕小区3号楼2单元501", "河北省张家口市涿鹿县城轩辕小区3号楼2单元501",
        "轩辕路12号3号楼2单元501", "轩辕小区 3 号楼 2 单元 501 室",
    ],
)  # fmt: skip
def test_all_spellings_of_one_dwelling_are_one_key(text: str):
    from standards import address

    cleaned = address.standardise(pa.array([text])).values
    found = resolve_texts(cleaned, DIRECTORY).to_pylist()[0]
    assert (found["level"], found["dwelling_id"]) == ("room", "X-3-2-501"), found


def test_a_directory_alias_protects_a_name_that_looks_like_an_everyday_word():
    assert resolved("符合小区1号楼2单元301")["dwelling_id"] == "H-1-2-301"
    assert resolved("合符小区1号楼2单元301")["dwelling_id"] == "H-1-2-301"


def test_numerals_inside_a_name_stay_a_name():
    assert resolved("一中家属院1号楼3单元502")["dwelling_id"] == "S-1-3-502"


def test_the_building_number_tells_the_phase_that_was_left_out():
    assert resolved("滨河小区2号楼1单元101")["dwelling_id"] == "B2-2-1-101"
    assert resolved("滨河小区二期2号楼1单元101")["dwelling_id"] == "B2-2-1-101"


def test_a_detached_house_has_neither_unit_nor_room():
    found = resolved("轩辕老街12号")
    assert (found["level"], found["dwelling_id"], found["unit"], found["room"]) == ("room", "D-12-0-0", None, None)


def test_a_building_of_one_unit_needs_none():
    assert resolved("轩辕小区5号楼302")["dwelling_id"] == "X-5-1-302"


@pytest.mark.parametrize(
    "text, level, reason",
    [
        ("轩辕小区3号楼501", "building", "address.no_unit"),
        ("轩辕小区3号楼2单元5层东户", "unit", "address.floor_side"),
        ("轩辕小区3号楼9单元501", "building", "address.unknown_unit"),
        ("轩辕小区3号楼2单元2901", "unit", "address.unknown_room"),
        ("轩辕小区8号楼2单元501", "compound", "address.unknown_building"),
        ("轩辕小区", "compound", "address.no_building"),
        ("轩辕小区3号楼2单元", "unit", "address.no_room"),
        ("轩辕社区光明小区3号楼2单元501", "community", "address.unknown_compound"),
        ("北京市延庆区东外大街3号楼2单元501", "none", "address.outside_county"),
    ],
)
def test_what_does_not_fit_resolves_as_far_as_it_fits_and_says_why(text: str, level: str, reason: str):
    found = resolved(text)
    assert (found["level"], found["reason"], found["dwelling_id"]) == (level, reason, None), found


def test_an_unusual_room_never_becomes_another_one():
    rooms = [f"轩辕小区3号楼2单元{room}" for room in ("050", "5", "51", "A501", "5甲")]
    assert set(resolve_texts(pa.array(rooms), DIRECTORY)["dwelling_id"].to_pylist()) == {None}
