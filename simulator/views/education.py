"""The education bureau's enrolment workbook: one sheet a school, each with its own words and order of columns."""

from __future__ import annotations

import numpy as np

from simulator.county import ids
from simulator.county.kinship import TEXT, relations
from simulator.county.store import File
from simulator.views import spoil
from simulator.views.health import with_outside
from simulator.views.noise import Scene
from simulator.views.sheets import FEED, look
from simulator.views.spoil_names import written_names
from simulator.views.times import dashed

STYLES = {
    "full": 24,
    "dash": 24,
    "storey": 20,
    "hash": 5,
    "door": 4,
    "block": 6,
    "chinese": 3,
    "padded": 2,
    "side": 2,
    "old_town": 3,
    "wide": 2,
}
_GRADES = ["一年级", "二年级", "三年级", "四年级", "五年级", "六年级", "初一", "初二", "初三", "高一", "高二", "高三"]
_GUARDIAN_2 = 30_000_000
ETHNIC = {
    "01": "汉",
    "02": "蒙古",
    "03": "回",
    "04": "藏",
    "05": "维吾尔",
    "06": "苗",
    "08": "壮",
    "10": "朝鲜",
    "11": "满",
    "15": "土家",
    "17": "哈萨克",
}
_SCHOOL_AREA = "130731"


def pupils(scene: Scene) -> np.ndarray:
    """Pupils enrolled in the town's schools."""
    return np.flatnonzero((scene.level > 0) & (scene.home >= 0))


def pupil_numbers(scene: Scene, rows: np.ndarray, id_cell: np.ndarray) -> np.ndarray:
    """学籍号: G + ID; J + 18 by the ID rule with the school's area (no ID then); L + area + birth + 4 (temporary).

    The number was made at the first enrolment, from the ID as it then was; it is not made again."""
    kind = scene.chance.uniform("pupil.number", rows)
    without = scene.rate(FEED, "state", "j_number")
    temporary = without + scene.rate(FEED, "state", "l_number")
    birth = ids.undashed(scene.birth[rows].astype("datetime64[D]"))
    random = scene.chance.integers("pupil.j", rows, 0, 499) * 2 + np.where(scene.sex[rows] == 1, 1, 2)
    body = np.char.add(np.char.add(_SCHOOL_AREA, birth), ids.padded(random, 3))
    j = np.char.add("J", np.char.add(body, ids.check_digits(body))) if len(rows) else np.array([], dtype=str)
    last = ids.padded(scene.chance.integers("pupil.l", rows, 0, 10000), 4)
    ell = np.char.add(np.char.add("L" + _SCHOOL_AREA, birth), last)
    g = np.char.add("G", scene.first_id[rows].astype(str))
    kind = np.where(~scene.has_id[rows], 0.0, kind)
    without = max(without, 1e-9)
    out = np.where(kind < without, j, np.where(kind < temporary, ell, g)).astype(object)
    _, first = np.unique(out, return_index=True)  # a number that two children share would be one key: make it the ID's
    again = np.ones(len(out), dtype=bool)
    again[first] = False
    return np.where(again, g.astype(object), out)


def workbook(scene: Scene, period: str, available_at: str) -> File | None:
    """The workbook of a month, or None where there is no pupil."""
    rows = pupils(scene)
    if not len(rows):
        return None
    order = np.lexsort((rows, scene.class_no[rows], scene.grade[rows], scene.school[rows], scene.level[rows]))
    rows = rows[order]
    cells, truth = _cells(scene, rows, int(period[:4]), int(period[4:]))
    schools = scene.level[rows] * 100 + scene.school[rows]
    sheets, lines = [], []
    for school in np.unique(schools).tolist():
        at = np.flatnonzero(schools == school)
        sheet, words = look(scene, school, period, len(at))
        sheets.append(sheet)
        columns = [cells[h][at].tolist() for h in words.values()]
        shown = list(words)
        numbered = words.get("序号")
        for n, values in enumerate(zip(*columns, strict=True), start=1):
            doc = dict(zip(shown, values, strict=True))
            if numbered:
                doc["序号"] = n
            lines.append((sheet["name"], doc))
    name = f"学籍信息_{period}.xlsx"
    return File(FEED, name, "xlsx", period, available_at, {"sheets": sheets}, lines, truth)


