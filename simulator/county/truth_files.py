"""The truth as CSV files, at the county's moment: who is who, who lives with whom, which record names whom."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from simulator.county.truth import County
from simulator.views.addresses import Addresses


def person_ids(rows: np.ndarray) -> list[str]:
    """True person ids of positions."""
    return [f"T{int(r):08d}" for r in rows]


def write(db: sqlite3.Connection, county: County, folder: Path) -> None:
    """Write persons, households, attributes and crosswalk into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    people = county.people
    dwelling = people["dwelling"].to_numpy()
    alive = people["death_date"].isna().to_numpy()
    ids = person_ids(np.arange(len(people)))
    births = np.datetime_as_string(people["birth"].to_numpy().astype("datetime64[D]")).tolist()
    numbers = np.where(people["has_id"], people["id_number"], "").tolist()
    sexes, names = people["sex"].astype(str).tolist(), people["name"].tolist()
    _csv(
        folder / "persons.csv", "true_person_id name sex birth_date id_number alive resident",
        zip(ids, names, sexes, births, numbers, np.where(alive, 1, 0).tolist(), np.where(dwelling >= 0, 1, 0).tolist(), strict=True),
    )  # fmt: skip
    addresses = Addresses(county.places, county.chance)
    parts = [addresses.parts(d) if d >= 0 else ("", "", "", "") for d in dwelling.tolist()]
    _csv(
        folder / "attributes.csv", "true_person_id name sex birth_date id_number compound building unit room",
        ((*head, *place) for *head, place in zip(ids, names, sexes, births, numbers, parts, strict=True)),
    )  # fmt: skip
    _csv(folder / "households.csv", "household_id kind true_person_id", _households(county, alive))
    rows = db.execute(
        "SELECT feed, source_key, person FROM truth_record WHERE available_at <= (SELECT moment FROM clock) ORDER BY feed, source_key"
    )
    _csv(folder / "crosswalk.csv", "feed source_key true_person_id", ((f, k, f"T{p:08d}") for f, k, p in rows))


def _households(county: County, alive: np.ndarray) -> Iterable[tuple[str, str, str]]:
    people = county.people
    home, register = people["home"].to_numpy(), people["register"].to_numpy()
    for column, letter, kind in ((home, "R", "residence"), (np.where(alive, register, -1), "H", "register")):
        rows = np.flatnonzero(column >= 0)
        rows = rows[np.lexsort((rows, column[rows]))]
        yield from ((f"{letter}{h:08d}", kind, p) for h, p in zip(column[rows].tolist(), person_ids(rows), strict=True))
    members = county.card_members
    keep = alive[members["person"].to_numpy()]
    for card, person in zip(
        members["card"].to_numpy()[keep].tolist(), person_ids(members["person"].to_numpy()[keep]), strict=True
    ):
        yield f"A{card:08d}", "assistance", person


def _csv(path: Path, header: str, rows: Iterable) -> None:
    with path.open("w", encoding="utf-8", newline="") as handle:
        out = csv.writer(handle, lineterminator="\n")
        out.writerow(header.split())
        out.writerows(rows)
