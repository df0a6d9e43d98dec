"""The stage table of a whole run, of the day after, and of stock parts beside it (make bench).

    python benchmarks/bench_stages.py [--persons 20000] [--seed 7] [--noise 1] [--county DIR]

Makes a county (or takes a copy of one made before), serves it over its real transports, runs `gridhub run` in a
fresh home, lets the county live a day, runs it again. Seconds on a shared machine are noisy: the ratio to the
stock parts, taken in the same minutes, and the CPU seconds say more.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.whole_run import Run, Stage, gridhub_run, watched
from demo.county import County

_MADE = ("county.db", "truth", "serve/seed")  # what a county is before it is first served


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--persons", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--noise", type=float, default=1.0)
    parser.add_argument("--county", type=Path, help="a county made before, served or not; a copy of it is used")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gridhub-bench-") as folder:
        work = Path(folder)
        county = County(work / "county", options.persons, options.seed, options.noise, faults=False)
        if options.county:
            _copy(options.county, county.folder)
        else:
            county.make()
        with home(work / "home") as environ:
            measure(county, environ, work)


def measure(county: County, environ: Mapping[str, str], work: Path) -> tuple[Run, Run]:
    """Both runs of a county, printed as they end."""
    county.serve(None)
    try:
        environ = {**environ, **county.environment()}
        first = gridhub_run(environ)
        _print("first run", first)
        stock = watched(
            [sys.executable, "benchmarks/stock_parts.py", str(Path(environ["GRIDHUB_HOME"]) / "landing"), str(work / "stock")],
            os.environ,
        )
        _print("stock parts that only read the landed files, link and dump", stock)
        _ratio("the whole run takes", first, stock, "the stock parts")
        county.advance()
        second = gridhub_run(environ)
        _print("a day later", second)
        _ratio("the second run takes", second, first, "the first")
        return first, second
    finally:
        county.stop()


@contextmanager
def home(folder: Path) -> Iterator[dict[str, str]]:
    """A fresh GRIDHUB_HOME, as an environment without connections; its PostgreSQL is stopped and removed after."""
    from warehouse.embedded import EmbeddedServer

    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_CONN_")}
    try:
        yield {**kept, "GRIDHUB_HOME": str(folder)}
    finally:
        EmbeddedServer(folder).destroy()


def _copy(source: Path, target: Path) -> None:
    for name in _MADE:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name)
        else:
            shutil.copy2(source / name, target / name)


def _print(title: str, run: Run) -> None:
    named = {stage.name for stage in run.stages}
    rows = [run.total("ingest ")] if any(name.startswith("ingest ") for name in named) else []
    rows += [stage for stage in run.stages if not stage.name.startswith("ingest ")]
    print(f"\n{title}\n{'stage':12} {'rows':>10} {'seconds':>8} {'CPU s':>7} {'rows/s':>9} {'peak MB':>8}")
    for stage in rows:
        print(_line(stage))
    print(f"{'whole':12} {'':>10} {run.seconds:8.1f} {run.cpu:7.1f} {'':>9} {run.peak_mb:8.0f}", flush=True)


def _line(stage: Stage) -> str:
    speed = f"{stage.rows / stage.seconds:9,.0f}" if stage.rows and stage.seconds else f"{'':9}"
    rows = f"{stage.rows:10,}" if stage.rows else f"{'':10}"
    return f"{stage.name:12} {rows} {stage.seconds:8.1f} {stage.cpu:7.1f} {speed} {stage.peak_mb:8.0f}"


def _ratio(said: str, run: Run, other: Run, of: str) -> None:
    print(f"{said} {run.seconds / other.seconds:.2f} times the seconds and {run.cpu / other.cpu:.2f} times the CPU of {of}", flush=True)


if __name__ == "__main__":
    main()
