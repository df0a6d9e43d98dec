"""A whole site for acceptance tests: a simulated county over its real transports, and a gridhub home beside it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest

from demo.county import County
from gridhub.settings import SHANGHAI


class Site:
    """A served county and a home. ``run`` tells the whole story in this process, stage by stage."""

    STAGES = ("link", "assemble", "publish", "report")

    def __init__(self, county: County, home: Path) -> None:
        self.county, self.home = county, home
        today = datetime.now(SHANGHAI).date().isoformat()  # kept: a test that runs past midnight has no second day in it
        self.environ = {**county.environment(), "GRIDHUB_HOME": str(home), "GRIDHUB_AS_OF": today}

    def hub(self):
        """The pipeline over this home."""
        from connectors.connection import from_environment
        from gridhub.pipeline import Hub
        from gridhub.settings import Settings

        return Hub(Settings.from_environment(self.environ), from_environment(self.environ))

    def run(self) -> dict[str, dict]:
        """Ingest everything and run every stage; stage → its figures."""
        hub = self.hub()
        figures = [hub.ingest_many(), *(getattr(hub, stage)() for stage in self.STAGES)]
        return {each.stage: dict(each.numbers) for each in figures}

    def rows(self, sql: str) -> list[tuple]:
        """The rows of a query over the warehouse."""
        from sqlalchemy import text

        with self.hub().engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(sql))]

    def pending(self) -> int:
        """How many deliveries the county's faults hold back."""
        return json.loads(simulator(self.county, "status"))["pending"]

    def settle(self) -> None:
        """Let the county put right what its faults hold back."""
        simulator(self.county, "settle")

    def close(self) -> None:
        """Stop the county and remove the home's server."""
        from warehouse.embedded import EmbeddedServer

        self.county.stop()
        EmbeddedServer(self.home).destroy()


def simulator(county: County, command: str, *arguments: str) -> str:
    """What a command of the simulated county prints."""
    line = [sys.executable, "-m", "simulator", command, "--dir", str(county.folder), *arguments]
    return subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True).stdout


@pytest.fixture(scope="module")
def new_site(tmp_path_factory) -> Callable[..., Site]:
    """Makes sites: ``new_site(persons=300, seed=1, faults=False)``; all are stopped at the end."""
    made: list[Site] = []

    def make(persons: int, seed: int, *, faults: bool = False, start: date | None = None) -> Site:
        folder = tmp_path_factory.mktemp("site")
        county = County(folder / "county", persons, seed, 1.0, faults, start)
        county.make()
        # What a fault breaks stays broken until ``settle``, however slow the machine is.
        simulator(county, "serve", "--background", *(["--faults", "--fault-delay", "86400"] if faults else []))
        made.append(Site(county, folder / "home"))
        return made[-1]

    yield make
    for site in made:
        site.close()
