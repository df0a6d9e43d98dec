"""Which column of a list is which (列识别): headers by name, whatever a department calls them and whatever stands around.

A column belongs to the person of the row (姓名, 学生姓名, 本人电话) or to somebody else of it (监护人姓名, 配偶身份证号); only the
first kind says who is meant. In a list of household members (成员姓名 beside 户主姓名) the member is, never the head. What is not
recognised is passed through and never looked at.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from connectors.columns import plain

# Role → the names it goes by, the surest first. Where two columns could be one role, the earlier name takes it.
NAMES: Mapping[str, str] = {
    "name": "姓名 名字 人名 名称姓名 xm name fullname",
    "former_name": "曾用名 原名 曾用姓名",
    "id_number": "公民身份号码 公民身份证号码 公民身份证号 居民身份证号码 居民身份证号 身份证号码 身份证号 身份证件号码 身份证件号 身份号码 身份证 "
                 "身份证编号 有效证件号码 证件号码 证件号 证件编号 证号 社会保障号码 社会保障号 社保号码 社保号 gmsfhm gmsfzh sfzhm sfzh zjhm idnumber idno idcard idcardno",
    "birth_date": "出生日期 出生年月日 出生年月 出生时间 生日 出生 csrq birthdate birthday dateofbirth dob",
    "sex": "性别 xb sex gender",
    "phone": "手机号码 手机号 手机 移动电话 联系电话 联系手机 联系方式 电话号码 电话 联系号码 lxdh sjh sjhm phone mobile telephone tel",
    "phone_second": "备用电话 其他电话 其它电话 第二联系电话 联系电话2 电话2 手机2 固定电话 座机 家庭电话 住宅电话 宅电",
    "address": "现居住地址 现居住地 现住地址 现住址 现居地址 现居地 现家庭住址 现家庭地址 现住所 现详细住址 现详细地址 实际居住地址 实际居住地 实际住址 居住地址 居住地 常住地址 常住地 家庭住址 家庭地址 住址 详细住址 "
               "详细地址 住房地址 房屋地址 住所 地址 联系地址 通讯地址 通信地址 dz jzdz address",
    "register_address": "户籍地址 户籍所在地 户籍地 户籍住址 户口所在地 户口地址 户口住址 hjdz",
    "compound": "小区名称 小区 所在小区 居住小区 小区名",
    "building": "楼栋号 楼栋 楼号 栋号 幢号 楼幢 楼 栋 幢",
    "unit": "单元号 单元",
    "room": "房间号 房号 室号 门牌号 房屋号 门号 室 户室号",
    "pupil_no": "全国学籍号 学籍号 学籍号码 学籍编号",
    "disability_no": "残疾人证号码 残疾人证号 残疾证号码 残疾证号 残疾人证编号",
}
# Somebody of the row whom the list is about: the words say nothing more.
_MEMBERS = ("家庭共同生活成员", "共同生活家庭成员", "共同生活成员", "共同生活人员", "家庭成员", "户内成员", "共同居住人", "家庭人口", "成员")
_ASKING = ("申请人", "申报人", "领取人", "负责人", "法定代表人", "法人")  # often of somebody else's behalf
_OWN = ("本人", "人员", "居民", "学生", "幼儿", "儿童", "孩子", "婴儿", "新生儿", "孕妇", "孕产妇", "产妇", "妇女", "老人", "老年人", "残疾人", "患者", "对象", "救助对象",
        "保障对象", "服务对象", "被保障人", "持证人", "参保人", "受助人", "当事人", "被保险人", "员工", "职工", "党员", "军人", "退役军人", "脱贫户", "业主", "住户",
        "租户", "承租人", "户主", "经营者", "死者", "逝者", "被照护人", "被监护人", "家庭", *_ASKING, *_MEMBERS)
# Words that are a name by themselves in lists of a kind: 申请人, 户主.
_NAME_BY_ITSELF = ("申请人", "户主", "户主姓名", "持证人", "参保人", "承租人", "业主", "当事人", "法定代表人", "经营者", "负责人", "学生", "老人", "死者", "逝者")
# Somebody else of the row, or who filled it in.
_OTHERS = ("监护", "家长", "父亲", "母亲", "父母", "父", "母", "配偶", "丈夫", "妻子", "爱人", "子女", "儿子", "女儿", "家属", "亲属", "紧急联系", "联系人",
           "担保", "代理", "代办", "代领", "经办", "填表", "制表", "填报", "审核", "复核", "审批", "登记人", "采集人", "网格", "包联", "帮扶", "责任人", "赡养", "抚养", "照护人",
           "照料人", "开户", "收款", "受益", "医生", "教师", "班主任", "民警", "楼长", "村干部", "入户干部", "包村", "包户", "接送", "委托", "受托", "见证", "介绍人", "推荐人", "包保",
           "核查人", "核查员", "调查人", "调查员", "走访人", "走访员", "入户人", "录入人", "录入员", "经手", "受理人", "guardian", "spouse", "contact")
_REMARK = re.compile(r"[(\[【〔{].*?[)\]】〕}]")  # plain() has made full-width brackets plain ones
_TITLE = re.compile(r"[:：]|(表|名单|台账|名册|明细|花名册)$")  # over a whole sheet, not over a group of columns
# What ends a heading tells its role, whoever is named before it: 特困人员姓名, 低保对象身份证号.
_ENDING = re.compile(r"^(?P<who>.{1,12}?)(?P<what>姓名|(?:公民|居民)?身份(?:证|证?件?号码?)|证件号码?)$")
_NO_PERSON = re.compile(r"姓名|([证照]|单位|企业|公司|机构|学校|银行|[\d一二三四五六七八九])$")  # before such an ending; 成员1姓名 is one of a family in a row
_STAFF = ("工作人员", "服务人员", "管理人员", "医务人员", "医护人员", "护理人员")  # the list may be about them, if it names nobody else
_MEANT = re.compile(r".*对象|^被.{1,4}?[人者]")  # 帮扶对象, 被赡养人: not who helps, who is helped
_RELATION = re.compile(r"^与(?P<to>户主|申请人|申请者|持证人|.{0,6}对象)(?:之间)?的?关系$")  # the row is about whoever is related to them
_HEADING = re.compile(r"(姓名|名称|[证件编户卡]号|号码|代码|序号|电话|手机号?|联系方式|地址|住址|日期|时间|年月|年龄|性别|民族|关系|备注|金额|类别|类型|等级|情况|原因|单位)$")
_UNSURE = 400
_BY_PERSON = frozenset(("name", "former_name", "id_number", "birth_date", "sex", "pupil_no", "disability_no"))
_EDGES = re.compile(r"^[*＊★●\d.、)\-]+|[*＊★:：。.、]+$")


@dataclass(frozen=True)
class Heading:
    """A column's name as it stands, and the group titles over it."""

    title: str
    group: str = ""


