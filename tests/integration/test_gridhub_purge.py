"""A purge erases a batch with all that was made of it, leaves what others said, and can be gone on with after a kill (清除)."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from connectors.connection import from_environment
from connectors.errors import LandingError
from gridhub import decisions, erasure
from gridhub.pipeline import Hub
from gridhub.settings import Settings
from linkage import store
from warehouse import batches
from warehouse.engine import engine_for
from warehouse.errors import BatchStateError

HEADER = ["登记号", "姓名", "身份证号", "死亡日期", "火化日期"]
ZHANG, WANG, OTHER = "11010519491231002X", "440524188001010014", "130731198005120318"
SEPTEMBER = [["X1", "张伟", ZHANG, "2026-09-01", "2026-09-02"], ["X2", "王小红", OTHER, "2026-09-03", "2026-09-05"]]
OCTOBER = [["X1", "张伟强", ZHANG, "2026-09-01", "2026-09-02"], ["X3", "赵大海", "130731198209030424", "2026-10-03", "2026-10-05"]]


def put(folder: Path, month: str, rows: list[list[str]], counted: int | None = None) -> None:
    data = "\r\n".join(",".join(row) for row in [HEADER, *rows, []]).encode("gb18030")
    name = f"死亡火化_{month}.csv"
    (folder / name).write_bytes(data)
    (folder / f"{name}.ok").write_text(json.dumps({"rows": len(rows) if counted is None else counted, "sm3": hashlib.new("sm3", data).hexdigest()}))


def hub_of(root: Path, url: str) -> Hub:
    settings = {"GRIDHUB_HOME": str(root / "home"), "AIRFLOW_CONN_WAREHOUSE": url, "GRIDHUB_AS_OF": "2026-11-20"}
    connection = json.dumps({"conn_type": "fs", "extra": {"path": str(root / "drop")}})
    return Hub(Settings.from_environment(settings), from_environment({"AIRFLOW_CONN_CIVIL_DROP": connection}))


@pytest.fixture(scope="module")
def months(tmp_path_factory, new_database) -> tuple[Path, str]:
    """September and October, each believed for a while: the folder and the database that tests copy."""
    root, url = tmp_path_factory.mktemp("months"), new_database()
    (root / "drop").mkdir()
    hub = hub_of(root, url)
    for month, rows in (("202609", SEPTEMBER), ("202610", OCTOBER)):
        put(root / "drop", month, rows)
        hub.ingest("civil_death")
        hub.link()
        hub.assemble()
    hub.engine.dispose()
    return root, url


@pytest.fixture
def two_months(months, tmp_path, postgres_server):
    """A hub as the two months left it, its drop folder, and the October batch's id."""
    root, url = months
    shutil.copytree(root, tmp_path, dirs_exist_ok=True)
    keeper = engine_for(postgres_server.url("postgres")).execution_options(isolation_level="AUTOCOMMIT")
    name = f"purge_{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:10]}"
    with keeper.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {url.rpartition('/')[2].partition('?')[0]}"))
    keeper.dispose()
    hub = hub_of(tmp_path, postgres_server.url(name))
    yield hub, tmp_path / "drop", rows_of(hub, "SELECT batch_id FROM hub.batch WHERE period = '202610'")[0][0]
    hub.engine.dispose()


@pytest.fixture
def empty_hub(tmp_path_factory, new_database):
    root = tmp_path_factory.mktemp("empty")
    (root / "drop").mkdir()
    hub = hub_of(root, new_database())
    yield hub, root / "drop"
    hub.engine.dispose()


def rows_of(hub: Hub, sql: str) -> list[tuple]:
    with hub.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(sql))]


def everything(hub: Hub) -> str:
    """Every row of every table of ours, as text."""
    tables = rows_of(hub, "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('hub', 'record', 'staging')")
    return "\n".join(str(rows_of(hub, f'SELECT t::text FROM "{schema}"."{table}" t')) for schema, table in tables)


