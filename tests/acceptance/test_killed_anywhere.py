"""Killed at any line, run again, and nothing shows: the exports are the same bytes as without the kill."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from simulator.serve.connections import read_connections

pytestmark = [pytest.mark.long, pytest.mark.timeout(3000)]

KILLS = 20
PRELOAD = [
    "gridhub.pipeline",
    "expectations.engine",
    "expectations.verdicts",
    "linkage.store",
    "places.store",
    "profiles.store",
    "splink",
    "reports.exports",
]


# -- what the children do: they are forked from a server that has imported everything -------


def _hub(environ: dict[str, str], mark: str):
    from connectors.connection import from_environment
    from gridhub.pipeline import Hub
    from gridhub.settings import Settings

    class Marked(Hub):
        """Says in a file what it is at, so that the killer can aim."""

        def accept(self, contract, landed):
            Path(mark).write_text("load")
            try:
                return super().accept(contract, landed)
            finally:
                Path(mark).write_text("landing")

    hub = Marked(Settings.from_environment(environ), from_environment(environ))
    hub.engine  # noqa: B018  the server starts before the mark
    return hub


def _ingest(environ: dict[str, str], mark: str) -> None:
    hub = _hub(environ, mark)
    Path(mark).write_text("landing")
    hub.ingest_many()
    Path(mark).write_text("done")


def _stage(environ: dict[str, str], mark: str, stage: str) -> None:
    hub = _hub(environ, mark)
    Path(mark).write_text(stage)
    getattr(hub, stage)()
    Path(mark).write_text("done")


def _export(environ: dict[str, str], folder: str) -> None:
    from reports.exports import EXPORTS, export

    hub = _hub(environ, os.devnull)
    for what in EXPORTS:
        export(hub.engine, what, Path(folder) / f"{what}.csv")


# -- the killer -----------------------------------------------------------------------------


class Site:
    """One home over a served county."""

    def __init__(self, home: Path, connections: dict[str, str]) -> None:
        self.home, self.environ = home, {**connections, "GRIDHUB_HOME": str(home)}
        home.mkdir()
        self.mark = str(home / "mark")
        self.context = multiprocessing.get_context("forkserver")

    def run(self, target, *arguments) -> None:
        process = self.context.Process(target=target, args=(self.environ, *arguments))
        process.start()
        process.join()
        assert process.exitcode == 0

    def kill_in(self, phase: str, delay: float, target, *arguments) -> bool:
        """Start, wait for ``phase``, then ``delay`` seconds, then SIGKILL; False if it was done before that."""
        Path(self.mark).write_text("starting")
        process = self.context.Process(target=target, args=(self.environ, self.mark, *arguments))
        process.start()
        # Not always the first batch: let the phase come a few times.
        for _ in range(random.randrange(1, 12)):
            self._wait(process, lambda now: now == phase)
            aimed = time.monotonic()
            self._wait(process, lambda now, until=aimed + delay: now != phase or time.monotonic() > until)
            if Path(self.mark).read_text() == phase:
                break
        killed = process.is_alive()
        if killed:
            os.kill(process.pid, signal.SIGKILL)
        process.join()
        return killed

    def _wait(self, process, until) -> None:
        while process.is_alive() and not until(Path(self.mark).read_text()):
            time.sleep(0.002)

    def exports(self) -> dict[str, str]:
        self.run(_export, str(self.home / "exports"))
        return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (self.home / "exports").iterdir()}

    def finish(self) -> dict[str, str]:
        self.run(_ingest, self.mark)
        for stage in ("link", "assemble"):
            self.run(_stage, self.mark, stage)
        return self.exports()

    def stop(self) -> None:
        from warehouse.embedded import EmbeddedServer

        EmbeddedServer(self.home).stop()


@pytest.fixture(scope="module")
def connections(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed") / "county"
    simulator = [sys.executable, "-m", "simulator"]
    subprocess.run(
        [*simulator, "make", "--dir", folder, "--persons", "500", "--seed", "8"], check=True, stdout=subprocess.DEVNULL
    )
    subprocess.run([*simulator, "serve", "--dir", folder, "--background"], check=True, stdout=subprocess.DEVNULL)
    multiprocessing.get_context("forkserver").set_forkserver_preload(PRELOAD)
    yield read_connections(folder / "connections.env")
    subprocess.run([*simulator, "stop", "--dir", folder], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def undisturbed(connections, tmp_path_factory) -> dict[str, str]:
    site = Site(tmp_path_factory.mktemp("reference") / "home", connections)
    try:
        found = site.finish()
    finally:
        site.stop()
    assert set(found) == {"crosswalk.csv", "households.csv", "attributes.csv"}
    return found


@pytest.mark.parametrize("phase", ["landing", "load"])
def test_an_ingest_killed_anywhere_ends_as_if_it_was_not(phase, connections, undisturbed, tmp_path):
    random.seed(phase)
    kills = rounds = 0
    while kills < KILLS:
        site = Site(tmp_path / f"home{rounds}", connections)
        try:
            for _ in range(KILLS):
                if kills == KILLS or not site.kill_in(phase, random.uniform(0, 0.25), _ingest):
                    break
                kills += 1
            assert site.finish() == undisturbed
        finally:
            site.stop()
        rounds += 1
        assert rounds < KILLS, "the kills don't hit"


@pytest.mark.parametrize("stage", ["link", "assemble"])
def test_a_stage_killed_anywhere_ends_as_if_it_was_not(stage, connections, undisturbed, tmp_path):
    random.seed(stage)
    site = Site(tmp_path / "home", connections)
    try:
        site.run(_ingest, site.mark)
        if stage == "assemble":
            site.run(_stage, site.mark, "link")
        started, killed = time.monotonic(), 0
        Path(site.mark).write_text("starting")
        while killed < KILLS:
            process = site.context.Process(target=_stage, args=(site.environ, site.mark, stage))
            process.start()
            while process.is_alive() and Path(site.mark).read_text() != stage:
                time.sleep(0.002)
            time.sleep(random.uniform(0, 1.5))
            if process.is_alive():
                os.kill(process.pid, signal.SIGKILL)
                killed += 1
            process.join()
            Path(site.mark).write_text("starting")
            assert time.monotonic() - started < 900, f"only {killed} kills hit"
        assert site.finish() == undisturbed
    finally:
        site.stop()
