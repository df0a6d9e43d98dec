"""A day's change by itself: what linking and assembling it takes in a process that has its libraries (python benchmarks/bench_day.py).

    python benchmarks/bench_day.py [--persons 20000] [--seed 7] [--days 3]

Makes a county, serves it over its real transports, ingests, links and assembles it whole, then lets it live a day at a time. A task of
Airflow is forked from a process that has imported the libraries, so that imports are no part of what a day takes; they are here neither.
The ratio is to the first run's same two stages, in the same process.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.bench_stages import home
from demo.county import County
from gridhub.pipeline import Hub
from gridhub.settings import Settings

_DAY_SECONDS = 5  # what a day's change may take at 76,000 persons on two cores


def main() -> None:
    """Print a line a stage and day."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--persons", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--days", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gridhub-day-") as folder:
        county = County(Path(folder) / "county", options.persons, options.seed, 1.0, faults=False)
        county.make()
        with home(Path(folder) / "home") as environ:
            county.serve(None)
            try:
                os.environ.update({**environ, **county.environment()})
                measure(county, options.days)
            finally:
                county.stop()


def measure(county: County, days: int) -> None:
    """The first run, then ``days`` days."""
    hub = Hub(Settings.from_environment())
    hub.ingest_many()
    print(f"{'day':8} {'stage':10} {'records':>9} {'seconds':>8} {'CPU s':>7} {'of first':>9}")
    first = _timed(hub, "first")
    for day in range(1, days + 1):
        county.advance()
        hub = Hub(Settings.from_environment())  # another day is another task
        hub.ingest_many()
        seconds = _timed(hub, f"{day}", first)
    print(f"the last day linked and assembled in {seconds:.1f} s; under {_DAY_SECONDS} s: {'yes' if seconds < _DAY_SECONDS else 'no'}")


def _timed(hub: Hub, day: str, first: float | None = None) -> float:
    hub.engine, hub.contracts  # noqa: B018 - a task has them before its stage begins
    total = 0.0
    for stage, counted in (("link", "links_opened"), ("assemble", "records_touched")):
        started, cpu = time.monotonic(), time.process_time()
        figures = getattr(hub, stage)()
        seconds, cpu = time.monotonic() - started, time.process_time() - cpu
        total += seconds
        print(f"{day:8} {stage:10} {figures.numbers.get(counted) or figures.numbers.get('persons', 0):9,} {seconds:8.2f} {cpu:7.2f}", flush=True)
    print(f"{day:8} {'both':10} {'':9} {total:8.2f} {'':7} {total / (first or total):9.2f}", flush=True)
    return total


if __name__ == "__main__":
    main()
