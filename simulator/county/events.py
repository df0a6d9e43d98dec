"""What happens to people in a day: births, deaths, moves, weddings, divorces, arrivals, departures, new numbers.

Each function changes the truth of one county and adds the people it touched to ``Day.touched``; what the
departments then write is the business of :mod:`simulator.county.advance`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator.county import ids, names
from simulator.county.day import (
    Day,
    append_people,
    free_dwellings,
    give_numbers,
    new_family,
    rehouse,
    set_values,
    settle_heads,
)
from simulator.county.families import CHILD_1, MAN, WIFE
from simulator.county.lives import ages
from simulator.county.movements import arrivals, departures, moves


def live(day: Day) -> None:
    """Everything that happens in a day, in a fixed order."""
    for happen in (births, deaths, weddings, divorces, moves, arrivals, departures, corrections, new_phones):
        happen(day)
    settle_heads(day.county)


def births(day: Day) -> None:
    """A child is born to a couple; named at once in truth, registered within weeks, numbered when registered."""
    county, today = day.county, day.county.today
    people, chance = county.people, county.chance
    age = ages(people["birth"], today)
    spouse = people["spouse"].to_numpy()
    mothers = np.flatnonzero(
        (people["sex"] == 2).to_numpy() & (people["home"] >= 0).to_numpy() & (spouse >= 0) & (age > 21) & (age < 41)
    )
    mothers = mothers[people["home"].to_numpy()[spouse[mothers]] == people["home"].to_numpy()[mothers]]
    youngest = people.groupby("mother")["birth"].max()
    last = pd.Series(mothers).map(youngest).to_numpy().astype("datetime64[D]")
    mothers = day.draw("birth", mothers[np.isnat(last) | (last < today - 420)])
    if not len(mothers):
        return
    twice = chance.happens(f"birth.twins.{day.name}", mothers, 0.02)
    mothers = np.repeat(mothers, np.where(twice, 2, 1))
    keys = np.arange(len(mothers)) + len(people)
    fathers = spouse[mothers]
    sex = np.where(chance.happens("birth.sex", keys, 0.515), 1, 2)
    columns = {c: people[c].to_numpy() for c in people.columns}
    given = names.given_names(chance, keys, sex, np.full(len(keys), int(day.name[:4])), fathers)
    register = np.where(columns["register"][fathers] >= 0, columns["register"][fathers], columns["register"][mothers])
    rows = pd.DataFrame({
        "family": columns["home"][mothers], "seat": CHILD_1 + 1, "sex": sex, "father": fathers, "mother": mothers, "spouse": -1, "grandparent": -1, "twin": -1,
        "surname_from": fathers, "birth": np.full(len(keys), today), "marital": 10, "dwelling": columns["dwelling"][mothers], "home": columns["home"][mothers],
        "previous": -1, "moved_in": np.full(len(keys), today), "register": register, "origin": 0, "registered_on": np.full(len(keys), today),
        "name": columns["surname"][fathers] + given, "surname": columns["surname"][fathers], "ethnicity": columns["ethnicity"][fathers], "has_id": False, "schooling": "",
    })  # fmt: skip
    rows = append_people(county, rows)
    give_numbers(county, rows, np.full(len(rows), "130731", dtype=object))
    day.touch("birth", rows)


def deaths(day: Day) -> None:
    """Somebody dies, mostly an old person; the spouse is widowed."""
    county, today = day.county, day.county.today
    people = county.people
    living = np.flatnonzero((people["home"] >= 0).to_numpy())
    dead = day.draw("death", living, np.exp((ages(people["birth"].to_numpy()[living], today) - 60) / 9.5))
    set_values(people, "death_date", dead, today)
    spouse = people["spouse"].to_numpy()[dead]
    set_values(people, "marital", spouse[spouse >= 0], 30)
    for column in ("home", "dwelling"):
        set_values(people, column, dead, -1)
    set_values(people, "level", dead, 0)
    day.touch("death", dead)
    day.touch("register", spouse[spouse >= 0])


def weddings(day: Day) -> None:
    """Two unmarried people wed; she moves to his dwelling, or he to hers where she lives alone and he does not."""
    county, today = day.county, day.county.today
    people, chance = county.people, county.chance
    age = ages(people["birth"], today)
    single = (
        (people["home"] >= 0).to_numpy()
        & (people["spouse"] < 0).to_numpy()
        & np.isin(people["marital"], (10, 40))
        & (age > 22)
        & (age < 45)
    )
    men = day.draw("wedding", np.flatnonzero(single & (people["sex"] == 1).to_numpy()))
    women = np.flatnonzero(single & (people["sex"] == 2).to_numpy())
    for man in men.tolist():
        fit = women[
            (np.abs(age[women] - age[man] + 1.5) < 5)
            & (people["home"].to_numpy()[women] != people["home"].to_numpy()[man])
        ]
        if not len(fit):
            continue
        woman = int(fit[chance.order(f"wedding.pair.{day.name}", fit)[0]])
        women = women[women != woman]
        pair = np.array([man, woman])
        set_values(people, "spouse", pair, pair[::-1])
        set_values(people, "marital", pair, np.where(people["marital"].to_numpy()[pair] == 10, 21, 22))
        set_values(people, "married_on", pair, today)
        mover, stays = (woman, man) if chance.uniform("wedding.his", [man])[0] < 0.75 else (man, woman)
        home = int(people["home"][stays])
        rehouse(county, np.array([mover]), home, int(people["dwelling"][stays]), people["dwelling"].to_numpy()[[mover]])
        set_values(people, "seat", pair, [MAN, WIFE])
        day.touch("wedding", pair)
        day.touch("move", [mover])


def divorces(day: Day) -> None:
    """A couple parts; the man takes a flat of his own."""
    county, today = day.county, day.county.today
    people = county.people
    age, spouse = ages(people["birth"], today), people["spouse"].to_numpy()
    men = np.flatnonzero(
        (people["sex"] == 1).to_numpy()
        & (people["home"] >= 0).to_numpy()
        & (spouse >= 0)
        & (age < 55)
        & (people["seat"] == MAN).to_numpy()
    )
    men = men[people["home"].to_numpy()[spouse[men]] == people["home"].to_numpy()[men]]
    free = free_dwellings(county, "divorce", day.name).tolist()
    for man in day.draw("divorce", men).tolist():
        if not free:
            return
        pair = np.array([man, spouse[man]])
        set_values(people, "marital", pair, 40)
        set_values(people, "spouse", pair, -1)
        set_values(people, "former_spouse", pair, pair[::-1])
        set_values(people, "divorced_on", pair, today)
        before, home = int(people["dwelling"][man]), free.pop()
        rehouse(county, np.array([man]), new_family(county, "single", home, 2, man, before), home, np.array([before]))
        day.touch("divorce", pair)
        day.touch("move", [man])


def corrections(day: Day) -> None:
    """An ID number is found to be wrong and replaced under the same RYBH; newborns get their first one."""
    county, today = day.county, day.county.today
    people, chance = county.people, county.chance
    wait = chance.integers("id.wait", np.arange(len(people)), 9, 30)
    due = np.flatnonzero(
        ~people["has_id"].to_numpy() & (people["birth"].to_numpy().astype("datetime64[D]") + wait <= today)
    )
    set_values(people, "has_id", due, True)
    day.touch("first_id", due)
    wrong = day.draw(
        "correction",
        np.flatnonzero(
            (people["register"] >= 0).to_numpy() & people["death_date"].isna().to_numpy() & people["has_id"].to_numpy()
        ),
    )
    if len(wrong):
        birth, sex = people["birth"].to_numpy()[wrong].astype("datetime64[D]"), people["sex"].to_numpy()[wrong]
        set_values(
            people,
            "id_number",
            wrong,
            ids.resident_ids(chance, wrong, people["area"].to_numpy()[wrong].astype("U6"), birth, sex, county.taken),
        )
    day.touch("correction", wrong)


def new_phones(day: Day) -> None:
    """People change their number; the old one stays in the departments' lists."""
    people, chance = day.county.people, day.county.chance
    rows = day.draw("phone", np.flatnonzero((people["phone"] != "").to_numpy() & (people["home"] >= 0).to_numpy()))
    set_values(people, "old_phone", rows, people["phone"].to_numpy()[rows])
    set_values(people, "phone", rows, ids.phones(chance, f"phone.{day.name}", rows))
    day.touch("phone", rows)
