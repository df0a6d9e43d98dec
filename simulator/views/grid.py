"""Grid workers' event stream: household visits, with whom they met, and service requests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.county.kinship import TEXT, relations
from simulator.county.lives import ages
from simulator.views import spoil
from simulator.views.noise import Scene
from simulator.views.spoil_names import written_names
from simulator.views.times import dashed, iso, text

VISIT, REQUEST = "grid_visit", "grid_request"
STYLES = {"dash": 40, "storey": 20, "hash": 12, "full": 8, "door": 6, "wide": 5, "side": 3, "chinese": 2, "block": 4}
_SEATS = 64  # keys of residents: visit number * _SEATS + place in the list
_NEEDS = ("助餐", "助浴", "代办医保", "高龄津贴咨询", "暖气不热", "楼道灯不亮", "就业信息", "残疾证换证", "下水道堵塞", "临时救助咨询")
_MATTERS = {"物业": "暖气不热", "民政": "低保申请咨询", "卫健": "预约家庭医生", "公安": "户口迁移咨询", "教育": "入学政策咨询", "住建": "楼顶漏水", "城管": "小区乱停车", "医保": "异地就医备案"}


@dataclass
class Event:
    """An event not yet in order: its document lacks ``seq``; ``truth`` = (feed, key, person)."""

    type: str
    available: np.datetime64
    document: dict
    truth: list[tuple[str, str, int]]


def _residents(scene: Scene, families: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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
    omitted = scene.happens(VISIT, "state", "omitted", numbers[visit] * _SEATS + offset) & ~first
    visit, person = visit[~omitted], person[~omitted]
    # A grown child on a visit is written down as living here.
    mother = scene.mother[np.flatnonzero(scene.family < 0)]
    away = np.flatnonzero(scene.family < 0)
    at = np.where(mother >= 0, home[mother], -1)
    position = {f: i for i, f in enumerate(families.tolist())}
    guest = away[scene.happens(VISIT, "state", "guest", away) & (at >= 0)]
    extra = [(position[f], p) for p, f in zip(guest.tolist(), home[scene.mother[guest]].tolist(), strict=True) if f in position]
    if extra:
        visit = np.append(visit, [v for v, _ in extra])
        person = np.append(person, [p for _, p in extra])
        order = np.argsort(visit, kind="stable")
        visit, person = visit[order], person[order]
    return visit, person


def visits(scene: Scene, families: np.ndarray, numbers: np.ndarray, occurred: np.ndarray) -> list[Event]:
    """Visits to families (positions) at moments ``occurred`` (datetime64[s]); ``numbers`` identify the visits."""
    chance = scene.chance
    frame = scene.county.families
    visit, person = _residents(scene, families, numbers)
    place = np.arange(len(visit)) - np.searchsorted(visit, visit)
    keys = numbers[visit] * _SEATS + place
    head = frame["head"].to_numpy()[families]
    relation = relations(scene.county.people, person, head[visit])
    draw = chance.uniform("visit.kin", keys)
    words = [_kin(c, u) for c, u in zip(relation.tolist(), draw.tolist(), strict=True)]
    grid = scene.organisation.grid_of_unit[np.maximum(frame["dwelling"].to_numpy()[families], 0)]
    worker_phone = scene.organisation.worker_phone[grid]
    id_cells = _id_cells(scene, keys, person)
    births = dashed(spoil.births(scene, VISIT, keys, person))
    phone = spoil.phones(scene, VISIT, keys, person, worker=worker_phone[visit])
    sex = np.where(scene.happens(VISIT, "code", "sex", keys), 3 - scene.sex[person], scene.sex[person]).astype(str)
    name = written_names(scene, VISIT, keys, person)
    lists: list[list[dict]] = [[] for _ in families]
    for row in zip(visit.tolist(), name, id_cells, sex.tolist(), births, words, phone, strict=True):
        v, n, i, s, b, w, p = row
        lists[v].append({"name": n, "idNo": i, "sex": s, "birthday": b, "relation": w, "phone": p or None})
    truth: list[list[tuple[str, str, int]]] = [[] for _ in families]
    event_id = _event_ids("V", numbers)
    for v, i, p in zip(visit.tolist(), place.tolist(), person.tolist(), strict=True):
        truth[v].append((VISIT, f"{event_id[v]}#{i}", p))
    parts = _places(scene, frame["dwelling"].to_numpy()[families], numbers)
    living = _living(scene, families, numbers)
    contact = spoil.phones(scene, VISIT, numbers, np.maximum(head, 0), "contact", worker=worker_phone)
    delay = np.where(scene.happens(VISIT, "time", "offline", numbers), chance.integers("visit.delay", numbers, 3600, 6 * 86400), chance.integers("visit.delay", numbers, 5, 900))
    available = occurred + delay.astype("timedelta64[s]")
    verdicts = _verdicts(scene, head, numbers)
    wants = chance.happens("visit.needs", numbers, 0.14)
    need = chance.integers("visit.need", numbers, 0, len(_NEEDS))
    when, workers = iso(occurred), scene.organisation.worker_id[grid]
    events = []
    for v in range(len(families)):
        document = {
            "type": "household_visit", "eventId": event_id[v], "occurredAt": when[v], "workerId": workers[v], **parts[v], "livingStatus": living[v],
            "phone": contact[v] or None, "residents": lists[v], "verdicts": verdicts[v], "needs": [_NEEDS[need[v]]] if wants[v] else [],
        }  # fmt: skip
        events.append(Event("household_visit", available[v], document, truth[v]))
    return events


def empty_visits(scene: Scene, dwellings: np.ndarray, numbers: np.ndarray, occurred: np.ndarray, register_here: np.ndarray) -> list[Event]:
    """Visits to dwellings where nobody lives: 空置, or 人户分离 where a book is registered there."""
    grid = scene.organisation.grid_of_unit[dwellings]
    parts, when, event_id = _places(scene, dwellings, numbers), iso(occurred), _event_ids("V", numbers)
    events = []
    for v in range(len(dwellings)):
        document = {
            "type": "household_visit", "eventId": event_id[v], "occurredAt": when[v], "workerId": scene.organisation.worker_id[grid[v]], **parts[v],
            "livingStatus": "人户分离" if register_here[v] else "空置", "phone": None, "residents": [], "verdicts": [], "needs": [],
        }  # fmt: skip
        events.append(Event("household_visit", occurred[v] + np.timedelta64(30, "s"), document, []))
    return events


def _event_ids(letter: str, numbers: np.ndarray) -> list[str]:
    return [f"{letter}{(n * 7_368_787 + 1_234_577) % 9_999_999_967:010d}" for n in numbers.astype(np.int64).tolist()]


def _kin(code: str, draw: float) -> str:
    if code in ("11", "12"):
        return ("配偶", "配偶", TEXT[code], "爱人")[int(draw * 4)]
    if code in ("21", "22", "23"):
        return ("子", "儿子", "长子" if code != "23" else "次子", "大儿子" if code != "23" else "小儿子", "孩")[int(draw * 4.3)]
    if code in ("31", "32", "33"):
        return ("女", "女儿", "长女" if code != "33" else "次女", "闺女", "孩")[int(draw * 4.3)]
    return {"51": "父", "52": "母"}.get(code, TEXT.get(code, "其他")) if draw < 0.5 else TEXT.get(code, "其他")


def _id_cells(scene: Scene, keys: np.ndarray, person: np.ndarray) -> np.ndarray:
    """ID cells of residents: left out for about half of them, masked by the app for a quarter, else typed."""
    number = spoil.resident_ids(scene, VISIT, keys, person, other=scene.spouse[person])
    null = scene.chance.happens("visit.id.null", keys, min(0.6, scene.rate(VISIT, "resident", "id_null")))
    masked = scene.chance.happens("visit.id.masked", keys, min(0.65, scene.rate(VISIT, "resident", "id_masked")))
    out = np.array([n[:6] + "********" + n[14:] if m and len(n) == 18 else n for n, m in zip(number.tolist(), masked.tolist(), strict=True)], dtype=object)
    return np.where(null | (out == ""), None, out)


def _places(scene: Scene, dwellings: np.ndarray, numbers: np.ndarray) -> list[dict]:
    """The place fields: picked from the app's list, typed by hand, or only an address text."""
    a, chance = scene.addresses, scene.chance
    texts = scene.address(VISIT, numbers, dwellings, STYLES)
    typed, only = scene.happens(VISIT, "address", "typed", numbers), scene.happens(VISIT, "address", "text_only", numbers)
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
        out.append({"compound": name, "building": building, "unit": unit or None, "room": room or None, "addressText": texts[i]})
    return out


