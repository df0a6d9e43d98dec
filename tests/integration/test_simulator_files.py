"""What the county delivers as files and tables: CSV, workbook, companions, directory, exchange database, SFTP."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import paramiko
import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from simulator.serve.connections import read_connections
from simulator.serve.delivery import pending
from simulator.serve.exchange import publish_postgresql
from simulator.serve.publish import publish, put_right
from simulator.serve.server import answers, start, stop
from simulator.serve.state import CountyFolder, Secrets, ServeState, is_serving, load_state, save_state


def delivered(folder: CountyFolder) -> dict[str, bytes]:
    """Every file below the drop folders and the directory, by its path."""
    roots = (folder.civil_drop, folder.edu_drop, folder.org_directory)
    return {str(path.relative_to(folder.root)): path.read_bytes() for root in roots for path in root.iterdir()}


def companion_agrees(path: Path) -> bool:
    ok = path.with_name(path.name + ".ok")
    return ok.exists() and json.loads(ok.read_text())["sm3"] == hashlib.new("sm3", path.read_bytes()).hexdigest()


def test_a_csv_is_what_the_sheet_says(offer_county) -> None:
    folder = CountyFolder(offer_county(20).root)
    publish(folder, ServeState())
    path = folder.civil_drop / "死亡火化_202610.csv"
    lines = path.read_bytes().split(b"\r\n")
    assert lines[0].decode("gb18030") == "登记号,姓名,备注" and lines[-1] == b""
    assert lines[1].decode("gb18030") == '"D0",䶮𬀩,'
    assert lines[2].decode("gb18030") == '"D1","李,""四""",'
    assert b"\xff" in lines[3]  # a byte that can't be read stays one
    assert lines[4] == b'"D3",,'
    assert companion_agrees(path)
    assert json.loads((folder.civil_drop / "死亡火化_202610.csv.ok").read_text())["rows"] == 40 == len(lines) - 2


def test_a_workbook_has_the_layout_of_schools(offer_county) -> None:
    folder = CountyFolder(offer_county(20).root)
    publish(folder, ServeState())
    path = folder.edu_drop / "学籍信息_202610.xlsx"
    book = CalamineWorkbook.from_path(str(path))
    assert book.sheet_names == ["轩辕小学", "实验小学"]
    sheet = book.get_sheet_by_name("轩辕小学")
    rows = sheet.to_python(skip_empty_area=False)
    assert rows[0][0] == "轩辕小学学籍信息表" and rows[1][0] == "学生信息" and rows[1][3] == "监护人信息"
    assert ((0, 0), (0, 4)) in sheet.merged_cell_ranges and ((1, 3), (1, 4)) in sheet.merged_cell_ranges
    assert rows[2] == ["序号", "学籍号", "姓名", "出生日期", "身份证号"]
    assert rows[3] == [1, "G0", "王五", date(2011, 1, 31), "'13073120110131001X"]
    assert rows[4][4] == float(130731201101310000)
    assert rows[7] == [""] * 5 and rows[8][1] == "G4"  # the blank row after the fourth pupil
    assert rows[-2][0] == "合计" and rows[-1][0] == "填表人：王某"
    assert book.get_sheet_by_name("实验小学").to_python(skip_empty_area=False)[2][1] == "学生姓名"
    assert companion_agrees(path) and json.loads(Path(f"{path}.ok").read_text())["rows"] == 20


def test_the_directory_and_the_exchange_database(offer_county) -> None:
    county = offer_county(50)
    folder = CountyFolder(county.root)
    publish(folder, ServeState())
    content = (folder.org_directory / "communities.csv").read_text(encoding="utf-8")
    assert content == "community_code,name,town,valid_from,valid_to\n130731100008,轩辕,涿鹿镇,2000-01-01,\n"
    assert (folder.org_directory / "staff.csv").read_text() == "staff_id,community_code,category,post,valid_from,valid_to\n"
    assert not (folder.org_directory / "pairings.csv").exists()

    with sqlite3.connect(folder.exchange_db) as con:
        assert con.execute("SELECT count(*), max(GXSJ) FROM GA_HJRK").fetchone() == (50, "2026-11-09 09:30:00")
    assert not folder.exchange_db.stat().st_mode & stat.S_IWUSR
    county.tomorrow()
    publish(folder, ServeState())
    with sqlite3.connect(folder.exchange_db) as con:
        assert con.execute("SELECT count(*), max(GXSJ) FROM GA_HJRK").fetchone() == (50, "2026-11-11 02:00:00")


def test_faulty_deliveries_are_put_right_and_end_the_same(offer_county) -> None:
    calm, faulty = (CountyFolder(offer_county(20).root) for _ in range(2))
    publish(calm, ServeState())
    state = ServeState(faults=True, fault_seed=8, fault_delay=3600)
    publish(faulty, state)
    right, wrong = delivered(calm), delivered(faulty)
    assert pending(faulty) == 4
    files = [path for path in right if not path.startswith("org_") and not path.endswith(".ok")]
    missing = [path for path in files if path not in wrong]
    cut = [path for path in files if path in wrong and wrong[path] != right[path]]
    unsigned = [path for path in files if path in wrong and f"{path}.ok" not in wrong]
    miscounted = [p for p in files if p not in missing + cut + unsigned and wrong[f"{p}.ok"] != right[f"{p}.ok"]]
    assert len(missing) == len(cut) == len(unsigned) == len(miscounted) == 1
    assert "202609" in missing[0]  # an older month comes after its successor
    publish(faulty, state)
    assert delivered(faulty) == wrong  # publishing again neither repeats nor heals a fault
    assert put_right(faulty, everything=False) == 0  # nothing is due yet
    assert put_right(faulty, everything=True) == 4
    assert delivered(faulty) == right and pending(faulty) == 0


