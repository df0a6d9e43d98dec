"""People in the county office's directory: grid workers, community staff, building and unit leads, pairings."""

from __future__ import annotations

import numpy as np

from simulator.county import ids, names
from simulator.county.organisation import GRIDS_SINCE
from simulator.county.places import COMMUNITIES
from simulator.views.noise import Scene

Rows = list[dict[str, str]]


def _person(scene: Scene, purpose: str, count: int) -> tuple[list[str], list[str]]:
    keys = np.arange(count)
    sex, year = (
        1 + scene.chance.integers(f"{purpose}.sex", keys, 0, 2),
        scene.chance.integers(f"{purpose}.year", keys, 1970, 1998),
    )
    whole = names.surnames(scene.chance, f"{purpose}.surname", keys) + names.given_names(
        scene.chance, keys, sex, year, keys, f"{purpose}.given"
    )
    return whole.tolist(), ids.phones(scene.chance, f"{purpose}.phone", keys).tolist()


def workers(scene: Scene) -> Rows:
    """One full-time worker a grid, one liaison worker a compound; a worker who was replaced keeps an ended row."""
    o, rows = scene.organisation, []
    replaced = {c["grid"]: c for c in scene.county.counters.get("workers", [])}
    for g, (wid, name, phone) in enumerate(zip(o.worker_id, o.worker_name, o.worker_phone, strict=True)):
        base = {
            "worker_id": wid,
            "name": name,
            "phone": phone,
            "kind": "full_time",
            "grid_id": o.grids["grid_id"][g],
            "compound_id": "",
            "unit_id": "",
            "valid_from": GRIDS_SINCE,
            "valid_to": "",
        }
        change = replaced.get(g)
        if change:
            rows.append(base | {"valid_to": change["until"]})
            base |= {
                "worker_id": change["worker_id"],
                "name": change["name"],
                "phone": change["phone"],
                "valid_from": change["since"],
            }
        rows.append(base)
    people, phones = _person(scene, "liaison", len(scene.places.compounds))
    for c, cid in enumerate(scene.places.compounds["compound_id"]):
        unit = f"U{o.unit_of_compound[c] + 1:03d}"
        rows.append(
            {
                "worker_id": f"L{c + 1:04d}",
                "name": people[c],
                "phone": phones[c],
                "kind": "liaison",
                "grid_id": "",
                "compound_id": cid,
                "unit_id": unit,
                "valid_from": GRIDS_SINCE,
                "valid_to": "",
            }
        )
    return rows


def staff(scene: Scene) -> Rows:
    """2+3+N, about nine a community."""
    rows = []
    for n, code in enumerate(COMMUNITIES):
        extra = 3 + int(scene.chance.integers("staff.extra", [n], 0, 3)[0])
        posts = [
            ("2", "党支部书记"),
            ("2", "副书记"),
            *[("3", "专职社区工作者")] * 3,
            *[("N", ("退役军人专岗", "大学生见习岗", "公益性岗位")[i % 3]) for i in range(extra)],
        ]
        for i, (category, post) in enumerate(posts):
            since = max("2020-11-01", COMMUNITIES[code][2])
            rows.append(
                {
                    "staff_id": f"S{n + 1:02d}{i + 1:02d}",
                    "community_code": code,
                    "category": category,
                    "post": post,
                    "valid_from": since,
                    "valid_to": "",
                }
            )
    return rows


def roles(scene: Scene) -> Rows:
    """Building and unit leads, in a third of the buildings."""
    o, buildings = scene.organisation, scene.places.buildings
    at = np.flatnonzero(
        ~buildings["detached"].to_numpy() & scene.chance.happens("role", np.arange(len(buildings)), 0.34)
    )
    people, phones = _person(scene, "role", len(at) * 2)
    rows = []
    for n, b in enumerate(at.tolist()):
        c = int(buildings["compound"][b])
        base = {
            "unit_id": f"U{o.unit_of_compound[c] + 1:03d}",
            "compound_id": scene.places.compounds["compound_id"][c],
            "building_id": buildings["building_id"][b],
        }
        for k, (unit, role) in enumerate((("", "building_lead"), ("1", "unit_lead"))):
            i = 2 * n + k
            rows.append(
                {
                    "role_id": f"R{i + 1:05d}",
                    **base,
                    "unit": unit,
                    "role": role,
                    "name": people[i],
                    "phone": phones[i],
                    "valid_from": "2022-01-01",
                    "valid_to": "",
                }
            )
    return rows


def pairings(scene: Scene, roles: Rows) -> Rows:
    """Unit leads paired with poor families and lone old people of their building."""
    leads = {r["building_id"]: r["role_id"] for r in roles if r["role"] == "unit_lead"}
    cards = scene.county.cards
    buildings = scene.places.buildings["building_id"].to_numpy()
    rows: Rows = []
    begun: dict[str, int] = {}  # a role takes one family at a time: (role, valid_from) is the sheet's key
    for card, head in enumerate(cards["head"].tolist()):
        d = int(scene.dwelling[head])
        lead = leads.get(buildings[scene.addresses.building[d]]) if d >= 0 else None
        if lead:
            text = scene.addresses.write(
                "pairing",
                np.array([card]),
                np.array([d]),
                {"full": 3, "dash": 1, "storey": 1} if scene.county.noise else {"full": 1},
                {},
            )[0]
            kind = "孤寡老人" if cards["kind"][card] == 0 else "困难群众"
            begun[lead] = begun.get(lead, 0) + 1
            rows.append(
                {
                    "role_id": lead,
                    "address_text": text,
                    "name": scene.name[head],
                    "kind": kind,
                    "valid_from": str(np.datetime64("2022-01-01") + 7 * (begun[lead] - 1)),
                    "valid_to": "",
                }
            )
    return rows
