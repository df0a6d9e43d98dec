"""Addresses in the warehouse: texts at which people are named, and places at which nobody is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from contracts.reader import load_contracts
from places.store import resolve_addresses
from warehouse.bulk import read_arrow
from warehouse.engine import engine_for
from warehouse.schema import upgrade

STAMP = datetime(2026, 11, 1, tzinfo=UTC)
OWN = {"source_order": 1, "state": "present", "content_hash": "x", "batch_id": "b", "row_no": 1, "recorded_from": STAMP, "confirmed_at": STAMP}
COMMUNITY = "130731100008"


@pytest.fixture
def engine(new_database):
    made = engine_for(new_database())
    upgrade(made, load_contracts())
    rows = [
        ("org_communities", {"community_code": COMMUNITY, "name": "轩辕"}),
        ("org_compounds", {"compound_id": "C1", "community_code": COMMUNITY, "name": "轩辕小区"}),
        ("org_buildings", {"building_id": "B3", "compound_id": "C1", "number": "3", "units": 2, "floors": 6, "rooms_per_floor": 2}),
        ("health_record", {"archive_no": "A1", "name": "王建国", "address": "轩辕小区3号楼2单元501"}),
        ("grid_visit", {"event_id": "E1", "compound": "轩辕小区", "building": "3", "unit": "1", "room": "101", "living_status": "empty"}),
        ("grid_visit", {"event_id": "E2", "compound": "轩辕小区", "building": "3", "unit": "1", "room": "102", "living_status": "let"}),
        ("market_entity", {"uscc": "U1", "premises": "轩辕小区底商3号", "status": "active"}),
        ("market_entity", {"uscc": "U2", "premises": "轩辕小区底商4号", "status": "revoked"}),
    ]
    with made.begin() as connection:
        for number, (table, cells) in enumerate(rows):
            cells = OWN | cells | {"record_key": f"k{number}"}
            connection.execute(text(f"INSERT INTO record.{table} ({', '.join(cells)}) VALUES ({', '.join(':' + c for c in cells)})"), cells)
    yield made
    made.dispose()


def test_empty_dwellings_and_shops_are_resolved_though_nobody_is_named_there(engine) -> None:
    figures = resolve_addresses(engine)
    known = read_arrow(engine, "SELECT address_text, dwelling_id FROM hub.address").to_pylist()
    assert {row["address_text"]: row["dwelling_id"] for row in known} == {
        "轩辕小区3号楼2单元501": "B3-2-501", "轩辕小区3号楼1单元101": "B3-1-101", "轩辕小区底商3号": None,
    }  # fmt: skip
    assert (figures.resolved, figures.known, figures.exact_room) == (3, 2, 2)  # a shop's text says nothing about dwellings
    assert resolve_addresses(engine).resolved == 0


def test_all_are_resolved_again_when_the_directory_changes(engine) -> None:
    resolve_addresses(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE record.org_compounds SET name = '轩辕新村'"))
    assert resolve_addresses(engine).resolved == 3
    assert resolve_addresses(engine).exact_room == 0


def test_two_runs_at_once_add_each_text_once(engine) -> None:
    with ThreadPoolExecutor(2) as pool:
        assert sorted(run.resolved for run in pool.map(resolve_addresses, [engine, engine])) == [0, 3]
