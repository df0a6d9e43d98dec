"""Who lives with whom by blood and marriage: families with the census' sizes and ages.

涿鹿县 2020: 2.17 people a family household; Zhangjiakou: 60+ 25.06 %, 0-14 15.22 %. Old people living alone
or as a couple are the commonest households; grown children live apart in the same town or far away.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator.county.chance import Chance

YEAR = 365.2425
# kind: (weight, title). Ages and members are worked out below.
KINDS = {
    "old_single": 14.5, "single": 19.0, "old_couple": 18.5, "couple": 12.0, "couple_child": 16.0,
    "couple_children": 8.5, "lone_parent": 4.0, "three_generations": 4.0, "grown_child": 4.7, "grandparents": 0.8,
}  # fmt: skip
NAMES = list(KINDS)
OLD = [NAMES.index(k) for k in ("old_single", "old_couple", "grown_child", "grandparents")]
MAN, WIFE, CHILD_1, CHILD_2, GRANDFATHER, GRANDMOTHER, LATE = range(7)  # order inside a family
AWAY_SHARE = 0.02  # families registered here who live elsewhere


def build_families(chance: Chance, persons: int, today: np.datetime64) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(people, families). People: family (-1 = lives elsewhere), seat, sex, birth, father, mother, spouse (positions or
    -1), surname_from, death_date (NaT = alive), marital (GB/T 2261.2). Families: kind, away."""
    weights = np.array(list(KINDS.values()))
    mean = (weights * [1, 1, 2, 2, 3, 4, 2, 4.7, 2.75, 2.5]).sum() / weights.sum()
    count = max(12, round(persons / mean))
    count += round(count * AWAY_SHARE)
    keys = np.arange(count)
    kind = chance.choose("family.kind", keys, weights)
    families = pd.DataFrame({"kind": kind, "away": (keys >= round(count / (1 + AWAY_SHARE))) & ~np.isin(kind, OLD)})
    people = _members(chance, families)
    people["birth"] = today - np.round(people.pop("age") * YEAR).astype("timedelta64[D]")
    _twins(chance, people)
    _link_generations(chance, people, families)
    people = _away_children(chance, people, families)
    people["marital"] = _marital(chance, people, families, today)
    death = np.full(len(people), np.datetime64("NaT"), dtype="datetime64[D]")
    late = np.flatnonzero(people["seat"] == LATE)
    death[late] = today - chance.integers("death.ago", late, 5, 1400).astype("timedelta64[D]")
    people["death_date"] = death
    return people, families


def _between(chance: Chance, purpose: str, keys: np.ndarray, low, high, bend: float = 1.0) -> np.ndarray:
    return low + (np.asarray(high) - low) * chance.uniform(purpose, keys) ** bend


def _members(chance: Chance, families: pd.DataFrame) -> pd.DataFrame:
    kind, keys = families["kind"].to_numpy(), families.index.to_numpy()
    at = {name: kind == i for i, name in enumerate(NAMES)}
    u = lambda p: chance.uniform(f"family.{p}", keys)  # noqa: E731 - reads better than eight lines of calls
    # Age of the eldest child first where there is one, then the mother's by her age at the birth.
    child = np.select(
        [at["couple_child"], at["couple_children"], at["lone_parent"], at["three_generations"], at["grown_child"], at["grandparents"]],
        [u("c1") * 23, 2.5 + u("c2") * 18, 1 + u("c3") * 22, u("c4") * 18, 18.5 + u("c5") * 14, 2 + u("c6") * 14], np.nan,
    )  # fmt: skip
    at_birth = 21 + 12 * (u("b1") + u("b2")) / 2
    wife = np.select(
        [at["old_single"], at["single"], at["old_couple"], at["couple"], at["grandparents"]],
        [60 + 31 * u("w1") ** 1.5, 20 + 40 * u("w2"), 59 + 25 * u("w3") ** 1.3, 23 + 36 * u("w4"), 53 + 18 * u("w5")],
        child + at_birth,
    )  # fmt: skip
    man = wife + np.where(np.isin(kind, [0, 1]), 0, 7 * u("gap") ** 1.4 - 2)
    alone = np.isin(kind, [0, 1])
    woman = chance.happens("family.woman", keys, np.where(kind == 0, 0.6, 0.42))
    lone = at["lone_parent"]
    mother_stays = chance.happens("family.mother", keys, 0.72)
    pair_old = ~at["grandparents"] | chance.happens("family.pair", keys, 0.55)
    has_man = np.where(alone, ~woman, np.where(lone, ~mother_stays, pair_old))
    has_wife = np.where(alone, woman, np.where(lone, mother_stays, True))
    younger = np.maximum(child - 1.6 - 6 * u("younger"), 0.02)
    second = at["couple_children"] | (at["three_generations"] & (u("second") < 0.4) & (child > 2))
    elder_gap = 22 + 9 * u("elder")
    three = at["three_generations"]
    his = chance.happens("family.his", keys, 0.7)  # whose parents live here
    base = np.where(his, man, wife)
    grandmother = base + elder_gap
    both = u("both") < 0.4
    late = at["old_single"] & (u("late") < 0.42)  # the spouse who died in the last years
    seats = [
        (MAN, has_man, 1, man), (WIFE, has_wife, 2, wife),
        (CHILD_1, ~np.isnan(child), 0, child), (CHILD_2, second, 0, younger),
        (GRANDFATHER, three & (both | (u("which") < 0.35)), 1, grandmother + 2),
        (GRANDMOTHER, three & (both | (u("which") >= 0.35)), 2, grandmother),
        (LATE, late, 3, wife + 3),
    ]  # fmt: skip
    parts = []
    for seat, present, sex, age in seats:
        rows = np.flatnonzero(present)
        if sex == 0:
            gender = np.where(chance.happens(f"sex.{seat}", rows, 0.515), 1, 2)
        elif sex == 3:
            gender = np.where(woman[rows], 1, 2)
        else:
            gender = np.full(len(rows), sex)
        parts.append(pd.DataFrame({"family": rows, "seat": seat, "sex": gender, "age": age[rows]}))
    people = pd.concat(parts, ignore_index=True).sort_values(["family", "seat"], kind="stable", ignore_index=True)
    return _own_kin(people, kind, his)


