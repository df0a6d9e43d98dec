"""An extract on disk: ``<recipient>/<sequence, six digits>/<dataset>.csv`` and ``manifest.json``.

A folder is written under a temporary name, made durable and renamed, so a reader never sees half of one. CSV: UTF-8
with BOM (spreadsheets need it for Chinese), a header of the agreement's titles, 变更 first.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from connectors.base import sm3

CHANGE_TITLE = "变更"
BOM = b"\xef\xbb\xbf"
READERS = 0o750  # people's data: the owner, and the group a delivery runs in
SYNCS_AT_ONCE = 8  # a disk settles many files at the price of a few when asked together


@dataclass(frozen=True)
class File:
    """A file of an extract: its name, and the digest (SM3, GB/T 32905) and size of its bytes."""

    name: str
    sm3: str
    size: int


class ExtractFolder:
    """One extract's folder while it is written; nothing is visible before :func:`settle`."""

    def __init__(self, root: Path, recipient: str, sequence: int) -> None:
        self.name = f"{recipient}/{sequence:06d}"
        self.path = root / recipient / f"{sequence:06d}"
        self.part = root / recipient / f".{sequence:06d}.part"
        self.files: list[File] = []

    def write_rows(self, name: str, titles: list[str], rows: pa.Table) -> File:
        """Write one dataset's rows (change first, then the granted fields, all text) as CSV."""
        sink = pa.BufferOutputStream()
        sink.write(BOM + (",".join(_cell(title) for title in (CHANGE_TITLE, *titles)) + "\n").encode())
        if rows.num_rows:
            pyarrow.csv.write_csv(rows, sink, pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed"))
        return self._write(f"{name}.csv", sink.getvalue().to_pybytes())

    def write_manifest(self, manifest: dict) -> File:
        """Write the manifest."""
        return self._write("manifest.json", (json.dumps(manifest, ensure_ascii=False, indent=2) + "\n").encode())

    def _write(self, name: str, content: bytes) -> File:
        if not self.files:  # what a killed run left of it goes
            shutil.rmtree(self.part, ignore_errors=True)
            self.part.mkdir(parents=True)
            for folder in (self.part.parent, self.part):
                folder.chmod(READERS)
        (self.part / name).write_bytes(content)
        self.files.append(File(name, sm3(content), len(content)))
        return self.files[-1]


def settle(folders: Iterable[ExtractFolder]) -> None:
    """Make folders durable, then visible. A folder of that name is what a run left that was killed before it was
    recorded; it goes."""
    folders = list(folders)
    with ThreadPoolExecutor(SYNCS_AT_ONCE) as pool:
        list(pool.map(_sync, [folder.part / file.name for folder in folders for file in folder.files]))
        list(pool.map(_sync, [folder.part for folder in folders]))
        for folder in folders:
            if folder.path.exists():
                shutil.rmtree(folder.path)
            folder.part.rename(folder.path)
        list(pool.map(_sync, [folder.path.parent for folder in folders]))


def _cell(title: str) -> str:
    return '"' + title.replace('"', '""') + '"' if any(sign in title for sign in ',"\n') else title


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
