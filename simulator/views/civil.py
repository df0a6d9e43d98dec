"""Civil affairs' drop folder: assistance families and persons, disability, old-age allowance, marriages, deaths."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulator.county.ids import padded, undashed
from simulator.county.kinship import TEXT, relations
from simulator.county.lives import ages
from simulator.county.places import COMMUNITIES
from simulator.county.store import File
from simulator.views import spoil
from simulator.views.education import ETHNIC
from simulator.views.health import with_outside
from simulator.views.noise import Scene
from simulator.views.psb import known_dead
from simulator.views.spoil_names import written_names
from simulator.views.times import compact, dashed

STYLES = {"full": 30, "dash": 18, "storey": 20, "block": 8, "chinese": 6, "door": 4, "old_town": 8, "official": 6}
FAMILY, PERSON, DISABLED, ALLOWANCE = "civil_assistance_family", "civil_assistance_person", "civil_disability", "civil_old_age_allowance"
MARRIAGE, DEATH = "civil_marriage", "civil_death"
_KINDS = ("特困", "农村低保", "城市低保", "低保边缘")
_WIFE = 40_000_000


def _file(feed: str, stem: str, period: str, available_at: str, headers: list[str], columns: dict, truth: list, quote: tuple = ()) -> File:
    rows = [("", dict(zip(headers, row, strict=True))) for row in zip(*(_text(columns[h]) for h in headers), strict=True)]
    spec = {"headers": headers, "encoding": "gb18030", "newline": "\r\n", "quote": list(quote)}
    return File(feed, f"{stem}_{period}.csv", "csv", period, available_at, spec, rows, truth)


def _text(column: np.ndarray) -> list[str]:
    return ["" if v is None else str(v) for v in column.tolist()]


def _months_back(period: str, months: np.ndarray) -> np.ndarray:
    """yyyymm so many months before ``period``."""
    base = np.datetime64(f"{period[:4]}-{period[4:]}", "M")
    return undashed(base - months.astype("timedelta64[M]")).astype(object)


def card_numbers(cards: np.ndarray) -> np.ndarray:
    return np.char.add("DB130731", padded(((cards.astype(np.int64) * 7_013 + 1_201) % 999_983), 6)).astype(object)


def assistance(scene: Scene, period: str, available_at: str) -> list[File]:
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
    community = np.array([COMMUNITIES[c][0] + "社区" for c in scene.places.compounds["community_code"].to_numpy()[scene.addresses.compound[safe]]], dtype=object)
    community = np.where(scene.happens(FAMILY, "address", "heifu", head) & (community == "合符社区"), "符合社区", community)
    phone = spoil.phones(scene, FAMILY, head, head)
    kind = np.array(_KINDS, dtype=object)[cards["kind"].to_numpy()]
    covered = np.maximum(1, size - scene.chance.happens("card.part", family, 0.08))
    account = np.char.add("62284806", padded(scene.chance.integers("card.account", family, 0, 10**10), 11)).astype(object)
    stopped = scene.happens(FAMILY, "state", "stopped", family)
    columns = {
        "低保证号": number, "户主姓名": written_names(scene, FAMILY, head, head), "户主身份证号": id_head, "家庭人口数": size, "保障人口数": covered,
        "户月保障金额": covered * (420 + scene.chance.integers("card.money", family, 0, 380)), "低保类别": kind, "联系电话": phone, "家庭住址": texts,
        "所属社区": community, "开户行": np.where(family % 3 == 0, "涿鹿县农村信用联社", "中国农业银行涿鹿支行").astype(object), "银行账号": account,
        "最初享受月": _months_back(period, cards["since"].to_numpy() + 1), "状态": np.where(stopped, "停发", "在享").astype(object),
    }  # fmt: skip
    families = _file(FAMILY, "城乡低保家庭", period, available_at, list(columns), columns, list(zip(number.tolist(), head.tolist(), strict=True)), ("家庭住址",))
    return [families, _assisted(scene, period, available_at)]


def _assisted(scene: Scene, period: str, available_at: str) -> File:
    cards, members = scene.county.cards, scene.county.card_members
    card, rows = members["card"].to_numpy(), members["person"].to_numpy()
    keep = ~known_dead(scene, PERSON, rows) & cards["open"].to_numpy()[card]
    card, rows = card[keep], rows[keep]
    number = card_numbers(card)
    head = cards["head"].to_numpy()[card]
    relation = relations(scene.county.people, rows, head)
    text = np.array([_kin(c, u) for c, u in zip(relation.tolist(), scene.chance.uniform("card.kin", rows).tolist(), strict=True)], dtype=object)
    guardian = np.where(scene.mother[rows] >= 0, scene.mother[rows], scene.spouse[rows])
    ids_ = spoil.resident_ids(scene, PERSON, rows, rows, other=guardian)
    name = written_names(scene, PERSON, rows, rows)
    ids_ = _unrepeated(number, ids_, name, scene, rows)
    age = ages(scene.birth[rows], scene.today)
    marital = np.select([scene.marital[rows] == 10, scene.marital[rows] < 30, scene.marital[rows] == 30], ["未婚", "已婚", "丧偶"], "离异").astype(object)
    work = np.select([age < 16, age >= 60, scene.disability[rows] > 0], ["无劳动能力", "无劳动能力", "部分丧失"], "有劳动能力").astype(object)
    sex = np.where(scene.happens(PERSON, "code", "sex", rows), 3 - scene.sex[rows], scene.sex[rows])
    ethnic = np.array([ETHNIC.get(c, "其他") + ("族" if c != "01" or p % 4 else "") for c, p in zip(scene.ethnicity[rows], rows.tolist(), strict=True)], dtype=object)
    certificate = np.where(scene.disability[rows] > 0, disability_numbers(scene, rows), "")
    health = np.where(scene.disability[rows] > 0, "残疾", np.where(scene.chance.happens("card.ill", rows, 0.25), "慢性病", "健康")).astype(object)
    columns = {
        "低保证号": number, "姓名": name, "身份证号": ids_, "与户主关系": text, "性别": np.where(sex == 1, "男", "女").astype(object), "民族": ethnic,
        "婚姻状况": np.where(age < 18, "未婚", marital), "劳动能力": work, "残疾证号": certificate, "健康状况": health,
    }  # fmt: skip
    truth = [(f"{c}|{i or n}", p) for c, i, n, p in zip(number.tolist(), ids_.tolist(), name.tolist(), rows.tolist(), strict=True)]
    return _file(PERSON, "城乡低保人员", period, available_at, list(columns), columns, truth)


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


def disability_numbers(scene: Scene, rows: np.ndarray) -> np.ndarray:
    """残疾证号: ID + class + grade (+ B1 after a re-issue)."""
    base = np.char.add(scene.first_id[rows].astype(str), np.char.add(scene.disability[rows].astype(str), scene.disability_grade[rows].astype(str)))
    again = scene.chance.happens("disabled.reissued", rows, 0.04)
    return np.where(again, np.char.add(base, "B1"), base).astype(object)


def disabled(scene: Scene, period: str, available_at: str) -> File:
    """Holders of a disability certificate."""
    rows = np.flatnonzero((scene.disability > 0) & ((scene.home >= 0) | ~np.isnat(scene.death_date)))
    rows = rows[~known_dead(scene, DISABLED, rows)]
    number = disability_numbers(scene, rows)
    dwelling, _ = scene.known_dwelling(DISABLED, rows)
    texts = with_outside(scene, DISABLED, rows, dwelling, scene.address(DISABLED, rows, dwelling, STYLES))
    issued = np.maximum(scene.birth[rows].astype("datetime64[D]") + 700, scene.today - scene.chance.integers("disabled.issued", rows, 100, 3500))
    guardian = np.where(scene.spouse[rows] >= 0, scene.spouse[rows], np.where(scene.mother[rows] >= 0, scene.mother[rows], -1))
    guardian = np.where(guardian >= 0, scene.name[guardian], "")
    columns = {
        "残疾证号": number, "姓名": written_names(scene, DISABLED, rows, rows), "残疾类别": scene.disability[rows], "残疾等级": scene.disability_grade[rows],
        "发证日期": dashed(issued), "有效期至": dashed(issued + 3652), "监护人": np.where(scene.chance.happens("disabled.guardian", rows, 0.6), guardian, ""),
        "联系电话": spoil.phones(scene, DISABLED, rows, rows), "现住址": texts,
    }  # fmt: skip
    return _file(DISABLED, "残疾人", period, available_at, list(columns), columns, list(zip(number.tolist(), rows.tolist(), strict=True)))


def allowance(scene: Scene, period: str, available_at: str) -> File:
    """Receivers of the old-age allowance (80 and more); the dead are paid on until somebody tells."""
    age = ages(scene.birth, scene.today)
    rows = np.flatnonzero((age >= 80.08) & ((scene.home >= 0) | ~np.isnat(scene.death_date)) & (scene.register >= 0))
    rows = rows[scene.chance.happens("allowance.has", rows, scene.coverage(ALLOWANCE, "share"))]
    dead = known_dead(scene, ALLOWANCE, rows)
    late = ~np.isnat(scene.death_date[rows])
    rows, dead = rows[~dead | (late & (scene.death_date[rows] > scene.today - 400))], dead[~dead | (late & (scene.death_date[rows] > scene.today - 400))]
    key = spoil.resident_ids(scene, ALLOWANCE, rows, rows)
    _, first = np.unique(key, return_index=True)
    again = np.ones(len(key), dtype=bool)
    again[first] = False
    key = np.where(again | (key == ""), scene.id_number[rows], key)
    age = age[rows]
    since = np.maximum(((age - 80) * 12).astype(int), 0)
    dwelling, _ = scene.known_dwelling(ALLOWANCE, rows)
    dwelling = np.where(dwelling == -1, scene.county.families["dwelling"].to_numpy()[np.maximum(scene.family[rows], 0)], dwelling)
    texts = with_outside(scene, ALLOWANCE, rows, dwelling, scene.address(ALLOWANCE, rows, dwelling, STYLES))
    stopped = np.where(dead, undashed(np.where(np.isnat(scene.death_date[rows]), scene.today, scene.death_date[rows]).astype("datetime64[M]")), "")
    columns = {
        "身份证号": key, "姓名": written_names(scene, ALLOWANCE, rows, rows), "档次": np.select([age < 90, age < 100], ["80", "90"], "100").astype(object),
        "享受起始月": _months_back(period, since), "停发月": stopped.astype(object), "住址": texts,
    }  # fmt: skip
    return _file(ALLOWANCE, "高龄津贴", period, available_at, list(columns), columns, list(zip(key.tolist(), rows.tolist(), strict=True)))


def marriages(scene: Scene, period: str, available_at: str) -> File:
    """The month's registrations: marriages, divorces of people still in the town, certificates issued again."""
    month = np.datetime64(f"{period[:4]}-{period[4:]}", "M")
    husband = np.flatnonzero((scene.sex == 1) & (scene.spouse >= 0))
    wife = scene.spouse[husband]
    wed = scene.married_on[husband].astype("datetime64[M]") == month
    again = ~wed & (scene.married_on[husband] < np.datetime64(month, "D")) & scene.chance.happens(f"wed.again.{period}", husband, 0.0006)
    at = np.flatnonzero(wed | again)
    husband, wife = husband[at], wife[at]
    kind = np.where(wed[at], "结婚", "补领").astype(object)
    start = np.datetime64(month, "D")
    random = start + scene.chance.integers(f"wed.day.{period}", husband, 0, 28).astype("timedelta64[D]")
    day = np.where(wed[at], scene.married_on[husband].astype("datetime64[D]"), random)
    apart = np.flatnonzero((scene.sex == 1) & (scene.divorced_on.astype("datetime64[M]") == month))
    former = _former_wives(scene, apart)
    apart, former = apart[former >= 0], former[former >= 0]
    husband, wife = np.append(husband, apart), np.append(wife, former)
    kind, day = np.append(kind, np.full(len(apart), "离婚", dtype=object)), np.append(day, scene.divorced_on[apart].astype("datetime64[D]"))
    order = np.lexsort((husband, day))
    husband, wife, kind, day = husband[order], wife[order], kind[order], day[order]
    letter = np.where(kind == "离婚", "L", np.where(kind == "补领", "B", "J"))
    number = np.char.add(np.char.add(letter, f"130731-{period[:4]}-{period[4:]}"), padded((np.arange(len(husband)) + 1), 4)).astype(object)
    columns = {
        "登记号": number, "登记类别": kind, "登记日期": compact(day), "男方姓名": written_names(scene, MARRIAGE, husband, husband),
        "男方身份证号": spoil.resident_ids(scene, MARRIAGE, husband, husband), "女方姓名": written_names(scene, MARRIAGE, wife + _WIFE, wife),
        "女方身份证号": spoil.resident_ids(scene, MARRIAGE, wife + _WIFE, wife),
    }  # fmt: skip
    truth = [(f"{n}#1", p) for n, p in zip(number.tolist(), husband.tolist(), strict=True)]
    truth += [(f"{n}#2", p) for n, p in zip(number.tolist(), wife.tolist(), strict=True)]
    return _file(MARRIAGE, "婚姻登记", period, available_at, list(columns), columns, truth)


