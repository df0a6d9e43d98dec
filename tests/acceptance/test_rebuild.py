"""`gridhub rebuild` makes the same warehouse again from landing: the exports are the same bytes before and after."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]

# What a record says and when it was believed; a serial number or a moment of writing is none of it.
RECORDS = "SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM record.{} t"


@pytest.fixture(scope="module")
def site(new_site):
    """A site on its second day, so that records have history."""
    site = new_site(200, 53)
    site.run()
    site.county.advance()
    site.run()
    return site


def exports(site) -> dict[str, bytes]:
    """The three exports' bytes."""
    from reports.exports import EXPORTS, export

    site.home.joinpath("exports").mkdir(exist_ok=True)
    found = {}
    for what in EXPORTS:
        file = site.home / "exports" / f"{what}.csv"
        export(site.hub().engine, what, file)
        found[what] = file.read_bytes()
    return found


def records(site) -> dict[str, str]:
    """A digest of every record table, closed rows too."""
    tables = site.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'record' ORDER BY 1")
    return {table: site.rows(RECORDS.format(table))[0][0] for (table,) in tables}


def test_a_rebuild_makes_the_same_warehouse_again(site):
    before_exports, before_records = exports(site), records(site)
    assert all(len(content) > 1000 for content in before_exports.values())
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_CONN_")} | site.environ
    subprocess.run([sys.executable, "-m", "gridhub.cli", "rebuild"], check=True, env=environ, stdout=subprocess.DEVNULL)
    assert records(site) == before_records
    assert exports(site) == before_exports

    hub = site.hub()
    assert hub.link().numbers["link_unchanged"] is True
    assert hub.assemble().numbers["profiles_changed"] == 0
    assert hub.publish().numbers["extracts"] == 0
    assert exports(site) == before_exports


def test_a_department_that_is_not_there_holds_up_no_other(site):
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_CONN_")} | site.environ
    environ.pop("AIRFLOW_CONN_MARKET_API")
    command = [sys.executable, "-m", "gridhub.cli", "run", "--json"]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True)
    told = [json.loads(line)["stage"] for line in ended.stdout.splitlines() if line.startswith("{")]
    assert ended.returncode == 1
    assert "market_api" in ended.stderr and "Traceback" not in ended.stderr
    assert told[-4:] == ["link", "assemble", "publish", "report"]
    assert len(told) == len(site.hub().contracts) - 1 + 4
