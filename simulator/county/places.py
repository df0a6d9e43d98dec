"""Where people can live: the eight communities of 涿鹿镇, their compounds, buildings, units and rooms.

At full size (76,000 people) there are 161 compounds, detached houses included, as the county counts
them; smaller counties have fewer compounds of nearly the same size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from simulator.county.chance import Chance
from simulator.county.compound_names import compound_names

COMMUNITIES = {  # 国家统计局 2023 codes; weight = share of the town's dwellings; 滨河 was new in 2022
    "130731100002": ("鼓楼", 1.1, "2003-05-01"),
    "130731100005": ("北关", 0.9, "2003-05-01"),
    "130731100006": ("南关", 1.2, "2003-05-01"),
    "130731100007": ("东关", 1.0, "2003-05-01"),
    "130731100008": ("轩辕", 1.3, "2010-03-01"),
    "130731100009": ("合符", 1.2, "2012-06-01"),
    "130731100010": ("西关", 1.0, "2012-06-01"),
    "130731100011": ("滨河", 0.8, "2022-09-01"),
}


@dataclass
class Places:
    """The built town; frames are addressed by position (their index is 0…n-1)."""

    compounds: (
        pd.DataFrame
    )  # compound_id community_code name kind floor_area_m2 valid_from valid_to old_name alias street phase letters
    buildings: pd.DataFrame  # building_id compound number units floors rooms_per_floor first (dwelling position)
    dwellings: pd.DataFrame  # building unit floor room (unit 0, room '' in a detached house) position on the floor


def build_places(chance: Chance, persons: int) -> Places:
    """Compounds, buildings and dwellings for about ``persons`` / 2.17 households and a tenth of empty homes."""
    wanted = persons / 2.17 * 1.10
    compounds = _compounds(chance, persons, wanted)
    buildings = _buildings(chance, compounds)
    dwellings = _dwellings(buildings)
    buildings["first"] = np.searchsorted(dwellings["building"].to_numpy(), np.arange(len(buildings)))
    per_compound = np.bincount(
        buildings["compound"].to_numpy()[dwellings["building"].to_numpy()], minlength=len(compounds)
    )
    compounds["floor_area_m2"] = per_compound * 92
    return Places(compounds, buildings, dwellings)


def _compounds(chance: Chance, persons: int, wanted: float) -> pd.DataFrame:
    codes = list(COMMUNITIES)
    share = persons / 76_000
    count = max(len(codes) + 4, round(161 * share**0.75))
    detached = max(2, round(count * 0.2))
    keys = np.arange(count)
    kind = np.where(keys < count - detached, "compound", "detached")
    spread = chance.choose("compound.community", keys, [w for _, w, _ in COMMUNITIES.values()])
    community = np.where(keys < len(codes), keys % len(codes), spread)
    # Sizes: log-normal, so that at full size about seven compounds pass 2,000 people.
    noise = (
        chance.uniform("compound.size1", keys)
        + chance.uniform("compound.size2", keys)
        + chance.uniform("compound.size3", keys)
        - 1.5
    )
    size = np.where(kind == "compound", np.exp(1.9 * noise), 0.0)
    house = chance.integers("compound.houses", keys, 1, 26 if persons > 3000 else 8)
    size = np.where(kind == "compound", size / size.sum() * max(wanted - house[kind == "detached"].sum(), count), house)
    frame = pd.DataFrame({"community": community, "kind": kind, "size": size})
    frame["community_code"] = [codes[c] for c in community]
    names = compound_names(chance, frame, {c: name for c, (name, _, _) in COMMUNITIES.items()})
    frame = pd.concat([frame, names], axis=1)
    follows = frame["follows"].to_numpy()
    frame["community_code"] = np.where(
        follows >= 0, frame["community_code"].to_numpy()[follows], frame["community_code"]
    )
    rank = frame.groupby("community_code").cumcount() + 1
    frame["compound_id"] = frame["community_code"] + rank.astype(str).str.zfill(3)
    year = chance.integers("compound.year", keys, 1985, 2021)
    frame["new"] = year >= 2008
    frame["letters"] = (kind == "compound") & chance.happens("compound.letters", keys, 0.04)
    founded = [COMMUNITIES[c][2] for c in frame["community_code"]]
    frame["valid_from"] = [max(f"{y}-09-01", f) for y, f in zip(year, founded, strict=True)]
    frame["valid_to"] = ""
    return frame


def _buildings(chance: Chance, compounds: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for c, (kind, size, new) in enumerate(zip(compounds["kind"], compounds["size"], compounds["new"], strict=True)):
        if kind == "detached":
            rows += [(c, number, 1, 1, 1) for number in range(1, int(size) + 1)]
            continue
        floors = (11, 17, 18, 6)[int(chance.integers("building.floors", [c], 0, 4)[0])] if new else (5, 6, 6, 4)[c % 4]
        per_floor = int(chance.integers("building.rooms", [c], 2, 5 if new else 4)[0])
        left, number = size, 0
        # A second phase usually goes on with the first one's numbers, so "7号楼" needs no phase.
        follows = compounds["follows"][c]
        if follows >= 0:
            number = max(r[1] for r in rows if r[0] == follows)
        while left > 0 or number == 0:
            number += 1
            units = int(chance.integers("building.units", [c * 1000 + number], 1, 4 if new else 6)[0])
            capacity = units * floors * per_floor
            if left < capacity * 0.4 and left < size:
                break
            if left < capacity:
                units = max(1, min(units, round(left / (floors * per_floor))))
            low = max(2, round(left / (units * per_floor))) if left < floors * per_floor else floors
            rows.append((c, number, units, min(floors, low), per_floor))
            left -= units * min(floors, low) * per_floor
    frame = pd.DataFrame(rows, columns=["compound", "number", "units", "floors", "rooms_per_floor"])
    ids = compounds["compound_id"].to_numpy()[frame["compound"].to_numpy()]
    frame["building_id"] = pd.Series(ids) + frame["number"].astype(str).str.zfill(3)
    frame["detached"] = compounds["kind"].to_numpy()[frame["compound"].to_numpy()] == "detached"
    return frame


def _dwellings(buildings: pd.DataFrame) -> pd.DataFrame:
    units, floors, across = (buildings[c].to_numpy() for c in ("units", "floors", "rooms_per_floor"))
    total = units * floors * across
    building = np.repeat(np.arange(len(buildings)), total)
    offset = np.arange(total.sum()) - np.repeat(np.cumsum(total) - total, total)
    per_unit = (floors * across)[building]
    unit, rest = offset // per_unit + 1, offset % per_unit
    floor, position = rest // across[building] + 1, rest % across[building] + 1
    detached = buildings["detached"].to_numpy()[building]
    room = np.where(detached, "", (floor * 100 + position).astype(str)).astype(object)
    return pd.DataFrame(
        {"building": building, "unit": np.where(detached, 0, unit), "floor": floor, "position": position, "room": room}
    )
