"""The true county, made: places, families, homes, registers and lives, in that order."""

from __future__ import annotations

import numpy as np

from simulator.county.chance import Chance
from simulator.county.dwelling_use import house_families, number_registers, place_people, register_people
from simulator.county.families import build_families
from simulator.county.lives import (
    assist_families,
    disable_people,
    name_people,
    number_people,
    open_shops,
    school_people,
    settle_marriages,
)
from simulator.county.places import build_places
from simulator.county.truth import County


def make_truth(persons: int, seed: int, noise: float, start: np.datetime64) -> County:
    """A county of about ``persons`` living residents on the evening of ``start`` (datetime64[D])."""
    chance = Chance(seed)
    places = build_places(chance, persons)
    homes = np.arange(len(places.dwellings))
    people, families = build_families(chance, persons, start)
    house_families(chance, people, families, homes, start)
    place_people(people, families)
    registers = register_people(chance, people, families, homes, start)
    compound = places.buildings["compound"].to_numpy()[places.dwellings["building"].to_numpy()]
    number_registers(
        registers, places.compounds["community_code"].to_numpy()[compound[registers["dwelling"].to_numpy()]]
    )
    name_people(chance, people)
    taken = number_people(chance, people, start)
    school_people(chance, people, start)
    settle_marriages(chance, people, start)
    disable_people(chance, people, start)
    cards, members = assist_families(chance, people, families)
    shops = open_shops(chance, people, start)
    for frame, column in ((people, "birth"), (people, "death_date"), (people, "moved_in"), (people, "registered_on")):
        frame[column] = frame[column].to_numpy().astype("datetime64[D]")
    return County(
        seed=seed, noise=noise, start=start, moment=start.astype("datetime64[s]") + np.timedelta64(18, "h"), places=places,
        people=people, families=families, registers=registers, cards=cards, card_members=members, shops=shops,
        taken=taken, counters={"persons": persons, "workers": []},
    )  # fmt: skip
