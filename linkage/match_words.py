"""What a list's result says (依据), in Chinese first, in English by a switch: sentences made of comparison levels, never of values."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from linkage.match import MATCHED, NOBODY, UNCERTAIN, UNREADABLE
from standards.reasons import REASONS, explain

OUTCOMES: Mapping[str, tuple[str, str]] = {
    MATCHED: ("已匹配", "matched"), UNCERTAIN: ("待核", "uncertain"), NOBODY: ("未找到", "not found"), UNREADABLE: ("无法识别", "unreadable"),
}  # fmt: skip
TITLES: Mapping[str, tuple[str, str]] = {
    "outcome": ("匹配结果", "outcome"), "person_id": ("人员编号", "person id"), "probability": ("概率", "probability"), "why": ("依据", "why"),
    "candidates": ("候选", "candidates"), "note": ("说明", "note"), "source_row": ("原行号", "row in the list"),
}  # fmt: skip
# What agrees is one word and comes first (姓名、身份证号一致); what only nearly agrees or does not is a phrase of its own. "" says nothing.
_AGREES: Mapping[tuple[str, str], tuple[str, str]] = {
    ("name", "exact"): ("姓名", "name"), ("birth", "exact"): ("出生日期", "birth date"), ("sex", "same"): ("性别", "sex"),
    ("context", "phone_room"): ("电话、住址", "telephone and dwelling"), ("context", "phone"): ("电话", "telephone"), ("context", "room"): ("住址", "dwelling"),
    ("context", "room_kin_name"): ("住址", "dwelling"), ("number", "masked"): ("身份证号可见位", "visible digits of the ID number"),
    ("number", "prefix"): ("身份证号前15位", "first 15 digits of the ID number"),
}  # fmt: skip
_SAYS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("name", "unknown"): ("", ""), ("name", "alternate"): ("与曾用名或另一写法一致", "a former name or another spelling"),
    ("name", "pinyin"): ("姓名同音", "name sounds the same"), ("name", "swapped"): ("名字两字颠倒", "given name in another order"),
    ("name", "shortened"): ("姓名缺一字或多一字", "name with a character missing or too many"), ("name", "near"): ("姓名有一字不同", "one character of the name differs"),
    ("name", "surname"): ("仅姓氏相同", "only the surname agrees"), ("name", "different"): ("姓名不同", "name differs"),
    ("birth", "unknown"): ("", ""), ("birth", "near"): ("出生日期相近（一位之差或日月颠倒）", "birth date near (a digit, or day and month)"),
    ("birth", "lunar"): ("出生日期疑为农历", "birth date perhaps by the old calendar"), ("birth", "month"): ("出生年月或月日一致", "birth month or day agrees"),
    ("birth", "year"): ("出生年份一致", "birth year agrees"), ("birth", "different"): ("出生日期不同", "birth date differs"),
    # what a list's 出生年月 says of a person's birth date, where that is all it says
    ("birth", "month_same"): ("出生年月一致", "birth month agrees"), ("birth", "month_other"): ("所写出生年月不同", "another birth month than the row's"),
    ("birth", "month_lunar"): ("所写出生月份不同，疑为农历", "another birth month, perhaps by the old calendar"),
    ("sex", "unknown"): ("", ""), ("sex", "different"): ("性别不同", "sex differs"),
    ("number", "unknown"): ("", ""), ("number", "one_off"): ("身份证号有一位之差", "ID number one digit off"),
    ("number", "mask_off"): ("身份证号可见位有一位之差", "visible digits of the ID number one off"), ("number", "area"): ("身份证号仅前六位不同", "ID number differs in the area code only"),
    ("number", "two_off"): ("身份证号有两位之差", "ID number two digits off"), ("number", "different"): ("身份证号不同", "ID number differs"),
    ("context", "unknown"): ("", ""), ("context", "card"): ("同一低保证", "the same assistance card"), ("context", "death"): ("死亡日期相近", "death date near"),
    ("context", "kin_two"): ("有两位相同家人", "two relatives in common"), ("context", "kin"): ("有相同家人", "a relative in common"),
    ("context", "coresident"): ("与其家人同住", "lives with relatives"), ("context", "family_phone"): ("电话为其家人所用", "telephone of a relative"),
    ("context", "kin_name"): ("家人同名", "a relative of the same name"), ("context", "building"): ("同楼", "the same building"),
    ("context", "compound"): ("同小区", "the same compound"), ("context", "apart"): ("住址、电话均未对上", "neither dwelling nor telephone agrees"),
}  # fmt: skip
_NUMBER = ("身份证号", "ID number")
_MISFIT = ("身份证号一致，但其他项与之矛盾", "ID number agrees, but the rest contradicts it")
_OTHER_NUMBER = ("两个有效身份证号不同，不作匹配", "two different valid ID numbers: never matched")
# Why linkage would not join a pair of which so much agrees: the vetoes of model/rules.yaml, and a second person as near.
_AGAINST: Mapping[str, tuple[str, str]] = {
    "name_and_address_alone": ("仅凭姓名、住址不能认定", "name and dwelling alone never decide"),
    "name_alone": ("仅凭姓名不能认定", "a name alone never decides"),
    "other_name": ("姓名不同，须核", "another name"), "other_birth": ("出生日期矛盾", "two birth dates that can't be one's"),
    "other_sex": ("性别矛盾", "another sex"), "siblings": ("疑为兄弟姐妹或双胞胎", "perhaps a brother, sister or twin"),
    "rival": ("另有同样接近的人", "another person is as near"),
}  # fmt: skip
_PLACES = ("room", "building", "compound")
NOTES: Mapping[str, tuple[str, str]] = {
    "list.no_person": ("不是人员行（合计、填表说明等）", "not a person (a total, a remark)"),
    "list.nobody_named": ("没有姓名，也没有证件号码", "neither a name nor a number"),
    "list.header": ("表头重复，不是人员行", "the header again, not a person"),
    "list.nothing_read": ("姓名、证件号码均无法识别", "neither name nor number can be read"),
    "passed_over": ("该列所写的人未比对，请另列一表", "whom this column names was not looked for; make it a table of its own"),
    "again": ("同一人另见第 {rows} 行", "the same person as in row {rows}"),
    "number_alone": ("身份证号有效，库中无此号码", "a valid ID number that nobody in the warehouse has"),
}  # fmt: skip


def pick(pair: tuple[str, str], language: str) -> str:
    """The text of the language, ``zh`` or ``en``."""
    return pair[1] if language == "en" else pair[0]


@cache
def why(levels: tuple[tuple[str, str | None], ...], same_number: bool, misfit: bool, other_number: bool, against: str | None, language: str) -> str:
    """One sentence on a pair: 姓名、身份证号一致；住址、电话均未对上. ``levels``: (comparison, level's name or None);
    ``against``: the veto that held the pair back, or ``rival``."""
    agree = [pick(_NUMBER, language)] if same_number else []
    more = [pick(_MISFIT, language)] if misfit else []
    more += [pick(_OTHER_NUMBER, language)] if other_number else []
    for comparison, level in levels:
        if level is None or (comparison == "number" and (same_number or misfit or other_number)):
            continue
        if (comparison, level) in _AGREES:
            agree.append(pick(_AGREES[comparison, level], language))
        elif said := phrase(comparison, level, language):
            more.append(said)
    agree.sort(key=lambda word: word not in (pick(_AGREES["name", "exact"], language), pick(_NUMBER, language)))
    together = "、".join(agree) + "一致" if agree and language != "en" else ", ".join(agree) + (" agree" if agree else "")
    if against == "name_and_address_alone" and dict(levels).get("context") not in _PLACES:
        against = "name_alone"
    if against in _AGAINST:
        more.append(pick(_AGAINST[against], language))
    return ("；" if language != "en" else "; ").join(part for part in (together, *more) if part)


def phrase(comparison: str, level: str, language: str) -> str | None:
    """The words of a level; None for one no words are written for (then its own name is said: ``<comparison>:<level>``)."""
    known = _AGREES.get((comparison, level)) or _SAYS.get((comparison, level))
    return pick(known, language) if known else f"{comparison}:{level}"


def reason(code: str, language: str) -> str:
    """The words of a reason code, of the list's own or of the standards'."""
    return pick(NOTES[code], language) if code in NOTES else explain(code, language) if code in REASONS else code
