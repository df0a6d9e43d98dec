"""Landing: a batch is there whole or not at all, never twice, and never changes again."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import textwrap
from datetime import timedelta
from pathlib import Path

import pytest

from connectors import refused
from connectors.base import sm3
from connectors.connection import Connection, parse
from connectors.errors import DeliveryRefused, LandingError
from connectors.landing import Landing
from connectors.purge import purge
from connectors.registry import connector_for
from connectors.testing import FETCHED, contract_of, people
from contracts.model import Mode

SQL = {"table": "people", "key": "id", "updated": "updated", "overlap_minutes": 1, "page_rows": 100}
CSV = {"file": r"p_(?P<period>\d{6})\.csv", "format": "csv", "encoding": "gb18030", "companion": "ok"}


def exchange(path: Path, rows: int = 200) -> Connection:
    with sqlite3.connect(path) as link:
        link.execute("CREATE TABLE people (id, name, phone, note, updated)")
        link.executemany("INSERT INTO people VALUES (:id, :name, :phone, :note, :updated)", people(rows))
    link.close()
    return parse("people_source", f"sqlite:///{path}")


def land_all(contract, connection, landing, mark=None, at=FETCHED):
    connector = connector_for(contract)
    return [landing.land(contract, connection, connector, read, fetched_at=at) for read in connector.plan(contract, connection, mark or {})]


class Drop:
    """A drop folder in a directory."""

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True)
        self.path = path
        self.connection = Connection.of("people_source", conn_type="fs", extra={"path": str(path)})

    def put(self, name: str, *lines: str, head="id,name,phone,note,updated", rows=None, digest=None, ok=True) -> bytes:
        data = "".join(f"{line}\r\n" for line in (head, *lines)).encode("gb18030")
        (self.path / name).write_bytes(data)
        if ok:
            said = {"rows": len(lines) if rows is None else rows, "sm3": digest or sm3(data)}
            (self.path / f"{name}.ok").write_text(json.dumps(said), encoding="utf-8")
        return data


@pytest.fixture
def drop(tmp_path) -> Drop:
    return Drop(tmp_path / "drop")


@pytest.fixture
def landing(tmp_path) -> Landing:
    return Landing(tmp_path / "landing")


# -- files ---------------------------------------------------------------------------------


def test_files_come_by_period_once_complete_and_again_when_their_content_is_new(drop, landing):
    contract = contract_of("drop", CSV, Mode.SNAPSHOT)
    drop.put("p_202610.csv", "B,x,1,y,t")
    data = drop.put("p_202609.csv", "A,x,1,y,t")
    drop.put("p_202611.csv", "C,x,1,y,t", ok=False)
    (drop.path / "other.csv").write_text("x")
    first = land_all(contract, drop.connection, landing)
    assert [(b.manifest["period"], b.manifest["delivery"]) for b in first] == [("202609", "p_202609.csv"), ("202610", "p_202610.csv")]
    assert first[0].manifest["digest"] == sm3(data) and [raw for _, raw in first[0].raw_pages()] == [data]
    mark = {"files": {**first[0].manifest["watermark"]["files"], **first[1].manifest["watermark"]["files"]}}
    assert land_all(contract, drop.connection, landing, mark) == []
    drop.put("p_202609.csv", "A,x,1,new,t")
    (again,) = land_all(contract, drop.connection, landing, mark, FETCHED + timedelta(days=1))
    assert again.records()["note"].to_pylist() == ["new"]
    assert len({b.batch_id for b in landing.complete("people")}) == 3


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"rows": 7}, "rows"),
        ({"digest": "0" * 64}, "digest"),
        ({"head": "nothing,like,it"}, "columns"),
    ],
)
def test_a_delivery_that_contradicts_itself_is_refused_whole_kept_and_in_nobodys_way(drop, landing, broken, reason):
    contract = contract_of("drop", CSV, Mode.SNAPSHOT)
    data = drop.put("p_202609.csv", "A,x,1,y,t", "B,x,1,y,t", **broken)
    for _ in range(2):
        with pytest.raises(DeliveryRefused, match=r"people, p_202609\.csv: ") as caught:
            land_all(contract, drop.connection, landing)
    assert (caught.value.reason, caught.value.period, caught.value.digest) == (reason, "202609", sm3(data))
    assert "\n" not in str(caught.value) and caught.value.__context__ is None
    (said,) = refused.listed(landing.root, "people")
    assert (said["reason"], said["length"], said["kept"]) == (reason, len(data), True)
    assert landing.complete() == [] and not list((landing.root / "people").glob("*"))
    drop.put("p_202609.csv", "A,x,1,y,t")
    assert [b.rows for b in land_all(contract, drop.connection, landing)] == [1]


def test_a_companion_that_cannot_be_read_refuses_its_file(drop, landing):
    drop.put("p_202609.csv", "A,x,1,y,t")
    (drop.path / "p_202609.csv.ok").write_text("done")
    with pytest.raises(DeliveryRefused, match="companion") as caught:
        land_all(contract_of("drop", CSV, Mode.SNAPSHOT), drop.connection, landing)
    assert caught.value.reason == "companion"


def test_a_month_without_news_is_a_batch_without_rows(drop, landing):
    drop.put("p_202609.csv")
    (batch,) = land_all(contract_of("drop", CSV, Mode.INCREMENT), drop.connection, landing)
    assert batch.rows == 0 and batch.records().num_rows == 0 and list(batch.manifest["watermark"]["files"]) == ["p_202609.csv"]


# -- batches -------------------------------------------------------------------------------


def test_a_replay_is_a_child_of_chosen_rows_made_once(tmp_path, landing):
    contract = contract_of("sql", SQL)
    (parent,) = land_all(contract, exchange(tmp_path / "x.db"), landing)
    later = FETCHED + timedelta(days=3)
    child = landing.land_replay(contract, parent, [7, 3, 7], fetched_at=later)
    rows = parent.records()
    assert child.records()["id"].to_pylist() == [rows["id"][2].as_py(), rows["id"][6].as_py()]
    assert child.records()["_row"].to_pylist() == [1, 2] and child.manifest["replay_rows"] == [3, 7]
    said = child.manifest
    assert (said["replay_of"], said["watermark"], said["parent_fetched_at"]) == (parent.batch_id, {}, FETCHED.isoformat())
    assert landing.land_replay(contract, parent, [3, 7], fetched_at=later + timedelta(days=1)) == child
    assert landing.complete("people") == [parent, child]


def test_a_purge_leaves_a_tombstone(tmp_path, landing):
    contract = contract_of("sql", SQL)
    (batch,) = land_all(contract, exchange(tmp_path / "x.db"), landing)
    said = purge(landing, batch.batch_id, reason="§47 deletion", by="clerk", at=FETCHED)
    assert (said["rows"], said["digest"], said["purged_by"]) == (200, batch.manifest["digest"], "clerk")
    assert purge(landing, batch.batch_id, reason="again", by="other", at=FETCHED) == said
    assert landing.complete() == [] and [p.name for p in batch.path.iterdir()] == ["_PURGED"]
    with pytest.raises(LandingError, match="purged"):
        landing.open(batch.batch_id)
    with pytest.raises(LandingError, match="no complete batch"):
        landing.open("people-20260101T000000000000")


def test_reads_of_one_moment_get_ids_of_their_own_in_order(drop, landing):
    for month in range(1, 8):
        drop.put(f"p_2026{month:02d}.csv", f"A{month},x,1,y,t")
    batches = land_all(contract_of("drop", CSV, Mode.SNAPSHOT), drop.connection, landing)
    assert [b.batch_id for b in landing.complete()] == [b.batch_id for b in batches]
    assert len({b.fetched_at for b in batches}) == 7


def test_two_processes_land_one_after_the_other(tmp_path, landing):
    exchange(tmp_path / "x.db", 2000)
    command = [sys.executable, "-c", textwrap.dedent(KILLED), f"sqlite:///{tmp_path}/x.db", str(landing.root), "land", "both"]
    workers = [subprocess.Popen(command, cwd=Path(__file__).parents[2]) for _ in range(2)]
    assert [worker.wait(120) for worker in workers] == [0, 0]
    assert [batch.rows for batch in landing.complete()] == [2000, 2000]


# -- kills ---------------------------------------------------------------------------------

# Lands (or purges) again and again, each time in a fork that is killed at its next touch of a file, until one
# gets through. Each works in a folder of its own, <root>/<touch>; "both": once, unhurt, in <root> itself.
KILLED = """
    import os, signal, sys
    from pathlib import Path
    from connectors.connection import parse
    from connectors.landing import Landing
    from connectors.purge import purge
    from connectors.registry import connector_for
    from connectors.testing import FETCHED, contract_of
    import connectors.sql, pandas, pyarrow.parquet, sqlalchemy.dialects.sqlite  # once, not in each fork
    place, root, act, how = sys.argv[1:]
    contract = contract_of("sql", {"table": "people", "key": "id", "updated": "updated", "page_rows": 100})
    connection, connector = parse("people_source", place), connector_for(contract)
    def run(landing, limit):
        done = 0
        def count(event, args):
            nonlocal done
            if event in ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree") and root in str(args[0]):
                done += 1
                if done == limit:
                    os.kill(os.getpid(), signal.SIGKILL)
        (read,) = connector.plan(contract, connection, {})
        if act == "land":
            sys.addaudithook(count)
        batch = landing.land(contract, connection, connector, read, fetched_at=FETCHED)
        if act == "purge":
            sys.addaudithook(count)
            purge(landing, batch.batch_id, reason="r", by="b", at=FETCHED)
    if how == "both":
        run(Landing(Path(root)), 0)
        sys.exit()
    limit, status = 0, 9
    while status:
        limit += 1
        child = os.fork()
        if not child:
            run(Landing(Path(root) / str(limit)), limit)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status in (0, -9), status
    print(limit)
