"""DuckDB in process (内存计算): the one place a connection for joins and windows over Arrow is made."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import duckdb
import psutil

LEAST_MB = 800
_MB_A_RECORD = 0.0007  # what linking takes of a record at its widest step, measured at 0.25 and 1 million


def memory_for(records: int, given_mb: int | None = None) -> int:
    """DuckDB's limit in MB for work over so many records: ``given_mb``, else what it needs, but no more than half the machine's memory
    (of the container's, where one is set) unless that were less than the least that does any work."""
    if given_mb:
        return given_mb
    group = Path("/sys/fs/cgroup/memory.max")
    allowed = group.read_text().strip() if group.exists() else "max"
    machine = psutil.virtual_memory().total if allowed == "max" else int(allowed)
    return max(LEAST_MB, min(int(LEAST_MB + records * _MB_A_RECORD), machine // 2_000_000))


_STORAGE = "v1.2.0"  # newer files would pack strings by `dict_fsst`, which unpacks a whole dictionary for a few rows of it
_SLOW = "zstd,fsst,dict_fsst,alp,alprd,chimp,patas"  # ways of packing that take longest to try, or to unpack
_PACKED_TO = 500_000  # records: of more, packing costs a first run more seconds than it saves a day


def write_for_next(con: duckdb.DuckDBPyConnection, records: int) -> None:
    """Let ``con`` write files as suits tables of so many records that one run leaves to the next: packed in ways that are quickly found and
    quickly read in part, or plainly.

    What changed is not put into its place (CHECKPOINT) after every table, nor when the file is let go of: it stays in the log beside it
    until who opens it next does so, while waiting for something else."""
    con.execute(f"SET disabled_compression_methods = '{_SLOW if records <= _PACKED_TO else f'{_SLOW},dictionary,roaring,rle'}'")
    con.execute("SET checkpoint_threshold = '64GB'")
    con.execute("PRAGMA disable_checkpoint_on_shutdown")


def analyst(threads: int | None = None, memory_mb: int | None = None, file: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB of its own, in memory or over ``file``. What does not fit in ``memory_mb`` spills into a folder only this user can
    read: DuckDB's default is ``.tmp`` in the working directory, and spilled rows are people's data."""
    spill = Path(tempfile.gettempdir()) / f"gridhub-{os.getuid()}"
    spill.mkdir(mode=0o700, exist_ok=True)
    if spill.lstat().st_uid != os.getuid() or spill.lstat().st_mode & 0o077:  # someone laid it there before us
        spill = Path(tempfile.mkdtemp(prefix="gridhub-"))
    config: dict[str, str | int] = {"temp_directory": str(spill), "storage_compatibility_version": _STORAGE}
    if threads:
        config["threads"] = threads
    if memory_mb:
        config["memory_limit"] = f"{memory_mb}MB"
    return duckdb.connect(str(file) if file else ":memory:", config=config)
