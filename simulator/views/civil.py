"""Civil affairs' drop folder but for assistance: disability, old-age allowance, marriages, deaths."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulator.county.ids import padded, undashed
from simulator.county.lives import ages
from simulator.county.store import File
from simulator.views import spoil
from simulator.views.drop_csv import csv_file, months_back
from simulator.views.health import with_outside
from simulator.views.noise import Scene
from simulator.views.psb import known_dead
from simulator.views.spoil_names import written_names
from simulator.views.times import compact, dashed

STYLES = {"full": 30, "dash": 18, "storey": 20, "block": 8, "chinese": 6, "door": 4, "old_town": 8, "official": 6}
DISABLED, ALLOWANCE = "civil_disability", "civil_old_age_allowance"
MARRIAGE, DEATH = "civil_marriage", "civil_death"
_WIFE = 40_000_000


def disability_numbers(scene: Scene, rows: np.ndarray) -> np.ndarray:
    """残疾证号: ID + class + grade (+ B1 after a re-issue)."""
    base = np.char.add(
        scene.first_id[rows].astype(str),
        np.char.add(scene.disability[rows].astype(str), scene.disability_grade[rows].astype(str)),
    )
    again = scene.chance.happens("disabled.reissued", rows, 0.04)
    return np.where(again, np.char.add(base, "B1"), base).astype(object)


def disabled(scene: Scene, period: str, available_at: str) -> File:
    """Holders of a disability certificate."""
    rows = np.flatnonzero((scene.disability > 0) & ((scene.home >= 0) | ~np.isnat(scene.death_date)))
    rows = rows[~known_dead(scene, DISABLED, rows)]
    number = disability_numbers(scene, rows)
    dwelling, _ = scene.known_dwelling(DISABLED, rows)
    texts = with_outside(scene, DISABLED, rows, dwelling, scene.address(DISABLED, rows, dwelling, STYLES))
    issued = np.maximum(
        scene.birth[rows].astype("datetime64[D]") + 700,
        scene.today - scene.chance.integers("disabled.issued", rows, 100, 3500),
    )
    guardian = np.where(
        scene.spouse[rows] >= 0, scene.spouse[rows], np.where(scene.mother[rows] >= 0, scene.mother[rows], -1)
    )
    guardian = np.where(guardian >= 0, scene.name[guardian], "")
    columns = {
        "残疾证号": number, "姓名": written_names(scene, DISABLED, rows, rows), "残疾类别": scene.disability[rows], "残疾等级": scene.disability_grade[rows],
        "发证日期": dashed(issued), "有效期至": dashed(issued + 3652), "监护人": np.where(scene.chance.happens("disabled.guardian", rows, 0.6), guardian, ""),
        "联系电话": spoil.phones(scene, DISABLED, rows, rows), "现住址": texts,
    }  # fmt: skip
    return csv_file(
        DISABLED, "残疾人", period, available_at, columns, list(zip(number.tolist(), rows.tolist(), strict=True))
    )


def allowance(scene: Scene, period: str, available_at: str) -> File:
    """Receivers of the old-age allowance (80 and more); the dead are paid on until somebody tells."""
    age = ages(scene.birth, scene.today)
    rows = np.flatnonzero((age >= 80.08) & ((scene.home >= 0) | ~np.isnat(scene.death_date)) & (scene.register >= 0))
    rows = rows[scene.chance.happens("allowance.has", rows, scene.coverage(ALLOWANCE, "share"))]
    dead = known_dead(scene, ALLOWANCE, rows)
    late = ~np.isnat(scene.death_date[rows])
    rows, dead = (
        rows[~dead | (late & (scene.death_date[rows] > scene.today - 400))],
        dead[~dead | (late & (scene.death_date[rows] > scene.today - 400))],
    )
    key = spoil.resident_ids(scene, ALLOWANCE, rows, rows)
    _, first = np.unique(key, return_index=True)
    again = np.ones(len(key), dtype=bool)
    again[first] = False
    key = np.where(again | (key == ""), scene.id_number[rows], key)
    age = age[rows]
    since = np.maximum(((age - 80) * 12).astype(int), 0)
    dwelling, _ = scene.known_dwelling(ALLOWANCE, rows)
    dwelling = np.where(
        dwelling == -1, scene.county.families["dwelling"].to_numpy()[np.maximum(scene.family[rows], 0)], dwelling
    )
    texts = with_outside(scene, ALLOWANCE, rows, dwelling, scene.address(ALLOWANCE, rows, dwelling, STYLES))
    stopped = np.where(
        dead,
        undashed(
            np.where(np.isnat(scene.death_date[rows]), scene.today, scene.death_date[rows]).astype("datetime64[M]")
        ),
        "",
    )
    columns = {
        "身份证号": key, "姓名": written_names(scene, ALLOWANCE, rows, rows), "档次": np.select([age < 90, age < 100], ["80", "90"], "100").astype(object),
        "享受起始月": months_back(period, since), "停发月": stopped.astype(object), "住址": texts,
    }  # fmt: skip
    return csv_file(
        ALLOWANCE, "高龄津贴", period, available_at, columns, list(zip(key.tolist(), rows.tolist(), strict=True))
    )


def marriages(scene: Scene, period: str, available_at: str) -> File:
    """The month's registrations: marriages, divorces of people still in the town, certificates issued again."""
    month = np.datetime64(f"{period[:4]}-{period[4:]}", "M")
    husband = np.flatnonzero((scene.sex == 1) & (scene.spouse >= 0))
    wife = scene.spouse[husband]
    wed = scene.married_on[husband].astype("datetime64[M]") == month
    again = (
        ~wed
        & (scene.married_on[husband] < np.datetime64(month, "D"))
        & scene.chance.happens(f"wed.again.{period}", husband, 0.0006)
    )
    at = np.flatnonzero(wed | again)
    husband, wife = husband[at], wife[at]
    kind = np.where(wed[at], "结婚", "补领").astype(object)
    start = np.datetime64(month, "D")
    random = start + scene.chance.integers(f"wed.day.{period}", husband, 0, 28).astype("timedelta64[D]")
    day = np.where(wed[at], scene.married_on[husband].astype("datetime64[D]"), random)
    apart = np.flatnonzero((scene.sex == 1) & (scene.divorced_on.astype("datetime64[M]") == month))
    former = scene.former_spouse[apart]
    apart, former = apart[former >= 0], former[former >= 0]
    husband, wife = np.append(husband, apart), np.append(wife, former)
    kind, day = (
        np.append(kind, np.full(len(apart), "离婚", dtype=object)),
        np.append(day, scene.divorced_on[apart].astype("datetime64[D]")),
    )
    order = np.lexsort((husband, day))
    husband, wife, kind, day = husband[order], wife[order], kind[order], day[order]
    letter = np.where(kind == "离婚", "L", np.where(kind == "补领", "B", "J"))
    number = np.char.add(
        np.char.add(letter, f"130731-{period[:4]}-{period[4:]}"), padded((np.arange(len(husband)) + 1), 4)
    ).astype(object)
    columns = {
        "登记号": number, "登记类别": kind, "登记日期": compact(day), "男方姓名": written_names(scene, MARRIAGE, husband, husband),
        "男方身份证号": spoil.resident_ids(scene, MARRIAGE, husband, husband), "女方姓名": written_names(scene, MARRIAGE, wife + _WIFE, wife),
        "女方身份证号": spoil.resident_ids(scene, MARRIAGE, wife + _WIFE, wife),
    }  # fmt: skip
    truth = [(f"{n}#1", p) for n, p in zip(number.tolist(), husband.tolist(), strict=True)]
    truth += [(f"{n}#2", p) for n, p in zip(number.tolist(), wife.tolist(), strict=True)]
    return csv_file(MARRIAGE, "婚姻登记", period, available_at, columns, truth)


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
    return csv_file(
        DEATH, "死亡火化", period, available_at, columns, list(zip(number.tolist(), rows.tolist(), strict=True))
    )


SNAPSHOTS: tuple[Callable[[Scene, str, str], File], ...] = (disabled, allowance)
INCREMENTS: tuple[Callable[[Scene, str, str], File], ...] = (marriages, deaths)