def _living(scene: Scene, families: np.ndarray, numbers: np.ndarray) -> list[str]:
    tenure = scene.county.families["tenure"].to_numpy()[families]
    wrong = scene.happens(VISIT, "code", "living", numbers)
    rented = (tenure == 2) ^ wrong
    return np.where(rented, "租住", "自住").tolist()


def _verdicts(scene: Scene, head: np.ndarray, numbers: np.ndarray) -> list[list[dict]]:
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
        value = {"phone": scene.phone[h], "marital_status": str(scene.marital[h]), "birth_date": str(scene.birth[h])[:10]}[attribute]
        if deny[i]:
            value = {"phone": scene.old_phone[h] or "13800000000", "marital_status": "90", "birth_date": "1900-01-01"}[attribute]
        out.append([{"name": scene.name[h], "attribute": attribute, "value": value, "verdict": "deny" if deny[i] else "confirm"}] if value else [])
    return out


def requests(scene: Scene, numbers: np.ndarray, person: np.ndarray, accepted: np.ndarray, closed: np.ndarray, only_closed: bool = False) -> list[Event]:
    """Events of service requests: accepted (unless ``only_closed``), and, where that is past, the same request closed."""
    chance = scene.chance
    name = written_names(scene, REQUEST, numbers, person)
    phone = spoil.phones(scene, REQUEST, numbers, person)
    texts = scene.address(REQUEST, numbers, scene.dwelling[person], STYLES)
    texts = np.where(scene.happens(REQUEST, "address", "missing", numbers), None, texts)
    category = np.array(list(_MATTERS), dtype=object)[chance.integers("request.category", numbers, 0, len(_MATTERS))]
    mark = chance.choose("request.satisfaction", numbers, [2, 3, 10, 35, 50]) + 1
    unrated = chance.happens("request.unrated", numbers, 0.3)
    events = []
    for i, n in enumerate(numbers.tolist()):
        number = f"FW{str(accepted[i])[:10].replace('-', '')}{n % 1_000_000:06d}"
        document = {
            "type": "service_request", "eventId": _event_ids("Q", numbers[i : i + 1])[0], "requestNo": number, "category": category[i], "applicantName": name[i],
            "applicantPhone": phone[i] or None, "addressText": texts[i], "matter": _MATTERS[category[i]], "acceptedAt": iso(accepted[i : i + 1])[0],
            "dispatchedTo": None if category[i] == "物业" else category[i], "closedAt": None, "satisfaction": None,
        }  # fmt: skip
        truth = [(REQUEST, number, int(person[i]))]
        if not only_closed:
            events.append(Event("service_request", accepted[i] + np.timedelta64(60, "s"), document, truth))
        if closed[i] <= scene.county.moment:
            later = document | {"eventId": "C" + document["eventId"][1:], "closedAt": iso(closed[i : i + 1])[0], "satisfaction": None if unrated[i] else int(mark[i])}
            events.append(Event("service_request", closed[i] + np.timedelta64(60, "s"), later, truth))
    return events


def in_order(scene: Scene, events: list[Event], first: int) -> tuple[list[tuple[int, str, str, dict]], list[tuple[str, str, int, str]]]:
    """Give events their sequence numbers from ``first``, by when they arrived; some arrive a second time."""
    again = scene.happens(VISIT, "time", "repeated", np.arange(len(events)) + first)
    events = events + [Event(e.type, e.available + np.timedelta64(1800, "s"), e.document, []) for e, twice in zip(list(events), again.tolist(), strict=True) if twice]
    when = np.array([e.available for e in events], dtype="datetime64[s]")
    order = np.argsort(when, kind="stable")
    stamps = text(when)
    out, truth = [], []
    for seq, i in enumerate(order.tolist(), start=first):
        e = events[i]
        out.append((seq, e.type, stamps[i], {"seq": seq, **e.document}))
        truth += [(feed, key, person, stamps[i]) for feed, key, person in e.truth]
    return out, truth


def adults(scene: Scene) -> np.ndarray:
    """People who may ask for a service."""
    return np.flatnonzero((scene.home >= 0) & (ages(scene.birth, scene.today) > 18))
