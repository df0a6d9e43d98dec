"""The true county as one value, and its tables in county.db.

A table's column types come back as they went in: numbers as numbers, dates as datetime64[D], text as text.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from simulator.county.chance import Chance
from simulator.county.places import Places

FRAMES = (
    "people",
    "families",
    "registers",
    "cards",
    "card_members",
    "shops",
    "compounds",
    "buildings",
    "dwellings",
    "requests",
)


@dataclass
class County:
    """Everything that is so. Frames are addressed by position; -1 in a pointer column means nobody or nowhere."""

    seed: int
    noise: float
    start: np.datetime64  # [D], the county's first day
    moment: np.datetime64  # [s], local time
    places: Places
    people: pd.DataFrame
    families: pd.DataFrame
    registers: pd.DataFrame
    cards: pd.DataFrame
    card_members: pd.DataFrame
    shops: pd.DataFrame
    requests: pd.DataFrame = field(default_factory=pd.DataFrame)
    taken: dict = field(default_factory=dict)  # numbers given per (area, birth, sex)
    counters: dict = field(default_factory=dict)  # next event sequence and the like

    @property
    def chance(self) -> Chance:
        return Chance(self.seed)

    @property
    def today(self) -> np.datetime64:
        return self.moment.astype("datetime64[D]")

    def frame(self, name: str) -> pd.DataFrame:
        return getattr(self.places if name in ("compounds", "buildings", "dwellings") else self, name)


def save(county: County, db: sqlite3.Connection) -> None:
    """Write (replace) the truth tables of the county."""
    for name in FRAMES:
        _write(db, f"truth_{name}", county.frame(name))
    meta = {
        "seed": county.seed,
        "noise": county.noise,
        "start": str(county.start),
        "taken": county.taken,
        "counters": county.counters,
    }
    db.execute("DROP TABLE IF EXISTS truth_meta")
    db.execute("CREATE TABLE truth_meta (document TEXT)")
    db.execute("INSERT INTO truth_meta VALUES (?)", [json.dumps(meta, sort_keys=True)])
    db.execute("DELETE FROM clock")
    db.execute("INSERT INTO clock VALUES (?)", [str(county.moment.astype("datetime64[s]"))])


def load(db: sqlite3.Connection) -> County:
    """The county as it was saved last."""
    meta = json.loads(db.execute("SELECT document FROM truth_meta").fetchone()[0])
    frames = {name: _read(db, f"truth_{name}") for name in FRAMES}
    places = Places(frames.pop("compounds"), frames.pop("buildings"), frames.pop("dwellings"))
    moment = np.datetime64(db.execute("SELECT moment FROM clock").fetchone()[0], "s")
    return County(
        seed=meta["seed"], noise=meta["noise"], start=np.datetime64(meta["start"], "D"), moment=moment, places=places,
        taken=meta["taken"], counters=meta["counters"], **frames,
    )  # fmt: skip


def _write(db: sqlite3.Connection, table: str, frame: pd.DataFrame) -> None:
    columns, lists = [], []
    for name in frame.columns:
        values = frame[name].to_numpy()
        if values.dtype.kind == "M":
            kind, out = "D", values.astype("datetime64[D]").astype(object)
            out = [None if v is None else v.isoformat() for v in out.tolist()]
        elif values.dtype.kind in "iub":
            kind, out = "B" if values.dtype.kind == "b" else "I", values.astype(np.int64).tolist()
        elif values.dtype.kind == "f":
            kind, out = "F", values.tolist()
        else:
            kind, out = "T", [str(v) for v in values.tolist()]
        columns.append(f'"{kind}_{name}"')
        lists.append(out)
    db.execute(f"DROP TABLE IF EXISTS {table}")
    db.execute(f"CREATE TABLE {table} ({', '.join(columns) or 'I_none'})")
    if columns:
        db.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", zip(*lists, strict=True))


def _read(db: sqlite3.Connection, table: str) -> pd.DataFrame:
    cursor = db.execute(f"SELECT * FROM {table} ORDER BY rowid")
    heads = [c[0] for c in cursor.description]
    rows = cursor.fetchall()
    lists = list(zip(*rows, strict=True)) if rows else [()] * len(heads)
    out = {}
    for head, values in zip(heads, lists, strict=True):
        kind, name = head.split("_", 1)
        if name == "none":
            continue
        if kind == "D":
            out[name] = np.array(["NaT" if v is None else v for v in values], dtype="datetime64[D]")
        elif kind == "T":
            out[name] = np.array(values, dtype=object)
        else:
            out[name] = np.array(values, dtype={"I": np.int64, "B": bool, "F": np.float64}[kind])
    return pd.DataFrame(out)
