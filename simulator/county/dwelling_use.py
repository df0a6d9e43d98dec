"""Who lives in which dwelling, since when, where before, and where each person is registered (户籍).

About a third of the people are registered elsewhere than they live (人户分离): tenants from other places,
people who bought a flat and left the register behind, grown children still in their parents' book, and some who
stand in the register here and live far away.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator.county.chance import Chance
from simulator.county.families import CHILD_1, LATE, MAN, NAMES, WIFE, YEAR
from simulator.county.ids import padded

COLLECTIVE = ("涿鹿县人才交流中心", "涿鹿县第一中学", "涿鹿县医院", "涿鹿镇人民政府", "涿鹿县职教中心")
STATIONS = {"130731100002": "130731050000", "130731100005": "130731050000", "130731100006": "130731050000",
            "130731100007": "130731050000"}  # fmt: skip
OTHER_STATION = "130731060000"  # the western police station


def house_families(
    chance: Chance, people: pd.DataFrame, families: pd.DataFrame, homes: np.ndarray, today: np.datetime64
) -> None:
    """Set on families: dwelling, second (another dwelling of the same family or -1), tenure (1 owned 2 rented 3 borrowed),
    moved_in, previous (dwelling before, -1 none, -2 outside the town), head (position of a person)."""
    count, keys = len(families), families.index.to_numpy()
    kind, away = families["kind"].to_numpy(), families["away"].to_numpy()
    rent = np.array([0.03, 0.38, 0.02, 0.22, 0.24, 0.24, 0.25, 0.08, 0.05, 0.05])[kind]
    tenure = np.where(
        chance.happens("home.rent", keys, rent), 2, np.where(chance.happens("home.lent", keys, 0.03), 3, 1)
    )
    free = homes[chance.order("home.order", homes)]
    dwelling = free[np.arange(count) % len(free)]
    # A few families share a flat with another one (合租): lone tenants take the flat of the lone tenant before.
    lone_tenant = np.flatnonzero((kind == NAMES.index("single")) & (tenure == 2))
    sharing = lone_tenant[1::2][chance.happens("home.share", lone_tenant[1::2], 0.22)]
    dwelling[sharing] = dwelling[lone_tenant[::2][: len(lone_tenant[1::2])][np.isin(lone_tenant[1::2], sharing)]]
    families["tenure"] = tenure
    families["dwelling"] = np.where(away, -1, dwelling)
    families["register_home"] = dwelling  # where the family's own book stands unless something below says otherwise
    years = np.where(
        tenure == 2, 0.05 + 4 * chance.uniform("home.years", keys) ** 1.5, 0.2 + 22 * chance.uniform("home.years", keys)
    )
    families["moved_in"] = today - np.round(years * YEAR).astype("timedelta64[D]")
    other = free[chance.integers("home.previous", keys, 0, len(free))]
    from_town = chance.happens("home.from_town", keys, np.where(tenure == 2, 0.5, 0.6))
    families["previous"] = np.where(years > 15, -1, np.where(from_town & (other != dwelling), other, -2))
    spare = free[count:]
    two = np.flatnonzero(
        np.isin(kind, [NAMES.index("three_generations"), NAMES.index("grown_child")])
        & ~away
        & chance.happens("home.two", keys, 0.06)
    )
    second = np.full(count, -1)
    second[two[: len(spare)]] = spare[: len(two)]
    families["second"] = second
    seats = people[(people["family"] >= 0) & people["seat"].isin((MAN, WIFE))]
    first = seats.drop_duplicates("family").set_index("family").index
    head = np.full(count, -1)
    head[first] = seats.drop_duplicates("family").index
    wives = seats[seats["seat"] == WIFE]
    lead = chance.happens("home.head", wives["family"].to_numpy(), 0.22)
    head[wives["family"].to_numpy()[lead]] = wives.index.to_numpy()[lead]
    families["head"] = head


def place_people(people: pd.DataFrame, families: pd.DataFrame) -> None:
    """Set on people: dwelling (-1 elsewhere or dead), home (the family lived with, -1), previous, moved_in."""
    family = people["family"].to_numpy()
    living = (family >= 0) & people["death_date"].isna().to_numpy()
    here = living & ~families["away"].to_numpy()[family]
    second = families["second"].to_numpy()[family]
    grown = ~people["seat"].isin((MAN, WIFE)) & (second >= 0)
    people["dwelling"] = np.where(here, np.where(grown, second, families["dwelling"].to_numpy()[family]), -1)
    people["home"] = np.where(here, family, -1)
    people["previous"] = np.where(family >= 0, families["previous"].to_numpy()[family], -1)
    moved = families["moved_in"].to_numpy()[family].astype("datetime64[D]")
    people["moved_in"] = np.maximum(moved, people["birth"].to_numpy().astype("datetime64[D]"))


def register_people(
    chance: Chance, people: pd.DataFrame, families: pd.DataFrame, homes: np.ndarray, today: np.datetime64
) -> pd.DataFrame:
    """Set people.register (position of a register household or -1 = registered outside), people.origin (0 native, 1
    prefecture, 2 elsewhere), people.registered_on. Returns registers: dwelling, head, collective (index or -1)."""
    count, keys = len(families), families.index.to_numpy()
    tenure, previous = families["tenure"].to_numpy(), families["previous"].to_numpy()
    draw = chance.uniform("register.where", keys)
    outside = np.where(tenure == 2, draw < 0.55, draw < 0.06) & ~families["away"].to_numpy()
    kept = ~outside & (previous >= 0) & (draw > np.where(tenure == 2, 0.6, 0.72))
    # A tenant registered in the town keeps his book where he came from or in his parents' home.
    lost = ~outside & ~kept & (tenure == 2)
    anywhere = homes[chance.integers("register.anywhere", keys, 0, len(homes))]
    home = np.select([kept, lost], [previous, anywhere], families["register_home"].to_numpy())
    own_home = ~outside & ~kept & ~lost
    family, index = people["family"].to_numpy(), np.arange(len(people))
    register = np.where((family >= 0) & ~outside[family], family, -1)
    parent = np.where(people["father"] >= 0, people["father"], people["mother"])
    parent_family = np.where(parent >= 0, family[parent], -1)
    with_parents = (parent_family >= 0) & (parent_family != family) & people["seat"].isin((MAN, WIFE)).to_numpy()
    kind = np.where(family >= 0, families["kind"].to_numpy()[family], -1)
    stay = np.select([kind == NAMES.index("single"), kind == NAMES.index("couple"), kind >= 0], [0.6, 0.16, 0.07], 0)
    stay = with_parents & chance.happens("register.parents", index, stay)
    # Children of a father who stayed in his parents' book stand there too.
    father = people["father"].to_numpy()
    follow = (father >= 0) & stay[father] & (father != -1) & (people["seat"] >= CHILD_1).to_numpy()
    register = np.where(stay, parent_family, register)
    register = np.where(follow, register[father], register)
    register = np.where(family < 0, parent_family, register)
    register = np.where((register >= 0) & outside[register], -1, register)
    split_wife = (
        (people["seat"] == WIFE).to_numpy()
        & (kind != NAMES.index("old_single"))
        & chance.happens("register.wife", index, 0.05)
    )
    split_wife &= people["spouse"].to_numpy() >= 0
    register = np.where(split_wife & ~stay, -1, register)
    grown = (today - people["birth"].to_numpy().astype("datetime64[D]")).astype(int) / YEAR
    unit = (kind == NAMES.index("single")) & (grown < 42) & chance.happens("register.unit", index, 0.09)
    halls = max(1, min(len(COLLECTIVE), len(people) // 12_000))
    register = np.where(unit, count + index % halls, register)
    registers = pd.DataFrame(
        {"dwelling": np.append(home, np.full(halls, -1)), "collective": np.append(np.full(count, -1), np.arange(halls))}
    )
    registers["own_home"] = np.append(own_home, np.zeros(halls, dtype=bool))
    people["register"] = register
    near = chance.happens("origin.near", np.where(family >= 0, family, index), 0.55)
    comer = np.where(register < 0, 0.9, 0.10)
    people["origin"] = np.where(
        chance.happens("origin.comer", np.where(family >= 0, family, index), comer), np.where(near, 1, 2), 0
    )
    years = 0.3 + 30 * chance.uniform("register.years", np.where(register >= 0, register, 0))
    people["registered_on"] = np.maximum(
        today - np.round(years * YEAR).astype("timedelta64[D]"), people["birth"].to_numpy().astype("datetime64[D]")
    )
    registers["head"] = _register_heads(people, families, len(registers))
    return registers


def _register_heads(people: pd.DataFrame, families: pd.DataFrame, count: int) -> np.ndarray:
    """The head of each book: the family's head if he stands in it, else its eldest living adult, else anyone."""
    living = people[(people["register"] >= 0) & people["death_date"].isna()]
    family_head = np.append(families["head"].to_numpy(), np.full(count - len(families), -1))
    rank = np.where(
        living.index == family_head[living["register"]], 0, np.where(living["seat"].isin((MAN, WIFE)), 1, 2)
    )
    order = (
        living.assign(rank=rank).sort_values(["register", "rank", "birth"], kind="stable").drop_duplicates("register")
    )
    head = np.full(count, -1)
    head[order["register"]] = order.index
    return head


def number_registers(registers: pd.DataFrame, community_code: np.ndarray) -> None:
    """Set on registers: station (police station code) and number (unique in a station, repeated between them).

    ``community_code``: of each register's dwelling, any text where it has none. They stay when a family moves.
    """
    code = np.array([STATIONS.get(c, OTHER_STATION) for c in community_code], dtype=object)
    code[registers["dwelling"].to_numpy() < 0] = next(iter(STATIONS.values()))
    registers["station"] = code
    registers["number"] = register_numbers(registers.groupby(code).cumcount().to_numpy())


def register_numbers(rank: np.ndarray) -> np.ndarray:
    """Household numbers of 9 digits from a rank in the station; the step keeps them from telling the order of families."""
    return padded((rank.astype(np.int64) * 70_003 + 1_204_117) % 900_000_007, 9).astype(object)


__all__ = [
    "COLLECTIVE",
    "LATE",
    "house_families",
    "number_registers",
    "place_people",
    "register_numbers",
    "register_people",
]
