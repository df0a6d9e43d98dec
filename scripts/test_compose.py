"""``make test-compose``: the compose file for real. Builds the image, brings all services up with the simulated
county, ingests from every department over Airflow's REST API, counts rows in the warehouse, and takes all down.

Ends with 0 and a line that begins ``SKIPPED`` where no container engine can be had.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from compose_engine import Engine, NoEngine  # noqa: E402
from requests import RequestException  # noqa: E402

from demo.airflow import AirflowApi  # noqa: E402

COMPOSE = Path(sys.executable).parent / "docker-compose"
SERVICES = ("postgres", "api-server", "scheduler", "dag-processor", "triggerer", "county")
PERSONS = 300
# One of each transport: SQL, signed REST, OAuth2 REST, stream, SFTP, the workbook in a local folder; and the directory.
FEEDS = ("psb_register", "health_record", "market_entity", "grid_visit", "civil_death", "edu_enrolment")
OFFERED = {"psb_register": "offer_psb_register", "health_record": "offer_health_record", "market_entity": "offer_market_entity"}


class Failed(RuntimeError):
    """What the compose file promised and did not keep."""


class Platform:
    """The services of docker-compose.yml as a project of their own, with secrets made for this run."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.project = f"gridhubtest{secrets.token_hex(3)}"
        self.password = secrets.token_urlsafe(12)
        self.port = _free_port()
        self.environ = engine.environ | {
            "GRIDHUB_DATABASE_PASSWORD": secrets.token_urlsafe(24),
            "GRIDHUB_ADMIN_PASSWORD": self.password,
            "GRIDHUB_SECRET_KEY": secrets.token_urlsafe(24),
            "GRIDHUB_JWT_SECRET": secrets.token_urlsafe(48),
            "GRIDHUB_FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "GRIDHUB_PORT": str(self.port),
            "GRIDHUB_COUNTY_PERSONS": str(PERSONS),
        }

    def compose(self, *arguments: str, check: bool = True, timeout: float = 900) -> str:
        """One compose command's standard output; Failed with the last lines of its standard error."""
        command = [str(COMPOSE), "-p", self.project, "-f", str(ROOT / "docker-compose.yml"), "--profile", "county"]
        done = subprocess.run(
            [*command, *arguments], cwd=ROOT, env=self.environ, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, check=False, timeout=timeout,
        )  # fmt: skip
        if check and done.returncode:
            raise Failed(f"compose {arguments[0]}:\n" + "\n".join(done.stderr.splitlines()[-25:]))
        return done.stdout

    def api(self) -> AirflowApi:
        return AirflowApi(f"http://127.0.0.1:{self.port}", "admin", self.password)

    def sql(self, statement: str) -> str:
        """The first value of a query on the warehouse, as text."""
        asked = ("exec", "-T", "-e", f"PGPASSWORD={self.environ['GRIDHUB_DATABASE_PASSWORD']}", "postgres")
        return self.compose(*asked, "psql", "-h", "127.0.0.1", "-U", "gridhub", "-d", "warehouse", "-Atc", statement).strip()

    def offered(self, table: str) -> int:
        """Rows of one offer that can be seen at the county's clock."""
        code = f"import sqlite3; print(sqlite3.connect('/county/county.db').execute('SELECT count(*) FROM visible_{table}').fetchone()[0])"
        return int(self.compose("exec", "-T", "county", "python", "-c", code))


def check(platform: Platform, say) -> None:
    """Up, healthy, every department ingested, rows counted. Failed says what was otherwise."""
    platform.compose("up", "--detach", "--no-build", "--quiet-pull")
    say("services started")
    api = platform.api()
    _until("all components healthy", 240, lambda: _healthy(api))
    _until("the DAGs parsed", 120, lambda: {"ingest_org", *(f"ingest_{f}" for f in FEEDS)} <= _dags(api))
    errors = [e["filename"] for e in api.pages("/importErrors", "import_errors")]
    if errors:
        raise Failed(f"DAG files that don't import: {errors}")
    say("Airflow is healthy and has its DAGs")
    for dag in (f"ingest_{feed}" for feed in (*FEEDS, "org")):
        api.call("PATCH", f"/dags/{dag}", json={"is_paused": False})
        api.call("POST", f"/dags/{dag}/dagRuns", json={"logical_date": None})
    _until("the ingests to end", 420, lambda: not _active(api))
    failed = sorted({r["dag_id"] for r in api.pages("/dags/~/dagRuns", "dag_runs") if r["state"] != "success"})
    if failed:
        raise Failed(f"failed: {', '.join(failed)}")
    say(f"{len(FEEDS) + 1} DAGs succeeded")
    _count(platform, say)
    run = api.call("GET", "/dags/ingest_org/dagRuns")["dag_runs"][0]
    log = api.call("GET", f"/dags/ingest_org/dagRuns/{run['dag_run_id']}/taskInstances/fetch_validate_load/logs/1")
    if "Could not read served logs" in json.dumps(log) or len(log.get("content") or []) < 2:
        raise Failed("the api-server can't show a task's log")
    states = {s["Service"]: s for s in map(json.loads, platform.compose("ps", "--format", "json").splitlines())}
    wrong = [name for name in SERVICES if states.get(name, {}).get("State") != "running"]
    if wrong:
        raise Failed(f"not running: {', '.join(wrong)}")
    user = platform.compose("exec", "-T", "scheduler", "id", "-un").strip()
    if user != "gridhub":
        raise Failed(f"the scheduler runs as {user}")
    platform.compose("exec", "-T", "scheduler", "sh", "/opt/gridhub/dags/config/enter.sh", "gridhub", "doctor")
    say("gridhub doctor is content inside the scheduler's container")


