"""Assistance families and their persons (城乡低保), the pair of files that only make sense together."""

from __future__ import annotations

import numpy as np

from simulator.county.ids import padded
from simulator.county.kinship import TEXT, relations
from simulator.county.lives import ages
from simulator.county.places import COMMUNITIES
from simulator.county.store import File
from simulator.views import spoil
from simulator.views.civil import STYLES, disability_numbers
from simulator.views.drop_csv import csv_file, months_back
from simulator.views.education import ETHNIC
from simulator.views.health import with_outside
from simulator.views.noise import Scene
from simulator.views.psb import known_dead
from simulator.views.spoil_names import written_names

FAMILY, PERSON = "civil_assistance_family", "civil_assistance_person"
_KINDS = ("特困", "农村低保", "城市低保", "低保边缘")


def card_numbers(cards: np.ndarray) -> np.ndarray:
    return np.char.add("DB130731", padded(((cards.astype(np.int64) * 7_013 + 1_201) % 999_983), 6)).astype(object)


def families_and_persons(scene: Scene, period: str, available_at: str) -> list[File]:
    """The pair of files: families by card, and the persons of each."""
    cards, members = scene.county.cards, scene.county.card_members
    number = card_numbers(np.flatnonzero(cards["open"]))
    size = np.bincount(members["card"], minlength=len(cards))[cards["open"].to_numpy()]
    cards = cards[cards["open"]]
    head = cards["head"].to_numpy()
    id_head = spoil.resident_ids(scene, FAMILY, head, head)
    family = cards["family"].to_numpy()
    dwelling, _ = scene.known_dwelling(FAMILY, head)
    dwelling = np.where(dwelling == -1, scene.county.families["dwelling"].to_numpy()[family], dwelling)
    texts = with_outside(scene, FAMILY, head, dwelling, scene.address(FAMILY, family, dwelling, STYLES))
    safe = np.maximum(dwelling, 0)
    community = np.array(
        [
            COMMUNITIES[c][0] + "社区"
            for c in scene.places.compounds["community_code"].to_numpy()[scene.addresses.compound[safe]]
        ],
        dtype=object,
    )
    community = np.where(
        scene.happens(FAMILY, "address", "heifu", head) & (community == "合符社区"), "符合社区", community
    )
    phone = spoil.phones(scene, FAMILY, head, head)
    kind = np.array(_KINDS, dtype=object)[cards["kind"].to_numpy()]
    covered = np.maximum(1, size - scene.chance.happens("card.part", family, 0.08))
    account = np.char.add("62284806", padded(scene.chance.integers("card.account", family, 0, 10**10), 11)).astype(
        object
    )
    stopped = scene.happens(FAMILY, "state", "stopped", family)
    columns = {
        "低保证号": number, "户主姓名": written_names(scene, FAMILY, head, head), "户主身份证号": id_head, "家庭人口数": size, "保障人口数": covered,
        "户月保障金额": covered * (420 + scene.chance.integers("card.money", family, 0, 380)), "低保类别": kind, "联系电话": phone, "家庭住址": texts,
        "所属社区": community, "开户行": np.where(family % 3 == 0, "涿鹿县农村信用联社", "中国农业银行涿鹿支行").astype(object), "银行账号": account,
        "最初享受月": months_back(period, cards["since"].to_numpy() + 1), "状态": np.where(stopped, "停发", "在享").astype(object),
    }  # fmt: skip
    families = csv_file(
        FAMILY,
        "城乡低保家庭",
        period,
        available_at,
        columns,
        list(zip(number.tolist(), head.tolist(), strict=True)),
        ("家庭住址",),
    )
    return [families, _assisted(scene, period, available_at)]


def _assisted(scene: Scene, period: str, available_at: str) -> File:
    cards, members = scene.county.cards, scene.county.card_members
    card, rows = members["card"].to_numpy(), members["person"].to_numpy()
    keep = ~known_dead(scene, PERSON, rows) & cards["open"].to_numpy()[card]
    card, rows = card[keep], rows[keep]
    number = card_numbers(card)
    head = cards["head"].to_numpy()[card]
    relation = relations(scene.county.people, rows, head)
    text = np.array(
        [_kin(c, u) for c, u in zip(relation.tolist(), scene.chance.uniform("card.kin", rows).tolist(), strict=True)],
        dtype=object,
    )
    guardian = np.where(scene.mother[rows] >= 0, scene.mother[rows], scene.spouse[rows])
    ids_ = spoil.resident_ids(scene, PERSON, rows, rows, other=guardian)
    name = written_names(scene, PERSON, rows, rows)
    ids_ = _unrepeated(number, ids_, name, scene, rows)
    age = ages(scene.birth[rows], scene.today)
    marital = np.select(
        [scene.marital[rows] == 10, scene.marital[rows] < 30, scene.marital[rows] == 30],
        ["未婚", "已婚", "丧偶"],
        "离异",
    ).astype(object)
    work = np.select(
        [age < 16, age >= 60, scene.disability[rows] > 0], ["无劳动能力", "无劳动能力", "部分丧失"], "有劳动能力"
    ).astype(object)
    sex = np.where(scene.happens(PERSON, "code", "sex", rows), 3 - scene.sex[rows], scene.sex[rows])
    ethnic = np.array(
        [
            ETHNIC.get(c, "其他") + ("族" if c != "01" or p % 4 else "")
            for c, p in zip(scene.ethnicity[rows], rows.tolist(), strict=True)
        ],
        dtype=object,
    )
    certificate = np.where(scene.disability[rows] > 0, disability_numbers(scene, rows), "")
    health = np.where(
        scene.disability[rows] > 0, "残疾", np.where(scene.chance.happens("card.ill", rows, 0.25), "慢性病", "健康")
    ).astype(object)
    columns = {
        "低保证号": number, "姓名": name, "身份证号": ids_, "与户主关系": text, "性别": np.where(sex == 1, "男", "女").astype(object), "民族": ethnic,
        "婚姻状况": np.where(age < 18, "未婚", marital), "劳动能力": work, "残疾证号": certificate, "健康状况": health,
    }  # fmt: skip
    truth = [
        (f"{c}|{i or n}", p)
        for c, i, n, p in zip(number.tolist(), ids_.tolist(), name.tolist(), rows.tolist(), strict=True)
    ]
    return csv_file(PERSON, "城乡低保人员", period, available_at, columns, truth)


def _unrepeated(number: np.ndarray, ids_: np.ndarray, name: np.ndarray, scene: Scene, rows: np.ndarray) -> np.ndarray:
    """IDs in which no two rows of a file have one key: the later of two gets its own number."""
    seen, out = set(), ids_.copy()
    for i, (c, v, n) in enumerate(zip(number.tolist(), ids_.tolist(), name.tolist(), strict=True)):
        if (c, v or n) in seen:
            out[i] = scene.id_number[rows[i]]
        seen.add((c, out[i] or n))
    return out


def _kin(code: str, draw: float) -> str:
    """Relation to the head in a clerk's words."""
    if code == "02":
        return "本人" if draw < 0.4 else "户主"
    if code in ("11", "12"):
        return ("配偶", TEXT[code], "爱人" if draw < 0.9 else "夫妻")[min(2, int(draw * 3.2))]
    if code in ("21", "22", "23"):
        return ("子", "儿子", "长子" if code != "23" else "次子")[min(2, int(draw * 3))]
    if code in ("31", "32", "33"):
        return ("女", "女儿", "长女" if code != "33" else "次女")[min(2, int(draw * 3))]
    return TEXT.get(code, "其他")
