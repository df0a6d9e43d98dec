"""One day of the county through the real scheduler: every feed ingested, then linked to reported."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from rich.console import Console

from demo.airflow import AirflowApi
from demo.site import Site

STAGES = ("link", "assemble", "publish", "report")
ACTIVE = ("queued", "running")


class DemoFailed(RuntimeError):
    """A DAG run failed or did not end in time."""


@dataclass(frozen=True)
class DayFigures:
    """How long the day took and how each DAG run ended."""

    seconds: float
    runs: dict[str, str]


def live_one_day(site: Site, console: Console, patience: float = 900) -> DayFigures:
    """Have every feed ingested once more and wait until the report that follows the last of them is written."""
    started = time.monotonic()
    api = site.airflow.api()
    ingests = _dags(api)
    _pools(api, site)
    before = {run["dag_run_id"] + run["dag_id"] for run in _runs(api)}
    for dag_id in (*STAGES, *ingests):
        api.call("PATCH", f"/dags/{dag_id}", json={"is_paused": False})
    console.print(f"• {len(ingests)} ingest DAGs; links, households, extracts and the report follow by assets")
    for dag_id in sorted(set(ingests) - _started_by_schedule(api, before)):
        api.call("POST", f"/dags/{dag_id}/dagRuns", json={"logical_date": None})
    runs = _wait(api, ingests, before, started + patience, console)
    return DayFigures(time.monotonic() - started, runs)


def _started_by_schedule(api: AirflowApi, before: set[str]) -> set[str]:
    """The DAGs whose time has come since they last ran: the scheduler starts them once they are unpaused."""
    deadline, found = time.monotonic() + 15, None
    while time.monotonic() < deadline:
        time.sleep(2)
        earlier, found = found, {run["dag_id"] for run in _runs(api, before)}
        if found == earlier:
            break
    return found or set()


def _runs(api: AirflowApi, before: set[str] = frozenset()) -> list[dict]:
    found = api.pages("/dags/~/dagRuns", "dag_runs")
    return [run for run in found if run["dag_run_id"] + run["dag_id"] not in before]


def _dags(api: AirflowApi, patience: float = 90) -> list[str]:
    """The ingest DAGs, once the processor has parsed the folder; DemoFailed on import errors."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        errors = [e["filename"] for e in api.pages("/importErrors", "import_errors")]
        if errors:
            raise DemoFailed(f"DAG files that don't import: {', '.join(errors)}")
        found = [d["dag_id"] for d in api.pages("/dags", "dags")]
        if set(STAGES) <= set(found) and "ingest_org" in found:
            return sorted(d for d in found if d.startswith("ingest_"))
        time.sleep(0.5)
    raise DemoFailed("Airflow did not find the DAGs; see the dag-processor's log")


def _pools(api: AirflowApi, site: Site) -> None:
    """A pool a department's connection, so that one department's system gets one reader at a time."""
    have = {p["name"] for p in api.pages("/pools", "pools")}
    for name in sorted(n.removeprefix("AIRFLOW_CONN_").lower() for n in site.county.environment()):
        if name not in have:
            api.call("POST", "/pools", json={"name": name, "slots": 1, "description": "a department's system"})


def _wait(api: AirflowApi, ingests: list[str], before: set[str], deadline: float, console: Console) -> dict[str, str]:
    """Poll until nothing is active and a report run started after the last ingest ended."""
    seen: dict[tuple[str, str], str] = {}
    while time.monotonic() < deadline:
        runs = _runs(api, before)
        for run in runs:
            key = (run["dag_id"], run["dag_run_id"])
            if run["state"] not in ACTIVE and seen.get(key) != run["state"]:
                seen[key] = run["state"]
                console.print(f"  {run['state']:8} {run['dag_id']:32} {_length(run):6.1f} s")
        failed = sorted({r["dag_id"] for r in runs if r["state"] == "failed"})
        if failed:
            raise DemoFailed(f"failed: {', '.join(failed)}; the task's log says why in its last line")
        ended = {r["dag_id"]: r["end_date"] for r in runs if r["state"] == "success"}
        if not any(r["state"] in ACTIVE for r in runs) and set(ingests) <= set(ended):
            last = max(ended[d] for d in ingests)
            reports = [
                r for r in runs if r["dag_id"] == "report" and r["state"] == "success" and r["start_date"] > last
            ]
            if reports:
                return {f"{d} {i}": s for (d, i), s in seen.items()}
        time.sleep(1)
    raise DemoFailed("the DAG runs did not end in time; see Airflow's logs")


def _length(run: dict) -> float:
    start, end = run.get("start_date"), run.get("end_date")
    if not start or not end:
        return 0.0
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
