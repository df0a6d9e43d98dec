"""How the stages grow: counties of 100,000, 1,000,000 and 5,000,000 records (make bench-scale).

    python benchmarks/bench_scale.py [--records 100000,1000000,5000000] [--seed 7] [--noise 1]

Each county is made, served over its real transports and run once into a fresh home; then it is removed. Per stage: rows, seconds,
CPU seconds, rows a second and the highest memory of gridhub's processes (PostgreSQL's and the simulated county's are not in it).
Making the county is not measured. Five million records want some 12 GB for making the county, 60 GB of disk and an hour on two cores;
GRIDHUB_MEMORY_MB and GRIDHUB_THREADS, if set, hold for the run.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.bench_stages import home
from benchmarks.whole_run import Run, Stage, gridhub_run
from demo.county import County

RECORDS = (100_000, 1_000_000, 5_000_000)
RECORDS_A_PERSON = 3.2  # what sixteen departments know of a resident of the simulated county, with its directory
# What linking and assembling a million records may take on two cores.
_MILLION_SECONDS, _MILLION_MB = 90, 3_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table a size, then how seconds and memory grow."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=lambda text: [int(n) for n in text.split(",")], default=list(RECORDS))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--noise", type=float, default=1.0)
    options = parser.parse_args(arguments)
    runs = []
    for records in options.records:
        runs.append(run_once(records, options.seed, options.noise))
        print(table(runs[-1]), flush=True)
    if len(runs) > 1:
        print(growth(runs))


def run_once(records: int, seed: int, noise: float) -> Run:
    """One county of about ``records`` records, from its sources to the report."""
    with tempfile.TemporaryDirectory(prefix="gridhub-scale-") as folder:
        work = Path(folder)
        county = County(work / "county", round(records / RECORDS_A_PERSON), seed, noise, faults=False)
        county.make()
        with home(work / "home") as environ:
            county.serve(None)
            try:
                return gridhub_run({**environ, **county.environment()})
            finally:
                county.stop()


def table(run: Run) -> str:
    """The stages of a run, and linking and assembling together."""
    stages = grouped(run)
    landed = next((stage.rows for stage in stages if stage.name == "ingest"), 0)
    lines = [f"\n{landed:,} records landed", f"{'stage':18} {'rows':>11} {'seconds':>9} {'CPU s':>8} {'rows/s':>10} {'peak MB':>8}"]
    lines += [_line(stage) for stage in (*stages, linked_and_assembled(run))]
    lines.append(f"{'whole':18} {'':>11} {run.seconds:9.1f} {run.cpu:8.1f} {'':>10} {run.peak_mb:8,.0f}")
    if 0.9e6 <= landed <= 1.2e6:
        both = linked_and_assembled(run)
        kept = both.seconds < _MILLION_SECONDS and both.peak_mb < _MILLION_MB
        lines.append(f"a million linked and assembled in under {_MILLION_SECONDS} s and {_MILLION_MB:,} MB: {'yes' if kept else 'no'}")
    return "\n".join(lines)


def growth(runs: Sequence[Run]) -> str:
    """Of each size to the one before: how much more of everything."""
    lines = [f"\n{'growth':18} {'rows':>11} {'seconds':>9} {'peak MB':>8}"]
    for before, after in zip(runs, runs[1:], strict=False):
        for one, other in zip(grouped(before), grouped(after), strict=False):
            times = [f"× {b / a:.1f}" if a else "" for a, b in ((one.rows, other.rows), (one.seconds, other.seconds), (one.peak_mb, other.peak_mb))]
            lines.append(f"{other.name:18} {times[0]:>11} {times[1]:>9} {times[2]:>8}")
    return "\n".join(lines)


def grouped(run: Run) -> list[Stage]:
    """The feeds' ingests as one stage, then the others in order."""
    return [run.total("ingest "), *(stage for stage in run.stages if not stage.name.startswith("ingest "))]


def linked_and_assembled(run: Run) -> Stage:
    """Both stages as one; its rows are the mentions linked."""
    link, assemble = run.total("link"), run.total("assemble")
    return Stage("link + assemble", link.seconds + assemble.seconds, link.cpu + assemble.cpu, max(link.peak_mb, assemble.peak_mb), link.numbers)


def _line(stage: Stage) -> str:
    speed = f"{stage.rows / stage.seconds:10,.0f}" if stage.rows and stage.seconds else f"{'':10}"
    rows = f"{stage.rows:11,}" if stage.rows else f"{'':11}"
    return f"{stage.name:18} {rows} {stage.seconds:9.1f} {stage.cpu:8.1f} {speed} {stage.peak_mb:8,.0f}"


if __name__ == "__main__":
    main()
