"""county.db: the offer tables (see simulator/README.md) and how rows get into them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import orjson

REGISTER = [
    "RYBH",
    "GMSFHM",
    "XM",
    "CYM",
    "XB",
    "MZ",
    "CSRQ",
    "PCSDM",
    "HH",
    "HB",
    "YHZGX",
    "WHCD",
    "HYZK",
    "HJDZ",
    "BZDZBM",
    "LXDH",
    "QRRQ",
    "ZXBS",
    "ZXYY",
    "ZXRQ",
    "GXSJ",
]
PERMIT = ["JZZBH", "GMSFHM", "XM", "XB", "CSRQ", "HJDQH", "JZDZ", "JZSY", "FWGX", "SLRQ", "QZYXQ", "LXDH", "ZT", "GXSJ"]
ADDRESS = ["DZBM", "SQDM", "XQMC", "LDH", "DYH", "SH", "ZT", "GXSJ"]
SQL_TABLES = {"offer_psb_register": REGISTER, "offer_psb_permit": PERMIT, "offer_psb_address": ADDRESS}
DOC_TABLES = ("offer_health_record", "offer_elderly_exam", "offer_child_vaccination", "offer_market_entity")


@dataclass
class Offer:
    """New versions of records of one offer table; every column has one entry a record.

    ``truth``: (key suffix, rows, persons): which records name which true person, by position in ``key``.
    """

    feed: str
    table: str
    key: np.ndarray
    columns: Mapping[str, np.ndarray]
    updated_at: np.ndarray  # text, as in README
    available_at: np.ndarray  # text
    truth: list[tuple[str, np.ndarray, np.ndarray]] = field(default_factory=list)


@dataclass
class File:
    """One file of a drop folder: ``rows`` = (sheet, JSON document) in order; ``truth`` = (key, person)."""

    feed: str
    name: str
    kind: str
    period: str
    available_at: str
    spec: Mapping
    rows: list[tuple[str, Mapping]]
    truth: list[tuple[str, int]]


def connect(folder: Path) -> sqlite3.Connection:
    """The county's file, for its writer."""
    db = sqlite3.connect(folder / "county.db", isolation_level=None)
    db.execute("PRAGMA journal_mode=DELETE")
    db.execute("PRAGMA synchronous=OFF")
    return db


def create(db: sqlite3.Connection) -> None:
    """All offer tables, empty, and the ``visible_*`` views."""
    for table, columns in SQL_TABLES.items():
        db.execute(
            f"CREATE TABLE {table} (version INTEGER PRIMARY KEY, available_at TEXT NOT NULL, {', '.join(f'{c} TEXT' for c in columns)})"
        )
        _view(db, table, columns[0], columns)
        db.execute(f"CREATE INDEX {table}_time ON {table} (GXSJ, {columns[0]})")
    for table in DOC_TABLES:
        db.execute(
            f"CREATE TABLE {table} (version INTEGER PRIMARY KEY, available_at TEXT NOT NULL, key TEXT NOT NULL, updated_at TEXT NOT NULL, doc TEXT NOT NULL)"
        )
        _view(db, table, "key", ["key", "updated_at", "doc"])
        db.execute(f"CREATE INDEX {table}_time ON {table} (updated_at, key)")
    db.execute(
        "CREATE TABLE offer_event (seq INTEGER PRIMARY KEY, type TEXT NOT NULL, available_at TEXT NOT NULL, doc TEXT NOT NULL)"
    )
    db.execute(
        "CREATE TABLE offer_file (name TEXT PRIMARY KEY, kind TEXT NOT NULL, feed TEXT NOT NULL, period TEXT NOT NULL, available_at TEXT NOT NULL, spec TEXT NOT NULL)"
    )
    db.execute(
        "CREATE TABLE offer_row (file TEXT NOT NULL, sheet TEXT NOT NULL, position INTEGER NOT NULL, doc TEXT NOT NULL)"
    )
    db.execute("CREATE INDEX offer_row_file ON offer_row (file, sheet, position)")
    db.execute(
        "CREATE TABLE offer_org (file TEXT NOT NULL, position INTEGER NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (file, position))"
    )
    db.execute("CREATE TABLE clock (moment TEXT NOT NULL)")
    db.execute(
        "CREATE TABLE truth_record (feed TEXT NOT NULL, source_key TEXT NOT NULL, person INTEGER NOT NULL, available_at TEXT NOT NULL, PRIMARY KEY (feed, source_key)) WITHOUT ROWID"
    )