def _own_kin(people: pd.DataFrame, kind: np.ndarray, his: np.ndarray) -> pd.DataFrame:
    """Father, mother and spouse inside the family, as positions."""
    family, seat = people["family"].to_numpy(), people["seat"].to_numpy()
    where = np.full((len(kind), 7), -1)
    where[family, seat] = np.arange(len(people))
    k = kind[family]
    is_child = np.isin(seat, (CHILD_1, CHILD_2)) & (k != NAMES.index("grandparents"))
    raised = (seat == np.where(his[family], MAN, WIFE)) & (k == NAMES.index("three_generations"))
    people["father"] = np.select([is_child, raised], [where[family, MAN], where[family, GRANDFATHER]], -1)
    people["mother"] = np.select([is_child, raised], [where[family, WIFE], where[family, GRANDMOTHER]], -1)
    partner = np.array([WIFE, MAN, -1, -1, GRANDMOTHER, GRANDFATHER, -1])[seat]
    spouse = np.where(partner >= 0, where[family, partner], -1)
    late_of = where[family, LATE]
    spouse = np.where((seat <= WIFE) & (late_of >= 0), late_of, spouse)
    people["spouse"] = np.where(seat == LATE, np.maximum(where[family, MAN], where[family, WIFE]), spouse)
    grand = np.isin(seat, (CHILD_1, CHILD_2)) & (k == NAMES.index("grandparents"))
    elder = np.where(where[family, MAN] >= 0, where[family, MAN], where[family, WIFE])
    people["surname_from"] = np.select([grand, people["father"] >= 0], [elder, people["father"]], -1)
    people["grandparent"] = np.where(grand, elder, -1)
    return people


def _twins(chance: Chance, people: pd.DataFrame) -> None:
    """Three in a hundred second children are born with the first."""
    second = np.flatnonzero((people["seat"] == CHILD_2) & (people["seat"].shift(1) == CHILD_1))
    twins = second[chance.happens("twins", second, 0.05)]
    birth = people["birth"].to_numpy().copy()
    birth[twins] = birth[twins - 1]
    people["birth"] = birth
    people["twin"] = np.where(np.isin(np.arange(len(people)), twins), np.arange(len(people)) - 1, -1)


