"""The DAGs as policy: one per contract, owners, tags, runbooks, pools, retries, and a folder that parses fast."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from contracts.reader import load_contracts

ROOT = Path(__file__).resolve().parents[2]
STAGES = {"link", "assemble", "publish", "report", "watch"}

# In a process of its own: Airflow reads its settings once, when it is imported.
PROBE = """
import json, socket, sys, time
import airflow
from airflow.dag_processing.dagbag import DagBag
import airflow.sdk

def refuse(*_):
    raise AssertionError("parsing opened a connection")

socket.socket.connect = refuse
sys.path.insert(0, sys.argv[1])  # as every Airflow process has it
started = time.perf_counter()
bag = DagBag(dag_folder=sys.argv[1], bundle_path=sys.argv[1]) if "bundle_path" in DagBag.__init__.__code__.co_varnames else DagBag(dag_folder=sys.argv[1])
seconds = time.perf_counter() - started
heavy = sorted(m for m in ("great_expectations", "splink", "pandas", "duckdb") if m in sys.modules)

def decided(path, *words):
    from support.policy import RETRIES
    module, _, name = path.rpartition(".")
    return RETRIES.evaluate(getattr(__import__(module, fromlist=[name]), name)(*words), 1, 3).action.value

print("PROBE " + json.dumps({
    "seconds": seconds,
    "decided": {
        error: decided(error, *words)
        for error, *words in (
            ("connectors.errors.AuthenticationRefused", "psb_register: the database refuses our login"),
            ("connectors.errors.TransientError", "psb_register: the database can't be reached"),
            ("sqlalchemy.exc.ProgrammingError", "SELECT 1", {}, Exception("no such column")),
            ("sqlalchemy.exc.OperationalError", "SELECT 1", {}, Exception("server closed the connection")),
            ("warehouse.errors.StatementRefused", "no such column"),
            ("warehouse.errors.QueryError", "no answer"),
            ("gridhub.errors.NeedsDecision", "a batch is held"),
        )
    },
    "errors": {k: str(v) for k, v in bag.import_errors.items()},
    "heavy": heavy,
    "dags": {
        d.dag_id: {
            "owner": d.owner, "tags": sorted(d.tags), "doc": d.doc_md or "", "catchup": d.catchup, "runs": d.max_active_runs,
            "schedule": str(getattr(d.timetable, "summary", d.timetable)),
            "tasks": {t.task_id: {"pool": t.pool, "retries": t.retries, "policy": t.has_retry_policy, "outlets": [o.name for o in t.outlets]} for t in d.tasks},
        }
        for d in bag.dags.values()
    },
}))
"""


@pytest.fixture(scope="module")
def bag(tmp_path_factory) -> dict:
    import json

    home = tmp_path_factory.mktemp("airflow")
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "GRIDHUB"))}
    environ |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
    }
    environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{home}/unused.db"
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROBE), str(ROOT / "dags")],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("PROBE ")]
    assert lines, done.stderr[-3000:]
    found = json.loads(lines[-1].removeprefix("PROBE "))
    assert found["dags"], found["errors"]
    return found


def test_the_dags_are_the_contracts_and_the_stages(bag):
    feeds = {f"ingest_{name}" for name in load_contracts() if not name.startswith("org_")}
    assert bag["errors"] == {}
    assert set(bag["dags"]) == feeds | {"ingest_org"} | STAGES
    assert len(feeds) == 16


def test_parsing_loads_nothing_heavy_and_stays_in_its_budget(bag):
    assert bag["heavy"] == []
    assert bag["seconds"] < 10, "the budget is 2 s on a quiet machine; this bound only catches a folder gone wrong"


def test_every_dag_has_an_owner_tags_and_a_runbook(bag):
    for dag in bag["dags"].values():
        assert dag["owner"] == "data-engineering" and dag["tags"] and len(dag["doc"]) > 80
        assert dag["catchup"] is False and dag["runs"] == 1


def test_ingests_follow_their_contracts_schedule_and_queue_for_their_department(bag):
    for contract in load_contracts().values():
        if contract.feed.startswith("org_"):
            continue
        dag = bag["dags"][f"ingest_{contract.feed}"]
        assert contract.schedule in dag["schedule"]
        assert [t["pool"] for t in dag["tasks"].values()] == [contract.connection]


def test_transient_errors_retry_and_permanent_ones_do_not(bag):
    for dag in bag["dags"].values():
        for task in dag["tasks"].values():
            assert task["retries"] == 3 and task["policy"]
    fails = {error for error, action in bag["decided"].items() if action == "fail"}
    assert fails == {
        "connectors.errors.AuthenticationRefused",
        "sqlalchemy.exc.ProgrammingError",
        "warehouse.errors.StatementRefused",
        "gridhub.errors.NeedsDecision",
    }


def test_few_tasks_a_dag(bag):
    assert {len(dag["tasks"]) for dag in bag["dags"].values()} == {1}


def test_the_stages_are_chained_by_assets(bag):
    outlets = {d: [o for t in dag["tasks"].values() for o in t["outlets"]] for d, dag in bag["dags"].items()}
    assert (outlets["link"], outlets["assemble"], outlets["publish"], outlets["report"]) == (
        ["persons"],
        ["profiles"],
        ["extracts"],
        ["report"],
    )
    assert all("records" in outlets[d] for d in outlets if d.startswith("ingest_"))


def test_the_errors_that_must_not_be_retried_exist_where_the_policy_names_them():
    import importlib
    import re

    text = (ROOT / "dags" / "support" / "policy.py").read_text(encoding="utf-8")
    paths = re.findall(r'"((?:\w+\.)+[A-Z]\w+)"', text)
    assert {"connectors.errors.PermanentError", "gridhub.errors.NeedsDecision", "warehouse.errors.StatementRefused"} < set(paths)
    for path in paths:
        module, _, name = path.rpartition(".")
        assert issubclass(getattr(importlib.import_module(module), name), Exception)