def _view(db: sqlite3.Connection, table: str, key: str, columns: list[str]) -> None:
    db.execute(f"CREATE INDEX {table}_key ON {table} ({key}, version)")
    now = "(SELECT moment FROM clock)"
    db.execute(
        f"CREATE VIEW visible_{table} AS SELECT {', '.join(columns)} FROM {table} a WHERE a.available_at <= {now} AND NOT EXISTS "
        f"(SELECT 1 FROM {table} b WHERE b.{key} = a.{key} AND b.version > a.version AND b.available_at <= {now})"
    )


def put_offer(db: sqlite3.Connection, offer: Offer) -> int:
    """Append the versions of an offer, oldest first; returns how many."""
    order = np.lexsort((offer.key, offer.updated_at))
    available = offer.available_at[order].tolist()
    names = list(offer.columns)
    lists = [np.asarray(c, dtype=object)[order].tolist() for c in offer.columns.values()]
    if offer.table in SQL_TABLES:
        db.executemany(
            f"INSERT INTO {offer.table} (available_at, {', '.join(names)}) VALUES (?{', ?' * len(names)})",
            zip(available, *lists, strict=True),
        )
    else:
        docs = (orjson.dumps(dict(zip(names, row, strict=True))).decode() for row in zip(*lists, strict=True))
        keys, times = offer.key[order].tolist(), offer.updated_at[order].tolist()
        db.executemany(
            f"INSERT INTO {offer.table} (available_at, key, updated_at, doc) VALUES (?, ?, ?, ?)",
            zip(available, keys, times, docs, strict=True),
        )
    for suffix, rows, persons in offer.truth:
        keys = [f"{k}{suffix}" for k in offer.key[rows].tolist()]
        db.executemany(
            "INSERT OR IGNORE INTO truth_record VALUES (?, ?, ?, ?)",
            zip([offer.feed] * len(keys), keys, persons.tolist(), offer.available_at[rows].tolist(), strict=True),
        )
    return len(offer.key)


def put_file(db: sqlite3.Connection, file: File) -> int:
    """Put one file into the drop folder; returns its data lines."""
    spec = orjson.dumps(file.spec).decode()
    db.execute(
        "INSERT INTO offer_file VALUES (?, ?, ?, ?, ?, ?)",
        [file.name, file.kind, file.feed, file.period, file.available_at, spec],
    )
    position: dict[str, int] = {}
    rows = []
    for sheet, doc in file.rows:
        at = position.get(sheet, 0)
        position[sheet] = at + 1
        rows.append((file.name, sheet, at, orjson.dumps(doc).decode()))
    db.executemany("INSERT INTO offer_row VALUES (?, ?, ?, ?)", rows)
    db.executemany(
        "INSERT OR IGNORE INTO truth_record VALUES (?, ?, ?, ?)",
        [(file.feed, k, int(p), file.available_at) for k, p in file.truth],
    )
    return len(rows)


def put_events(
    db: sqlite3.Connection, events: list[tuple[int, str, str, Mapping]], truth: list[tuple[str, str, int, str]]
) -> int:
    """Append stream events (seq, type, available_at, document) and their truth (feed, key, person, available_at)."""
    db.executemany(
        "INSERT INTO offer_event VALUES (?, ?, ?, ?)", [(s, t, a, orjson.dumps(d).decode()) for s, t, a, d in events]
    )
    db.executemany("INSERT OR IGNORE INTO truth_record VALUES (?, ?, ?, ?)", truth)
    return len(events)


def put_org(db: sqlite3.Connection, files: Mapping[str, list[Mapping[str, str]]]) -> int:
    """Replace the directory's files; returns their rows."""
    db.execute("DELETE FROM offer_org")
    rows = [(name, i, orjson.dumps(doc).decode()) for name, docs in files.items() for i, doc in enumerate(docs)]
    db.executemany("INSERT INTO offer_org VALUES (?, ?, ?)", rows)
    return len(rows)


def prune(db: sqlite3.Connection) -> None:
    """Drop the versions that a visible one has replaced."""
    for table in (*SQL_TABLES, *DOC_TABLES):
        key = SQL_TABLES[table][0] if table in SQL_TABLES else "key"
        db.execute(
            f"DELETE FROM {table} WHERE version IN (SELECT a.version FROM {table} a JOIN {table} b ON b.{key} = a.{key} AND b.version > a.version "
            "WHERE b.available_at <= (SELECT moment FROM clock))"
        )