def _guardians(scene: Scene, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the first and second guardian (-1): a parent, else who the child lives with."""
    father, mother = scene.father[rows], scene.mother[rows]
    home = scene.home[rows]
    head = scene.county.families["head"].to_numpy()[home]
    first = np.where(
        scene.chance.happens("guardian.father", rows, 0.55) & (father >= 0),
        father,
        np.where(mother >= 0, mother, father),
    )
    elder = np.where(scene.grandparent[rows] >= 0, scene.grandparent[rows], head)
    first = np.where(first < 0, elder, first)
    second = np.where(first == father, mother, father)
    return np.where(first == rows, -1, first), np.where(scene.chance.happens("guardian.second", rows, 0.62), second, -1)


def _date_cells(scene: Scene, rows: np.ndarray, dates: np.ndarray) -> np.ndarray:
    """Birth dates as schools type them: a school has one way, some rows another."""
    way = scene.chance.choose("edu.date.school", scene.level[rows] * 100 + scene.school[rows], [4, 3, 2, 3])
    own = scene.chance.choose("edu.date.row", rows, [3, 3, 2, 2])
    way = np.where(scene.happens(FEED, "birth", "form", rows), own, way if scene.county.noise else 1)
    out = []
    oddly, how = (
        scene.happens(FEED, "birth", "odd", rows).tolist(),
        scene.chance.uniform(f"{FEED}.birth.odd.how", rows).tolist(),
    )
    for text, kind, strange, u in zip(dashed(dates), way.tolist(), oddly, how, strict=True):
        if text is None:
            out.append(None)
            continue
        y, m, d = text.split("-")
        plain = (y + m + d, text, f"{y}年{int(m)}月{int(d)}日", {"date": text})[kind]
        odd = (
            f"{y}/{int(m)}/{int(d)}",
            f"{y}.{int(m)}.{int(d)}",
            (np.datetime64(text) - np.datetime64("1899-12-30")).astype(int).item(),
        )
        out.append(odd[int(u * 3)] if strange else plain)
    return _objects(out)


def _objects(values: list) -> np.ndarray:
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def _id_cells(scene: Scene, keys: np.ndarray, numbers: np.ndarray, kind: str) -> np.ndarray:
    """ID cells: text, cut to 15 significant digits by Excel, or wrapped against that."""
    excel, wrap = scene.happens(FEED, kind, "excel", keys), scene.happens(FEED, kind, "wrapped", keys)
    how = scene.chance.uniform(f"{FEED}.{kind}.wrap", keys)
    out = []
    for n, cut, wrapped, u in zip(numbers.tolist(), excel.tolist(), wrap.tolist(), how.tolist(), strict=True):
        if cut and len(n) == 18 and n.isdigit():
            out.append(int(n[:15]) * 1000)
        elif wrapped and n:
            out.append("'" + n if u < 0.6 else f'="{n}"')
        else:
            out.append(n or None)
    return _objects(out)


def _cells(
    scene: Scene, rows: np.ndarray, year: int, month: int
) -> tuple[dict[str, np.ndarray], list[tuple[str, int]]]:
    chance = scene.chance
    number = spoil.resident_ids(
        scene, FEED, rows, rows, other=np.where(scene.mother[rows] >= 0, scene.mother[rows], scene.father[rows])
    )
    key = pupil_numbers(scene, rows, number)
    unkeyed = scene.happens(FEED, "state", "no_key", rows)
    ethnic = _objects(
        [
            ETHNIC.get(c, "其他") + ("族" if u < 0.7 else "")
            for c, u in zip(scene.ethnicity[rows], chance.uniform("edu.ethnic", rows), strict=True)
        ]
    )
    dwelling, _ = scene.known_dwelling(FEED, rows)
    address = with_outside(
        scene, FEED, rows, dwelling, scene.address(FEED, np.maximum(scene.family[rows], 0), dwelling, STYLES)
    )
    address = np.where(scene.happens(FEED, "address", "missing", rows), None, address)
    grade = scene.grade[rows]
    entered = (year if month >= 9 else year - 1) - (grade - np.select([grade <= 6, grade <= 9], [1, 7], 10))
    sex = np.where(scene.happens(FEED, "code", "sex", rows), 3 - scene.sex[rows], scene.sex[rows])
    state = np.where(scene.happens(FEED, "code", "suspended", rows), "休学", "在籍").astype(object)
    boards = (grade >= 7) & chance.happens("edu.boards", rows, 0.4)
    migrant = (scene.register[rows] < 0) & chance.happens("edu.migrant", rows, 0.8)
    left = np.where(scene.grandparent[rows] >= 0, "2", np.where(chance.happens("edu.left", rows, 0.02), "1", "0"))
    cells = {
        "序号": np.arange(1, len(rows) + 1).astype(object), "学籍号": np.where(unkeyed, None, key),
        "姓名": written_names(scene, FEED, rows, rows), "性别": np.where(sex == 1, "男", "女").astype(object),
        "出生日期": _date_cells(scene, rows, spoil.births(scene, FEED, rows, rows)), "身份证件号": _id_cells(scene, rows, number, "id"),
        "民族": ethnic, "户口性质": np.where(chance.happens("edu.rural", scene.home[rows], 0.42), "1", "2").astype(object),
        "年级": np.array(_GRADES, dtype=object)[grade - 1], "班级": np.char.add(scene.class_no[rows].astype(str), "班").astype(object),
        "入学年月": np.char.add(entered.astype(str), "09").astype(object), "就读方式": np.where(boards, "住校", "走读").astype(object),
        "学籍状态": state, "留守儿童": left.astype(object), "随迁子女": np.where(migrant, "是", "否").astype(object), "现住址": address,
    }  # fmt: skip
    truth = [(k, p) for k, p, skip in zip(key.tolist(), rows.tolist(), unkeyed.tolist(), strict=True) if not skip]
    for n, guardian in enumerate(_guardians(scene, rows), start=1):
        keys = rows + (_GUARDIAN_2 if n == 2 else 0)
        has = guardian >= 0
        who = np.where(has, guardian, rows)
        relation = _objects([_kin(c) for c in relations(scene.county.people, who, rows)])
        name = np.where(has, written_names(scene, FEED, keys, who, "guardian_name"), None)
        # Without an ID of the child the guardian's is compulsory.
        guardian_id = _id_cells(scene, keys, spoil.resident_ids(scene, FEED, keys, who, "guardian_id"), "guardian_id")
        none = _objects([not v for v in guardian_id]).astype(bool) & (number == "") & has & (n == 1)
        guardian_id = np.where(none, scene.id_number[who], guardian_id)
        phone = spoil.phones(scene, FEED, keys, who, "guardian_phone")
        cells |= {
            f"监护人{n}姓名": name, f"监护人{n}关系": np.where(has, relation, None), f"监护人{n}身份证件号": np.where(has, guardian_id, None),
            f"监护人{n}电话": np.where(has & (phone != ""), phone, None),
        }  # fmt: skip
        truth += [
            (f"{k}#guardian{n}", p)
            for k, p, ok, skip in zip(key.tolist(), guardian.tolist(), has.tolist(), unkeyed.tolist(), strict=True)
            if ok and not skip
        ]
    return cells, truth


def _kin(code: str) -> str:
    """A guardian's relation as schools write it."""
    return {"51": "父亲", "52": "母亲", "61": "祖父", "62": "祖母"}.get(
        code, TEXT.get(code, "其他") if code not in ("99", "97") else "祖父母"
    )
