"""How a school's sheet looks: title, merged groups, its own header words in its own order, footers."""

from __future__ import annotations

import numpy as np

from simulator.county import names
from simulator.county.lives import SCHOOLS
from simulator.views.noise import Scene

FEED = "edu_enrolment"
HEADERS = [
    "序号",
    "学籍号",
    "姓名",
    "性别",
    "出生日期",
    "身份证件号",
    "民族",
    "户口性质",
    "年级",
    "班级",
    "入学年月",
    "就读方式",
    "学籍状态",
    "留守儿童",
    "随迁子女",
    "现住址",
    "监护人1姓名",
    "监护人1关系",
    "监护人1身份证件号",
    "监护人1电话",
    "监护人2姓名",
    "监护人2关系",
    "监护人2身份证件号",
    "监护人2电话",
]
STUDENT = 16  # headers before the guardians'
ALIASES = {
    "姓名": ("学生姓名",),
    "出生日期": ("出生年月日",),
    "身份证件号": ("身份证号", "证件号码"),
    "现住址": ("家庭住址",),
    "监护人1电话": ("联系电话",),
}


def school_name(level: int, number: int) -> str:
    return SCHOOLS[level][number]


def look(scene: Scene, school: int, period: str, count: int) -> tuple[dict, dict[str, str]]:
    """A sheet's look, and its header words -> canonical header, in order. Every school keeps its own habits."""
    title = school_name(school // 100, school % 100)
    u = lambda what: float(scene.chance.uniform(f"sheet.{what}", [school])[0])  # noqa: E731
    students, guardians = HEADERS[:STUDENT], HEADERS[STUDENT:]
    if u("order") < scene.rate(FEED, "sheet", "reordered"):
        middle = students[2:]
        students = students[:2] + [
            middle[i] for i in scene.chance.order("sheet.columns", np.arange(len(middle)) + school * 100)
        ]
    if u("no_number") < scene.rate(FEED, "sheet", "no_serial"):
        students = [h for h in students if h != "序号"]
    words = {}
    for header in students + guardians:
        choices = ALIASES.get(header, ())
        use = choices and u(f"alias.{header}") < scene.rate(FEED, "sheet", "alias")
        words[choices[int(u(header) * len(choices))] if use else header] = header
    shown = list(words)
    blank = [count // 2] if u("blank") < scene.rate(FEED, "sheet", "blank_row") else []
    hidden = (
        [w for w, h in words.items() if h in ("入学年月", "户口性质")]
        if u("hidden") < scene.rate(FEED, "sheet", "hidden")
        else []
    )
    author = names.surnames(scene.chance, "sheet.author", np.array([school]))[0] + "老师"
    phone = f"0313-65{int(u('phone') * 90000) + 10000}"
    footers = [{"0": "合计", "2": f"{count}人"}, {"0": f"填表人：{author}", "4": f"联系电话：{phone}"}]
    if u("footer") < 0.4:
        footers.append({"0": f"填表日期：{period[:4]}年{int(period[4:])}月25日"})
    if not scene.county.noise:
        footers = []
    full = title if title.startswith("涿鹿") else "涿鹿县" + title
    sheet = {
        "name": title, "title": f"{full}学籍信息表（{period[:4]}年{int(period[4:])}月）",
        "groups": [["学生信息", 0, len(students) - 1], ["监护人信息", len(students), len(shown) - 1]],
        "headers": shown, "hidden": hidden, "blank_after": blank, "footers": footers,
    }  # fmt: skip
    return sheet, words