@dataclass(frozen=True, order=True)
class Claim:
    """A column that can be a role; the lowest ``rank`` takes it. ``whose``: the word that says whose (户主, 成员, 学生), "" for none."""

    rank: int
    at: int
    role: str
    whose: str = ""


def roles_of(headings: Sequence[Heading]) -> dict[str, int]:
    """Role → column: the surest name takes a role, of equal ones the column further left; one column has one role.

    A further telephone column becomes ``phone_second``.
    """
    found: dict[str, int] = {}
    for claim in sorted(_meant(headings)):
        if claim.at in found.values():
            continue
        found.setdefault("phone_second" if claim.role == "phone" and "phone" in found else claim.role, claim.at)
    return found


def passed_over(headings: Sequence[Heading], roles: Mapping[str, int]) -> list[int]:
    """Columns that name persons as surely as those that were taken: a second table beside the first, members beside 姓名."""
    taken = {role: bare_title(headings[at].title) for role, at in roles.items()}
    return sorted({c.at for c in _meant(headings) if c.role in ("name", "id_number") and c.at not in roles.values() and c.role in taken
                   and (bare_title(headings[c.at].title) == taken[c.role] or (c.whose in _MEMBERS and taken[c.role] in _SPLIT[c.role]))})


def heading_like(title: str) -> bool:
    """Whether a cell reads like a column's name, of whatever columns; a name, a number or an address does not."""
    bare = bare_title(title)
    return bool(_HEADING.search(bare)) and len(bare) <= 20 and not re.search(r"\d{3}", bare)


def tells_who(roles: Iterable[str]) -> bool:
    """Whether these columns can say who a row is about at all."""
    return bool({"name", "id_number", "pupil_no", "disability_no"} & set(roles))