def test_the_command_asks_and_leaves_nothing_of_a_batch_but_what_it_was(two_months, monkeypatch):
    from gridhub.cli import app

    hub, drop, october = two_months
    monkeypatch.setattr("gridhub.commands.batches.hub", lambda: hub)
    asked = ["purge", october, "--reason", "第7号令", "--by", "officer"]
    assert CliRunner().invoke(app, asked, input="n\n").exit_code == 1 and hub.landing.open(october)
    assert "赵大海" in everything(hub) and "X3" in everything(hub)
    done = CliRunner().invoke(app, [*asked, "--yes", "--json"])
    assert done.exit_code == 0 and (json.loads(done.output)["purged"], json.loads(done.output)["batches_left"]) == (1, 1)
    left = everything(hub)
    for gone in ("赵大海", "130731198209030424", "张伟强", "X3"):
        assert gone not in left, gone
    for file in hub.settings.landing.rglob("*"):
        assert not file.is_file() or "赵大海".encode("gb18030") not in file.read_bytes()
    stone = json.loads((hub.landing.path_of(october) / "_PURGED").read_bytes())
    assert (stone["rows"], stone["purged_by"], stone["reason"]) == (2, "officer", "第7号令")
    assert rows_of(hub, f"SELECT state, landed, decided_by, decision_reason FROM hub.batch WHERE batch_id = '{october}'") == [("purged", 2, "officer", "第7号令")]
    assert not list(hub.settings.home.glob("linkage/*")) or "赵大海" not in str([f.read_bytes() for f in hub.settings.home.glob("linkage/*.duckdb")])


def test_what_the_others_said_stands_as_if_it_had_never_come(two_months, empty_hub):
    hub, _, october = two_months
    before = dict(rows_of(hub, "SELECT record_key, person_id FROM hub.person_link WHERE recorded_to IS NULL"))
    erasure.purge(hub, october, "order", "officer")
    alone, drop = empty_hub
    put(drop, "202609", SEPTEMBER)
    alone.ingest("civil_death")
    told = "SELECT record_key, name, id_number, state, recorded_to FROM record.civil_death ORDER BY 1"
    assert rows_of(hub, told) == rows_of(alone, told) and len(rows_of(hub, told)) == 2
    after = dict(rows_of(hub, "SELECT record_key, person_id FROM hub.person_link WHERE recorded_to IS NULL"))
    assert after == {key: before[key] for key in ("X1", "X2")}, "nobody got another id"
    assert rows_of(hub, "SELECT name FROM hub.person_profile WHERE recorded_to IS NULL ORDER BY 1") == [("张伟",), ("王小红",)]
    every = "SELECT * FROM record.civil_death ORDER BY record_key, recorded_from"
    before = rows_of(hub, every)
    figures = decisions.rebuild(hub)
    assert rows_of(hub, every) == before and (figures.numbers["batches"], figures.numbers["purged"]) == (1, 1), "a rebuild gives the same"
    assert hub.ingest("civil_death").numbers.get("landed", 0) == 0, "the file still lies there, and stays unread"
    put(Path(hub.settings.home.parent / "drop"), "202611", OCTOBER[:1])
    assert hub.ingest("civil_death").numbers["landed"] == 1, "the next delivery is read"


def test_places_at_which_nobody_is_named_keep_what_was_found_out_of_them(two_months):
    hub, _, october = two_months
    with hub.engine.begin() as connection:
        connection.exec_driver_sql(
            """INSERT INTO record.grid_visit (record_key, row_no, address, living_status, source_order, state, content_hash, batch_id, confirmed_at, recorded_from)
               VALUES ('V1', 1, '幸福小区3号楼1单元301', 'empty', 0, 'present', 'h', 'b', now(), now())"""
        )
        connection.exec_driver_sql(
            """INSERT INTO hub.address (address_text, level, confidence, directory_digest, resolved_at)
               SELECT '从前有人住的地方', level, confidence, directory_digest, now() FROM hub.address
               UNION ALL SELECT '从前有人住的地方', 'none', 0, '', now() LIMIT 1"""
        )
    erasure.purge(hub, october, "order", "officer")
    assert rows_of(hub, "SELECT address_text FROM hub.address") == [("幸福小区3号楼1单元301",)]


