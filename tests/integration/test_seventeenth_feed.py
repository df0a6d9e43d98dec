"""A seventeenth feed is one YAML file: its people reach the crosswalk, with no line of code."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import pytest

from gridhub.pipeline import Hub
from gridhub.settings import Settings
from reports.exports import export

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: housing_tenancy
name: 公租房承租人
version: 1.0.0
status: active
domain: county_office
slaProperties:
  - {property: frequency, value: monthly, schedule: "15 6 * * *"}
  - {property: latency, value: 984, unit: h}
schema:
  - name: housing_tenancy
    physicalName: 公租房承租人
    customProperties:
      - property: mentions
        value:
          - role: holder
            suffix: ""
            columns: {name: name, id_number: id_number, phone: phone}
            dwelling: {kind: residence, address: address}
    properties:
      - {name: lease_no, physicalName: 合同号, businessName: 合同号, logicalType: string, primaryKey: true, primaryKeyPosition: 1, classification: L2, customProperties: [{property: semanticType, value: key}]}
      - {name: name, physicalName: 姓名, businessName: 姓名, logicalType: string, required: true, classification: L2, customProperties: [{property: semanticType, value: name}]}
      - {name: id_number, physicalName: 身份证号, businessName: 身份证号, logicalType: string, classification: L3, customProperties: [{property: semanticType, value: resident_id}]}
      - {name: phone, physicalName: 电话, businessName: 电话, logicalType: string, classification: L2, customProperties: [{property: semanticType, value: phone}]}
      - {name: address, physicalName: 住址, businessName: 住址, logicalType: string, classification: L2, customProperties: [{property: semanticType, value: address}]}
customProperties:
  - {property: titleEn, value: tenants of public housing}
  - {property: connection, value: housing_drop}
  - property: connector
    value: {kind: drop, file: '公租房_(?P<period>[0-9]{6})\\.csv', format: csv, encoding: gb18030, companion: ok}
  - {property: mode, value: snapshot}
"""
# Synthetic persons; the first appears in both feeds under two spellings of one number.
ROWS = [
    ["H1", "张伟", "11010519491231002x", "13900000001", "轩辕小区3-2-501"],
    ["H2", "王小红", "440524188001010014", "", ""],
]
CIVIL = [["X1", "张伟", "11010519491231002X", "2026-10-01", "2026-10-02"]]


def _drop(folder: Path, name: str, header: list[str], rows: list[list[str]]) -> None:
    data = "\r\n".join(",".join(row) for row in [header, *rows, []]).encode("gb18030")
    (folder / name).write_bytes(data)
    (folder / f"{name}.ok").write_text(json.dumps({"rows": len(rows), "sm3": hashlib.new("sm3", data).hexdigest()}))


@pytest.fixture
def hub(tmp_path: Path, postgres_url: str) -> Hub:
    drop, extra = tmp_path / "drop", tmp_path / "contracts"
    drop.mkdir(), extra.mkdir()
    (extra / "housing_tenancy.yaml").write_text(CONTRACT, encoding="utf-8")
    _drop(drop, "公租房_202610.csv", ["合同号", "姓名", "身份证号", "电话", "住址"], ROWS)
    _drop(drop, "死亡火化_202610.csv", ["登记号", "姓名", "身份证号", "死亡日期", "火化日期"], CIVIL)
    settings = {
        "GRIDHUB_HOME": str(tmp_path / "home"),
        "GRIDHUB_CONTRACTS": str(extra),
        "AIRFLOW_CONN_WAREHOUSE": postgres_url,
    }
    connection = json.dumps({"conn_type": "fs", "extra": {"path": str(drop)}})
    from connectors.connection import from_environment

    return Hub(
        Settings.from_environment(settings),
        from_environment({"AIRFLOW_CONN_HOUSING_DROP": connection, "AIRFLOW_CONN_CIVIL_DROP": connection}),
    )


def test_its_people_are_in_the_crosswalk_and_linked_to_those_of_other_feeds(hub: Hub, tmp_path: Path):
    assert "housing_tenancy" in hub.contracts and len([c for c in hub.contracts if not c.startswith("org_")]) == 17
    hub.ingest("housing_tenancy")
    hub.ingest("civil_death")
    hub.link()
    export(hub.engine, "crosswalk", tmp_path / "crosswalk.csv")
    with (tmp_path / "crosswalk.csv").open(encoding="utf-8") as file:
        person = {(r["feed"], r["source_key"]): r["person_id"] for r in csv.DictReader(file)}
    assert set(person) == {("housing_tenancy", "H1"), ("housing_tenancy", "H2"), ("civil_death", "X1")}
    assert person["housing_tenancy", "H1"] == person["civil_death", "X1"] != person["housing_tenancy", "H2"]
