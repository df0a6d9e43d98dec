"""Grid workers' event stream: household visits, with whom they met, and service requests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.county.kinship import relations
from simulator.county.lives import ages
from simulator.views import spoil
from simulator.views import visit_cells as cells
from simulator.views.noise import Scene
from simulator.views.spoil_names import written_names
from simulator.views.times import dashed, iso, text
from simulator.views.visit_cells import VISIT

REQUEST = "grid_request"
_NEEDS = (
    "助餐",
    "助浴",
    "代办医保",
    "高龄津贴咨询",
    "暖气不热",
    "楼道灯不亮",
    "就业信息",
    "残疾证换证",
    "下水道堵塞",
    "临时救助咨询",
)
_MATTERS = {
    "物业": "暖气不热",
    "民政": "低保申请咨询",
    "卫健": "预约家庭医生",
    "公安": "户口迁移咨询",
    "教育": "入学政策咨询",
    "住建": "楼顶漏水",
    "城管": "小区乱停车",
    "医保": "异地就医备案",
}


@dataclass
class Event:
    """An event not yet in order: its document lacks ``seq``; ``truth`` = (feed, key, person)."""

    type: str
    available: np.datetime64
    document: dict
    truth: list[tuple[str, str, int]]


def visits(scene: Scene, families: np.ndarray, numbers: np.ndarray, occurred: np.ndarray) -> list[Event]:
    """Visits to families (positions) at moments ``occurred`` (datetime64[s]); ``numbers`` identify the visits."""
    chance = scene.chance
    frame = scene.county.families
    visit, person = cells.residents(scene, families, numbers)
    place = np.arange(len(visit)) - np.searchsorted(visit, visit)
    keys = numbers[visit] * cells.SEATS + place
    head = frame["head"].to_numpy()[families]
    relation = relations(scene.county.people, person, head[visit])
    draw = chance.uniform("visit.kin", keys)
    words = [cells.kin_word(c, u) for c, u in zip(relation.tolist(), draw.tolist(), strict=True)]
    grid = scene.organisation.grid_of_unit[np.maximum(frame["dwelling"].to_numpy()[families], 0)]
    worker_phone = scene.organisation.worker_phone[grid]
    numbers_shown = cells.id_cells(scene, keys, person)
    births = dashed(spoil.births(scene, VISIT, keys, person))
    phone = spoil.phones(scene, VISIT, keys, person, worker=worker_phone[visit])
    sex = np.where(scene.happens(VISIT, "code", "sex", keys), 3 - scene.sex[person], scene.sex[person]).astype(str)
    name = written_names(scene, VISIT, keys, person)
    lists: list[list[dict]] = [[] for _ in families]
    for row in zip(visit.tolist(), name, numbers_shown, sex.tolist(), births, words, phone, strict=True):
        v, n, i, s, b, w, p = row
        lists[v].append({"name": n, "idNo": i, "sex": s, "birthday": b, "relation": w, "phone": p or None})
    truth: list[list[tuple[str, str, int]]] = [[] for _ in families]
    event_id = _event_ids("V", numbers)
    for v, i, p in zip(visit.tolist(), place.tolist(), person.tolist(), strict=True):
        truth[v].append((VISIT, f"{event_id[v]}#{i}", p))
    parts = cells.place_fields(scene, frame["dwelling"].to_numpy()[families], numbers)
    living = cells.living_status(scene, families, numbers)
    contact = spoil.phones(scene, VISIT, numbers, np.maximum(head, 0), "contact", worker=worker_phone)
    delay = np.where(
        scene.happens(VISIT, "time", "offline", numbers),
        chance.integers("visit.delay", numbers, 3600, 6 * 86400),
        chance.integers("visit.delay", numbers, 5, 900),
    )
    available = occurred + delay.astype("timedelta64[s]")
    verdicts = cells.verdicts(scene, head, numbers)
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


def empty_visits(
    scene: Scene, dwellings: np.ndarray, numbers: np.ndarray, occurred: np.ndarray, register_here: np.ndarray
) -> list[Event]:
    """Visits to dwellings where nobody lives: 空置, or 人户分离 where a book is registered there."""
    grid = scene.organisation.grid_of_unit[dwellings]
    parts, when, event_id = cells.place_fields(scene, dwellings, numbers), iso(occurred), _event_ids("V", numbers)
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


def requests(
    scene: Scene,
    numbers: np.ndarray,
    person: np.ndarray,
    accepted: np.ndarray,
    closed: np.ndarray,
    only_closed: bool = False,
) -> list[Event]:
    """Events of service requests: accepted (unless ``only_closed``), and, where that is past, the same request closed."""
    chance = scene.chance
    name = written_names(scene, REQUEST, numbers, person)
    phone = spoil.phones(scene, REQUEST, numbers, person)
    texts = scene.address(REQUEST, numbers, scene.dwelling[person], cells.STYLES)
    texts = np.where(scene.happens(REQUEST, "address", "missing", numbers) & (phone != ""), None, texts)
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
            later = document | {
                "eventId": "C" + document["eventId"][1:],
                "closedAt": iso(closed[i : i + 1])[0],
                "satisfaction": None if unrated[i] else int(mark[i]),
            }
            events.append(Event("service_request", closed[i] + np.timedelta64(60, "s"), later, truth))
    return events


def in_order(
    scene: Scene, events: list[Event], first: int
) -> tuple[list[tuple[int, str, str, dict]], list[tuple[str, str, int, str]]]:
    """Give events their sequence numbers from ``first``, by when they arrived; some arrive a second time."""
    again = scene.happens(VISIT, "time", "repeated", np.arange(len(events)) + first)
    events = events + [
        Event(e.type, e.available + np.timedelta64(1800, "s"), e.document, [])
        for e, twice in zip(list(events), again.tolist(), strict=True)
        if twice
    ]
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