def test_a_purge_of_landing_alone_is_finished_by_the_command(two_months):
    from datetime import UTC, datetime

    from connectors.purge import purge as bury

    hub, _, october = two_months
    bury(hub.landing, october, reason="order 1", by="first", at=datetime.now(UTC))
    assert decisions.rebuild(hub).numbers["purged"] == 1, "a rebuild takes landing at its word"
    erasure.purge(hub, october, "again", "second")
    assert "赵大海" not in str(rows_of(hub, "SELECT t::text FROM record.civil_death t"))
    assert rows_of(hub, f"SELECT decided_by FROM hub.batch WHERE batch_id = '{october}'") == [("first",)]


def test_killed_at_every_step_the_same_command_goes_on(two_months, monkeypatch):
    hub, _, october = two_months

    def killed(*_, **__):
        raise KeyboardInterrupt

    steps = ((erasure, "bury"), (erasure.rebuilding, "rebuild"), (store, "forget"), (erasure.erasure, "forget_records"), (erasure.erasure, "forget_versions"))
    for step in steps:
        with monkeypatch.context() as patched:
            patched.setattr(*step, killed)
            with pytest.raises(KeyboardInterrupt):
                erasure.purge(hub, october, "order", "officer")
    erasure.purge(hub, october, "order", "officer")
    left = everything(hub)
    assert all(gone not in left for gone in ("赵大海", "张伟强", "X3"))
    assert rows_of(hub, "SELECT tablename FROM pg_tables WHERE schemaname = 'staging'") == []


def test_a_batch_that_waits_at_a_gate_is_erased_and_asks_for_no_rebuild(two_months):
    hub, _, october = two_months
    held = hub.landing.land_replay(hub.contracts["civil_death"], hub.landing.open(october), [1], fetched_at=hub.landing.open(october).fetched_at)
    with hub.engine.begin() as connection:  # as a gate leaves it
        connection.execute(text("INSERT INTO hub.batch (batch_id, feed, state, fetched_at) VALUES (:id, 'civil_death', 'held', now())"), {"id": held.batch_id})
    assert erasure.purge(hub, held.batch_id, "order", "officer").numbers == {"purged": 1}
    assert not hub.landing.path_of(held.batch_id).joinpath("records.parquet").exists() and batches.about(hub.engine, held.batch_id)["state"] == "purged"
    assert "赵大海" in everything(hub)


def test_a_delivery_that_was_refused_is_erased_too(empty_hub):
    hub, drop = empty_hub
    put(drop, "202609", SEPTEMBER, counted=5)
    hub.ingest("civil_death")
    (refused,) = [row["batch_id"] for row in batches.listing(hub.engine, state="refused")]
    assert list(hub.settings.landing.glob("refused/civil_death/*/delivery.zst"))
    assert erasure.purge(hub, refused, "order", "officer").numbers == {"purged": 1}
    assert not list(hub.settings.landing.rglob("delivery.zst"))
    (kept,) = hub.settings.landing.glob("refused/civil_death/*/refused.json")
    assert json.loads(kept.read_bytes())["purged_by"] == "officer"


def test_a_release_goes_with_its_parent_and_never_without_it(two_months):
    hub, _, october = two_months
    parent = hub.landing.open(october)
    child = hub.landing.land_replay(hub.contracts["civil_death"], parent, [2], fetched_at=parent.fetched_at)
    hub.accept(hub.contracts["civil_death"], child)
    with pytest.raises(BatchStateError, match=october):
        erasure.purge(hub, child.batch_id, "order", "officer")
    assert erasure.purge(hub, october, "order", "officer").numbers["purged"] == 2
    assert hub.landing.complete("civil_death")[0].manifest["period"] == "202609" and "赵大海" not in everything(hub)


@pytest.mark.parametrize(("reason", "by"), [("", "officer"), ("order", " ")])
def test_without_an_order_and_a_name_nothing_happens(two_months, reason, by):
    hub, _, october = two_months
    with pytest.raises(BatchStateError, match="reason and a name"):
        erasure.purge(hub, october, reason, by)
    assert hub.landing.open(october).rows == 2
    with pytest.raises(LandingError, match="no complete batch"):
        erasure.purge(hub, "civil_death-20260101T000000000000", "order", "officer")
