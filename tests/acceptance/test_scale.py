"""Twenty thousand people from their transports to the report: it ends, reconciles, stays lean, and is right."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from benchmarks.whole_run import gridhub_run

pytestmark = [pytest.mark.long, pytest.mark.timeout(2400)]

PERSONS, SEED = 20_000, 90_917  # a seed nothing was tuned on
PEAK_MB = 2_000  # gridhub's processes, PostgreSQL and the county aside
PRECISION, RECALL, EXACT_HOMES = 0.999, 0.95, 0.80


@pytest.fixture(scope="module")
def site(new_site):
    return new_site(PERSONS, SEED)


@pytest.fixture(scope="module")
def environ(site):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_CONN_")}
    return kept | site.environ


@pytest.fixture(scope="module")
def run(environ):
    return gridhub_run(environ)


@pytest.fixture(scope="module")
def evaluated(run, site, environ) -> dict:
    command = [sys.executable, "-m", "gridhub.cli", "evaluate", "--json", "--truth", str(site.county.folder / "truth")]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env=environ).stdout)


def test_every_row_of_every_feed_is_accounted_for(run, site):
    fed = run.total("ingest ").numbers
    accepted = sum(fed[kind] for kind in ("inserted", "changed", "unchanged", "superseded"))
    assert fed["landed"] == accepted + fed["quarantined"] > 2 * PERSONS
    loaded = site.rows("SELECT count(*), sum(landed) FROM hub.batch WHERE state = 'loaded'")[0]
    assert loaded[1] == fed["landed"] and loaded[0] >= len(site.hub().contracts)
    assert site.rows("SELECT count(*) FROM hub.batch WHERE state <> 'loaded'") == [(0,)]


def test_the_run_ends_with_the_report_and_stays_lean(run, site):
    assert [stage.name for stage in run.stages[-4:]] == ["link", "assemble", "publish", "report"]
    assert (site.home / "out" / "report" / "index.html").stat().st_size > 10_000
    assert run.peak_mb < PEAK_MB


def test_people_are_linked_as_they_are(evaluated):
    assert evaluated["person_precision"] >= PRECISION
    assert evaluated["person_recall"] >= RECALL


def test_homes_are_whole(evaluated):
    assert evaluated["residence_exact_rate"] >= EXACT_HOMES
    assert evaluated["residence_exact_rate"] > evaluated["address_string_exact_rate"]


def test_every_record_of_a_person_is_in_the_crosswalk(evaluated, site):
    assert evaluated["person_records"] > 2 * PERSONS
    assert evaluated["person_records_missing"] == 0
    unlinked = """SELECT count(*) FROM hub.mention m WHERE NOT EXISTS (
                      SELECT FROM hub.person_link l WHERE (l.feed, l.record_key) = (m.feed, m.record_key) AND l.recorded_to IS NULL)"""
    assert site.rows(unlinked) == [(0,)]
