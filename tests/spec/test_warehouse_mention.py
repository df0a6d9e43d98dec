"""The mention view: every person a record names, with place, group and end (提及)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import insert

from contracts.model import Contract, Dwelling, Field, Freshness, Mention, Mode, Table
from contracts.reader import load_contracts
from warehouse import schema
from warehouse.bulk import read_arrow
from warehouse.tables import address


@pytest.fixture(scope="module")
def contracts():
    return load_contracts()


@pytest.fixture
def hub(small_hub, contracts):
    return small_hub(*contracts.values())


def mentions(hub, *columns: str) -> dict:
    """``feed:record_key`` → the columns asked for."""
    rows = hub.rows(f"SELECT feed, record_key, {', '.join(columns)} FROM hub.mention")
    assert len({(row["feed"], row["record_key"]) for row in rows}) == len(rows)
    return {f"{r['feed']}:{r['record_key']}": r[columns[0]] if len(columns) == 1 else tuple(r[c] for c in columns) for r in rows}


PERSON = {"key": "RY1", "name": "王芳", "sex": "2", "birth_date": date(1949, 12, 31), "id_number": "11010519491231002X"}
PLACE = {"key": "BZ1", "compound": "轩辕小区", "building": "3", "unit": "2", "room": "501", "status": "1"}


def test_a_registered_person_is_mentioned_with_what_the_record_says(hub, contracts):
    said = {**PERSON, "name_note": "户主", "name_former": "unused", "former_name": "王方", "id_number_text": None,
            "phone": "13900000000", "phone_second": "0313-6500000", "station_code": "130731000000", "household_no": "000000012",
            "relation": "02", "birth_date_precision": "day"}  # fmt: skip
    hub.load(contracts["psb_register"], [said])
    columns = ("base_key", "table_name", "role", "name", "name_note", "former_name", "sex", "birth_date", "birth_precision",
               "id_number", "phone", "phone_second", "relation", "group_kind", "group_key", "dwelling_kind", "dead", "ended")  # fmt: skip
    assert mentions(hub, *columns) == {
        "psb_register:RY1": (
            "RY1", "psb_register", "holder", "王芳", "户主", "王方", "2", date(1949, 12, 31), "day", "11010519491231002X",
            "13900000000", "0313-6500000", "02", "register", "130731000000|000000012", "register", False, False,
        )
    }  # fmt: skip


def test_a_group_key_with_a_part_missing_is_no_key(hub, contracts):
    hub.load(contracts["psb_register"], [{**PERSON, "station_code": "130731000000", "household_no": None}])
    assert mentions(hub, "group_key") == {"psb_register:RY1": None}


# -- addresses ---------------------------------------------------------------------------


def test_a_standard_address_code_is_read_as_an_address(hub, contracts):
    hub.load(contracts["psb_address"], [PLACE])
    hub.load(contracts["psb_register"], [{**PERSON, "address_code": "BZ1", "register_address": "涿鹿县某处"}])
    assert mentions(hub, "address_text") == {"psb_register:RY1": "轩辕小区3号楼2单元501"}


@pytest.mark.parametrize(("place", "text"), [
    ({"unit": None}, "轩辕小区3号楼501"),
    ({"unit": None, "room": None}, "轩辕小区3号楼"),
    ({"building": None, "unit": None, "room": None}, "轩辕小区"),
    ({"building": "甲座", "unit": "东单元"}, "轩辕小区甲座东单元501"),
    ({"status": "0"}, "涿鹿县某处"),  # a withdrawn code says nothing of today
    ({"compound": None}, "涿鹿县某处"),
    ({"key": "BZ2"}, "涿鹿县某处"),  # an unknown code
])  # fmt: skip
def test_parts_that_are_missing_are_left_out_and_a_useless_code_gives_way_to_the_text(hub, contracts, place, text):
    hub.load(contracts["psb_address"], [{**PLACE, **place}])
    hub.load(contracts["psb_register"], [{**PERSON, "address_code": "BZ1", "register_address": "涿鹿县某处"}])
    assert mentions(hub, "address_text") == {"psb_register:RY1": text}


def test_the_place_is_joined_once_the_text_is_resolved(hub, contracts):
    hub.load(contracts["health_record"], [{"key": "A1", "name": "王芳", "address": "轩辕3#2-501"}])
    assert mentions(hub, "address_level", "dwelling_id") == {"health_record:A1": (None, None)}
    with hub.engine.begin() as connection:
        connection.execute(insert(address).values(
            address_text="轩辕3#2-501", level="room", building_id="B3", compound_id="C1", unit="2", room="501",
            dwelling_id="B3-2-501", confidence=0.9, directory_digest="d", resolved_at=datetime.now(UTC),
        ))  # fmt: skip
    assert mentions(hub, "address_level", "building_id", "dwelling_id") == {"health_record:A1": ("room", "B3", "B3-2-501")}


# -- several persons in one row ----------------------------------------------------------


def test_both_spouses_are_mentioned_and_belong_together(hub, contracts):
    hub.load(contracts["civil_marriage"], [{"key": "M1", "man_name": "张伟", "woman_name": "王芳"}], period="202610")
    assert mentions(hub, "name", "sex", "group_key") == {
        "civil_marriage:M1#1": ("张伟", "1", "M1"), "civil_marriage:M1#2": ("王芳", "2", "M1"),
    }  # fmt: skip


def test_a_guardian_nobody_named_is_not_there(hub, contracts):
    pupil = {"key": "G1", "name": "张小明", "guardian1_name": "张伟", "guardian2_name": None, "guardian2_id": None, "sheet": "A"}
    hub.load(contracts["edu_enrolment"], [pupil], period="202610", partitions=["A"])
    assert mentions(hub, "name") == {"edu_enrolment:G1": "张小明", "edu_enrolment:G1#guardian1": "张伟"}


def test_a_row_without_a_readable_name_is_still_somebody(hub, contracts):
    hub.load(contracts["health_elderly_exam"], [{"key": "X1", "archive_no": "A1"}])
    assert mentions(hub, "role", "name", "ref_feed", "ref_key") == {"health_elderly_exam:X1": ("holder", None, "health_record", "A1")}


def test_residents_of_a_visit_live_where_the_visit_was(hub, contracts):
    visit = {"key": "E1", "order": 1, "compound": "轩辕小区", "building": "3", "unit": "2", "room": "501", "address_text": "写的"}
    resident = {"key": "E1#0", "parent": 1, "order": 1, "name": "王芳", "relation": "02"}
    hub.load(contracts["grid_visit"], [visit], children=[resident])
    assert mentions(hub, "name", "relation", "group_kind", "group_key", "base_key", "address_text") == {
        "grid_visit:E1#0": ("王芳", "02", "visit", "E1", "E1#0", "轩辕小区3号楼2单元501")
    }


# -- what has ended ----------------------------------------------------------------------


@pytest.mark.parametrize(("row", "dead", "ended", "died_on"), [
    ({"cancelled": False, "cancel_reason": None, "cancelled_on": None}, False, False, None),
    ({"cancelled": None, "cancel_reason": None, "cancelled_on": None}, False, False, None),
    ({"cancelled": True, "cancel_reason": "2", "cancelled_on": date(2026, 1, 5)}, False, True, None),
    ({"cancelled": True, "cancel_reason": "1", "cancelled_on": date(2026, 1, 5)}, True, True, date(2026, 1, 5)),
    ({"cancelled": True, "cancel_reason": "1", "cancelled_on": None}, True, True, None),
])  # fmt: skip
def test_a_cancelled_registration_has_ended_and_only_a_death_has_a_date(hub, contracts, row, dead, ended, died_on):
    hub.load(contracts["psb_register"], [{**PERSON, **row}])
    assert mentions(hub, "dead", "ended", "death_date") == {"psb_register:RY1": (dead, ended, died_on)}


def test_who_vanished_from_a_snapshot_is_mentioned_as_ended(hub, contracts):
    family = contracts["civil_assistance_family"]
    hub.load(family, [{"key": "D1", "head_name": "张伟"}, {"key": "D2", "head_name": "李娜"}], day=1, period="202609")
    hub.load(family, [{"key": "D1", "head_name": "张伟"}], day=2, period="202610")
    assert mentions(hub, "ended") == {"civil_assistance_family:D1": False, "civil_assistance_family:D2": True}


def test_only_what_is_believed_now_is_mentioned(hub, contracts):
    hub.load(contracts["health_record"], [{"key": "A1", "name": "王方", "order": 1}], day=1)
    hub.load(contracts["health_record"], [{"key": "A1", "name": "王芳", "order": 2}], day=2)
    assert mentions(hub, "name", "source_order") == {"health_record:A1": ("王芳", 2)}


# -- a further department ----------------------------------------------------------------


def test_a_further_feed_reaches_the_view_by_its_contract_alone(hub, contracts):
    table = Table(
        "library_card", (Field("reader", "XM", "name", "姓名"), Field("home", "ZZ", "address", "住址")), key=(("ZH",),),
        mentions=(Mention("holder", "", {"name": "reader"}, constants={"sex": "it's"}, dwelling=Dwelling(address="home")),),
    )  # fmt: skip
    library = Contract("library_card", "图书证", "Library cards", "education", "1", "library", "sql", Mode.INCREMENTAL,
                       "0 1 * * *", (table,), {}, Freshness("daily", 12))  # fmt: skip
    schema.upgrade(hub.engine, {**contracts, "library_card": library})
    hub.load(library, [{"key": "C1", "reader": "王芳", "home": "轩辕3-2-501"}])
    assert mentions(hub, "name", "sex", "address_text") == {"library_card:C1": ("王芳", "it's", "轩辕3-2-501")}


def test_a_warehouse_without_persons_has_an_empty_view_with_the_same_columns(small, small_hub, hub):
    without = small_hub(replace(small.register, tables=(replace(small.people, mentions=()),)))
    of_persons = read_arrow(hub.engine, "SELECT * FROM hub.mention")
    assert read_arrow(without.engine, "SELECT * FROM hub.mention").schema == of_persons.schema
