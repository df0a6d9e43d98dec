"""The county office's directory: fourteen CSV files about places, grids, workers, units and money."""

from __future__ import annotations

import numpy as np

from simulator.county import ids, names
from simulator.county.organisation import GRIDS_SINCE
from simulator.county.places import COMMUNITIES
from simulator.views.noise import Scene

Rows = list[dict[str, str]]
_BLOCKS = ["便民服务大厅", "综合文化服务中心", "党员教育室", "学雷锋志愿服务站", "图书阅览室", "市民教育室", "道德讲堂", "社区小课堂", "警务室"]


def directory(scene: Scene) -> dict[str, Rows]:
    """File name -> its rows, complete, as of the county's today."""
    o = scene.organisation
    compounds, buildings = scene.places.compounds, scene.places.buildings
    files: dict[str, Rows] = {
        "communities.csv": [
            {"community_code": c, "name": n, "town": "涿鹿镇", "valid_from": since, "valid_to": ""} for c, (n, _, since) in COMMUNITIES.items()
        ],
        "compounds.csv": [
            {"compound_id": i, "community_code": c, "name": n, "kind": k, "floor_area_m2": str(a), "valid_from": f, "valid_to": t}
            for i, c, n, k, a, f, t in _columns(compounds, "compound_id community_code name kind floor_area_m2 valid_from valid_to")
        ],
        "compound_aliases.csv": _aliases(scene),
        "buildings.csv": [
            {"building_id": b, "compound_id": compounds["compound_id"][c], "number": str(n), "units": str(u), "floors": str(f), "rooms_per_floor": str(r)}
            for b, c, n, u, f, r in _columns(buildings, "building_id compound number units floors rooms_per_floor")
        ],
        "grids.csv": [
            {"grid_id": g, "community_code": c, "name": n, "valid_from": max(GRIDS_SINCE, COMMUNITIES[c][2]), "valid_to": ""}
            for g, c, n in _columns(o.grids, "grid_id community_code name")
        ],
        "grid_buildings.csv": [
            {"grid_id": o.grids["grid_id"][g], "building_id": buildings["building_id"][b], "unit": u, "valid_from": f, "valid_to": t}
            for g, b, u, f, t in _columns(o.grid_buildings, "grid building unit valid_from valid_to")
        ],
        "grid_workers.csv": _workers(scene),
        "liaison_units.csv": [
            {"unit_id": f"U{n + 1:03d}", "name": name, "department": name.removeprefix("县")} for n, name in enumerate(o.liaison)
        ],
        "liaison_compounds.csv": [
            {"unit_id": f"U{u + 1:03d}", "compound_id": c, "valid_from": GRIDS_SINCE, "valid_to": ""}
            for u, c in zip(o.unit_of_compound.tolist(), compounds["compound_id"].tolist(), strict=True)
        ],
        "staff.csv": _staff(scene),
        "budgets.csv": _budgets(scene),
        "facilities.csv": _facilities(scene),
    }
    roles = _roles(scene)
    files["liaison_roles.csv"] = roles
    files["pairings.csv"] = _pairings(scene, roles)
    return files


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


def _person(scene: Scene, purpose: str, count: int) -> tuple[list[str], list[str]]:
    keys = np.arange(count)
    sex, year = 1 + scene.chance.integers(f"{purpose}.sex", keys, 0, 2), scene.chance.integers(f"{purpose}.year", keys, 1970, 1998)
    whole = names.surnames(scene.chance, f"{purpose}.surname", keys) + names.given_names(scene.chance, keys, sex, year, keys, f"{purpose}.given")
    return whole.tolist(), ids.phones(scene.chance, f"{purpose}.phone", keys).tolist()


def _workers(scene: Scene) -> Rows:
    """One full-time worker a grid, one liaison worker a compound; a worker who was replaced keeps an ended row."""
    o, rows = scene.organisation, []
    replaced = {c["grid"]: c for c in scene.county.counters.get("workers", [])}
    for g, (wid, name, phone) in enumerate(zip(o.worker_id, o.worker_name, o.worker_phone, strict=True)):
        base = {"worker_id": wid, "name": name, "phone": phone, "kind": "full_time", "grid_id": o.grids["grid_id"][g], "compound_id": "", "unit_id": "", "valid_from": GRIDS_SINCE, "valid_to": ""}
        change = replaced.get(g)
        if change:
            rows.append(base | {"valid_to": change["until"]})
            base |= {"worker_id": change["worker_id"], "name": change["name"], "phone": change["phone"], "valid_from": change["since"]}
        rows.append(base)
    people, phones = _person(scene, "liaison", len(scene.places.compounds))
    for c, cid in enumerate(scene.places.compounds["compound_id"]):
        unit = f"U{o.unit_of_compound[c] + 1:03d}"
        rows.append({"worker_id": f"L{c + 1:04d}", "name": people[c], "phone": phones[c], "kind": "liaison", "grid_id": "", "compound_id": cid, "unit_id": unit, "valid_from": GRIDS_SINCE, "valid_to": ""})
    return rows


