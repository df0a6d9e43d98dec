"""What a run of the linkage remembers for the next (关联记忆): its DuckDB tables, in one file beside the landing.

It is a cache, never the truth: where the file is missing, older than the last run, or of another model, DuckDB or version of this
package, the next run works everything out anew, with the same outcome. It holds people's data, so only its owner can read it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb

import standards
from warehouse.compute import LEAST_MB, analyst, write_for_next
from warehouse.snapshot import Horizon

_KEPT, _WORK = "last.duckdb", "work.duckdb"


def token(run: str, view: str) -> str:
    """Under what the tables of the run so named are found again. They say nothing to another DuckDB, whose hashes may be others, to
    other code, to which a column may mean something else, nor over another mention view (``view``: its digest)."""
    code = hashlib.new("sm3")
    for package in (Path(__file__).parent, Path(standards.__file__).parent):
        for file in sorted(package.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                code.update(file.read_bytes())
    return f"{duckdb.__version__} {code.hexdigest()} {view} {run}"


@dataclass
class Remembered:
    """The tables of the run before, opened for this run to bring up to date in one transaction, or none (``fresh``).

    ``horizon``: the moment of the warehouse they stand at, None of fresh ones.
    """

    con: duckdb.DuckDBPyConnection
    folder: Path | None = None
    horizon: Horizon | None = None
    _on_disk: Future | None = None

    @property
    def fresh(self) -> bool:
        """Whether nothing is remembered."""
        return self.horizon is None

    def seal(self, token: str, horizon: Horizon) -> None:
        """Say what the tables are: what the run ``token`` left, which read the warehouse at ``horizon``. The run is done with them;
        fresh ones go to disk while it writes its outcome."""
        self.con.execute("CREATE OR REPLACE TABLE sealed (token VARCHAR, horizon VARCHAR)")
        self.con.execute("INSERT INTO sealed VALUES (?, ?)", [token, json.dumps(asdict(horizon))])
        if not self.fresh:
            return
        if self.folder is None:
            self.con.close()
            return
        other = ThreadPoolExecutor(max_workers=1, thread_name_prefix="seal")
        self._on_disk = other.submit(self._to_disk, self.folder / _WORK)
        other.shutdown(wait=False)

    def _to_disk(self, work: Path) -> None:
        self.con.execute("CHECKPOINT")  # the file alone becomes what the next finds
        self.con.close()
        work.chmod(0o600)
        with work.open("rb") as whole:
            os.fsync(whole.fileno())

    def keep(self) -> None:
        """What was sealed becomes what the next run finds: to be called when the warehouse has the run's outcome."""
        if self.folder is None:
            return
        if not self.fresh:
            self.con.execute("COMMIT")
            self.con.close()
            return
        try:
            self._on_disk.result()
        except (duckdb.Error, OSError):  # a full disk, say: the next run works everything out
            return
        _remove(self.folder / _KEPT)
        (self.folder / _WORK).replace(self.folder / _KEPT)

    def let_go(self) -> None:
        """Close; what was not committed is gone."""
        if self._on_disk:
            wait([self._on_disk])
        self.con.close()


@contextmanager
def remembered(folder: Path | None, threads: int, ready_mb: int | None = None) -> Iterator[Callable[[str | None, int, int], Remembered]]:
    """What the run before left in ``folder``, made ready while the caller does what comes first. It gets a function to be called once:
    with a token, the number of records and DuckDB's limit in MB, the tables that the run ``token`` left, or empty ones. What is not kept leaves no trace.
    ``folder`` None: in memory only. ``ready_mb``: the limit until it is called, default the least."""
    if folder is not None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)  # what DuckDB writes beside its file is readable by whoever gets into the folder
        _remove(folder / _WORK)
    opened: list[Remembered] = []
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="open") as other:
        last = other.submit(_ready, folder / _KEPT, threads, ready_mb or LEAST_MB) if folder else None

        def recall(token: str | None, records: int, memory_mb: int) -> Remembered:
            found = last and last.result()
            opened.append((found and _stands(found, folder, token, memory_mb)) or _first(folder, threads, records, memory_mb))
            return opened[0]

        try:
            yield recall
        finally:
            if opened:
                opened[0].let_go()
            elif last and (found := last.result()):
                found.close()
            if folder is not None:
                _remove(folder / _WORK)


def forget(folder: Path) -> None:
    """Remove what is remembered; the next run works everything out."""
    for name in (_WORK, _KEPT):
        _remove(folder / name)


def _ready(file: Path, threads: int, memory_mb: int) -> duckdb.DuckDBPyConnection | None:
    """The file of the run before. That run left what it changed in the log beside it, quickly; it is put in its place now, while
    nobody waits for it. None where there is none, or of another DuckDB, or cut short."""
    if not file.exists():
        return None
    con = None
    try:
        con = analyst(threads, memory_mb, file)
        write_for_next(con, 0)  # a day's changes are few
        con.execute("CHECKPOINT")
        return con
    except duckdb.Error:
        if con:
            con.close()
        return None


def _stands(con: duckdb.DuckDBPyConnection, folder: Path, token: str | None, memory_mb: int) -> Remembered | None:
    """The tables of ``con`` if they are what the run ``token`` left; else it is closed."""
    try:
        ((sealed, horizon),) = con.execute("SELECT token, horizon FROM sealed").fetchall()
        if token is not None and sealed == token:
            con.execute(f"SET memory_limit = '{memory_mb}MB'")
            con.execute("BEGIN TRANSACTION")
            return Remembered(con, folder, Horizon(**json.loads(horizon)))
    except (duckdb.Error, ValueError, TypeError):
        pass
    con.close()
    return None


def _first(folder: Path | None, threads: int, records: int, memory_mb: int) -> Remembered:
    if folder is None:
        return Remembered(analyst(threads, memory_mb))
    con = analyst(threads, memory_mb, folder / _WORK)
    write_for_next(con, records)
    con.execute("SET fsync_mode = 'NONE'")  # hundreds of statements on a file nobody needs before it is whole: see keep
    return Remembered(con, folder)


def _remove(file: Path) -> None:
    file.unlink(missing_ok=True)
    file.with_name(file.name + ".wal").unlink(missing_ok=True)