def _meant(headings: Sequence[Heading]) -> list[Claim]:
    """The claims that can be of the person a row is about. Where a row is a member's, whom the member is related to is somebody else;
    where a row holds several members, it is the household's, and its head is meant."""
    claims = [claim for at, heading in enumerate(headings) for claim in _claims(heading, at)]
    related = {told["to"] for h in headings if (told := _RELATION.match(bare_title(h.title)))}
    if related:  # 户主 | 家庭成员 | 与户主关系: elsewhere such a column may hold how many they are
        claims += [Claim(300, at, "name", told) for at, h in enumerate(headings) if (told := bare_title(h.title)) in _MEMBERS]
    named = [c for c in claims if c.role == "name"]
    members = Counter(bare_title(headings[at].title) for at in {c.at for c in named if c.whose in _MEMBERS})
    heads = Counter(bare_title(headings[at].title) for at in {c.at for c in named if c.whose not in _MEMBERS})
    others: set[str] = set()
    if heads and max(members.values(), default=0) > max(heads.values()):  # as often: two tables beside each other
        others = set(_MEMBERS)
    elif members or any(c.role == "id_number" and c.whose in _MEMBERS for c in claims):
        others = {"户主", *related}
    elif any(c.whose != "户主" and (c.rank < 200 or "户主" in related) for c in named):
        others = {"户主"}
    return [c for c in claims if not (c.whose in others and c.role in _BY_PERSON)]


def _claims(heading: Heading, at: int) -> Iterable[Claim]:
    groups = " ".join(group for group in heading.group.split() if not _TITLE.search(group))
    title = bare_title(heading.title)
    if _somebody_else(groups) or not title:
        return
    over = _whose(groups)
    parts = [part for part in title.split("/") if part] if "/" in title else []
    if any(_somebody_else(part, begins=True) for part in parts):
        return
    for part in (title, *parts):
        for role, rank, whose in _told(part):
            whose = whose or over
            # what is the person's own goes before the family's and the head's
            yield Claim(rank + (200 if over == "户主" else 100 if over else 0), at, role, whose)


def bare_title(title: str) -> str:
    """A heading for comparison, without numbering and remarks in brackets."""
    return _EDGES.sub("", _REMARK.sub("", _EDGES.sub("", plain(title))))


def _told(title: str) -> Iterable[tuple[str, int, str]]:
    """Role, rank and whose."""
    for role, rank in _named(title):
        yield role, rank, ""
    if title in _NAME_BY_ITSELF:
        yield "name", 300 + _NAME_BY_ITSELF.index(title), title.removesuffix("姓名")
    if _somebody_else(title, begins=True):
        return
    for word in _OWN:
        who, said, what = title.rpartition(word)
        if said and not who:
            yield from ((role, rank + _after(word), word) for role, rank in _named(what))
        elif said and not (_NO_PERSON.search(who) or _somebody_else(who) or (who + word).endswith(_STAFF)):
            yield from ((role, rank + _after(word) + 20, _whose(who + word) or who + word) for role, rank in _named(what) if role in _BY_PERSON)
    if (ending := _ENDING.match(title)) and not (_NO_PERSON.search(ending["who"]) or _somebody_else(ending["who"])):
        yield ("name" if ending["what"] == "姓名" else "id_number"), _UNSURE, _whose(ending["who"]) or ending["who"]


def _after(word: str) -> int:
    return 200 if word in ("户主", "家庭") else 150 if word in _ASKING else 100


def _whose(text: str) -> str:
    """户主 or 成员, where a text names one of them alone."""
    member, head = any(word in text for word in _MEMBERS), "户主" in text
    if member and head and re.search(r"户主[及和与、/]", text):
        return ""
    return "成员" if member else "户主" if head else ""


def _somebody_else(text: str, begins: bool = False) -> bool:
    text = _MEANT.sub("", text)
    return any(text.startswith(word) if begins else word in text for word in _OTHERS)


def _named(title: str) -> Iterable[tuple[str, int]]:
    for role, names in _SPLIT.items():
        if title in names:
            yield role, names.index(title)
        elif role == "phone" and title[-1:].isdigit() and title[:-1] in names and title not in _SPLIT["phone_second"]:
            yield role, names.index(title[:-1])  # 手机号1, 手机号2


_SPLIT = {role: tuple(plain(name) for name in names.split()) for role, names in NAMES.items()}
