"""A landed batch: what a reader sees of it. Nothing here changes it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from connectors.errors import LandingError

COMPLETE, PURGED = "_COMPLETE", "_PURGED"
MANIFEST, RECORDS, RAW = "manifest.json", "records.parquet", "raw"


@dataclass(frozen=True)
class LandedBatch:
    """One immutable batch: its folder and its manifest."""

    batch_id: str
    feed: str
    path: Path
    manifest: Mapping[str, Any]

    @property
    def rows(self) -> int:
        return int(self.manifest["rows"])

    @property
    def fetched_at(self) -> datetime:
        """When it was fetched, UTC; for a replay when it was replayed."""
        return datetime.fromisoformat(self.manifest["fetched_at"])

    def records(self) -> pa.Table:
        """All rows: ``_row`` (int64, 1…n) and the string columns of ``Page.rows``."""
        return pq.read_table(self.path / RECORDS, memory_map=False)

    def record_batches(self, size: int = 50_000) -> Iterator[pa.RecordBatch]:
        """The rows in parts of at most ``size``."""
        with pq.ParquetFile(self.path / RECORDS) as file:
            yield from file.iter_batches(batch_size=size)

    def raw_pages(self) -> Iterator[tuple[str, bytes]]:
        """Each page as received (less forbidden columns): its name and bytes."""
        for file in sorted((self.path / RAW).glob("*.zst")) if (self.path / RAW).is_dir() else ():
            with pa.input_stream(str(file), compression="zstd") as stream:
                yield file.name.removesuffix(".zst"), stream.read()


def open_batch(path: Path) -> LandedBatch:
    """The batch in a folder. LandingError if there is none, it is purged, or it is not complete."""
    if (path / PURGED).exists():
        raise LandingError(f"batch {path.name}: purged; only its tombstone is left")
    if not (path / COMPLETE).exists():
        raise LandingError(f"batch {path.name}: no complete batch of this id in landing")
    manifest = json.loads((path / MANIFEST).read_bytes())
    return LandedBatch(batch_id=manifest["batch_id"], feed=manifest["feed"], path=path, manifest=manifest)