def _former_wives(scene: Scene, men: np.ndarray) -> np.ndarray:
    """A divorced woman of about each man's age (-1 where there is none left)."""
    women = np.flatnonzero((scene.sex == 2) & (scene.marital == 40) & np.isnat(scene.death_date))
    year = scene.birth.astype("datetime64[Y]").astype(int)
    by_year: dict[int, list[int]] = {}
    for w in women.tolist():
        by_year.setdefault(int(year[w]), []).append(w)
    out, used = [], set()
    for m in men.tolist():
        for gap in (0, 1, -1, 2, 3, -2, 4, 5):
            free = [w for w in by_year.get(int(year[m]) + gap, ()) if w not in used]
            if free:
                used.add(free[m % len(free)])
                out.append(free[m % len(free)])
                break
        else:
            out.append(-1)
    return np.array(out, dtype=np.int64)


def deaths(scene: Scene, period: str, available_at: str) -> File:
    """The month's dead, as the crematorium registered them."""
    month = np.datetime64(f"{period[:4]}-{period[4:]}", "M")
    rows = np.flatnonzero(scene.death_date.astype("datetime64[M]") == month)
    rows = rows[scene.chance.happens("death.cremated", rows, scene.coverage(DEATH, "share"))]
    died = scene.death_date[rows].astype("datetime64[D]")
    cremated = died + scene.chance.integers("death.cremation", rows, 2, 6).astype("timedelta64[D]")
    number = np.char.add(f"HH{period}", padded((np.arange(len(rows)) + 1), 4)).astype(object)
    other = np.where(scene.spouse[rows] >= 0, scene.spouse[rows], -1)
    columns = {
        "登记号": number, "姓名": written_names(scene, DEATH, rows, rows), "身份证号": spoil.resident_ids(scene, DEATH, rows, rows, other=other),
        "死亡日期": compact(died), "火化日期": compact(cremated),
    }  # fmt: skip
    return _file(DEATH, "死亡火化", period, available_at, list(columns), columns, list(zip(number.tolist(), rows.tolist(), strict=True)))


SNAPSHOTS: tuple[Callable[[Scene, str, str], File], ...] = (disabled, allowance)
INCREMENTS: tuple[Callable[[Scene, str, str], File], ...] = (marriages, deaths)
