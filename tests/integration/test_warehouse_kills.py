"""A load killed at any moment leaves the warehouse as before or as after, and can be run again (断电测试)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from warehouse.bulk import lock
from warehouse.load import load_batch

ROOT = Path(__file__).resolve().parents[2]
ROWS = 3000

# Loads the second of two batches; says when the load begins and when it is over.
LOADER = """
import importlib.util, sys
def read(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
shared, kills = read("shared", "tests/conftest.py"), read("kills", "tests/integration/test_warehouse_kills.py")
from warehouse.engine import engine_for
hub = shared.SmallHub(engine_for(sys.argv[1]), shared.SmallFeeds.visits)
load = kills.second_batch(hub, shared.SmallFeeds.visits)
print("begin", flush=True)
load()
print("over", flush=True)
"""


def second_batch(hub, visits):
    """A function that loads the batch: rows that are new, changed and unreadable, with residents and issues."""
    events = [{"key": f"E{i}", "order": 2, "seq": i} for i in range(ROWS)]
    issue = ("name", "name.placeholder", "x")
    people = [{"key": f"E{i}#0", "parent": i + 1, "order": 2, "name": f"N{i}", "issue": issue} for i in range(ROWS)]
    landed = hub.landed(visits, ROWS + 1, day=2, watermark={"seq": 2})
    verdicts = hub.verdicts(visits, landed, events, people, [{"raw": "unreadable"}])
    return lambda: load_batch(hub.engine, visits, landed, verdicts)


STATES = {
    "record.small_visit": "record_key, source_order, batch_id, recorded_from, recorded_to, state",
    "record.small_visit_resident": "record_key, name, batch_id, recorded_from, recorded_to, state",
    "hub.value_issue": "record_key, reason, batch_id, recorded_from, recorded_to",
    "hub.quarantine": "batch_id, row_no, state", "hub.feed_state": "feed, watermark::text AS watermark, recorded_at",
    "hub.batch": "batch_id, state, landed, inserted, changed, quarantined",
}  # fmt: skip


class Loader:
    """The loading process, and what it left."""

    def __init__(self, hub) -> None:
        self.hub, self.visits = hub, next(iter(hub.contracts.values()))
        first = [{"key": f"E{i}", "order": 1, "seq": i} for i in range(0, ROWS, 2)]
        people = [{"key": f"E{i}#{n}", "parent": i // 2 + 1, "order": 1, "name": "first"} for i in range(0, ROWS, 2) for n in (0, 1)]
        hub.load(self.visits, first, children=people, day=1, watermark={"seq": 1})
        self.url = hub.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)

    def start(self) -> subprocess.Popen:
        process = subprocess.Popen([sys.executable, "-c", LOADER, self.url], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "begin\n"
        return process

    def finish(self) -> float:
        """Load the batch to its end, here; the seconds it took."""
        load = second_batch(self.hub, self.visits)
        began = time.monotonic()
        load()
        return time.monotonic() - began

    def kill_after(self, seconds: float) -> None:
        process = self.start()
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()

    def state(self) -> dict:
        """Everything, once the killed load's own session is over."""
        with self.hub.engine.begin() as connection:
            lock(connection, "load", self.visits.feed)
        return {name: sorted(map(str, self.hub.rows(f"SELECT {columns} FROM {name}"))) for name, columns in STATES.items()}


@pytest.fixture
def make(small, small_hub):
    return lambda: Loader(small_hub(small.visits))


def check_points(make, points: list[float]) -> None:
    whole = make()
    before, took = whole.state(), whole.finish()
    after = whole.state()
    assert after != before
    seen = set()
    for point in points:
        loader = make()
        loader.kill_after(point * took)
        found = loader.state()
        assert found in (before, after)
        seen.add("before" if found == before else "after")
        loader.finish()
        assert loader.state() == after
        assert loader.hub.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'staging'") == []
    assert "before" in seen


def test_a_kill_during_a_load_leaves_before_or_after(make):
    check_points(make, [0.0, 0.3, 0.8])  # how long a load takes varies: the first kill comes at once


@pytest.mark.long
def test_kills_at_twenty_moments_leave_before_or_after(make):
    chance = random.Random(20261120)
    check_points(make, [chance.uniform(0, 1.2) for _ in range(20)])


@pytest.mark.long
@pytest.mark.parametrize("seed", range(5))
def test_a_killed_server_comes_back_with_before_or_after(make, postgres_server, seed):
    whole = make()
    before, took = whole.state(), whole.finish()
    after = whole.state()
    loader = make()
    process = loader.start()
    time.sleep(random.Random(seed).uniform(0, 1.0) * took)
    os.kill(postgres_server.status().pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    postgres_server.start()
    loader.hub.engine.dispose()
    with loader.hub.engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    assert loader.state() in (before, after)
    loader.finish()
    assert loader.state() == after
