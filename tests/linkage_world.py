"""Small counties for tests of linkage: mentions of invented families as several departments write them, errors and all.

Random with a seed; the point is that every comparison is met at many levels, not that the county is like a real one.
"""

from __future__ import annotations

import random
from datetime import date, timedelta

import pyarrow as pa

from linkage.engine import LinkSettings, link_mentions
from linkage.results import LinkResult

_TEXT = [
    "feed", "record_key", "table_name", "base_key", "role", "name", "name_note", "former_name", "sex", "birth_precision",
    "relation", "id_number", "id_text", "id_embedded", "phone", "phone_second", "group_kind", "group_key", "ref_feed", "ref_key",
    "dwelling_kind", "compound_id", "building_id", "unit", "dwelling_id",
]  # fmt: skip
MENTIONS = pa.schema(
    [(name, pa.string()) for name in _TEXT]
    + [("birth_date", pa.date32()), ("death_date", pa.date32()), ("dead", pa.bool_()), ("ended", pa.bool_())]
)
_SURNAMES, _GIVEN = "王李张刘陈杨赵黄曾单", "伟芳娜敏静婧秀英丽强磊军洋勇艳杰娟涛明超兰霞平刚桂"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def county(families: int, seed: int) -> pa.Table:
    """Mentions of ``families`` families, in the columns of ``hub.mention`` that linkage reads."""
    chance = random.Random(seed)
    rows: list[dict] = []
    for family in range(families):
        rows += _family(chance, family)
    return pa.Table.from_pylist(rows, MENTIONS)


def linked(mentions: pa.Table, settings: LinkSettings | None = None) -> LinkResult:
    """``mentions`` linked with nobody known before and nothing decided."""
    nobody = pa.table({c: pa.array([], pa.string()) for c in ("feed", "record_key", "person_id")})
    undecided = pa.table({c: pa.array([], pa.string()) for c in ("feed_l", "record_key_l", "feed_r", "record_key_r", "verdict")})
    return link_mentions(mentions, nobody, undecided, settings)


def _family(chance: random.Random, family: int) -> list[dict]:
    surname, phone = chance.choice(_SURNAMES), f"139{chance.randrange(10**8):08d}"
    building = f"B{family // 12}"
    home = {"dwelling_kind": "residence", "compound_id": f"C{family // 60}", "building_id": building, "unit": "1",
            "dwelling_id": f"{building}-1-{family % 12}"}  # fmt: skip
    rows = []
    for member in range(chance.choice((1, 2, 3, 4))):
        who = f"{family}-{member}"
        name = surname + "".join(chance.choice(_GIVEN) for _ in range(chance.choice((1, 2, 2))))
        born = date(1950, 1, 1) + timedelta(days=chance.randrange(25000))
        sex = chance.choice("12")
        number = _resident_id(born, chance.randrange(50) * 20 + member * 2 + (sex == "1"))
        person = {"sex": sex, "birth_date": born, "birth_precision": "day", "dead": False, "ended": False, "role": "holder"}

        def told(feed: str, key: str, person=person, **more) -> dict:
            return person | {"feed": feed, "record_key": key, "table_name": feed, "base_key": key} | more

        if chance.random() < 0.85:
            rows.append(told("psb_register", f"R{who}", name=name, id_number=number, group_kind="register", group_key=f"S|{family}", **home))
        for feed in ("health_record", "edu_enrolment", "hr_insured", "civil_assistance_person"):
            if chance.random() < 0.45:
                rows.append(told(feed, f"{feed}{who}", **_written(chance, name, born, number, phone), **(home if chance.random() < 0.5 else {})))
        if chance.random() < 0.5:
            visit = {"group_kind": "visit", "group_key": f"V{family}", "role": "resident", "birth_date": None, "birth_precision": None}
            rows.append(told("grid_visit", f"V{family}#{member}", **(visit | {"name": _misspelt(chance, name)} | home)))
        if chance.random() < 0.08:
            died = date(2026, 3, 1) + timedelta(days=chance.randrange(60))
            rows += [told(feed, f"{feed}{who}", name=name, dead=True, death_date=died + timedelta(days=chance.randrange(10)))
                     for feed in ("civil_death", "health_death")]  # fmt: skip
    return rows


def _written(chance: random.Random, name: str, born: date, number: str, phone: str) -> dict:
    """A record without a usable ID, as one department writes it."""
    k = chance.randrange(17)
    shapes = [
        {}, {"id_text": number[:6] + "********" + number[14:]}, {"id_text": number[:15]}, {"id_text": number[:15] + "000"},
        {"id_text": number[:k] + chance.choice("0123456789") + number[k + 1 :]}, {"id_text": number[:k] + number[k + 1] + number[k] + number[k + 2 :]},
        {"id_text": ("132530" if chance.random() < 0.5 else number[:6]) + number[6:17] + "X"}, {"id_embedded": number}, {"id_number": number},
    ]  # fmt: skip
    near = chance.choice((born, born, born, born + timedelta(days=chance.choice((1, 9, 25, 40, 365))), None))
    if near and chance.random() < 0.1 and near.day <= 12:
        near = near.replace(month=near.day, day=min(near.month, 28))
    return {
        "name": _misspelt(chance, name), "birth_date": near, "birth_precision": chance.choice(("day", "day", "year")) if near else None,
        "phone": phone if chance.random() < 0.5 else None, "sex": chance.choice(("1", "2", None)),
        "former_name": name if chance.random() < 0.05 else None,
        **({"group_kind": "assistance", "group_key": f"A{phone[3:8]}"} if chance.random() < 0.1 else {}), **chance.choice(shapes),
    }  # fmt: skip


def _misspelt(chance: random.Random, name: str) -> str | None:
    k = chance.randrange(1, len(name))
    return chance.choice((name,) * 8 + (
        name[:k] + chance.choice(_GIVEN) + name[k + 1 :], name.replace("静", "婧"), name[0] + name[:0:-1], name[:-1] if len(name) > 2 else name + "平",
        name[:k] + "*" + name[k + 1 :], None,
    ))  # fmt: skip


def _resident_id(born: date, sequence: int) -> str:
    body = f"130731{born:%Y%m%d}{sequence:03d}"
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, _WEIGHTS, strict=True)) % 11]
