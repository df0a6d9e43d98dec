"""The link DAG with chunks: what its tasks wait for and how they fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PROBE = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
import airflow.sdk
sys.path.insert(0, sys.argv[1])
bag = DagBag(dag_folder=sys.argv[1] + "/stages.py", bundle_path=sys.argv[1])
link = bag.dags["link"]
print("PROBE " + json.dumps({
    "errors": {k: str(v) for k, v in bag.import_errors.items()},
    "heavy": sorted(m for m in ("splink", "pandas", "duckdb") if m in sys.modules),
    "tasks": {t.task_id: {"after": sorted(t.upstream_task_ids), "mapped": t.is_mapped, "rule": str(getattr(t.trigger_rule, "value", t.trigger_rule)),
                          "outlets": [o.name for o in t.outlets], "policy": t.has_retry_policy, "retries": t.retries} for t in link.tasks},
}))
"""


def _probe(home: Path, chunks: str) -> dict:
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "GRIDHUB"))}
    environ |= {
        "AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "GRIDHUB_LINK_CHUNKS": chunks,
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"), "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/unused.db",
    }  # fmt: skip
    line = [sys.executable, "-c", textwrap.dedent(PROBE), str(ROOT / "dags")]
    done = subprocess.run(line, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("PROBE ")]
    assert lines, done.stderr[-3000:]
    return json.loads(lines[-1].removeprefix("PROBE "))


@pytest.fixture(scope="module")
def link(tmp_path_factory) -> dict:
    return _probe(tmp_path_factory.mktemp("airflow"), "4")


def test_each_round_is_laid_out_and_scored_before_the_last_start(link: dict) -> None:
    assert link["errors"] == {} and link["heavy"] == []
    tasks = link["tasks"]
    assert {name: task["after"] for name, task in tasks.items()} == {
        "lay_out_1": [], "score_pairs_1": ["lay_out_1"], "lay_out_2": ["score_pairs_1"], "score_pairs_2": ["lay_out_2"],
        "resolve_and_link": ["score_pairs_2"],
    }  # fmt: skip
    assert [name for name, task in tasks.items() if task["mapped"]] == ["score_pairs_1", "score_pairs_2"]


def test_a_lost_worker_does_not_stop_the_linking(link: dict) -> None:
    assert {name: task["rule"] for name, task in link["tasks"].items()} == {
        "lay_out_1": "all_success", "score_pairs_1": "all_success", "lay_out_2": "all_done", "score_pairs_2": "all_success",
        "resolve_and_link": "all_done",
    }  # fmt: skip
    assert all(task["policy"] and task["retries"] >= 2 for task in link["tasks"].values())


def test_the_last_start_alone_brings_news_of_persons(link: dict) -> None:
    assert {name: task["outlets"] for name, task in link["tasks"].items() if task["outlets"]} == {"resolve_and_link": ["persons"]}
