"""A small hub filled by hand for tests of publication: two households, three people, a community with two grids."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy import Engine, text

from contracts.agreements import Agreement, load_agreements
from contracts.reader import load_contracts
from publish.datasets import read_query
from publish.extracts import publish
from publish.ledger import agreement_of
from warehouse.engine import engine_for
from warehouse.schema import upgrade

TODAY, NEXT_WEEK = date(2026, 11, 20), date(2026, 11, 27)
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

    def held(self, out: Path | None = None) -> dict[str, dict[str, list[tuple]]]:
        """Recipient → what the files it was handed add up to, under ``out`` or where this hub publishes."""
        out = out or self.out
        return {
            folder.name: adds_up(out, folder.name, agreement_of(self.agreements, folder.name))
            for folder in sorted(out.iterdir())
        }

    def published_anew(self, out: Path, day: date) -> dict[str, dict[str, list[tuple]]]:
        """What a first publication on ``day`` hands out, as if there had never been one."""
        self.run("TRUNCATE hub.extract, hub.extract_row")
        publish(self.engine, self.agreements, out, day, CONTRACTS)
        return self.held(out)

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


def adds_up(out: Path, recipient: str, agreement: Agreement) -> dict[str, list[tuple]]:
    """What a recipient holds that keeps every file it was handed under ``out``: dataset → its rows, sorted."""
    held: dict[str, dict[tuple, tuple]] = {}
    for folder in sorted((out / recipient).iterdir()):
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        for name in manifest["withdrawn"]:
            held.pop(name, None)
        for entry in manifest["datasets"]:
            clear = {
                granted.title: granted.name
                for granted in agreement.dataset(entry["name"]).fields
                if granted.mask == "none"
            }
            key = [title for title, name in clear.items() if name in read_query(entry["name"]).key]
            rows = held.setdefault(entry["name"], {})
            content = (folder / entry["file"]).read_bytes().decode("utf-8-sig")
            for row in csv.DictReader(io.StringIO(content)):
                change, at = row.pop("变更"), tuple(row[title] for title in key)
                if (change == "新增") == (at in rows):
                    raise AssertionError(
                        f"{recipient}, {folder.name}, {entry['name']}: {change} of a row that can't be"
                    )
                rows.pop(at, None)
                if change != "删除":
                    rows[at] = tuple(row.values())
    return {name: sorted(rows.values()) for name, rows in held.items()}


def settled(url: str, out: Path) -> Warehouse:
    """The world in a fresh database; extracts go under ``out``."""
    engine = engine_for(url)
    upgrade(engine, CONTRACTS)
    made = Warehouse(engine, out)
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
    return made