def test_the_servers_start_once_keep_their_ports_and_stop(offer_county) -> None:
    folder = CountyFolder(offer_county(20).root)

    def command(*words: str) -> str:
        made = [sys.executable, "-m", "simulator", *words, "--dir", str(folder.root)]
        return subprocess.run(made, check=True, capture_output=True, text=True).stdout.strip()

    try:
        assert command("serve", "--background", "--faults", "--fault-delay", "1") == str(folder.connections)
        first, pid = folder.connections.read_text(), folder.pid.read_text()
        assert stat.S_IMODE(folder.connections.stat().st_mode) == stat.S_IMODE(folder.state.stat().st_mode) == 0o600
        assert command("serve", "--background", "--faults", "--fault-delay", "1") == str(folder.connections)
        assert folder.pid.read_text() == pid and answers(folder)
        deadline = time.monotonic() + 20
        while pending(folder) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert json.loads(command("status"))["pending"] == 0  # the running servers put deliveries right themselves
        os.kill(int(pid), signal.SIGTERM)
        while is_serving(folder) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not is_serving(folder) and not folder.pid.exists()
        assert folder.log.read_text() == ""
        assert command("serve", "--background") == str(folder.connections)  # other options, the same doors
        assert folder.connections.read_text() == first
        state = load_state(folder)
        assert state is not None and state.host == "127.0.0.1" and not state.faults
    finally:
        command("stop")
    assert command("stop") == "was not running"


def test_sftp_shows_the_drop_folder_and_nothing_else(offer_county) -> None:
    folder = CountyFolder(offer_county(20).root)
    save_state(folder, ServeState())
    start(folder)
    try:
        found = json.loads(read_connections(folder.connections)["AIRFLOW_CONN_CIVIL_DROP"])
        with _sftp(found) as session:
            names = session.listdir(found["extra"]["path"])
            assert sorted(names) == sorted(path.name for path in folder.civil_drop.iterdir())
            for name in names:
                with session.open(f"{found['extra']['path']}/{name}") as file:
                    assert file.read() == (folder.civil_drop / name).read_bytes()
            assert session.listdir("/../..") == ["civil"]
            for change in (
                lambda: session.remove(f"/civil/{names[0]}"),
                lambda: session.open("/civil/new.csv", "w"),
                lambda: session.rename(f"/civil/{names[0]}", "/civil/other"),
                lambda: session.chmod(f"/civil/{names[0]}", 0o777),
                lambda: session.mkdir("/civil/new"),
            ):
                with pytest.raises(PermissionError):
                    change()
        with pytest.raises(paramiko.AuthenticationException):
            _sftp({**found, "password": "wrong"})
    finally:
        stop(folder)


def _sftp(found: dict) -> paramiko.SFTPClient:
    client = paramiko.SSHClient()
    kind, key = found["extra"]["host_key"].split()[:2]
    public = paramiko.PKey.from_type_string(kind, base64.b64decode(key))
    client.get_host_keys().add(f"[{found['host']}]:{found['port']}", kind, public)
    login = {"look_for_keys": False, "allow_agent": False}
    client.connect(found["host"], found["port"], found["login"], found["password"], **login)
    return client.open_sftp()


def test_the_exchange_database_on_postgresql(offer_county, tmp_path) -> None:
    from warehouse.embedded import EmbeddedServer

    county = offer_county(50)
    county.con.execute("UPDATE offer_psb_register SET GMSFHM = '１３０７３１ 19900101 001X' WHERE RYBH = 'GA_HJRK-1'")  # 21 long
    county.con.execute("UPDATE offer_psb_register SET XM = 'a\\b\tc' WHERE RYBH = 'GA_HJRK-2'")
    server = EmbeddedServer(tmp_path / "server")
    url = server.start().rpartition("/")[0] + "/psb_exchange"
    try:
        secrets = Secrets()
        assert publish_postgresql(county.root / "county.db", url, secrets)["GA_HJRK"] == 50
        county.tomorrow()
        publish_postgresql(county.root / "county.db", url, secrets)
        owner = create_engine(url.replace("postgresql://", "postgresql+psycopg2://"))
        reader = create_engine(owner.url.set(username=secrets.exchange_login, password=secrets.exchange_password))
        with reader.connect() as con:
            count, latest = con.execute(text("SELECT count(*), max(GXSJ) FROM GA_HJRK")).one()
            assert (count, latest.isoformat()) == (50, "2026-11-11T02:00:00")  # a timestamp, not text
            assert con.execute(text("SELECT XM FROM GA_HJRK WHERE RYBH = 'GA_HJRK-2'")).scalar() == "a\\b\tc"
            assert con.execute(text("SELECT length(GMSFHM) FROM GA_HJRK WHERE RYBH = 'GA_HJRK-1'")).scalar() > 18
        with pytest.raises(DBAPIError), reader.begin() as con:
            con.execute(text("DELETE FROM GA_HJRK"))
        owner.dispose()
        reader.dispose()
    finally:
        server.stop()
