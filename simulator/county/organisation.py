"""The grids laid over the town, and who serves them: a pure function of places and chance.

88 grids at full size, cut along compounds; a large compound is split, a grid holds several small ones. Each has one
full-time worker; each compound a liaison unit (包联) and a liaison worker of that unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from simulator.county import ids, names
from simulator.county.chance import Chance
from simulator.county.places import COMMUNITIES, Places

_UNITS = [
    "县委办公室",
    "县人大办公室",
    "县政府办公室",
    "县政协办公室",
    "县纪委监委",
    "县委组织部",
    "县委宣传部",
    "县委统战部",
    "县委政法委",
    "县委编办",
    "县直工委",
    "县信访局",
    "县法院",
    "县检察院",
    "县总工会",
    "团县委",
    "县妇联",
    "县工商联",
    "县科协",
    "县残联",
    "县红十字会",
    "县发改局",
    "县教育局",
    "县科技局",
    "县工信局",
    "县公安局",
    "县民政局",
    "县司法局",
    "县财政局",
    "县人社局",
    "县自然资源局",
    "县生态环境分局",
    "县住建局",
    "县交通局",
    "县水务局",
    "县农业农村局",
    "县商务局",
    "县文旅局",
    "县卫健局",
    "县退役军人局",
    "县应急局",
    "县审计局",
    "县市场监管局",
    "县统计局",
    "县医保局",
    "县行政审批局",
    "县城管局",
    "县乡村振兴局",
    "县林草局",
    "县供销社",
    "县档案馆",
    "县党校",
    "县融媒体中心",
    "县税务局",
    "县气象局",
    "县邮政公司",
    "县供电公司",
    "县人民银行",
    "县农行",
    "县医院",
    "县中医院",
    "县妇幼保健院",
    "涿鹿中学",
    "县职教中心",
    "县公积金管理部",
    "县消防救援大队",
    "县开发区管委会",
]
GRIDS_SINCE = "2021-06-01"


@dataclass
class Organisation:
    """Frames as the directory tells them, and lookups by position."""

    grids: pd.DataFrame  # grid_id community_code name
    grid_of_unit: np.ndarray  # dwelling -> position of its grid
    grid_buildings: pd.DataFrame  # grid building unit ('' = whole) valid_from valid_to
    unit_of_compound: np.ndarray  # compound -> position in liaison units
    liaison: list[str]
    worker_name: np.ndarray  # per grid
    worker_phone: np.ndarray
    worker_id: np.ndarray


def organise(chance: Chance, places: Places, persons: int) -> Organisation:
    """Grids, workers and liaison units of a town of ``persons``."""
    compounds, buildings, dwellings = places.compounds, places.buildings, places.dwellings
    total = max(len(COMMUNITIES), round(88 * persons / 76_000))
    community_of_building = compounds["community_code"].to_numpy()[buildings["compound"].to_numpy()]
    size = np.bincount(dwellings["building"].to_numpy(), minlength=len(buildings))
    grid_of_building = np.zeros(len(buildings), dtype=np.int64)
    rows = []
    shares = pd.Series(size).groupby(community_of_building).sum()
    counts = np.maximum(1, np.round(shares / shares.sum() * total)).astype(int)
    for code, count in counts.items():
        at = np.flatnonzero(community_of_building == code)
        middle = np.cumsum(size[at]) - size[at] / 2
        which = np.minimum((middle / size[at].sum() * count).astype(int), count - 1)
        grid_of_building[at] = len(rows) + which
        for n in range(count):
            rows.append((f"{code}-G{n + 1:02d}", code, f"{COMMUNITIES[code][0]}第{n + 1}网格"))
    grids = pd.DataFrame(rows, columns=["grid_id", "community_code", "name"])
    building = dwellings["building"].to_numpy()
    unit = dwellings["unit"].to_numpy()
    grid = grid_of_building[building]
    # A few long buildings are cut between two grids: their last unit belongs to the next grid.
    units = buildings["units"].to_numpy()
    nxt = grid_of_building + 1
    same = (nxt < len(grids)) & (
        grids["community_code"].to_numpy()[np.minimum(nxt, len(grids) - 1)] == community_of_building
    )
    last_in_grid = np.append(grid_of_building[1:] != grid_of_building[:-1], True)
    cut = same & last_in_grid & (units >= 3) & chance.happens("grid.cut", np.arange(len(buildings)), 0.5)
    grid = np.where(cut[building] & (unit == units[building]), grid + 1, grid)
    keys = np.arange(len(grids))
    wanted = max(5, round(len(_UNITS) * (persons / 76_000) ** 0.7))
    liaison = list(_UNITS[:wanted])
    spare = np.arange(len(compounds))
    unit_of = np.where(spare < len(liaison), spare, chance.integers("liaison.of", spare, 0, len(liaison)))
    if len(compounds) < len(liaison):
        liaison = liaison[: len(compounds)]
        unit_of = spare
    sex = np.where(chance.happens("worker.sex", keys, 0.7), 2, 1)
    year = chance.integers("worker.year", keys, 1975, 2000)
    name = names.surnames(chance, "worker.surname", keys) + names.given_names(
        chance, keys, sex, year, keys, "worker.given"
    )
    return Organisation(
        grids=grids, grid_of_unit=grid, grid_buildings=_laid_over(chance, grid, building, unit, cut, grids), unit_of_compound=unit_of, liaison=liaison,
        worker_name=name, worker_phone=ids.phones(chance, "worker.phone", keys), worker_id=np.array([f"W{k + 1:04d}" for k in keys], dtype=object),
    )  # fmt: skip


def _laid_over(
    chance: Chance, grid: np.ndarray, building: np.ndarray, unit: np.ndarray, cut: np.ndarray, grids: pd.DataFrame
) -> pd.DataFrame:
    frame = (
        pd.DataFrame({"grid": grid, "building": building, "unit": unit})
        .drop_duplicates()
        .sort_values(["building", "unit"])
    )
    frame["unit"] = np.where(cut[frame["building"]], frame["unit"].astype(str), "")
    frame = frame.drop_duplicates().assign(valid_from=GRIDS_SINCE, valid_to="").reset_index(drop=True)
    # Some buildings were moved to a neighbouring grid when the grids were evened out.
    moved = frame[(frame["unit"] == "") & chance.happens("grid.moved", frame["building"].to_numpy(), 0.03)]
    before = moved.assign(grid=moved["grid"] - 1, valid_to="2023-12-31")
    known = (before["grid"] >= 0) & (
        grids["community_code"].to_numpy()[before["grid"].clip(lower=0)]
        == grids["community_code"].to_numpy()[moved["grid"]]
    )
    frame.loc[moved.index[known], "valid_from"] = "2024-01-01"
    return pd.concat([frame, before[known]]).sort_values(["building", "unit", "valid_from"], ignore_index=True)
