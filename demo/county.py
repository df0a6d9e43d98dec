"""The simulated county as the demonstration drives it: made once, then a day at a time."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path


@dataclass(frozen=True)
class County:
    """A county in ``folder``; every call is ``python -m simulator …`` in a process of its own."""

    folder: Path
    persons: int
    seed: int
    noise: float
    faults: bool
    start: date | None = None  # its first day; None: 30 days ago

    @property
    def connections(self) -> Path:
        """The file of AIRFLOW_CONN_* lines."""
        return self.folder / "connections.env"

    def exists(self) -> bool:
        """Whether the county has been made."""
        return (self.folder / "county.db").exists()

    def make(self) -> None:
        """Make the county's truth and its departments' views."""
        start = ["--start", self.start.isoformat()] if self.start else []
        self._call("make", "--persons", str(self.persons), "--seed", str(self.seed), "--noise", str(self.noise), *start)

    def advance(self) -> None:
        """Live one day."""
        self._call("advance")

    def serve(self, exchange: str | None) -> None:
        """Offer it over HTTP, SQL, SFTP and files; returns when all answer. ``exchange``: SQLAlchemy URL of
        the database that plays public security's (None: SQLite)."""
        self._call("serve", "--background", *(["--faults"] if self.faults else []), exchange=exchange)

    def stop(self) -> None:
        """Stop its servers."""
        if self.exists():
            self._call("stop")

    def environment(self) -> dict[str, str]:
        """The AIRFLOW_CONN_* variables of its departments; empty before it was served for the first time."""
        if not self.connections.exists():
            return {}
        lines = self.connections.read_text(encoding="utf-8").splitlines()
        pairs = (line.split("=", 1) for line in lines if line.startswith("AIRFLOW_CONN_"))
        return {name: shlex.split(value)[0] for name, value in pairs}  # quoted, so that a shell can read the file

    def _call(self, command: str, *arguments: str, exchange: str | None = None) -> None:
        environ = dict(os.environ)
        if exchange:
            environ["SIMULATOR_EXCHANGE_URL"] = exchange
        subprocess.run(
            [sys.executable, "-m", "simulator", command, "--dir", str(self.folder), *arguments],
            check=True,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
