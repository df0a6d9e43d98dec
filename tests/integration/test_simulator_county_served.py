"""A real small county, noise and all, through every transport: what is delivered is what its county.db holds."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from simulator.county.make import make_county
from simulator.serve.exchange import TABLES
from simulator.serve.files import ORG_COLUMNS
from simulator.serve.offers import REST, Offers
from simulator.serve.publish import publish
from simulator.serve.state import CountyFolder, ServeState


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> CountyFolder:
    """A published county of 600 persons at noise 1."""
    made = CountyFolder(tmp_path_factory.mktemp("county"))
    make_county(made.root, 600, 11, 1.0)
    publish(made, ServeState())
    return made


@pytest.fixture
def truth(folder: CountyFolder):
    con = sqlite3.connect(f"file:{folder.county_db}?mode=ro", uri=True)
    yield con
    con.close()


def visible_files(truth: sqlite3.Connection, kind: str) -> list[tuple[str, dict]]:
    found = truth.execute(
        "SELECT name, spec FROM offer_file WHERE kind = ? AND available_at <= (SELECT moment FROM clock)", (kind,)
    )
    return [(name, json.loads(spec)) for name, spec in found]


def docs(truth: sqlite3.Connection, file: str, sheet: str = "") -> list[dict]:
    rows = truth.execute("SELECT doc FROM offer_row WHERE file = ? AND sheet = ? ORDER BY position", (file, sheet))
    return [json.loads(doc) for (doc,) in rows]


def test_the_exchange_database_holds_the_visible_rows(folder: CountyFolder, truth: sqlite3.Connection) -> None:
    with sqlite3.connect(folder.exchange_db) as exchange:
        for table, (view, columns) in TABLES.items():
            names = ", ".join(name for name, _ in columns)
            served = Counter(exchange.execute(f"SELECT {names} FROM {table}").fetchall())
            assert served == Counter(truth.execute(f"SELECT {names} FROM {view}").fetchall())
            assert served.total() > 0
            future = exchange.execute(f"SELECT count(*) FROM {table} WHERE GXSJ NOT LIKE '____-__-__ __:__:__'")
            assert future.fetchone()[0] == 0


def test_the_apis_hold_the_visible_rows_in_order(folder: CountyFolder, truth: sqlite3.Connection) -> None:
    offers = Offers(folder.offers_db)
    for feed, offer in REST.items():
        rows = [doc.decode() for doc in offers.range(feed, 0, 10**6)]
        wanted = [doc for (doc,) in truth.execute(f"SELECT doc FROM visible_{offer} ORDER BY updated_at, key")]
        assert rows and sorted(rows) == sorted(wanted)
        if feed != "elderly_exam":
            assert rows == wanted
            assert [json.loads(row)["updatedAt"].encode() for row in rows] == offers.times(feed)
    events = offers.events(0, 10**6)
    assert [seq for seq, _ in events] == sorted({seq for seq, _ in events}) and events
    assert all(json.loads(line)["seq"] == seq and b"\n" not in line for seq, line in events)


def test_every_csv_says_what_its_rows_say(folder: CountyFolder, truth: sqlite3.Connection) -> None:
    files = visible_files(truth, "csv")
    assert {path.name for path in folder.civil_drop.iterdir()} == {n for name, _ in files for n in (name, f"{name}.ok")}
    for name, spec in files:
        text = (folder.civil_drop / name).read_bytes().decode("gb18030", "surrogateescape")
        header, *rows = csv.reader(io.StringIO(text, newline=""))
        wanted = [["" if doc.get(h) is None else str(doc[h]) for h in spec["headers"]] for doc in docs(truth, name)]
        assert header == spec["headers"] and rows == wanted
        assert json.loads((folder.civil_drop / f"{name}.ok").read_text())["rows"] == len(rows)


def test_every_sheet_has_its_pupils_between_heads_and_footers(folder: CountyFolder, truth: sqlite3.Connection) -> None:
    for name, spec in visible_files(truth, "xlsx"):
        book, pupils = CalamineWorkbook.from_path(str(folder.edu_drop / name)), 0
        assert book.sheet_names == [sheet["name"] for sheet in spec["sheets"]]
        for sheet in spec["sheets"]:
            rows = book.get_sheet_by_name(sheet["name"]).to_python(skip_empty_area=False)
            wanted = docs(truth, name, sheet["name"])
            footers = len(sheet.get("footers", ()))
            assert rows[0][0] == sheet["title"] and rows[2] == sheet["headers"]
            body = [row for row in rows[3 : len(rows) - footers] if any(cell != "" for cell in row)]
            column = sheet["headers"].index("学籍号")
            assert [row[column] for row in body] == [doc["学籍号"] or "" for doc in wanted]
            pupils += len(wanted)
        assert json.loads((folder.edu_drop / f"{name}.ok").read_text())["rows"] == pupils > 0


def test_the_directory_has_the_columns_of_the_sheet(folder: CountyFolder, truth: sqlite3.Connection) -> None:
    for name, columns in ORG_COLUMNS.items():
        with (folder.org_directory / name).open(encoding="utf-8", newline="") as lines:
            header, *rows = csv.reader(lines)
        assert header[: len(columns.split())] == columns.split()
        assert len(rows) == truth.execute("SELECT count(*) FROM offer_org WHERE file = ?", (name,)).fetchone()[0] > 0
    assert not list(Path(folder.root).glob("**/*.part"))


def test_the_command_lives_a_county_through_a_month_end(tmp_path: Path) -> None:
    served, calm = CountyFolder(tmp_path / "served"), CountyFolder(tmp_path / "calm")

    def command(word: str, *options: str) -> str:
        made = [sys.executable, "-m", "simulator", word, "--dir", str(served.root), *options]
        return subprocess.run(made, check=True, capture_output=True, text=True).stdout.strip()

    command("make", "--persons", "400", "--seed", "3", "--start", "2026-10-23")
    made = served.county_db.stat().st_mtime_ns
    command("make", "--persons", "900", "--if-missing")
    assert served.county_db.stat().st_mtime_ns == made  # it was there
    try:
        command("serve", "--background", "--faults", "--fault-delay", "3600")
        before = json.loads(command("status"))
        assert before["serving"] and before["pending"] == 4 and before["moment"].startswith("2026-10-23")
        rows = Offers(served.offers_db).count("health_record")
        assert not list(served.edu_drop.glob("*_202610.xlsx"))
        command("advance", "--days", "14")
        after = json.loads(command("status"))
        assert after["moment"].startswith("2026-11-06") and after["serving"]
        assert 1 <= after["pending"] <= 4  # October's files came, some of them faulty; September's were put right
        assert Offers(served.offers_db).count("health_record") >= rows
        assert command("settle") == str(after["pending"])
    finally:
        command("stop")
    calm.root.mkdir()
    shutil.copy(served.county_db, calm.county_db)
    publish(calm, ServeState())
    for folder in ("sftp/civil", "edu_drop", "org_directory"):
        ours, theirs = ({p.name: p.read_bytes() for p in (c.root / folder).iterdir()} for c in (served, calm))
        assert ours == theirs
    assert list(calm.edu_drop.glob("*_202610.xlsx"))
