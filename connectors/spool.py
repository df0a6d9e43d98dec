"""A batch while it arrives: a ``.partial`` folder that a killed process leaves usable.

Each page is written (raw bytes and rows) and only then entered in ``journal.ndjson``; what the journal
doesn't know did not happen. ``close`` writes records and manifest, makes everything durable, writes the
completion marker and renames the folder: before the rename there is no batch, after it there is one.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from connectors.base import Page, sm3
from connectors.landed import COMPLETE, MANIFEST, RAW, RECORDS, LandedBatch

PARTIAL = ".partial"
_GROUP = 65_536  # rows a Parquet row group


@dataclass
class Spool:
    """A batch under way. ``entries`` is the journal; ``head`` says which read it is."""

    path: Path  # <root>/<feed>/<batch id>.partial
    head: dict[str, Any]
    entries: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def begin(cls, path: Path, head: Mapping[str, Any]) -> Spool:
        (path / RAW).mkdir(parents=True)
        (path / "rows").mkdir()
        _write(path / "read.json", head)
        return cls(path, dict(head))

    @classmethod
    def found(cls, path: Path) -> Spool | None:
        """What a killed process left, as far as its journal vouches for it; None if that is nothing."""
        try:
            head = json.loads((path / "read.json").read_bytes())
        except (OSError, ValueError):
            return None
        entries = []
        journal = path / "journal.ndjson"
        for line in journal.read_bytes().split(b"\n") if journal.exists() else ():
            try:
                entry = json.loads(line)
                sound = sm3((path / entry["spooled"]).read_bytes()) == entry["seal"]
            except (OSError, ValueError, KeyError):
                break  # the line the process was killed in; nothing after it counts
            if not sound:
                break
            entries.append(entry)
        while entries and entries[-1]["resume"] is None:
            entries.pop()  # a read that can't go on after this page
        journal.write_text("".join(json.dumps(e, ensure_ascii=False) + "\n" for e in entries), encoding="utf-8")
        for file in [*(path / RAW).glob("*"), *(path / "rows").glob("*")]:
            if int(file.name[:6]) > len(entries):
                file.unlink()
        return cls(path, head, entries)

    @property
    def rows(self) -> int:
        return sum(entry["rows"] for entry in self.entries)

    @property
    def resume(self) -> Mapping[str, Any] | None:
        return self.entries[-1]["resume"] if self.entries else None

    @property
    def watermark(self) -> Mapping[str, Any]:
        return self.entries[-1]["watermark"] if self.entries else self.head["after"]

    @property
    def columns(self) -> list[str]:
        return list(dict.fromkeys(name for entry in self.entries for name in entry["columns"]))

    def add(self, page: Page) -> None:
        """Write a page, then enter it in the journal."""
        number = len(self.entries) + 1
        if page.raw:
            with pa.output_stream(str(self.path / RAW / f"{number:06d}-{page.name}.zst"), compression="zstd") as out:
                out.write(page.raw)
        spooled = f"rows/{number:06d}.arrow"
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, page.rows.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as out:
            out.write_table(page.rows)
        data = sink.getvalue()
        (self.path / spooled).write_bytes(data)
        entry = {
            "page": page.name,
            "rows": page.rows.num_rows,
            "spooled": spooled,
            "seal": sm3(data),
            "digest": page.digest,
            "watermark": dict(page.watermark),
            "resume": None if page.resume is None else dict(page.resume),
            "columns": list(page.columns),
            "drift": [dict(d) for d in page.drift],
            "partitions": list(page.partitions),
            "judged": page.judged,
        }
        with (self.path / "journal.ndjson").open("ab") as journal:
            journal.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
        self.entries.append(entry)

    def close(self, manifest: Mapping[str, Any], final: Path, schema: pa.Schema) -> LandedBatch:
        """The complete batch. ``schema``: the columns of a page's rows."""
        self._merge(schema)
        _write(self.path / MANIFEST, manifest)
        shutil.rmtree(self.path / "rows")
        for name in ("journal.ndjson", "read.json"):
            (self.path / name).unlink(missing_ok=True)
        with ThreadPoolExecutor(8) as pool:  # a disk makes many files durable at once as quickly as one
            list(pool.map(_sync, [*self.path.glob("*"), *(self.path / RAW).glob("*")]))
        # From here on a found folder is finished, not resumed: see Landing._recovered.
        _write(self.path / COMPLETE, {"manifest": sm3((self.path / MANIFEST).read_bytes())})
        _sync(self.path / COMPLETE)
        _sync(self.path)
        with suppress(FileNotFoundError):  # another process saw it finished and gave it its name
            self.path.rename(final)
        _sync(final.parent)
        return LandedBatch(manifest["batch_id"], manifest["feed"], final, dict(manifest))

    def discard(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def _merge(self, schema: pa.Schema) -> None:
        numbered = schema.insert(0, pa.field("_row", pa.int64()))
        done = 0
        with pq.ParquetWriter(self.path / RECORDS, numbered, compression="zstd") as out:
            for table in self._groups(schema):
                numbers = pa.array(range(done + 1, done + 1 + table.num_rows), pa.int64())
                out.write_table(table.add_column(0, "_row", numbers))
                done += table.num_rows

    def _groups(self, schema: pa.Schema) -> Iterator[pa.Table]:
        waiting: list[pa.Table] = []
        for entry in self.entries:
            with pa.OSFile(str(self.path / entry["spooled"])) as source:
                waiting.append(pa.ipc.open_file(source).read_all())
            if sum(table.num_rows for table in waiting) >= _GROUP:
                yield pa.concat_tables(waiting)
                waiting = []
        yield pa.concat_tables(waiting) if waiting else schema.empty_table()


def _write(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
