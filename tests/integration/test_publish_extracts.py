"""Extracts out of a real warehouse: the files a recipient finds, what a second run hands over, and a run that is killed."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import text

from publish import ledger
from tests.publish_world import AGREEMENTS, COMMUNITY, GRIDS, PEOPLE, Warehouse


def test_at_first_every_recipient_gets_everything_it_is_granted(house: Warehouse) -> None:
    figures = house.publish().counts()
    departments = {recipient for recipient, agreement in AGREEMENTS.items() if not agreement.template}
    recipients = departments | {f"community-{COMMUNITY}", *(f"grid-{grid}" for grid in GRIDS)}
    assert house.ledger() == {recipient: [1] for recipient in recipients}
    assert figures["extracts"] == figures["full"] == figures["recipients"] == len(recipients)
    assert figures["rows_handed"] == figures["added"] > 0 and figures["agreements_not_valid"] == 0
    assert [row["姓名"] for row in house.rows(f"community-{COMMUNITY}", 1, "household_members")] == [
        "王建国",
        "李娜",
        "赵小宝",
    ]
    assert [row["姓名"] for row in house.rows(f"grid-{GRIDS[1]}", 1, "household_members")] == ["赵小宝"]
    assert [row["姓名"] for row in house.rows("education", 1, "children_not_enrolled")] == ["赵小宝"]
    assert [row["校核单号"] for row in house.rows("health", 1, "corrections")] == ["1"]
    assert house.rows("civil_affairs", 1, "corrections") == []


def test_a_number_is_masked_but_for_the_recipients_own_people_and_the_police(house: Warehouse) -> None:
    house.publish()
    elderly = {row["姓名"]: row["公民身份号码"] for row in house.rows("health", 1, "elderly_60_plus")}
    assert elderly == {"王建国": "130731195005120017", "李娜": "130731********0025"}
    assert {(row["社区"], row["小区"], row["室"]) for row in house.rows("health", 1, "elderly_60_plus")} == {
        ("轩辕", "轩辕小区", "101")
    }
    unregistered = {
        row["姓名"]: row["公民身份号码"] for row in house.rows("public_security", 1, "unregistered_residents")
    }
    assert unregistered == {"王建国": "130731195005120017", "李娜": "130731195201010025"}
    assert {row["公民身份号码"][6:14] for row in house.rows(f"grid-{GRIDS[0]}", 1, "household_members")} == {"********"}


def test_a_file_is_utf8_with_bom_and_the_agreements_titles_and_its_manifest_tells_it(house: Warehouse) -> None:
    house.publish()
    manifest = house.manifest("health", 1)
    agreement = AGREEMENTS["health"]
    assert (manifest["sequence"], manifest["kind"], manifest["previous"]) == (1, "full", None)
    told = manifest["agreement"]
    assert (told["version"], told["purpose"], told["valid_to"]) == (agreement.version, agreement.purpose, "2028-12-31")
    assert told["legal_basis"] == list(agreement.legal_basis)
    for entry in manifest["datasets"]:
        content = (house.out / "health" / "000001" / entry["file"]).read_bytes()
        assert content.startswith(b"\xef\xbb\xbf") and hashlib.new("sm3", content).hexdigest() == entry["sm3"]
        header, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig")))
        assert header == ["变更", *(field.title for field in agreement.dataset(entry["name"]).fields)]
        assert len(rows) == entry["rows"] == entry["added"]
    assert [entry["name"] for entry in manifest["datasets"]] == sorted(dataset.name for dataset in agreement.datasets)


def test_no_file_holds_a_value_nobody_granted_its_reader(house: Warehouse) -> None:
    house.publish()
    for file in house.out.rglob("*.csv"):
        content = file.read_text(encoding="utf-8")
        if file.parts[-3] != "public_security":
            assert PEOPLE["P000000002"][3] not in content  # nobody's own person
        if file.parts[-3] == "supervisors":
            told = [
                word for person, (name, *_, home) in PEOPLE.items() for word in (person, name, home) if word in content
            ]
            assert told == []


def test_nothing_changed_is_no_extract(house: Warehouse) -> None:
    house.publish()
    before = sorted(house.out.rglob("*"))
    assert house.publish().counts()["extracts"] == 0
    assert sorted(house.out.rglob("*")) == before and {len(s) for s in house.ledger().values()} == {1}


def test_a_change_reaches_only_those_who_see_it(house: Warehouse) -> None:
    house.publish()
    house.profile("R000000001", 2, leave_out=("P000000002",))
    figures = house.publish()
    again = [recipient for recipient, sequences in house.ledger().items() if sequences == [1, 2]]
    assert again == [f"community-{COMMUNITY}", f"grid-{GRIDS[0]}"]
    (gone,) = house.rows(f"grid-{GRIDS[0]}", 2, "household_members")
    told = {title: cell for title, cell in gone.items() if cell}
    assert told == {"变更": "删除", "户编号": "R000000001", "人员编号": "P000000002"}
    (row,) = house.rows(f"grid-{GRIDS[0]}", 2, "household_profiles")
    assert (row["变更"], row["人数"], row["独居"]) == ("变更", "1", "是")
    assert (figures.added, figures.changed, figures.removed) == (0, 2, 2)
    manifest = house.manifest(f"grid-{GRIDS[0]}", 2)
    first = (house.out / f"grid-{GRIDS[0]}" / "000001" / "manifest.json").read_bytes()
    assert manifest["kind"] == "delta"
    assert manifest["previous"] == {"sequence": 1, "manifest_sm3": hashlib.new("sm3", first).hexdigest()}
    assert house.publish().counts()["extracts"] == 0


def test_a_run_killed_between_files_and_ledger_is_made_good_by_the_next(
    house: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """As a kill: nothing between here and the top may catch it."""

    def kill(*_) -> None:
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(ledger, "record", kill)
        house.publish()
    assert house.ledger() == {} and house.manifest("health", 1)["sequence"] == 1
    house.run("UPDATE hub.person_profile SET name = '王建帼' WHERE person_id = 'P000000001'")
    (house.out / "health" / ".000001.part").mkdir()
    house.publish()
    assert set(map(tuple, house.ledger().values())) == {(1,)}
    assert "王建帼" in [row["姓名"] for row in house.rows("health", 1, "elderly_60_plus")]
    assert [path.name for path in (house.out / "health").iterdir()] == ["000001"]
    with house.engine.connect() as connection:
        digest = connection.execute(text("SELECT digest FROM hub.extract WHERE recipient = 'health'")).scalar_one()
    manifest = (house.out / "health" / "000001" / "manifest.json").read_bytes()
    assert hashlib.new("sm3", manifest).hexdigest() == digest


def test_an_agreement_that_is_not_valid_yields_nothing_and_says_so(house: Warehouse) -> None:
    house.publish()
    house.agreements["health"] = replace(AGREEMENTS["health"], valid_to=date(2026, 11, 19))
    house.run("UPDATE hub.person_profile SET name = '王建帼' WHERE person_id = 'P000000001'")
    figures = house.publish()
    assert figures.not_valid == ("health",) and figures.counts()["agreements_not_valid"] == 1
    assert house.ledger()["health"] == [1] and house.ledger()["public_security"] == [1, 2]
    assert len(house.rows("health", 1, "elderly_60_plus")) == 2
    house.agreements["health"] = AGREEMENTS["health"]
    house.publish()
    assert [row["变更"] for row in house.rows("health", 2, "elderly_60_plus")] == ["变更"]


def test_a_grid_that_has_ended_keeps_what_it_was_handed_last(house: Warehouse) -> None:
    house.publish()
    house.run("UPDATE record.org_grids SET ends_on = '2026-11-20' WHERE grid_id = :g", g=GRIDS[1])
    house.profile("R000000002", 2, leave_out=("P000000003",))
    house.publish()
    assert house.ledger()[f"grid-{GRIDS[1]}"] == [1]
    with house.engine.connect() as connection:
        held = connection.execute(
            text("SELECT count(*) FROM hub.extract_row WHERE recipient = :r"), {"r": f"grid-{GRIDS[1]}"}
        ).scalar_one()
    assert held == house.manifest(f"grid-{GRIDS[1]}", 1)["rows"] > 0


def test_a_dataset_no_longer_granted_is_withdrawn(house: Warehouse) -> None:
    house.publish()
    less = tuple(dataset for dataset in AGREEMENTS["health"].datasets if dataset.name != "elderly_60_plus")
    house.agreements["health"] = replace(AGREEMENTS["health"], version="1.1.0", datasets=less)
    house.publish()
    manifest = house.manifest("health", 2)
    assert manifest["withdrawn"] == ["elderly_60_plus"] and manifest["datasets"] == []
    assert house.publish().counts()["extracts"] == 0


def test_the_ledger_can_be_read_by_a_person(house: Warehouse) -> None:
    house.publish()
    (row,) = ledger.listing(house.engine, AGREEMENTS, f"grid-{GRIDS[0]}")
    assert (row["sequence"], row["kind"], row["agreement"]) == (1, "full", "1.0.0")
    assert row["valid_to"] == date(2028, 12, 31) and row["folder"] == f"grid-{GRIDS[0]}/000001"
    assert row["rows"] == row["added"]