def _count(platform: Platform, say) -> None:
    """Every batch balances, every department landed rows, and what is offered is in the warehouse or in quarantine."""
    balance = "landed = inserted + changed + unchanged + superseded + quarantined"
    unbalanced = platform.sql(f"SELECT count(*) FROM hub.batch WHERE NOT ({balance})")
    empty = [feed for feed in (*FEEDS, "org_communities") if not _sum(platform, "landed", feed)]
    if unbalanced != "0" or empty:
        raise Failed(f"{unbalanced} batches don't balance; nothing landed of {empty or 'none'}")
    for feed, table in OFFERED.items():
        offered, landed, quarantined = platform.offered(table), _sum(platform, "landed", feed), _sum(platform, "quarantined", feed)
        records = int(platform.sql(f"SELECT count(*) FROM record.{feed} WHERE recorded_to IS NULL"))
        # landed may be more: a window that is read again by its overlap
        if not (landed >= offered >= records > 0 and records + quarantined >= offered):
            raise Failed(f"{feed}: {offered} offered, {landed} landed, {records} records, {quarantined} quarantined")
        say(f"{feed}: {offered} offered, {landed} landed, {records} records, {quarantined} quarantined")


def _sum(platform: Platform, column: str, feed: str) -> int:
    return int(platform.sql(f"SELECT coalesce(sum({column}), 0) FROM hub.batch WHERE feed = '{feed}'"))


def _healthy(api: AirflowApi) -> bool:
    parts = ("metadatabase", "scheduler", "dag_processor", "triggerer")
    health = api.call("GET", "/monitor/health")
    return all((health.get(part) or {}).get("status") == "healthy" for part in parts)


def _dags(api: AirflowApi) -> set[str]:
    return {d["dag_id"] for d in api.pages("/dags", "dags")}


def _active(api: AirflowApi) -> bool:
    return any(r["state"] in ("queued", "running") for r in api.pages("/dags/~/dagRuns", "dag_runs"))


def _until(what: str, seconds: float, done) -> None:
    deadline, last = time.monotonic() + seconds, ""
    while time.monotonic() < deadline:
        try:
            if done():
                return
        except RequestException as error:
            last = f"; last answer: {type(error).__name__}"
        time.sleep(1)
    raise Failed(f"waited {seconds:.0f} s in vain for {what}{last}")


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def main() -> int:
    """0 when the compose file keeps its word or no engine can be had, 1 otherwise."""
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {text}", flush=True)

    kept = os.environ.get("GRIDHUB_COMPOSE_WORK")  # a folder whose engine keeps its images for the next time
    folder = Path(kept or tempfile.mkdtemp(prefix="gridhub-compose-"))
    folder.mkdir(exist_ok=True)
    engine, platform = Engine(folder, say), None
    try:
        engine.start()
        engine.base_images()
        say("base images ready")
        engine.build(ROOT, "gridhub:local")
        say("gridhub:local built from the Dockerfile")
        platform = Platform(engine)
        platform.compose("config", "--quiet")
        check(platform, say)
    except NoEngine as reason:
        print(f"SKIPPED: no container engine: {reason}")
        return 0
    except (Failed, RuntimeError) as failure:
        print(f"FAILED: {failure}")
        if platform is not None:
            print(platform.compose("logs", "--no-color", "--tail", "40", check=False))
        return 1
    finally:
        if platform is not None:
            platform.compose("down", "--volumes", "--timeout", "15", check=False)
        engine.stop()
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)
    say("the compose file keeps its word; all taken down")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    sys.exit(main())
