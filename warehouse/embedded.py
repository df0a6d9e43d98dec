"""The embedded PostgreSQL: started where it stands still, found where it runs, stopped when asked.

One server a home (``GRIDHUB_HOME``), on loopback with a generated password. It outlives the
process that started it, so that commands follow each other quickly; a start is idempotent,
also from two processes at once and after the starter or the server was killed hard.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg2
from psycopg2 import errors, sql

from warehouse.embedded_place import (
    Runner,
    binaries,
    cluster_folder,
    find_runner,
    first_number,
    free_port,
    is_free,
)
from warehouse.embedded_settings import SETTINGS
from warehouse.errors import EmbeddedServerError

OWNER = "gridhub"
_START_SECONDS = 300  # recovery after a kill reads the log again, which can take a while
_LAUNCHES = 5


@dataclass(frozen=True)
class ServerStatus:
    """What ``gridhub doctor`` prints of the server; ``pid`` and ``port`` are None when it stands still."""

    running: bool
    pid: int | None
    port: int | None
    data: Path | None


class EmbeddedServer:
    """The PostgreSQL of one home. ``home`` is GRIDHUB_HOME; everything lies below ``home/postgres``."""

    def __init__(self, home: Path | str) -> None:
        self.home = Path(home).absolute()
        self.control = self.home / "postgres"

    def start(self) -> str:
        """Make and start the server where needed; the URL of the database ``warehouse``.

        Raises EmbeddedServerError, naming the log, when it does not come up.
        """
        if not self._answers():
            runner = find_runner()
            # others may pass through, not look: the server's own user has to reach its folder
            self.control.mkdir(parents=True, exist_ok=True, mode=0o711 if runner.name else 0o700)
            with self._locked():
                if not self._answers():
                    self._start(runner)
        return self.ensure_database("warehouse")

    def start_shown(self) -> str:
        """Start where needed; the URL as it may be printed, without the password."""
        address = self.start().split("@", 1)[1]
        return f"postgresql://{OWNER}@{address} (password: {self.control / 'password'})"

    def stop(self) -> None:
        """Stop the server, cutting off whoever is connected; nothing happens if it is not running."""
        if not self.control.exists():
            return
        with self._locked():
            if self._pid() is None:
                return
            runner = find_runner()
            cluster = cluster_folder(self.control, runner)
            command = [binaries(cluster, runner) / "pg_ctl", "stop", "-D", cluster / "data", "-m", "fast", "-w"]
            self._run(runner, cluster, [*command, "-t", str(_START_SECONDS)], "stopped")

    def destroy(self) -> None:
        """Stop the server and delete it with all its data, also where they lie outside the home (tests)."""
        self.stop()
        data = self._data()
        if data is not None:
            shutil.rmtree(data.parent, ignore_errors=True)
        shutil.rmtree(self.control, ignore_errors=True)

    def status(self) -> ServerStatus:
        """Whether it runs, and where; changes nothing."""
        pid, data = self._pid(), self._data()
        return ServerStatus(pid is not None, pid, self._port() if pid else None, data)

    def url(self, database: str = "warehouse") -> str:
        """The URL of a database of a server that was started once; its password included."""
        return self._url(OWNER, self._password(), database)

    def ensure_database(self, name: str, *, durable: bool = True) -> str:
        """Make the database if it is missing; its URL. ``durable=False`` lets commits return
        before they are on disk, which is right for Airflow's many small ones."""
        with self._connected() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            if cursor.fetchone() is None:
                with suppress(errors.DuplicateDatabase, errors.UniqueViolation):  # another process was quicker
                    cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
                if not durable:
                    cursor.execute(
                        sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(name))
                    )
        return self.url(name)

    def ensure_role(self, name: str, database: str) -> str:
        """A role that may log in and read every table of ``database``, present and future; its URL."""
        passwords = self._role_passwords()
        with self._locked():
            password = passwords.get(name) or secrets.token_urlsafe(24)
            if name not in passwords:
                self._write("roles.json", json.dumps(passwords | {name: password}))
        role, base = sql.Identifier(name), sql.Identifier(database)
        with self._connected(database) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,))
            if cursor.fetchone() is None:
                with suppress(errors.DuplicateObject, errors.UniqueViolation):
                    cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
            cursor.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password)))
            cursor.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(base, role))
            cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role))
            cursor.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}").format(role))
            cursor.execute(
                sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {}").format(role)
            )
        return self._url(name, password, database)

    # -- starting ------------------------------------------------------------------------

    def _start(self, runner: Runner) -> None:
        cluster = cluster_folder(self.control, runner)
        programs = binaries(cluster, runner)
        data = cluster / "data"
        if data.exists() and not (self.control / "password").exists():
            self._set_aside(runner, cluster, programs)
        if not (data / "PG_VERSION").exists():
            self._initialise(runner, cluster, programs)
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if time.monotonic() > deadline:
                raise EmbeddedServerError(f"the embedded server does not answer: see {cluster / 'server.log'}")
            if self._pid() is None:
                self._launch(runner, cluster, programs)
            time.sleep(0.02)

    def _set_aside(self, runner: Runner, cluster: Path, programs: Path) -> None:
        """Data outside the home outlives a deleted home; nobody has its password any more."""
        if self._pid() is not None:
            command = [programs / "pg_ctl", "stop", "-D", cluster / "data", "-m", "fast", "-w"]
            self._run(runner, cluster, command, "stopped")
        left = cluster / "data.left"
        shutil.rmtree(left, ignore_errors=True)
        (cluster / "data").rename(left)

    def _initialise(self, runner: Runner, cluster: Path, programs: Path) -> None:
        """``initdb`` into a folder of its own, renamed when done: a kill leaves no half-made cluster."""
        unfinished, secret = cluster / "data.new", cluster / "password.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        password = secrets.token_urlsafe(24)
        self._write("password", password)
        secret.unlink(missing_ok=True)
        secret.touch(mode=0o600)
        secret.write_text(password, encoding="utf-8")
        runner.own(secret)
        # the C collation sorts by code point on every machine
        options = ["-U", OWNER, "--pwfile", secret, "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256"]
        try:
            command = [programs / "initdb", "-D", unfinished, *options, "--no-sync", "--no-instructions"]
            self._run(runner, cluster, command, "made")
        finally:
            secret.unlink(missing_ok=True)
        with (unfinished / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.write("\ninclude = 'gridhub.conf'\n")
        unfinished.rename(cluster / "data")

    def _launch(self, runner: Runner, cluster: Path, programs: Path) -> None:
        settings, left = cluster / "data" / "gridhub.conf", cluster / "data" / "postmaster.pid"
        if left.exists() and psutil.pid_exists(first_number(left)):
            left.unlink()  # the number is another program's now; otherwise PostgreSQL judges it better than we do
        for attempt in range(1, _LAUNCHES + 1):
            port = self._port()
            if port is None or not is_free(port):
                port = free_port()
                self._write("port", str(port))
            settings.write_text(f"{SETTINGS}port = {port}\n", encoding="utf-8")
            runner.own(settings)
            command = [programs / "pg_ctl", "start", "-D", cluster / "data", "-l", cluster / "server.log"]
            try:
                return self._run(runner, cluster, [*command, "-w", "-t", str(_START_SECONDS)], "started")
            except EmbeddedServerError:
                if attempt == _LAUNCHES:
                    raise
                time.sleep(0.2 * attempt)  # a killed server's children take a moment to notice

    def _run(self, runner: Runner, cluster: Path, command: list, what: str) -> None:
        # Output goes to a file: the server inherits it, and a pipe would never end.
        with (self.control / "last_command.log").open("w+", encoding="utf-8") as output:
            done = subprocess.run(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=False,
                cwd=cluster, env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
                **runner.arguments(),
            )  # fmt: skip
        if done.returncode:
            raise EmbeddedServerError(
                f"the embedded server could not be {what}: see {output.name} and {cluster / 'server.log'}"
            )

    # -- what is on disk -----------------------------------------------------------------

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.control / "lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield  # closing lets go, also when the process is killed

    def _write(self, name: str, content: str) -> None:
        target, unfinished = self.control / name, self.control / f"{name}.new"
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            handle.write(content)
        unfinished.rename(target)

    def _data(self) -> Path | None:
        pointer = self.control / "location"
        return Path(pointer.read_text(encoding="utf-8").strip()) / "data" if pointer.exists() else None

    def _port(self) -> int | None:
        remembered = self.control / "port"
        return int(remembered.read_text()) if remembered.exists() else None

    def _password(self) -> str:
        try:
            return (self.control / "password").read_text(encoding="utf-8")
        except FileNotFoundError:
            raise EmbeddedServerError(f"no embedded server was ever started in {self.home}") from None

    def _role_passwords(self) -> dict[str, str]:
        roles = self.control / "roles.json"
        return json.loads(roles.read_text(encoding="utf-8")) if roles.exists() else {}

    def _pid(self) -> int | None:
        """The server's process, or None; a dead one, or one that inherited the number, is not it."""
        data = self._data()
        try:
            process = psutil.Process(first_number(data / "postmaster.pid")) if data else None
            lives = process and process.name().startswith("postgres") and process.status() != psutil.STATUS_ZOMBIE
            return process.pid if lives else None
        except (OSError, ValueError, IndexError, psutil.Error):
            return None

    # -- connecting ----------------------------------------------------------------------

    def _url(self, role: str, password: str, database: str) -> str:
        port = self._port()
        if port is None:
            raise EmbeddedServerError(f"no embedded server was ever started in {self.home}")
        return f"postgresql://{role}:{password}@127.0.0.1:{port}/{database}"

    def _answers(self) -> bool:
        """Whether a server that knows our password answers on the remembered port."""
        if self._port() is None or self._pid() is None:
            return False
        try:
            psycopg2.connect(self.url("postgres"), connect_timeout=5).close()
            return True
        except psycopg2.OperationalError:
            return False

    @contextmanager
    def _connected(self, database: str = "postgres") -> Iterator[psycopg2.extensions.connection]:
        connection = psycopg2.connect(self.url(database), connect_timeout=10)
        try:
            connection.autocommit = True
            yield connection
        finally:
            connection.close()
