"""The report of a loaded warehouse: its figures are the warehouse's, and no value of a person is in it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime

import pytest

from contracts.reader import load_contracts
from profiles.findings import judge_cross_rules
from profiles.store import assemble
from reports.departments import write_department_lists
from reports.page import write_report
from tests.conftest import FETCHED

TODAY = date(2026, 11, 20)
FAMILY = ["欧阳慧贞", "欧阳慧宁", "司马建勋", "上官玉琢", "慕容克勤", "令狐守礼", "端木之焕"]
PERSONAL = [*FAMILY, "13987650011", "110105194912310", "130731198501", "K000"]
COMMUNITY, COMPOUND, BUILDING = "130731100008", "130731100008001", "130731100008001003"


def checked(body: str) -> str:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]


def resident(number: int, name: str, room: str) -> dict:
    return {
        "key": f"K000{number}", "person_no": f"K000{number}", "name": name, "id_number": checked(f"130731198501{number:02d}001"), "sex": "1",
        "birth_date": date(1985, 1, number), "phone": "13987650011", "relation": "02", "station_code": "S1", "household_no": f"00{number}",
        "register_address": f"轩辕小区3号楼2单元{room}", "time": FETCHED, "order": number,
    }  # fmt: skip


@pytest.fixture(scope="module")
def contracts():
    return load_contracts()


@pytest.fixture
def hub(small_hub, contracts):
    made = small_hub(*contracts.values())
    starts = {"starts_on": date(2020, 1, 1)}
    directory = {
        "org_communities": [{"key": COMMUNITY, "community_code": COMMUNITY, "name": "轩辕", "town": "涿鹿镇", **starts}],
        "org_compounds": [{"key": COMPOUND, "compound_id": COMPOUND, "community_code": COMMUNITY, "name": "轩辕小区", **starts}],
        "org_buildings": [{"key": BUILDING, "building_id": BUILDING, "compound_id": COMPOUND, "number": "3", "units": 2, "floors": 9, "rooms_per_floor": 3}],
        "org_grids": [{"key": "G01", "grid_id": "G01", "community_code": COMMUNITY, "name": "轩辕第1网格", **starts}],
        "org_grid_buildings": [{"key": f"G01|{BUILDING}|", "grid_id": "G01", "building_id": BUILDING, **starts}],
    }
    for feed, rows in directory.items():
        made.load(contracts[feed], rows)
    rows = [resident(n, name, f"{n}01") for n, name in enumerate(FAMILY, 1)]
    rows[1] |= {"issue": ("id_number", "id.checksum", "110105194912310021")}
    made.load(contracts["psb_register"], rows, quarantined=[{"raw": json.dumps({"XM": "端木之焕", "GMSFHM": "110105194912310021"})}])
    process(made)
    return made


def process(hub) -> None:
    from linkage.store import link
    from places.store import resolve_addresses

    resolve_addresses(hub.engine)
    link(hub.engine)
    assemble(hub.engine, TODAY, departments={feed: c.department for feed, c in hub.contracts.items()})
    judge_cross_rules(hub.engine, TODAY)


def test_the_report_of_a_loaded_warehouse(hub, contracts, tmp_path):
    page = write_report(hub.engine, contracts, tmp_path / "report", "zh", today=TODAY)
    text, document = page.read_text(encoding="utf-8"), json.loads((page.parent / "index.json").read_text(encoding="utf-8"))
    head, population = document["headline"], document["population"]
    assert head["landed"] == 13 and head["accepted"] == 12 and head["quarantined"] == head["waiting"] == 1 and head["issues"] == 1
    assert head["persons"] == population["alive"] == population["placed"] == 7 and head["room_rate"] == 100
    register = next(feed for feed in document["quality"]["feeds"] if feed["feed"] == "psb_register")
    assert (register["landed"], register["inserted"], register["quarantined"], register["balanced"]) == (8, 7, 1, True)
    assert register["scores"]["可访问性"] == {"value": 87.5, "judged": 8, "broken": 1}
    community = population["communities"][0]
    assert (community["name"], community["persons"], community["households"]) == ("轩辕", 7, head["households"])
    assert population["grids"][0]["name"] == "轩辕第1网格" and population["grids"][0]["visited"] == 0
    assert "身份证号校验码错误" in text and "无法解析该行" in text and "全部数据源账目平衡" in text
    rules = {rule["rule_id"]: (rule["judged"], rule["broken"]) for rule in document["quality"]["cross"]}
    assert rules["identity.registered_twice"] == (7, 0)

    told = text + json.dumps(document, ensure_ascii=False)
    assert [value for value in PERSONAL if value in told] == []

    later = resident(1, FAMILY[0], "101") | {"order": 50, "marital_status": "20"}
    hub.load(contracts["psb_register"], [later], day=5)
    again = json.loads((write_report(hub.engine, contracts, tmp_path / "report", "en", today=TODAY).parent / "index.json").read_text(encoding="utf-8"))
    assert [entry["landed"] for entry in again["history"]] == [13] and again["headline"]["landed"] == 14
    assert 'data-language="en"' in page.read_text(encoding="utf-8") and 'class="delta"' in page.read_text(encoding="utf-8")


def test_each_department_is_told_what_it_got_wrong_and_nothing_else(hub, contracts, tmp_path):
    (tmp_path / "health.csv").write_text("of another day", encoding="utf-8")
    lists = write_department_lists(hub.engine, contracts, tmp_path)
    assert set(lists) == {"public_security", "county_office"} == {file.stem for file in tmp_path.iterdir()}
    lines = (tmp_path / "public_security.csv").read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == '"数据源","记录主键","项目","问题","级别","批次","行号"' and len(lines) == lists["public_security"] + 1
    told = [line.replace('"', "").split(",") for line in lines[1:]]
    assert ["户籍人口", "K0002", "公民身份号码", "身份证号校验码错误", "warning"] in [cells[:5] for cells in told]
    assert [cells[3] for cells in told if cells[4] == "critical"] == ["无法解析该行"]
    assert [value for value in (*FAMILY, "13987650011", "110105194912310") if value in "".join(lines)] == []
    office = (tmp_path / "county_office.csv").read_text(encoding="utf-8-sig")
    assert "网格应有一名专职网格员" in office and "K000" not in office


def test_an_empty_warehouse_has_a_report_too(small_hub, contracts, tmp_path):
    hub = small_hub(*contracts.values())
    page = write_report(hub.engine, contracts, tmp_path)
    assert json.loads((tmp_path / "index.json").read_text(encoding="utf-8"))["headline"]["persons"] == 0
    assert "尚未比对" in page.read_text(encoding="utf-8")


def test_a_compound_that_grew_past_the_line_is_told(hub, contracts, tmp_path, monkeypatch):
    monkeypatch.setattr("reports.population.HEALTH_POINT", 7)
    write_report(hub.engine, contracts, tmp_path, today=TODAY)
    figures = json.loads((tmp_path / "index.json").read_text(encoding="utf-8"))
    assert [(c["name"], c["persons"], c["point"]) for c in figures["population"]["compounds"]] == [("轩辕小区", 7, True)]
    figures["population"]["compounds"][0]["point"] = False
    (tmp_path / "index.json").write_text(json.dumps(figures), encoding="utf-8")
    page = write_report(hub.engine, contracts, tmp_path, today=TODAY)
    assert "新达到" in page.read_text(encoding="utf-8")


def test_a_broken_file_in_the_reports_place_is_no_report_to_compare_with(small_hub, contracts, tmp_path):
    hub = small_hub(*contracts.values())
    (tmp_path / "index.json").write_text("[1, 2", encoding="utf-8")
    write_report(hub.engine, contracts, tmp_path)
    assert json.loads((tmp_path / "index.json").read_text(encoding="utf-8"))["history"] == []


def test_a_late_feed_is_said_to_be_late(small_hub, contracts, tmp_path):
    hourly = replace(contracts["grid_visit"], freshness=replace(contracts["grid_visit"].freshness, late_after_hours=1))
    hub = small_hub(*contracts.values())
    hub.load(contracts["org_communities"], [{"key": COMMUNITY, "community_code": COMMUNITY, "name": "轩辕"}], day=-400)
    page = write_report(hub.engine, {**contracts, "grid_visit": hourly}, tmp_path)
    feeds = {feed["feed"]: feed for feed in json.loads((tmp_path / "index.json").read_text(encoding="utf-8"))["quality"]["feeds"]}
    assert "尚未到达" in feeds["grid_visit"]["late"]["zh"] and feeds["grid_visit"]["scores"]["时效性"]["value"] == 0
    assert "迟到" in page.read_text(encoding="utf-8")
    assert datetime.fromisoformat(feeds["org_communities"]["loaded_at"])
