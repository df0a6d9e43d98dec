"""DuckDB in process (内存计算): the one place a connection for joins and windows over Arrow is made."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import duckdb


def analyst(threads: int | None = None, memory_mb: int | None = None, file: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB of its own, in memory or over ``file``. What does not fit in ``memory_mb`` spills into a folder only this user can
    read: DuckDB's default is ``.tmp`` in the working directory, and spilled rows are people's data."""
    spill = Path(tempfile.gettempdir()) / f"gridhub-{os.getuid()}"
    spill.mkdir(mode=0o700, exist_ok=True)
    if spill.lstat().st_uid != os.getuid() or spill.lstat().st_mode & 0o077:  # someone laid it there before us
        spill = Path(tempfile.mkdtemp(prefix="gridhub-"))
    config: dict[str, str | int] = {"temp_directory": str(spill)}
    if threads:
        config["threads"] = threads
    if memory_mb:
        config["memory_limit"] = f"{memory_mb}MB"
    return duckdb.connect(str(file) if file else ":memory:", config=config)
