"""The county office's directory: fourteen CSV files about places, grids, workers, units and money."""

from __future__ import annotations

import numpy as np

from simulator.county.organisation import GRIDS_SINCE
from simulator.county.places import COMMUNITIES
from simulator.views import org_people
from simulator.views.noise import Scene
from simulator.views.org_people import Rows

_BLOCKS = [
    "便民服务大厅",
    "综合文化服务中心",
    "党员教育室",
    "学雷锋志愿服务站",
    "图书阅览室",
    "市民教育室",
    "道德讲堂",
    "社区小课堂",
    "警务室",
]


def directory(scene: Scene) -> dict[str, Rows]:
    """File name -> its rows, complete, as of the county's today."""
    o = scene.organisation
    compounds, buildings = scene.places.compounds, scene.places.buildings
    files: dict[str, Rows] = {
        "communities.csv": [
            {"community_code": c, "name": n, "town": "涿鹿镇", "valid_from": since, "valid_to": ""}
            for c, (n, _, since) in COMMUNITIES.items()
        ],
        "compounds.csv": [
            {
                "compound_id": i,
                "community_code": c,
                "name": n,
                "kind": k,
                "floor_area_m2": str(a),
                "valid_from": f,
                "valid_to": t,
            }
            for i, c, n, k, a, f, t in _columns(
                compounds, "compound_id community_code name kind floor_area_m2 valid_from valid_to"
            )
        ]
        + [_demolished()],
        "compound_aliases.csv": _aliases(scene),
        "buildings.csv": [
            {
                "building_id": b,
                "compound_id": compounds["compound_id"][c],
                "number": str(n),
                "units": str(u),
                "floors": str(f),
                "rooms_per_floor": str(r),
            }
            for b, c, n, u, f, r in _columns(buildings, "building_id compound number units floors rooms_per_floor")
        ],
        "grids.csv": [
            {
                "grid_id": g,
                "community_code": c,
                "name": n,
                "valid_from": max(GRIDS_SINCE, COMMUNITIES[c][2]),
                "valid_to": "",
            }
            for g, c, n in _columns(o.grids, "grid_id community_code name")
        ],
        "grid_buildings.csv": [
            {
                "grid_id": o.grids["grid_id"][g],
                "building_id": buildings["building_id"][b],
                "unit": u,
                "valid_from": f,
                "valid_to": t,
            }
            for g, b, u, f, t in _columns(o.grid_buildings, "grid building unit valid_from valid_to")
        ],
        "grid_workers.csv": org_people.workers(scene),
        "liaison_units.csv": [
            {"unit_id": f"U{n + 1:03d}", "name": name, "department": name.removeprefix("县")}
            for n, name in enumerate(o.liaison)
        ],
        "liaison_compounds.csv": [
            {"unit_id": f"U{u + 1:03d}", "compound_id": c, "valid_from": GRIDS_SINCE, "valid_to": ""}
            for u, c in zip(o.unit_of_compound.tolist(), compounds["compound_id"].tolist(), strict=True)
        ],
        "staff.csv": org_people.staff(scene),
        "budgets.csv": _budgets(scene),
        "facilities.csv": _facilities(scene),
    }
    roles = org_people.roles(scene)
    files["liaison_roles.csv"] = roles
    files["pairings.csv"] = org_people.pairings(scene, roles)
    return files


def _demolished() -> dict[str, str]:
    """A compound that was pulled down; some shops still give it as their premises."""
    code = next(iter(COMMUNITIES))
    return {
        "compound_id": f"{code}900",
        "community_code": code,
        "name": "老市场",
        "kind": "compound",
        "floor_area_m2": "5400",
        "valid_from": "2003-05-01",
        "valid_to": "2019-06-30",
    }


def _columns(frame, words: str):
    return zip(*(frame[w].tolist() for w in words.split()), strict=True)


def _aliases(scene: Scene) -> Rows:
    """Everyday names, former names and street numbers of compounds; 符合 for 合符 wherever it stands."""
    rows, taken = [], set(scene.places.compounds["name"])
    frame = scene.places.compounds
    for n, (cid, name, old, alias, street) in enumerate(_columns(frame, "compound_id name old_name alias street")):
        told = scene.chance.happens("alias.street", [n], 0.85)[0] if scene.county.noise else True
        for word in (old, alias, street if told else "", name.replace("合符", "符合") if "合符" in name else ""):
            if word and word not in taken:
                taken.add(word)
                rows.append({"alias": word, "compound_id": cid})
    return rows


def _budgets(scene: Scene) -> Rows:
    year = int(str(scene.today)[:4])
    rows = []
    for code in COMMUNITIES:
        for y in (year - 1, year):
            rows += [
                {"community_code": code, "year": str(y), "line": line, "amount_yuan": amount}
                for line, amount in (("5", "50000"), ("10", "100000"))
            ]
        rows.append(
            {"community_code": code, "year": str(year), "line": "X", "amount_yuan": str(20000 + int(code[-3:]) * 3500)}
        )
    return rows


def _facilities(scene: Scene) -> Rows:
    """A service room a community (3 in 7 of 1000 m² and more); health points where 2000 and more people live, else a manager."""
    rows = []
    late = str(scene.today) >= "2027"
    area = [1200, 640, 1050, 560, 1010, 720, 580, 0]
    for n, code in enumerate(COMMUNITIES):
        rows.append((code, "", "service_room", area[n] or 620, "full_time"))
        if COMMUNITIES[code][0] in ("南关", "鼓楼"):
            rows.append((code, "", "home_care", 300, "full_time"))
    residents = np.bincount(
        scene.addresses.compound[scene.dwelling[scene.dwelling >= 0]], minlength=len(scene.places.compounds)
    )
    for c, (cid, code) in enumerate(_columns(scene.places.compounds, "compound_id community_code")):
        if residents[c] >= 2000:
            rows.append((code, cid, "health_point", 80, "full_time"))
        elif residents[c] > 60:
            rows.append((code, cid, "health_manager", 0, "part_time"))
    out = []
    for n, (code, cid, kind, size, staffing) in enumerate(rows):
        row = {
            "facility_id": f"F{n + 1:04d}",
            "community_code": code,
            "compound_id": cid,
            "kind": kind,
            "area_m2": str(size),
            "staffing": staffing,
        }
        if late:
            row |= {
                "acquired_by": ("配建", "划拨", "租赁")[n % 3],
                "function_blocks": ";".join(_BLOCKS[: 4 + n % 6]) if kind == "service_room" else "",
            }
        out.append(row)
    return out
