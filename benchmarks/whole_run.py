"""A whole `gridhub run` in a child process, watched from outside: seconds, CPU and memory, stage by stage.

Memory is the resident set of gridhub's own processes, the child and its children, sampled every tenth of a
second; PostgreSQL's processes and the simulated county are not in it. Pages shared between processes count
once in each, so the sum errs on the large side.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
_EVERY = 0.1  # seconds between two samples
_NOT_OURS = ("postgres", "pg_ctl", "initdb")


@dataclass(frozen=True)
class Stage:
    """One line of a run: its figures as `--json` prints them, and what was seen from outside while it ran."""

    name: str
    seconds: float
    cpu: float  # user and system seconds of gridhub's processes
    peak_mb: float
    numbers: Mapping[str, object] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """What the stage's speed is counted in."""
        for name in ("landed", "mentions", "profiles", "rows_handed"):
            if name in self.numbers:
                return int(self.numbers[name])
        return 0


@dataclass(frozen=True)
class Run:
    """A whole run: its stages in order, and what the process took from start to end."""

    stages: tuple[Stage, ...]
    seconds: float
    cpu: float
    peak_mb: float

    def total(self, prefix: str) -> Stage:
        """The stages whose name starts so, as one."""
        chosen = [stage for stage in self.stages if stage.name.startswith(prefix)]
        summed: dict[str, int] = {}
        for stage in chosen:
            for name, value in stage.numbers.items():
                if isinstance(value, int):
                    summed[name] = summed.get(name, 0) + value
        seconds, cpu = sum(stage.seconds for stage in chosen), sum(stage.cpu for stage in chosen)
        return Stage(prefix.strip(), seconds, cpu, max((stage.peak_mb for stage in chosen), default=0.0), summed)


class RunFailed(RuntimeError):
    """The watched command ended with an error; the text is its last line."""


def gridhub_run(environ: Mapping[str, str]) -> Run:
    """`gridhub run --json` under ``environ``; RunFailed if it ends with an error."""
    return watched([sys.executable, "-m", "gridhub.cli", "run", "--json"], environ)


def watched(command: Sequence[str], environ: Mapping[str, str]) -> Run:
    """Run a command that prints a JSON object a stage (``stage``, and figures); what each took.

    The time before a stage's line belongs to the stage, so that imports and starts are in the table.
    """
    started = time.monotonic()
    child = subprocess.Popen(
        command, cwd=ROOT, env={**environ, "PYTHONUNBUFFERED": "1"}, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    stages, seconds_before, cpu_before = [], 0.0, 0.0
    errors: list[str] = []
    reader = threading.Thread(target=lambda: errors.extend(child.stderr), daemon=True)
    reader.start()
    with _sampled(child.pid) as watch:
        for line in child.stdout:
            if not line.startswith("{"):
                continue
            figures = json.loads(line)
            seconds, cpu = time.monotonic() - started, watch.cpu
            name = figures.pop("stage")
            figures.pop("seconds", None)
            stages.append(Stage(name, seconds - seconds_before, cpu - cpu_before, watch.take_peak(), figures))
            seconds_before, cpu_before = seconds, cpu
        code = child.wait()
    reader.join()
    if code:
        raise RunFailed(errors[-1].strip() if errors else f"ended with {code}")
    return Run(tuple(stages), time.monotonic() - started, watch.cpu, watch.peak_mb)


class _Watch:
    """The samples taken so far."""

    def __init__(self) -> None:
        self.peak_mb, self._since, self._cpu = 0.0, 0.0, {}

    @property
    def cpu(self) -> float:
        """User and system seconds of every process seen, the ended ones included."""
        return sum(self._cpu.values())

    def look(self, pid: int) -> None:
        """One sample of the process and its children."""
        with suppress(psutil.Error):
            root = psutil.Process(pid)
            resident = 0
            for process in (root, *root.children(recursive=True)):
                with suppress(psutil.Error), process.oneshot():
                    if process.name().startswith(_NOT_OURS):
                        continue
                    times = process.cpu_times()
                    self._cpu[process.pid] = times.user + times.system
                    resident += process.memory_info().rss
            self._since = max(self._since, resident / 1e6)
            self.peak_mb = max(self.peak_mb, resident / 1e6)

    def take_peak(self) -> float:
        """The highest sample since the last call, in MB."""
        peak, self._since = self._since, 0.0
        return peak


@contextmanager
def _sampled(pid: int) -> Iterator[_Watch]:
    watch, done = _Watch(), threading.Event()

    def sample() -> None:
        while not done.wait(_EVERY):
            watch.look(pid)

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        done.set()
        thread.join()
