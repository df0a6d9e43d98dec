"""Puts the visible files into the drop folders, and keeps what a fault holds back until it is due.

A file once delivered is never written again. What is held back stands in ``pending.json``: a county can stop and
start in between, and every fault is put right in the end.
"""

from __future__ import annotations

import json
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

import orjson

from simulator.serve.faults import delivery_faults
from simulator.serve.files import companion, place, write_csv
from simulator.serve.state import CountyFolder, write_private
from simulator.serve.workbook import write_workbook


@dataclass(frozen=True)
class DropFile:
    """A file of ``offer_file`` that can be seen."""

    name: str
    kind: str  # csv | xlsx
    feed: str
    period: str
    spec: dict
    rows: int

    def folder(self, county: CountyFolder) -> Path:
        """The drop folder it belongs to."""
        return county.edu_drop if self.kind == "xlsx" else county.civil_drop


def deliver(county: CountyFolder, *, fault_seed: int | None, delay: float) -> int:
    """Write the visible files that are not there yet, faulty where the plan says; returns how many are new.

    With ``fault_seed`` None every file comes whole, its ``.ok`` after it.
    """
    con = sqlite3.connect(f"file:{county.county_db}?mode=ro", uri=True)
    try:
        waiting = _pending(county)
        fresh = [f for f in _visible(con) if f.name not in waiting and not _delivered(county, f.name, f.kind)]
        plan = {} if fault_seed is None else delivery_faults(((f.name, f.feed, f.period) for f in fresh), fault_seed)
        # Kept before the first file goes out: a fault whose server is killed is still put right by the next one.
        waiting |= {name: time.time() + delay for name in plan}
        write_private(county.pending, json.dumps(waiting, ensure_ascii=False))
        for file in fresh:
            fault = plan.get(file.name)
            if fault != "late":
                _send(con, county, file, fault)
    finally:
        con.close()
    return len(fresh)


def settle(county: CountyFolder, *, everything: bool) -> int:
    """Put right what is due, or ``everything`` that is held back; returns how many files that were."""
    waiting = _pending(county)
    due = {name for name, when in waiting.items() if everything or when <= time.time()}
    if not due:
        return 0
    con = sqlite3.connect(f"file:{county.county_db}?mode=ro", uri=True)
    try:
        for file in _visible(con):
            if file.name in due:
                _send(con, county, file, None)
    finally:
        con.close()
    write_private(county.pending, json.dumps({n: w for n, w in waiting.items() if n not in due}, ensure_ascii=False))
    return len(due)


def pending(county: CountyFolder) -> int:
    """How many deliveries are still held back."""
    return len(_pending(county))


def _pending(county: CountyFolder) -> dict[str, float]:
    return json.loads(county.pending.read_text(encoding="utf-8")) if county.pending.exists() else {}


def _delivered(county: CountyFolder, name: str, kind: str) -> bool:
    folder = county.edu_drop if kind == "xlsx" else county.civil_drop
    return (folder / name).exists() and (folder / f"{name}.ok").exists()


def _visible(con: sqlite3.Connection) -> list[DropFile]:
    found = con.execute(
        """SELECT f.name, f.kind, f.feed, f.period, f.spec,
                  (SELECT count(*) FROM offer_row r WHERE r.file = f.name)
           FROM offer_file f WHERE f.available_at <= (SELECT moment FROM clock) ORDER BY f.name"""
    )
    return [DropFile(name, kind, feed, period, orjson.loads(spec), n) for name, kind, feed, period, spec, n in found]


def _send(con: sqlite3.Connection, county: CountyFolder, file: DropFile, fault: str | None) -> None:
    folder = file.folder(county)
    target, ok = folder / file.name, folder / f"{file.name}.ok"
    draft = county.serve / "delivery.part"
    (write_workbook if file.kind == "xlsx" else write_csv)(con, file.name, file.spec, draft)
    content = draft.read_bytes()
    draft.unlink()
    # The old companion goes first: between the two renames a reader would take a right file for a wrong one.
    ok.unlink(missing_ok=True)
    place(target, content[: len(content) * 3 // 5] if fault == "cut" else content)
    if fault == "no_ok":
        return
    rows = file.rows + 1 if fault == "wrong_ok" else file.rows
    place(ok, companion(rows, content))