"""


def kills(act: str, db: Path, root: Path) -> list[Landing]:
    """A landing folder for each touch of a file at which a process was killed, and one that got through."""
    root.mkdir()
    command = [sys.executable, "-c", textwrap.dedent(KILLED), f"sqlite:///{db}", str(root), act, "fork"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=Path(__file__).parents[2])
    assert run.returncode == 0, run.stderr
    return [Landing(root / str(n)) for n in range(1, int(run.stdout) + 1)]


def test_a_kill_at_any_touch_of_a_file_leaves_the_state_before_or_after(tmp_path):
    connection, contract = exchange(tmp_path / "x.db"), contract_of("sql", SQL)
    (whole,) = land_all(contract, connection, Landing(tmp_path / "whole"))
    landings, befores = kills("land", tmp_path / "x.db", tmp_path / "k"), []
    for landing in landings:
        before = landing.complete()
        befores.append(len(before))
        assert all(batch.records().equals(whole.records()) for batch in before)
        if not before:
            land_all(contract, connection, landing, at=FETCHED + timedelta(hours=1))
        (batch,) = landing.complete()
        assert batch.records().equals(whole.records())
        assert _timeless(batch) == _timeless(whole) and list(batch.raw_pages()) == list(whole.raw_pages())
        assert not list((landing.root / "people").glob("*.partial"))
    assert len(landings) > 20 and befores == sorted(befores) and 2 <= sum(befores) <= 5, "only at its very end"


def test_a_kill_in_a_purge_leaves_the_batch_or_its_tombstone(tmp_path):
    exchange(tmp_path / "x.db")
    landings = kills("purge", tmp_path / "x.db", tmp_path / "k")
    for landing in landings:
        batch_id = next((landing.root / "people").iterdir()).name.split(".")[0]
        said = purge(landing, batch_id, reason="r", by="b", at=FETCHED)
        assert said["rows"] == 200 and [p.name for p in (landing.root / "people").iterdir()] == [batch_id]
    assert len(landings) > 5


def _timeless(batch) -> dict:
    return {name: said for name, said in batch.manifest.items() if name not in ("batch_id", "fetched_at")}
