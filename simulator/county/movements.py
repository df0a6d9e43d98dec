"""Who moves: families inside the town, newcomers, and tenants who leave without telling anybody."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator.county import ids, names
from simulator.county.day import Day, append_people, free_dwellings, give_numbers, new_family, rehouse, set_values
from simulator.county.families import CHILD_1, MAN, WIFE


def moves(day: Day) -> None:
    """A family moves to an empty flat in the town; a third of the owners take their book along."""
    county = day.county
    people, families, chance = county.people, county.families, county.chance
    lived = np.unique(people["home"].to_numpy())
    lived = lived[lived >= 0]
    lived = lived[families["second"].to_numpy()[lived] < 0]
    free = free_dwellings(county, "move", day.name).tolist()
    for family in day.draw("move", lived, np.where(families["tenure"].to_numpy()[lived] == 2, 4.0, 1.0)).tolist():
        if not free:
            return
        home, rows = free.pop(), np.flatnonzero(people["home"].to_numpy() == family)
        before = people["dwelling"].to_numpy()[rows]
        rehouse(county, rows, family, home, before)
        for column, value in (("dwelling", home), ("previous", int(before[0])), ("moved_in", county.today)):
            set_values(families, column, [family], value)
        books = np.unique(people["register"].to_numpy()[rows])
        if (
            families["tenure"][family] == 1
            and chance.uniform(f"move.book.{day.name}", [family])[0] < 0.35
            and family in books
        ):
            set_values(county.registers, "dwelling", [family], home)
            day.touch(
                "register",
                np.flatnonzero((people["register"] == family).to_numpy() & people["death_date"].isna().to_numpy()),
            )
        day.touch("move", rows)


def arrivals(day: Day) -> None:
    """One to three people come from elsewhere and rent a flat."""
    county, today = day.county, day.county.today
    chance = county.chance
    free = free_dwellings(county, "arrival", day.name).tolist()
    for n in range(day.count("arrival")):
        if not free:
            return
        first = len(county.people)
        keys = np.arange(first, first + (1, 2, 3, 1)[int(chance.integers(f"arrival.size.{day.name}", [n], 0, 4)[0])])
        size = len(keys)
        age = 22 + 22 * chance.uniform("arrival.age", [first])[0] + np.array([0, -1.5, 0])[:size]
        if size == 3:
            age[2] = 1 + (age[0] - 21) * 0.5
        sex = np.array([1, 2, 1 + first % 2])[:size] if size > 1 else np.array([1 + first % 2])
        birth = today - np.round(age * 365.2425).astype("timedelta64[D]")
        year = birth.astype("datetime64[Y]").astype(int) + 1970
        surname = names.surnames(chance, "arrival.surname", keys)
        if size == 3:
            surname[2] = surname[0]
        home = free.pop()
        family = new_family(county, ("single", "couple", "couple_child")[size - 1], home, 2, first, -2)
        married = size > 1
        rows = pd.DataFrame({
            "family": family, "seat": np.array([MAN if sex[0] == 1 else WIFE, WIFE, CHILD_1])[:size], "sex": sex,
            "father": np.array([-1, -1, first])[:size], "mother": np.array([-1, -1, first + 1])[:size], "spouse": np.array([first + 1 if married else -1, first, -1])[:size],
            "grandparent": -1, "twin": -1, "surname_from": -1, "birth": birth, "marital": np.array([21 if married else 10, 21, 10])[:size], "dwelling": home, "home": family,
            "previous": -2, "moved_in": np.full(size, today), "register": -1, "origin": 2, "registered_on": birth, "surname": surname, "former_name": "",
            "name": surname + names.given_names(chance, keys, sex, year, np.full(size, first)), "ethnicity": "01", "has_id": True,
            "phone": np.where(age > 14, ids.phones(chance, "phone", keys), ""), "old_phone": "", "schooling": np.where(age > 20, "70", ""),
        })  # fmt: skip
        rows = append_people(county, rows)
        give_numbers(county, rows, ids.areas(chance, np.full(size, first), year, np.full(size, 2)).astype(object))
        day.touch("arrival", rows)


def departures(day: Day) -> None:
    """A tenant family leaves the town; nobody is told."""
    county = day.county
    people = county.people
    lived = np.unique(people["home"].to_numpy())
    lived = lived[lived >= 0]
    for family in day.draw("departure", lived[county.families["tenure"].to_numpy()[lived] == 2]).tolist():
        rows = np.flatnonzero(people["home"].to_numpy() == family)
        for column, value in (("home", -1), ("dwelling", -1), ("level", 0)):
            set_values(people, column, rows, value)
        day.touch("departure", rows)