def _staff(scene: Scene) -> Rows:
    """2+3+N, about nine a community."""
    rows = []
    for n, code in enumerate(COMMUNITIES):
        extra = 3 + int(scene.chance.integers("staff.extra", [n], 0, 3)[0])
        posts = [("2", "党支部书记"), ("2", "副书记"), *[("3", "专职社区工作者")] * 3, *[("N", ("退役军人专岗", "大学生见习岗", "公益性岗位")[i % 3]) for i in range(extra)]]
        for i, (category, post) in enumerate(posts):
            since = max("2020-11-01", COMMUNITIES[code][2])
            rows.append({"staff_id": f"S{n + 1:02d}{i + 1:02d}", "community_code": code, "category": category, "post": post, "valid_from": since, "valid_to": ""})
    return rows


def _budgets(scene: Scene) -> Rows:
    year = int(str(scene.today)[:4])
    rows = []
    for code in COMMUNITIES:
        for y in (year - 1, year):
            rows += [{"community_code": code, "year": str(y), "line": line, "amount_yuan": amount} for line, amount in (("5", "50000"), ("10", "100000"))]
        rows.append({"community_code": code, "year": str(year), "line": "X", "amount_yuan": str(20000 + int(code[-3:]) * 3500)})
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
    residents = np.bincount(scene.addresses.compound[scene.dwelling[scene.dwelling >= 0]], minlength=len(scene.places.compounds))
    for c, (cid, code) in enumerate(_columns(scene.places.compounds, "compound_id community_code")):
        if residents[c] >= 2000:
            rows.append((code, cid, "health_point", 80, "full_time"))
        elif residents[c] > 60:
            rows.append((code, cid, "health_manager", 0, "part_time"))
    out = []
    for n, (code, cid, kind, size, staffing) in enumerate(rows):
        row = {"facility_id": f"F{n + 1:04d}", "community_code": code, "compound_id": cid, "kind": kind, "area_m2": str(size), "staffing": staffing}
        if late:
            row |= {"acquired_by": ("配建", "划拨", "租赁")[n % 3], "function_blocks": ";".join(_BLOCKS[: 4 + n % 6]) if kind == "service_room" else ""}
        out.append(row)
    return out


def _roles(scene: Scene) -> Rows:
    """Building and unit leads, in a third of the buildings."""
    o, buildings = scene.organisation, scene.places.buildings
    at = np.flatnonzero(~buildings["detached"].to_numpy() & scene.chance.happens("role", np.arange(len(buildings)), 0.34))
    people, phones = _person(scene, "role", len(at) * 2)
    rows = []
    for n, b in enumerate(at.tolist()):
        c = int(buildings["compound"][b])
        base = {"unit_id": f"U{o.unit_of_compound[c] + 1:03d}", "compound_id": scene.places.compounds["compound_id"][c], "building_id": buildings["building_id"][b]}
        for k, (unit, role) in enumerate((("", "building_lead"), ("1", "unit_lead"))):
            i = 2 * n + k
            rows.append({"role_id": f"R{i + 1:05d}", **base, "unit": unit, "role": role, "name": people[i], "phone": phones[i], "valid_from": "2022-01-01", "valid_to": ""})
    return rows


def _pairings(scene: Scene, roles: Rows) -> Rows:
    """Unit leads paired with poor families and lone old people of their building."""
    leads = {r["building_id"]: r["role_id"] for r in roles if r["role"] == "unit_lead"}
    cards = scene.county.cards
    buildings = scene.places.buildings["building_id"].to_numpy()
    rows = []
    for card, head in enumerate(cards["head"].tolist()):
        d = int(scene.dwelling[head])
        lead = leads.get(buildings[scene.addresses.building[d]]) if d >= 0 else None
        if lead:
            text = scene.addresses.write("pairing", np.array([card]), np.array([d]), {"full": 3, "dash": 1, "storey": 1} if scene.county.noise else {"full": 1}, {})[0]
            kind = "孤寡老人" if cards["kind"][card] == 0 else "困难群众"
            rows.append({"role_id": lead, "address_text": text, "name": scene.name[head], "kind": kind, "valid_from": "2022-01-01", "valid_to": ""})
    return rows
