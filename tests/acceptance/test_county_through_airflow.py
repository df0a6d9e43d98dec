"""The county once, through Airflow: every feed by a DAG run of the real scheduler, then persons to report."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from contracts.reader import load_contracts
from demo.county import County
from demo.site import Site
from demo.story import live_one_day
from gridhub.pipeline import Hub
from gridhub.settings import Settings
from warehouse.bulk import read_arrow

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(900)]
COMPONENTS = ("api-server", "scheduler", "dag-processor")


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A small county after one day through the scheduler; the embedded server is up, all else has stopped."""
    home = tmp_path_factory.mktemp("county-day")
    site = Site(home, County(home / "county", persons=400, seed=5, noise=1.0, faults=False))
    console = Console(file=(home / "demo.log").open("w", encoding="utf-8"), width=200)
    with site.running(COMPONENTS, say=console.print):
        day = live_one_day(site, console)
        site.server.start()
        xcoms = [
            x for dag in ("ingest_psb_register", "link", "assemble", "publish", "report") for x in _xcoms(site, dag)
        ]
    hub = Hub(Settings.from_environment({"GRIDHUB_HOME": str(home)}))
    yield site, day, hub, xcoms
    hub.engine.dispose()
    site.server.stop()


def _xcoms(site: Site, dag_id: str) -> list[str]:
    api = site.airflow.api()
    found = []
    for run in api.pages(f"/dags/{dag_id}/dagRuns", "dag_runs"):
        for task in api.pages(f"/dags/{dag_id}/dagRuns/{run['dag_run_id']}/taskInstances", "task_instances"):
            path = (
                f"/dags/{dag_id}/dagRuns/{run['dag_run_id']}/taskInstances/{task['task_id']}/xcomEntries/return_value"
            )
            try:
                found.append(json.dumps(api.call("GET", path)))
            except Exception as error:
                assert "404" in str(error)
    return found


def test_every_feed_was_ingested_by_a_dag_run(lived):
    _, day, hub, _ = lived
    feeds = {f"ingest_{feed}" for feed in load_contracts() if not feed.startswith("org_")} | {"ingest_org"}
    succeeded = {name.split(" ")[0] for name, state in day.runs.items() if state == "success"}
    assert feeds | {"link", "assemble", "publish", "report"} <= succeeded
    loaded = read_arrow(hub.engine, "SELECT DISTINCT feed FROM hub.batch WHERE state = 'loaded'")["feed"].to_pylist()
    # an optional directory file need not be there in so small a county
    assert set(loaded) >= {feed for feed, contract in load_contracts().items() if not contract.optional_file}


def test_landed_is_accepted_plus_quarantined_for_every_batch(lived):
    rows = read_arrow(
        lived[2].engine,
        "SELECT landed, inserted + changed + unchanged + superseded AS accepted, quarantined FROM hub.batch WHERE state = 'loaded'",
    ).to_pylist()
    assert rows and all(r["landed"] == r["accepted"] + r["quarantined"] for r in rows)
    assert sum(r["landed"] for r in rows) > 1000


def test_households_profiles_extracts_and_the_report_are_there(lived):
    site, _, hub, _ = lived
    count = lambda sql: read_arrow(hub.engine, sql)["n"][0].as_py()  # noqa: E731
    assert count("SELECT count(*) AS n FROM hub.person WHERE recorded_to IS NULL") > 300
    profiles = count("SELECT count(*) AS n FROM hub.profile WHERE recorded_to IS NULL")
    assert profiles == count("SELECT count(*) AS n FROM hub.household WHERE kind = 'residence' AND recorded_to IS NULL")
    assert profiles > 100
    assert {p.name for p in (site.home / "out" / "extracts").iterdir()} >= {
        "public_security",
        "education",
        "health",
        "civil_affairs",
        "market_regulation",
    }
    page = (site.home / "out" / "report" / "index.html").read_text(encoding="utf-8")
    assert "规范性" in page and "http://" not in page.replace("http://www.w3.org", "")


def test_every_person_record_of_the_truth_is_in_the_crosswalk(lived):
    site, _, hub, _ = lived
    with (site.county.folder / "truth" / "crosswalk.csv").open(encoding="utf-8") as file:
        truth = {(r["feed"], r["source_key"]) for r in csv.DictReader(file)}
    ours = read_arrow(hub.engine, "SELECT feed, record_key FROM hub.person_link WHERE recorded_to IS NULL").to_pylist()
    missing = truth - {(r["feed"], r["record_key"]) for r in ours}
    assert len(truth) > 1000 and not missing


def test_no_personal_value_and_no_source_key_in_logs_xcom_or_the_report(lived):
    site, _, _, xcoms = lived
    with (site.county.folder / "truth" / "persons.csv").open(encoding="utf-8") as file:
        people = list(csv.DictReader(file))
    with (site.county.folder / "truth" / "crosswalk.csv").open(encoding="utf-8") as file:
        keys = {r["source_key"] for r in csv.DictReader(file)}
    numbers = {p["id_number"] for p in people if p["id_number"]} | {k for k in keys if len(k) >= 8}
    names = {p["name"] for p in people if len(p["name"]) >= 3}
    logs = [p for p in (site.home / "airflow" / "logs").rglob("*.log")] + [site.home / "demo.log"]
    assert len(logs) > 20 and xcoms and len(names) > 100 and len(numbers) > 500
    texts = {str(p.relative_to(site.home)): p.read_text(encoding="utf-8", errors="replace") for p in logs}
    texts |= {f"xcom {i}": x for i, x in enumerate(xcoms)}
    texts["report"] = (site.home / "out" / "report" / "index.html").read_text(encoding="utf-8")
    wanted = re.compile("|".join(re.escape(x) for x in sorted(numbers | names, key=len, reverse=True)))
    # Workers' own names stand in no log either, but a county's place may share a word with a name: report places.
    found = {where: len(set(wanted.findall(text))) for where, text in texts.items() if wanted.search(text)}
    assert found == {}


def test_logs_are_where_the_runbook_says(lived):
    site = lived[0]
    assert (Path(site.home) / "airflow" / "logs" / "scheduler.log").exists()
