"""Extracts out of a real warehouse: the files a recipient finds, what a second run hands over, and a run that is killed."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from contracts.agreements import load_agreements
from contracts.reader import load_contracts
from publish import ledger
from publish.extracts import publish
from warehouse.engine import engine_for
from warehouse.schema import upgrade

TODAY = date(2026, 11, 20)
STAMP = datetime(2026, 11, 1, tzinfo=UTC)
AGREEMENTS, CONTRACTS = load_agreements(), load_contracts()
COMMUNITY, GRIDS = "130731100008", ("130731100008-G01", "130731100008-G02")
FLATS = {"R000000001": "B1-1-101", "R000000002": "B2-0-201"}
PEOPLE = {  # id: name, sex, birth, number, household
    "P000000001": ("王建国", "1", "1950-05-12", "130731195005120017", "R000000001"),
    "P000000002": ("李娜", "2", "1952-01-01", "130731195201010025", "R000000001"),
    "P000000003": ("赵小宝", "1", "2018-03-04", "130731201803040039", "R000000002"),
}


OWN = {
    "source_order": 1, "state": "present", "content_hash": "x", "batch_id": "b", "row_no": 1, "recorded_from": STAMP, "confirmed_at": STAMP,
}  # fmt: skip


class Warehouse:
    """A hub of the contracts, filled by hand; ``publish`` hands out under ``out``."""

    def __init__(self, engine: Engine, out: Path) -> None:
        self.engine, self.out, self.agreements = engine, out, dict(AGREEMENTS)

    def run(self, sql: str, **values) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(sql), values)

    def put(self, table: str, **cells) -> None:
        """One row; the columns every record table wants are filled in."""
        if table.startswith("record."):
            cells = OWN | cells
        self.run(f"INSERT INTO {table} ({', '.join(cells)}) VALUES ({', '.join(':' + c for c in cells)})", **cells)

    def profile(self, household: str, version: int = 1, **more) -> None:
        """The household's profile as its people stand in PEOPLE, or without those of ``leave_out``."""
        members = [
            {"person_id": p, "name": n, "sex": s, "birth_date": b, "id_number": i, "tags": ["age_60"] if b < "1966" else None,
             "lives_here": {"confidence": 0.97}, "phone": "13812340017"}
            for p, (n, s, b, i, h) in PEOPLE.items() if h == household and p not in more.get("leave_out", ())
        ]  # fmt: skip
        grid = GRIDS[0] if household.endswith("1") else GRIDS[1]
        document = {
            "household_id": household, "place": {"community": "轩辕", "community_code": COMMUNITY, "compound": "轩辕小区", "dwelling_id": FLATS[household]},
            "grid": {"grid_id": grid}, "last_visit": "2026-11-02 10:00:00+08", "persons": len(members), "members": members,
            "tags": ["age_60"], "services_due": [], "enterprises": [], "open_requests": [], "conflicts": 0
        }  # fmt: skip
        self.run(
            "UPDATE hub.profile SET recorded_to = now() WHERE household_id = :h AND recorded_to IS NULL", h=household
        )
        self.put(
            "hub.profile", household_id=household, version=version, content_hash=str(version), community_code=COMMUNITY,
            grid_id=grid, dwelling_id=FLATS[household], document=json.dumps(document, ensure_ascii=False), recorded_from=STAMP,
        )  # fmt: skip

    def publish(self, day: date = TODAY):
        return publish(self.engine, self.agreements, self.out, day, CONTRACTS)

    def ledger(self) -> dict[str, list[int]]:
        with self.engine.connect() as connection:
            rows = connection.execute(text("SELECT recipient, sequence FROM hub.extract ORDER BY recipient, sequence"))
            found: dict[str, list[int]] = {}
            for recipient, sequence in rows:
                found.setdefault(recipient, []).append(sequence)
        return found

    def rows(self, recipient: str, sequence: int, dataset: str) -> list[dict]:
        file = self.out / recipient / f"{sequence:06d}" / f"{dataset}.csv"
        return list(csv.DictReader(io.StringIO(file.read_bytes().decode("utf-8-sig"))))

    def manifest(self, recipient: str, sequence: int) -> dict:
        return json.loads((self.out / recipient / f"{sequence:06d}" / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture
def house(new_database, tmp_path: Path):
    engine = engine_for(new_database())
    upgrade(engine, CONTRACTS)
    made = Warehouse(engine, tmp_path / "extracts")
    made.put("record.org_communities", record_key=COMMUNITY, community_code=COMMUNITY, name="轩辕")
    made.put("record.org_compounds", record_key="C1", compound_id="C1", community_code=COMMUNITY, name="轩辕小区")
    for number, grid in enumerate(GRIDS, 1):
        made.put("record.org_grids", record_key=grid, grid_id=grid, community_code=COMMUNITY, name=f"第{number}网格")
        made.put(
            "record.org_buildings", record_key=f"B{number}", building_id=f"B{number}", compound_id="C1",
            number=str(number), units=1,
        )  # fmt: skip
        made.put("record.org_grid_buildings", record_key=f"{grid}|B{number}", grid_id=grid, building_id=f"B{number}")
    for household, flat in FLATS.items():
        made.put("hub.household", household_id=household, kind="residence", natural_key=flat, recorded_from=STAMP)
        made.profile(household)
        building, unit, room = flat.split("-")
        made.put(
            "hub.address", address_text=flat, level="room", confidence=1, directory_digest="d", resolved_at=STAMP, dwelling_id=flat,
            building_id=building, unit=None if unit == "0" else unit, room=room, community_code=COMMUNITY, compound_id="C1",
        )  # fmt: skip
    for person, (name, sex, born, number, household) in PEOPLE.items():
        made.put(
            "hub.person_profile", person_id=person, name=name, sex=sex, birth_date=born, id_number=number, alive=True,
            dwelling_id=FLATS[household], content_hash="x", attributes="{}", recorded_from=STAMP,
        )  # fmt: skip
        made.put(
            "hub.household_member", household_id=household, kind="residence", person_id=person, basis="visit", confidence=0.97,
            valid_from=date(2026, 10, 1), recorded_from=STAMP,
        )  # fmt: skip
    # The health bureau keeps an archive of the first person only, at the flat of the first household.
    made.put(
        "record.health_record", record_key="A1", archive_no="A1", name="王建国", id_number=PEOPLE["P000000001"][3],
        address="B1-1-101", status="1",
    )  # fmt: skip
    made.put("record.psb_register", record_key="Y2", person_no="Y2", name="赵小宝", register_address="B2-0-201")
    for feed, key, person in (("health_record", "A1", "P000000001"), ("psb_register", "Y2", "P000000003")):
        made.put(
            "hub.person_link", feed=feed, record_key=key, person_id=person, role="holder", rule="id",
            recorded_from=STAMP,
        )  # fmt: skip
    made.put(
        "hub.ticket", department="health", feed="health_record", record_key="A1", attribute="name",
        kind="differs_from_register", recorded_from=STAMP,
    )  # fmt: skip
    yield made
    engine.dispose()


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


def judged(house: Warehouse, batch: str, *quarantined: str, hour: int, **counts: int) -> None:
    """A loaded batch of the register: ten cells judged, one against a rule; ``quarantined``: texts of rows set aside."""
    at = datetime(2026, 11, 19, hour, tzinfo=UTC)
    total = {"landed": sum(counts.values()) + len(quarantined), "quarantined": len(quarantined)} | counts
    house.put("hub.batch", batch_id=batch, feed="psb_register", state="loaded", fetched_at=at, **total)
    house.put(
        "hub.rule_result", batch_id=batch, rule_id="r1", feed="psb_register", dimension="准确性", severity="warning",
        evaluated=10, unexpected=6,
    )  # fmt: skip
    for number, raw in enumerate(quarantined):
        house.put(
            "hub.quarantine", batch_id=batch, row_no=number, feed="psb_register", table_name="psb_register", reasons=["key"],
            raw=raw, recorded_from=at,
        )  # fmt: skip


def test_what_was_only_read_again_is_not_judged_twice(house: Warehouse) -> None:
    """An overlap brings known rows again, and rows that were set aside already: neither is news to the supervisors."""
    judged(house, "b1", "{broken}", hour=8, inserted=5)
    house.publish()
    judged(house, "b2", "{broken}", hour=9, unchanged=3)
    judged(house, "b3", hour=10, unchanged=3)
    assert house.publish().counts()["extracts"] == 0
    judged(house, "b4", "{broken}", "{broken too}", hour=11, unchanged=3)
    judged(house, "b5", hour=12, changed=1)
    house.publish()
    (row,) = house.rows("supervisors", 2, "quality_by_department")
    assert (row["检查数"], row["不符数"]) == ("30", "18")
