"""The files of the drop folders: GB18030 CSV, the ``.ok`` companion, and the county office's directory."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson

# Columns of the directory in the order of the interface sheet, for a file that has no row to tell them.
ORG_COLUMNS = {
    "communities.csv": "community_code name town valid_from valid_to",
    "compounds.csv": "compound_id community_code name kind floor_area_m2 valid_from valid_to",
    "compound_aliases.csv": "alias compound_id",
    "buildings.csv": "building_id compound_id number units floors rooms_per_floor",
    "grids.csv": "grid_id community_code name valid_from valid_to",
    "grid_buildings.csv": "grid_id building_id unit valid_from valid_to",
    "grid_workers.csv": "worker_id name phone kind grid_id compound_id unit_id valid_from valid_to",
    "liaison_units.csv": "unit_id name department",
    "liaison_compounds.csv": "unit_id compound_id valid_from valid_to",
    "staff.csv": "staff_id community_code category post valid_from valid_to",
    "budgets.csv": "community_code year line amount_yuan",
    "facilities.csv": "facility_id community_code compound_id kind area_m2 staffing",
}  # fmt: skip  # liaison_roles.csv and pairings.csv are optional: no rows, no file


def csv_lines(headers: list[str], rows: Iterable[dict], quoted: Iterable[str], newline: str) -> Iterator[str]:
    """The header line, then a line a row; columns in ``quoted`` always quoted, others where CSV needs it."""
    always = [name in set(quoted) for name in headers]
    yield ",".join(_cell(name, False) for name in headers) + newline
    for row in rows:
        cells = (_cell(row.get(name), force) for name, force in zip(headers, always, strict=True))
        yield ",".join(cells) + newline


def _cell(value: object, force: bool) -> str:
    content = "" if value is None else str(value)
    if force or any(mark in content for mark in ',"\r\n'):
        return '"' + content.replace('"', '""') + '"'
    return content


def write_csv(con: sqlite3.Connection, name: str, spec: dict, target: Path) -> None:
    """Write the CSV ``name`` as its ``spec`` says. A text with lone surrogates U+DC80…DCFF carries bytes that
    the encoding can't read (Python's surrogateescape): they are written as those bytes."""
    rows = con.execute("SELECT doc FROM offer_row WHERE file = ? ORDER BY position", (name,))
    docs = (json.loads(doc) for (doc,) in rows)
    lines = csv_lines(spec["headers"], docs, spec.get("quote", ()), spec.get("newline", "\r\n"))
    encoding = spec.get("encoding", "gb18030")
    with target.open("wb") as out:
        for line in lines:
            out.write(line.encode(encoding, "surrogateescape"))


def companion(rows: int, content: bytes) -> bytes:
    """The ``.ok`` line of a file with ``rows`` data rows and these bytes."""
    return orjson.dumps({"rows": rows, "sm3": hashlib.new("sm3", content).hexdigest()}) + b"\n"


def place(target: Path, content: bytes) -> None:
    """Put ``content`` at ``target`` by an atomic rename, so no reader sees half of it (nor a draft in the folder)."""
    draft = target.parent.parent / f".{target.parent.name}.{target.name}.part"
    draft.write_bytes(content)
    draft.replace(target)


def publish_org(con: sqlite3.Connection, folder: Path) -> dict[str, int]:
    """Write every directory file whose content changed; returns data rows per file.

    A mandatory file is there even when it has no row; an optional one only when it has.
    """
    counts = {}
    present = {name for (name,) in con.execute("SELECT DISTINCT file FROM offer_org")}
    for name in sorted(present | ORG_COLUMNS.keys()):
        found = con.execute("SELECT doc FROM offer_org WHERE file = ? ORDER BY position", (name,))
        docs = [orjson.loads(doc) for (doc,) in found]
        headers = list(docs[0]) if docs else ORG_COLUMNS[name].split()
        content = "".join(csv_lines(headers, docs, (), "\n")).encode("utf-8")
        target = folder / name
        if not target.exists() or target.read_bytes() != content:
            place(target, content)
        counts[name] = len(docs)
    return counts
