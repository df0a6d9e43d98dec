"""The embedded PostgreSQL: starts where it stands still, survives kills, keeps its secrets (内嵌数据库)."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import pytest

from warehouse.embedded import EmbeddedServer
from warehouse.embedded_place import Runner, find_runner
from warehouse.errors import EmbeddedServerError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def server(tmp_path):
    made = EmbeddedServer(tmp_path / "home")
    yield made
    made.destroy()


def ask(url: str, sql: str = "SELECT 1"):
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else None
    finally:
        connection.close()


def test_a_start_makes_the_server_and_a_second_one_finds_it(server):
    url = server.start()
    pid = server.status().pid
    assert ask(url) == [(1,)]
    assert server.start() == url
    assert server.status().pid == pid


def test_stop_and_start_keep_the_data_and_the_port(server):
    url = server.start()
    ask(url, "CREATE TABLE kept (n int)")
    server.stop()
    assert not server.status().running
    server.stop()  # stopped twice is stopped
    assert server.start() == url
    assert ask(url, "SELECT count(*) FROM kept") == [(0,)]


def test_it_listens_on_loopback_only_and_asks_for_the_password(server):
    url = server.start()
    assert ask(url, "SHOW listen_addresses") == [("127.0.0.1",)]
    assert ask(url, "SHOW fsync") == [("on",)]
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(url.replace(url.split(":")[2].split("@")[0], "wrong"))
    assert stat.S_IMODE((server.control / "password").stat().st_mode) == 0o600
    assert server._password() not in server.start_shown()


def test_it_does_not_run_as_root_and_the_home_keeps_its_mode(server):
    server.home.mkdir(mode=0o755)
    before = {folder: folder.stat().st_mode for folder in server.home.parents}
    server.start()
    assert Path(f"/proc/{server.status().pid}").stat().st_uid != 0
    assert {folder: folder.stat().st_mode for folder in server.home.parents} == before


def test_the_server_outlives_a_killed_owner_and_the_next_start_finds_it(server):
    starter = "import sys, os, signal; from warehouse.embedded import EmbeddedServer; EmbeddedServer(sys.argv[1]).start(); os.kill(os.getpid(), signal.SIGKILL)"
    done = subprocess.run([sys.executable, "-c", starter, str(server.home)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    pid = server.status().pid
    assert ask(server.start()) == [(1,)]
    assert server.status().pid == pid


def test_a_killed_server_starts_again_with_what_was_committed(server):
    url = server.start()
    ask(url, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    os.kill(server.status().pid, signal.SIGKILL)
    assert ask(server.start(), "SELECT count(*) FROM kept") == [(1000,)]


def test_an_initdb_that_was_killed_starts_over(server):
    server.start()
    server.stop()
    data = server.status().data
    (data / "PG_VERSION").unlink()
    data.rename(data.with_name("data.new"))
    (server.control / "password").unlink()
    assert ask(server.start()) == [(1,)]


def test_a_port_taken_meanwhile_is_given_up(server):
    server.start()
    port = server.status().port
    server.stop()
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the server's last connections linger
        squatter.bind(("127.0.0.1", port))
        squatter.listen()
        assert ask(server.start()) == [(1,)]
        assert server.status().port != port


def test_a_number_that_belongs_to_another_program_now_is_not_the_server(server):
    server.start()
    server.stop()
    left = server.status().data / "postmaster.pid"
    left.write_text(f"{os.getpid()}\n")
    assert not server.status().running
    assert ask(server.start()) == [(1,)]


def test_two_starts_at_once_make_one_server(server):
    starter = "import sys; from warehouse.embedded import EmbeddedServer; print(EmbeddedServer(sys.argv[1]).start())"

    def start(_: int) -> str:
        return subprocess.run(
            [sys.executable, "-c", starter, str(server.home)], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout

    with ThreadPoolExecutor(3) as pool:
        urls = set(pool.map(start, range(3)))
    assert len(urls) == 1
    assert ask(urls.pop().strip()) == [(1,)]


def test_databases_and_a_role_that_only_reads(server):
    server.start()
    owner = server.ensure_database("exchange")
    assert server.ensure_database("exchange") == owner
    ask(owner, "CREATE TABLE before (n int)")
    reader = server.ensure_role("reader", "exchange")
    ask(owner, "CREATE TABLE after (n int)")
    assert ask(reader, "SELECT count(*) FROM before") == ask(reader, "SELECT count(*) FROM after") == [(0,)]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        ask(reader, "INSERT INTO after VALUES (1)")
    assert server.ensure_role("reader", "exchange") == reader
    assert ask(server.ensure_database("airflow", durable=False), "SHOW synchronous_commit") == [("off",)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has homes its server cannot reach")
def test_a_home_the_servers_user_cannot_enter_gets_its_data_elsewhere(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedServer(closed / "home")
    try:
        assert ask(server.start()) == [(1,)]
        data = server.status().data
        assert not data.is_relative_to(closed)
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert EmbeddedServer(closed / "home").start() == server.start()
    finally:
        server.destroy()
    assert not data.parent.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="root tries it as somebody else")
def test_it_works_for_an_ordinary_user(tmp_path, monkeypatch):
    """The runner without another user's name: a home of its own, its own process."""
    user = find_runner()
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(folder.stat().st_mode | 0o011)
    home = tmp_path / "theirs"
    home.mkdir(mode=0o700)
    os.chown(home, user.uid, user.gid)
    if not user.reaches(ROOT) or not user.reaches(Path(sys.executable).resolve().parent):
        pytest.skip("that user reaches neither the code nor Python")
    code = "import sys; from warehouse.embedded import EmbeddedServer as S; s = S(sys.argv[1]); s.start(); s.stop()"
    done = subprocess.run(
        [sys.executable, "-c", code, str(home)], cwd=ROOT, user=user.uid, group=user.gid, extra_groups=[],
        env={"PYTHONDONTWRITEBYTECODE": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-500:]
    assert (home / "postgres" / "cluster" / "data" / "PG_VERSION").exists()


def test_reaching_a_folder_is_judged_by_every_step_to_it(tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "open" / "closed").mkdir(mode=0o700)
    other = Runner(uid=54321, gid=54321, name="somebody")
    assert not other.reaches(tmp_path / "open" / "closed")
    assert Runner(os.geteuid(), os.getegid(), None).reaches(tmp_path / "open" / "closed")


def test_a_home_that_never_had_a_server_says_so(tmp_path):
    with pytest.raises(EmbeddedServerError, match="no embedded server was ever started"):
        EmbeddedServer(tmp_path).url()


def test_it_starts_quickly(server):
    began = time.monotonic()
    server.start()
    first = time.monotonic() - began
    server.stop()
    began = time.monotonic()
    server.start()
    assert (first < 8, time.monotonic() - began < 4) == (True, True)  # 0.6 s and 0.15 s on an idle machine