def _link_generations(chance: Chance, people: pd.DataFrame, families: pd.DataFrame) -> None:
    """Give half of the grown people of young families their parents among the old households of the town."""
    kind = families["kind"].to_numpy()[people["family"].to_numpy()]
    year = people["birth"].to_numpy().astype("datetime64[Y]").astype(int)
    index = np.arange(len(people))
    young = np.flatnonzero(
        (people["father"] < 0) & (people["mother"] < 0) & np.isin(people["seat"], (MAN, WIFE)) & ~np.isin(kind, OLD)
        & chance.happens("kin.linked", index, 0.55)
    )  # fmt: skip
    elders = np.flatnonzero(np.isin(people["seat"], (MAN, WIFE)) & np.isin(kind, OLD))
    _, lead = np.unique(people["family"].to_numpy()[elders], return_index=True)
    lead = elders[lead]
    slots = np.concatenate([lead, lead[chance.happens("kin.second", lead, 0.6)]])
    turn = np.arange(len(slots))
    wanted = year[slots] + chance.integers("kin.gap", turn, 23, 31)
    slot_frame = pd.DataFrame({"year": wanted, "elder": slots, "mix": chance.uniform("kin.mix", turn)}).sort_values(
        ["year", "mix"]
    )
    young_frame = pd.DataFrame(
        {"year": year[young], "child": young, "mix": chance.uniform("kin.mix2", young)}
    ).sort_values(["year", "mix"])
    for frame in (slot_frame, young_frame):
        frame["rank"] = frame.groupby("year").cumcount()
    pairs = young_frame.merge(slot_frame, on=["year", "rank"], suffixes=("", "_e"))
    child, elder = pairs["child"].to_numpy(), pairs["elder"].to_numpy()
    # A couple may not be brother and sister.
    other = people["spouse"].to_numpy()[child]
    of = dict(zip(child.tolist(), people["family"].to_numpy()[elder].tolist(), strict=True))
    keep = np.array(
        [
            o < 0 or of.get(o, -1) != of[c] or people["sex"][c] == 1
            for c, o in zip(child.tolist(), other.tolist(), strict=True)
        ],
        dtype=bool,
    )
    _adopt(people, child[keep], elder[keep])


def _adopt(people: pd.DataFrame, child: np.ndarray, elder: np.ndarray) -> None:
    """Make ``elder`` (and the elder's spouse) the parents of ``child``."""
    sex, spouse = people["sex"].to_numpy(), people["spouse"].to_numpy()
    for column, gender in (("father", 1), ("mother", 2)):
        values = people[column].to_numpy().copy()
        values[child] = np.where(sex[elder] == gender, elder, spouse[elder])
        people[column] = values
    source = people["surname_from"].to_numpy().copy()
    father = people["father"].to_numpy()
    source[child] = np.where(father[child] >= 0, father[child], -1)
    people["surname_from"] = source


def _away_children(chance: Chance, people: pd.DataFrame, families: pd.DataFrame) -> pd.DataFrame:
    """Grown children who live far away but are still in their parents' register (family -1)."""
    kind = families["kind"].to_numpy()[people["family"].to_numpy()]
    index = np.arange(len(people))
    mature = np.isin(kind, [*OLD, NAMES.index("couple")]) & (people["seat"] == WIFE)
    birth = people["birth"].to_numpy().astype("datetime64[D]")
    age = (birth.max() - birth).astype(int) / YEAR
    mothers = np.flatnonzero(mature & (age > 43) & (age < 80) & chance.happens("away.has", index, 0.42))
    mothers = np.concatenate([mothers, mothers[chance.happens("away.two", mothers, 0.25)]])
    turn = np.arange(len(mothers))
    child_birth = birth[mothers] + np.round(chance.uniform("away.gap", turn) * 3000 + 8400).astype("timedelta64[D]")
    fits = (birth.max() - child_birth).astype(int) / YEAR >= 18.2
    mothers, child_birth, turn = mothers[fits], child_birth[fits], turn[fits]
    away = pd.DataFrame({
        "family": -1, "seat": CHILD_1, "sex": np.where(chance.happens("away.sex", turn, 0.55), 1, 2), "birth": child_birth,
        "father": people["spouse"].to_numpy()[mothers], "mother": mothers, "spouse": -1, "grandparent": -1, "twin": -1,
        "surname_from": people["spouse"].to_numpy()[mothers],
    })  # fmt: skip
    return pd.concat([people, away], ignore_index=True)


def _marital(chance: Chance, people: pd.DataFrame, families: pd.DataFrame, today: np.datetime64) -> np.ndarray:
    age = (today - people["birth"].to_numpy()).astype("timedelta64[D]").astype(int) / YEAR
    spouse, seat = people["spouse"].to_numpy(), people["seat"].to_numpy()
    index = np.arange(len(people))
    widowed = (spouse >= 0) & (seat[spouse] == LATE)
    draw = chance.uniform("marital", index)
    alone = np.select(
        [age < 22, age < 30, age < 60],
        [10, np.where(draw < 0.9, 10, 40), np.select([draw < 0.45, draw < 0.9], [10, 40], 30)],
        np.select([draw < 0.72, draw < 0.86], [30, 40], 10),
    )
    parent = np.zeros(len(people), dtype=bool)
    parent[people["mother"][people["mother"] >= 0]] = True
    parent[people["father"][people["father"] >= 0]] = True
    alone = np.where(parent & (alone == 10), 40, alone)
    married = np.where(draw < 0.12, 20, np.where(draw < 0.96, 21, 22))
    return np.where(widowed, 30, np.where(spouse >= 0, married, alone))
