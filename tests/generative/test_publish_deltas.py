"""Days by chance: what a recipient's deltas add up to is what a publication from nothing hands it."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from contracts.agreements import GrantedField
from tests.publish_world import AGREEMENTS, FLATS, PEOPLE, TODAY, Warehouse, settled

DAYS = 7


def change(house: Warehouse, chance: random.Random, day: date) -> None:
    """Something that can happen between two publications."""
    person = chance.choice(sorted(PEOPLE))
    household, flat = chance.choice(sorted(FLATS.items()))
    match chance.choice(["name", "birth", "death", "moves", "profile", "archive", "register", "ticket", "nothing"]):
        case "name":
            house.run(
                "UPDATE hub.person_profile SET name = :n WHERE person_id = :p",
                n=chance.choice(["王建国", "李娜", "赵宝"]),
                p=person,
            )
        case "birth":
            born = chance.choice(
                [day - timedelta(days=365 * 80 + 20), date(1966, 11, 22), date(2020, 8, 31), date(2011, 1, 1)]
            )
            house.run("UPDATE hub.person_profile SET birth_date = :b WHERE person_id = :p", b=born, p=person)
        case "death":
            house.run("UPDATE hub.person_profile SET alive = NOT alive WHERE person_id = :p", p=person)
        case "moves":
            house.run("UPDATE hub.person_profile SET dwelling_id = :f WHERE person_id = :p", f=flat, p=person)
            house.run("UPDATE hub.household_member SET household_id = :h WHERE person_id = :p", h=household, p=person)
        case "profile":
            version = house.versions[household] = house.versions.get(household, 1) + 1
            house.profile(household, version, leave_out=chance.sample(sorted(PEOPLE), chance.randint(0, 2)))
        case "archive":
            house.run("UPDATE record.health_record SET status = :s, address = :a", s=chance.choice(["1", "3"]), a=flat)
        case "register":
            house.run(
                "UPDATE record.psb_register SET cancelled = NOT coalesce(cancelled, false), cancel_reason = '2', register_address = :a",
                a=flat,
            )
        case "ticket":
            house.run("UPDATE hub.ticket SET state = CASE state WHEN 'open' THEN 'closed' ELSE 'open' END")


def regrant(house: Warehouse, chance: random.Random) -> None:
    """Another agreement: a field more masked, one less, or everything as it was."""
    name = chance.choice(["health", "public_security", "communities", "grids"])
    agreement = AGREEMENTS[name]
    dataset = chance.choice([d for d in agreement.datasets if any(f.name == "name" for f in d.fields)])
    strict = tuple(GrantedField(f.name, "name_initial", f.title) if f.name == "name" else f for f in dataset.fields)
    fields = chance.choice([strict, tuple(f for f in dataset.fields if f.name != "name"), dataset.fields])
    datasets = tuple(replace(d, fields=fields) if d is dataset else d for d in agreement.datasets)
    house.agreements[name] = replace(agreement, datasets=datasets)


@pytest.mark.parametrize(
    "seed", [1, 2, pytest.param(3, marks=pytest.mark.long), pytest.param(4, marks=pytest.mark.long)]
)
def test_deltas_add_up_to_a_publication_from_nothing(seed: int, new_database, tmp_path: Path) -> None:
    chance = random.Random(seed)
    house = settled(new_database(), tmp_path / "days")
    house.versions = {}
    house.agreements = {name: replace(a, frequency="daily") for name, a in AGREEMENTS.items()}
    day = TODAY
    house.publish(day)
    for number in range(DAYS):
        for _ in range(chance.randint(0, 3)):
            change(house, chance, day)
        if number == DAYS // 2:
            regrant(house, chance)
        day += timedelta(days=chance.choice([0, 1, 40]))
        house.publish(day)
        house.run(
            "UPDATE hub.extract_row SET row_hash = NULL WHERE random() < 0.1"
        )  # of another version of the software
    held = house.held()
    assert held == house.published_anew(tmp_path / "anew", day)
    assert sum(len(rows) for datasets in held.values() for rows in datasets.values()) > 10
    house.engine.dispose()
