"""One day of a county, and the changes of the truth that events are made of."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from simulator.county import ids
from simulator.county.families import NAMES, WIFE
from simulator.county.truth import County

# Events a year and resident (births and deaths as in the prefecture 2023, both with a floor so that a small
# county has something to tell), and the fewest a day.
_YEARLY = {"birth": (0.0068, 0.4), "death": (0.0082, 0.4), "wedding": (0.0052, 0.3), "divorce": (0.002, 0.12), "move": (0.016, 0.5),
           "arrival": (0.006, 0.3), "departure": (0.006, 0.3), "correction": (0.0008, 0.25), "phone": (0.05, 0.6)}  # fmt: skip


@dataclass
class Day:
    """One day of a county; ``touched``: what happened -> positions of people."""

    county: County
    touched: dict[str, list[int]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.county.today)

    def touch(self, what: str, rows) -> None:
        self.touched.setdefault(what, []).extend(int(r) for r in np.atleast_1d(rows))

    def count(self, what: str) -> int:
        """How often something happens today."""
        yearly, floor = _YEARLY[what]
        expected = max(floor, yearly / 365 * (self.county.people["home"] >= 0).sum())
        return int(expected) + int(self.county.chance.uniform(f"{what}.{self.name}", [0])[0] < expected % 1)

    def draw(self, what: str, candidates: np.ndarray, weight=1.0) -> np.ndarray:
        """So many candidates as ``what`` happens to today, by weight, in a fixed order."""
        u = self.county.chance.uniform(f"{what}.who.{self.name}", candidates)
        race = -np.log1p(-u) / np.maximum(weight, 1e-9)
        return candidates[np.argsort(race, kind="stable")][: self.count(what)]


def set_values(frame: pd.DataFrame, column: str, rows, values) -> None:
    """Change a column at positions ``rows``."""
    changed = frame[column].to_numpy().copy()
    changed[rows] = values
    frame[column] = changed


def append_people(county: County, rows: pd.DataFrame) -> np.ndarray:
    """Add people (missing columns are empty); returns their positions."""
    people, first = county.people, len(county.people)
    blank = {
        c: {"i": -1, "b": False, "M": np.datetime64("NaT", "D")}.get(people[c].to_numpy().dtype.kind, "")
        for c in people.columns
    }
    blank |= {c: 0 for c in ("level", "school", "grade", "class_no", "disability", "disability_grade")}
    full = pd.DataFrame(
        {
            c: rows[c].to_numpy() if c in rows else np.full(len(rows), v, dtype=people[c].to_numpy().dtype)
            for c, v in blank.items()
        }
    )
    for column in full.columns:
        full[column] = full[column].to_numpy().astype(people[column].to_numpy().dtype)
    county.people = pd.concat([people, full], ignore_index=True)
    return np.arange(first, len(county.people))


def give_numbers(county: County, rows: np.ndarray, area: np.ndarray) -> None:
    """Resident IDs of new people, first assigned in ``area``."""
    people = county.people
    given = ids.resident_ids(
        county.chance,
        rows,
        area,
        people["birth"].to_numpy()[rows].astype("datetime64[D]"),
        people["sex"].to_numpy()[rows],
        county.taken,
    )
    for column in ("id_number", "first_id"):
        set_values(people, column, rows, given)
    set_values(people, "area", rows, area)


def free_dwellings(county: County, what: str, name: str) -> np.ndarray:
    """Dwellings nobody lives in, in an order of their own for each event and day."""
    used = np.unique(county.people["dwelling"].to_numpy())
    free = np.setdiff1d(np.arange(len(county.places.dwellings)), used)
    return free[county.chance.order(f"{what}.{name}", free)]


def new_family(county: County, kind: str, dwelling: int, tenure: int, head: int, previous: int) -> int:
    """Add a residence household; returns its position."""
    families, today = county.families, county.today
    row = {"kind": NAMES.index(kind), "away": False, "tenure": tenure, "dwelling": dwelling, "register_home": dwelling, "moved_in": today,
           "previous": previous, "second": -1, "head": head}  # fmt: skip
    full = pd.DataFrame({c: np.array([row[c]], dtype=families[c].to_numpy().dtype) for c in families.columns})
    county.families = pd.concat([families, full], ignore_index=True)
    return len(families)


def rehouse(county: County, people: np.ndarray, family: int, dwelling: int, previous: np.ndarray) -> None:
    """Put people into a family and dwelling from today on."""
    for column, value in (
        ("home", family),
        ("family", family),
        ("dwelling", dwelling),
        ("previous", previous),
        ("moved_in", county.today),
    ):
        set_values(county.people, column, people, value)


def settle_heads(county: County) -> None:
    """Heads of families, books and cards after the day: who lives on in them."""
    people = county.people
    for frame, column in ((county.families, "family"), (county.registers, "register")):
        member = people[column].to_numpy().copy()
        member[people["death_date"].notna().to_numpy()] = -1
        head = frame["head"].to_numpy().copy()
        lost = (head < 0) | (member[head] != np.arange(len(head)))
        at = np.flatnonzero((member >= 0) & lost[np.maximum(member, 0)])
        at = at[np.lexsort((at, people["birth"].to_numpy()[at], people["seat"].to_numpy()[at] > WIFE))]
        group, first = np.unique(member[at], return_index=True)
        head[lost] = -1
        head[group] = at[first]
        frame["head"] = head
    cards = county.cards
    dead = people["death_date"].notna().to_numpy()
    for card in np.flatnonzero(dead[cards["head"].to_numpy()] & cards["open"].to_numpy()).tolist():
        members = county.card_members["person"].to_numpy()[county.card_members["card"].to_numpy() == card]
        left = members[~dead[members]]
        set_values(cards, "head", [card], int(left[0]) if len(left) else int(cards["head"][card]))
        set_values(cards, "open", [card], bool(len(left)))
