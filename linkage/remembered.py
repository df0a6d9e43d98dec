"""What a run of the linkage remembers for the next (关联记忆): its DuckDB tables, in one file beside the landing.

It is a cache, never the truth: where the file is missing, older than the last run, or of another model or DuckDB, the next run
works everything out anew, with the same outcome. It holds people's data, so only its owner can read it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.compute import analyst, write_plainly


@dataclass
class Remembered:
    """The tables of the run before (``fresh``: there are none), opened for this run to bring up to date."""

    con: duckdb.DuckDBPyConnection
    fresh: bool
    folder: Path | None = None

    def seal(self, token: str) -> None:
        """Close the tables as what the run ``token`` left; :func:`keep` makes them the ones the next run finds."""
        self.con.execute("CREATE OR REPLACE TABLE sealed (token VARCHAR)")
        self.con.execute("INSERT INTO sealed VALUES (?)", [token])
        self.con.close()


@contextmanager
def remembered(folder: Path | None, token: str | None, threads: int, memory_mb: int) -> Iterator[Remembered]:
    """The tables that the run ``token`` left in ``folder``, as a copy to work on, or empty ones. ``folder`` None: in memory only."""
    if folder is None:
        opened = Remembered(analyst(threads, memory_mb), True)
    else:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        work, kept = folder / "work.duckdb", folder / "last.duckdb"
        _remove(work)
        usable = token is not None and kept.exists()
        if usable:
            shutil.copy(kept, work)
        opened = _open(work, folder, token if usable else None, threads, memory_mb)
    try:
        yield opened
    finally:
        opened.con.close()
        if folder is not None:
            _remove(folder / "work.duckdb")


def keep(folder: Path) -> None:
    """What the run left becomes what the next one finds: to be called when the warehouse has the run's outcome."""
    work = folder / "work.duckdb"
    work.chmod(0o600)
    with work.open("rb") as whole:
        os.fsync(whole.fileno())
    work.replace(folder / "last.duckdb")


def forget(folder: Path) -> None:
    """Remove what is remembered; the next run works everything out."""
    for name in ("work.duckdb", "last.duckdb"):
        _remove(folder / name)


def _open(work: Path, folder: Path, token: str | None, threads: int, memory_mb: int) -> Remembered:
    try:
        con = _plain(threads, memory_mb, work)
        if token is None or con.execute("SELECT token FROM sealed").fetchall() == [(token,)]:
            return Remembered(con, token is None, folder)
        con.close()
    except duckdb.Error:  # of another DuckDB, or cut short
        pass
    _remove(work)
    return Remembered(_plain(threads, memory_mb, work), True, folder)


def _plain(threads: int, memory_mb: int, work: Path) -> duckdb.DuckDBPyConnection:
    con = analyst(threads, memory_mb, work)
    write_plainly(con)
    con.execute("SET fsync_mode = 'NONE'")  # hundreds of statements on a file nobody needs before it is whole: see keep
    return con


def _remove(file: Path) -> None:
    file.unlink(missing_ok=True)
    file.with_name(file.name + ".wal").unlink(missing_ok=True)
