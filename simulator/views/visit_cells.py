"""What stands in a household visit: whom the worker met, how they are written down, where, and what was confirmed."""

from __future__ import annotations

import numpy as np

from simulator.county.kinship import TEXT
from simulator.views import spoil
from simulator.views.noise import Scene

VISIT = "grid_visit"
STYLES = {"dash": 40, "storey": 20, "hash": 12, "full": 8, "door": 6, "wide": 5, "side": 3, "chinese": 2, "block": 4}
SEATS = 64  # keys of residents: visit number * SEATS + place in the list


def residents(scene: Scene, families: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(index of the visit, person), one a resident met, in the order they are written down."""
    home = scene.home
    order = np.lexsort((np.arange(len(home)), scene.seat, home))
    order = order[home[order] >= 0]
    start = np.searchsorted(home[order], families, side="left")
    stop = np.searchsorted(home[order], families, side="right")
    count = stop - start
    visit = np.repeat(np.arange(len(families)), count)
    offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    person = order[np.repeat(start, count) + offset]
    first = offset == 0
    omitted = scene.happens(VISIT, "state", "omitted", numbers[visit] * SEATS + offset) & ~first
    visit, person = visit[~omitted], person[~omitted]
    # A grown child on a visit is written down as living here.
    mother = scene.mother[np.flatnonzero(scene.family < 0)]
    away = np.flatnonzero(scene.family < 0)
    at = np.where(mother >= 0, home[mother], -1)
    position = {f: i for i, f in enumerate(families.tolist())}
    guest = away[scene.happens(VISIT, "state", "guest", away) & (at >= 0)]
    extra = [
        (position[f], p)
        for p, f in zip(guest.tolist(), home[scene.mother[guest]].tolist(), strict=True)
        if f in position
    ]
    if extra:
        visit = np.append(visit, [v for v, _ in extra])
        person = np.append(person, [p for _, p in extra])
        order = np.argsort(visit, kind="stable")
        visit, person = visit[order], person[order]
    return visit, person


def kin_word(code: str, draw: float) -> str:
    if code in ("11", "12"):
        return ("配偶", "配偶", TEXT[code], "爱人")[int(draw * 4)]
    if code in ("21", "22", "23"):
        return ("子", "儿子", "长子" if code != "23" else "次子", "大儿子" if code != "23" else "小儿子", "孩")[
            int(draw * 4.3)
        ]
    if code in ("31", "32", "33"):
        return ("女", "女儿", "长女" if code != "33" else "次女", "闺女", "孩")[int(draw * 4.3)]
    return {"51": "父", "52": "母"}.get(code, TEXT.get(code, "其他")) if draw < 0.5 else TEXT.get(code, "其他")


def id_cells(scene: Scene, keys: np.ndarray, person: np.ndarray) -> np.ndarray:
    """ID cells of residents: left out for about half of them, masked by the app for a quarter, else typed."""
    number = spoil.resident_ids(scene, VISIT, keys, person, other=scene.spouse[person])
    null = scene.chance.happens("visit.id.null", keys, scene.rate(VISIT, "resident", "id_null"))
    masked = scene.chance.happens("visit.id.masked", keys, scene.rate(VISIT, "resident", "id_masked"))
    out = np.array(
        [
            n[:6] + "********" + n[14:] if m and len(n) == 18 else n
            for n, m in zip(number.tolist(), masked.tolist(), strict=True)
        ],
        dtype=object,
    )
    return np.where(null | (out == ""), None, out)


def place_fields(scene: Scene, dwellings: np.ndarray, numbers: np.ndarray) -> list[dict]:
    """The place fields: picked from the app's list, typed by hand, or only an address text."""
    a, chance = scene.addresses, scene.chance
    texts = scene.address(VISIT, numbers, dwellings, STYLES)
    typed, only = (
        scene.happens(VISIT, "address", "typed", numbers),
        scene.happens(VISIT, "address", "text_only", numbers),
    )
    alias, old = scene.happens(VISIT, "address", "alias", numbers), scene.happens(VISIT, "address", "old", numbers)
    wrong = scene.happens(VISIT, "address", "wrong_room", numbers)
    style = chance.uniform("visit.typed", numbers)
    out = []
    for i, d in enumerate(dwellings.tolist()):
        if only[i]:
            out.append({"compound": None, "building": None, "unit": None, "room": None, "addressText": texts[i]})
            continue
        _, building, unit, room = a.parts(d)
        name = a.compound_word(d, {"alias": alias[i], "old": old[i]})
        if wrong[i] and room:
            room = str(int(room) + 100 if int(room) < 200 else int(room) - 100)
        if typed[i]:
            building = building + ("号楼", "号", "栋", "#")[int(style[i] * 4)]
            unit = unit and unit + ("单元", "门")[int(style[i] * 20) % 2]
            room = room and (room.zfill(4) if style[i] < 0.4 else room + "室")
        out.append(
            {
                "compound": name,
                "building": building,
                "unit": unit or None,
                "room": room or None,
                "addressText": texts[i],
            }
        )
    return out


def living_status(scene: Scene, families: np.ndarray, numbers: np.ndarray) -> list[str]:
    tenure = scene.county.families["tenure"].to_numpy()[families]
    wrong = scene.happens(VISIT, "code", "living", numbers)
    rented = (tenure == 2) ^ wrong
    return np.where(rented, "租住", "自住").tolist()


def verdicts(scene: Scene, head: np.ndarray, numbers: np.ndarray) -> list[list[dict]]:
    """What a worker confirmed or denied of the head's prefilled values."""
    asked = scene.chance.happens("visit.verdict", numbers, 0.12)
    kind = scene.chance.integers("visit.verdict.kind", numbers, 0, 3)
    deny = scene.chance.happens("visit.verdict.deny", numbers, 0.12)
    out: list[list[dict]] = []
    for i, h in enumerate(head.tolist()):
        if not asked[i] or h < 0:
            out.append([])
            continue
        attribute = ("phone", "marital_status", "birth_date")[kind[i]]
        value = {
            "phone": scene.phone[h],
            "marital_status": str(scene.marital[h]),
            "birth_date": str(scene.birth[h])[:10],
        }[attribute]
        if deny[i]:
            value = {"phone": scene.old_phone[h] or "13800000000", "marital_status": "90", "birth_date": "1900-01-01"}[
                attribute
            ]
        out.append(
            [
                {
                    "name": scene.name[h],
                    "attribute": attribute,
                    "value": value,
                    "verdict": "deny" if deny[i] else "confirm",
                }
            ]
            if value
            else []
        )
    return out
