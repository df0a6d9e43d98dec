"""A local Airflow: its environment, its processes, and the few REST calls the demonstration needs.

Everything listens on 127.0.0.1. Airflow itself is not imported: it runs as its own processes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parent.parent
COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
PORTS = ("api", "worker_log", "trigger_log")


class AirflowDidNotStart(RuntimeError):
    """A component ended or did not answer in time; the text names its log."""


@dataclass(frozen=True)
class LocalAirflow:
    """Airflow in ``home`` with its metadata in the database at ``database_url``."""

    home: Path
    database_url: str
    environ: Mapping[str, str]

    def environment(self) -> dict[str, str]:
        """The processes' environment: ours, the caller's, and Airflow's settings."""
        state = self._state()
        port = state["api"]
        users = self.home / "passwords.json"
        settings = {
            "CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "CORE__PLUGINS_FOLDER": str(ROOT / "dags" / "plugins"),
            "CORE__LOAD_EXAMPLES": "False",
            "CORE__EXECUTOR": "LocalExecutor",
            "CORE__PARALLELISM": "6",
            "CORE__DEFAULT_TIMEZONE": "Asia/Shanghai",
            "CORE__FERNET_KEY": state["fernet"],
            "CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
            "CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
            "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(users),
            "DATABASE__SQL_ALCHEMY_CONN": self.database_url,
            "API__HOST": "127.0.0.1",
            "API__PORT": str(port),
            "API__BASE_URL": f"http://127.0.0.1:{port}",
            "API__SECRET_KEY": state["secret"],
            "API__WORKERS": "1",
            "API_AUTH__JWT_SECRET": state["jwt"],
            "DAG_PROCESSOR__REFRESH_INTERVAL": "15",
            "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "120",
            "DAG_PROCESSOR__PARSING_PROCESSES": "1",
            "SCHEDULER__ENABLE_HEALTH_CHECK": "False",
            "WORKERS__EXECUTION_API_TIMEOUT": "30",
            "LOGGING__WORKER_LOG_SERVER_PORT": str(state["worker_log"]),
            "LOGGING__TRIGGER_LOG_SERVER_PORT": str(state["trigger_log"]),
            "USAGE_DATA_COLLECTION__ENABLED": "False",
        }
        environ = {**os.environ, **self.environ, "AIRFLOW_HOME": str(self.home), "NO_PROXY": "127.0.0.1,localhost"}
        environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "dags" / "config"), environ.get("PYTHONPATH", "")]).rstrip(
            os.pathsep
        )
        return environ | {f"AIRFLOW__{name}": value for name, value in settings.items()}

    @property
    def url(self) -> str:
        """Where the pages answer."""
        return f"http://127.0.0.1:{self._state()['api']}"

    @property
    def login(self) -> tuple[str, str]:
        """User and password of the administrator."""
        return "admin", self._state()["password"]

    def running(self) -> bool:
        """Whether the scheduler runs."""
        return self._running("scheduler") is not None

    def migrate(self) -> None:
        """Make or upgrade the metadata's tables, unless this Airflow did so before. AirflowDidNotStart names the log."""
        (self.home / "logs").mkdir(parents=True, exist_ok=True)
        done, version = self.home / "migrated", f"{metadata.version('apache-airflow')} {self.database_url}"
        stamp = hashlib.sha256(version.encode()).hexdigest()
        if self.running() or (done.exists() and done.read_text() == stamp):
            return
        self._call(["db", "migrate"], self.environment())
        done.write_text(stamp)

    def start(self, components: tuple[str, ...] = COMPONENTS) -> None:
        """Start what is not running, over migrated metadata. AirflowDidNotStart names the log."""
        users = self.home / "passwords.json"
        users.touch(mode=0o600)
        users.write_text(json.dumps({"admin": self._state()["password"]}))
        environ = self.environment()
        for component in components:
            if not self._running(component):
                log = (self.home / "logs" / f"{component}.log").open("ab")
                process = subprocess.Popen(
                    [str(Path(sys.executable).parent / "airflow"), component],
                    env=environ,
                    cwd=ROOT,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
                self._pid_file(component).write_text(str(process.pid))
        self._wait_until_ready(components)

    def stop(self) -> None:
        """Stop every component by its pid, gently first."""
        groups = [pid for c in COMPONENTS if (pid := self._running(c))]
        for sig, patience in ((signal.SIGTERM, 15), (signal.SIGKILL, 5)):
            for pid in groups:
                _signal(pid, sig)
            deadline = time.monotonic() + patience
            while groups and time.monotonic() < deadline:
                groups = [pid for pid in groups if _alive(pid)]
                time.sleep(0.2)
        for component in COMPONENTS:
            self._pid_file(component).unlink(missing_ok=True)

    def api(self) -> AirflowApi:
        """The REST interface, logged in."""
        return AirflowApi(self.url, *self.login)

    def _call(self, arguments: list[str], environ: Mapping[str, str]) -> None:
        log = self.home / "logs" / "setup.log"
        with log.open("ab") as out:
            done = subprocess.run(
                [str(Path(sys.executable).parent / "airflow"), *arguments],
                env=dict(environ),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                check=False,
            )
        if done.returncode:
            raise AirflowDidNotStart(f"airflow {' '.join(arguments)} failed; see {log}")

    def _wait_until_ready(self, components: tuple[str, ...], patience: float = 180) -> None:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            for component in components:
                if not self._running(component):
                    raise AirflowDidNotStart(f"airflow {component} ended; see {self.home}/logs/{component}.log")
            try:
                health = requests.get(f"{self.url}/api/v2/monitor/health", timeout=5).json()
                parts = {"metadatabase", "scheduler", "dag_processor"}
                parts |= {"triggerer"} & set(components)
                if all((health.get(part) or {}).get("status") == "healthy" for part in parts):
                    return
            except (requests.RequestException, ValueError):
                pass
            time.sleep(0.5)
        raise AirflowDidNotStart(f"Airflow did not answer within {patience:.0f} s; see {self.home}/logs")

    def _pid_file(self, component: str) -> Path:
        return self.home / f"{component}.pid"

    def _running(self, component: str) -> int | None:
        try:
            pid = int(self._pid_file(component).read_text())
        except (FileNotFoundError, ValueError):
            return None
        return pid if _alive(pid) else None

    def _state(self) -> dict:
        """Ports and secrets, made once and kept private, so that a restart keeps its address."""
        path = self.home / "local.json"
        if not path.exists():
            self.home.mkdir(parents=True, exist_ok=True)
            state = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
            state |= {name: secrets.token_urlsafe(32) for name in ("secret", "jwt")}
            state |= {
                "password": secrets.token_urlsafe(9),
                "fernet": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            }
            path.touch(mode=0o600)
            path.write_text(json.dumps(state))
        return json.loads(path.read_text())


class AirflowApi:
    """The REST calls the demonstration makes; each raises requests.HTTPError on refusal."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url = url
        self._login = {"username": user, "password": password}
        self._session = requests.Session()

    def call(self, method: str, path: str, **kw) -> dict:
        """One call to ``/api/v2<path>``, logging in first or again when the token has expired."""
        for attempt in range(2):
            if "Authorization" not in self._session.headers or attempt:
                answer = self._session.post(f"{self._url}/auth/token", json=self._login, timeout=30)
                answer.raise_for_status()
                self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
            answer = self._session.request(method, f"{self._url}/api/v2{path}", timeout=60, **kw)
            if answer.status_code != 401:
                break
        answer.raise_for_status()
        return answer.json() if answer.content else {}

    def pages(self, path: str, key: str, **params) -> Iterator[dict]:
        """All items of a paged collection."""
        offset = 0
        while True:
            page = self.call("GET", path, params={**params, "limit": 100, "offset": offset})[key]
            yield from page
            if len(page) < 100:
                return
            offset += 100


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()


def _alive(pid: int) -> bool:
    try:
        os.waitpid(pid, os.WNOHANG)  # reap our own children, else they stay as zombies
    except ChildProcessError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split(") ")[-1][0] != "Z" if Path(f"/proc/{pid}").exists() else True


def _signal(pid: int, sig: int) -> None:
    try:
        os.killpg(pid, sig)
    except ProcessLookupError:
        pass
