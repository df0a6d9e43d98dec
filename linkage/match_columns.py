"""Which column of a list is which (列识别): headers by name, whatever a department calls them and whatever stands around.

A column belongs to the person of the row (姓名, 学生姓名, 本人电话) or to somebody else of it (监护人姓名, 配偶身份证号); only the
first kind says who is meant. What is not recognised is passed through and never looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from connectors.columns import plain

# Role → the names it goes by, the surest first. Where two columns could be one role, the earlier name takes it.
NAMES: Mapping[str, str] = {
    "name": "姓名 名字 人名 名称姓名 xm name fullname",
    "former_name": "曾用名 原名 曾用姓名",
    "id_number": "公民身份号码 公民身份证号码 公民身份证号 居民身份证号码 居民身份证号 身份证号码 身份证号 身份证件号码 身份证件号 身份号码 身份证 "
                 "身份证编号 有效证件号码 证件号码 证件号 证件编号 证号 gmsfhm gmsfzh sfzhm sfzh zjhm idnumber idno idcard idcardno",
    "birth_date": "出生日期 出生年月日 出生年月 出生时间 生日 出生 csrq birthdate birthday dateofbirth dob",
    "sex": "性别 xb sex gender",
    "phone": "手机号码 手机号 手机 移动电话 联系电话 联系手机 联系方式 电话号码 电话 联系号码 lxdh sjh sjhm phone mobile telephone tel",
    "phone_second": "备用电话 其他电话 其它电话 第二联系电话 联系电话2 电话2 手机2 固定电话 座机 家庭电话 住宅电话 宅电",
    "address": "现居住地址 现居住地 现住地址 现住址 现居地 实际居住地址 实际居住地 实际住址 居住地址 居住地 常住地址 常住地 家庭住址 家庭地址 住址 详细住址 "
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
_OWN = ("本人", "人员", "居民", "学生", "幼儿", "儿童", "孩子", "老人", "老年人", "残疾人", "患者", "申请人", "申报人", "对象", "救助对象", "保障对象", "服务对象",
        "持证人", "参保人", "受助人", "当事人", "被保险人", "领取人", "员工", "职工", "党员", "退役军人", "业主", "住户", "租户", "承租人", "户主", "法定代表人",
        "法人", "经营者", "负责人", "死者", "逝者", "被照护人", "被监护人", "家庭")
# Words that are a name by themselves in lists of a kind: 申请人, 户主.
_NAME_BY_ITSELF = ("申请人", "户主", "户主姓名", "持证人", "参保人", "承租人", "业主", "当事人", "法定代表人", "经营者", "负责人", "学生", "老人", "死者", "逝者")
# Somebody else of the row, or who filled it in.
_OTHERS = ("监护", "家长", "父亲", "母亲", "父母", "父", "母", "配偶", "丈夫", "妻子", "爱人", "子女", "儿子", "女儿", "家属", "亲属", "紧急联系", "联系人",
           "担保", "代理", "代办", "代领", "经办", "填表", "制表", "填报", "审核", "复核", "审批", "登记人", "采集人", "网格", "包联", "帮扶", "责任人", "赡养", "抚养", "照护人",
           "照料人", "开户", "收款", "受益", "医生", "教师", "班主任", "民警", "楼长", "guardian", "spouse", "contact")
_REMARK = re.compile(r"[(\[【〔{].*?[)\]】〕}]")  # plain() has made full-width brackets plain ones
_TITLE = re.compile(r"[:：]|(表|名单|台账|名册|明细|花名册)$")  # over a whole sheet, not over a group of columns
_EDGES = re.compile(r"^[*＊★●\d.、)\-]+|[*＊★:：。.、]+$")


@dataclass(frozen=True)
class Heading:
    """A column's name as it stands, and the group titles over it."""

    title: str
    group: str = ""


def roles_of(headings: Sequence[Heading]) -> dict[str, int]:
    """Role → column: the surest name takes a role, of equal ones the column further left; one column has one role.

    A further telephone column becomes ``phone_second``.
    """
    claims = sorted((rank, at, role) for at, heading in enumerate(headings) for role, rank in _claims(heading))
    found: dict[str, int] = {}
    for _, at, role in claims:
        if at in found.values():
            continue
        if role == "phone" and "phone" in found:
            role = "phone_second"
        found.setdefault(role, at)
    return found


def tells_who(roles: Iterable[str]) -> bool:
    """Whether these columns can say who a row is about at all."""
    return bool({"name", "id_number", "pupil_no", "disability_no"} & set(roles))


def _claims(heading: Heading) -> Iterable[tuple[str, int]]:
    if any(word in group for group in heading.group.split() if not _TITLE.search(group) for word in _OTHERS):
        return
    title = _EDGES.sub("", _REMARK.sub("", _EDGES.sub("", plain(heading.title))))
    if not title:
        return
    for role, rank in _named(title):
        yield role, rank
    if title in _NAME_BY_ITSELF:
        yield "name", 300 + _NAME_BY_ITSELF.index(title)
    if any(title.startswith(word) for word in _OTHERS):
        return
    for word in _OWN:
        if title.startswith(word):
            for role, rank in _named(title.removeprefix(word)):
                # what is the person's own goes before the family's and the head's
                yield role, rank + (100 if word not in ("户主", "家庭") else 200)


def _named(title: str) -> Iterable[tuple[str, int]]:
    for role, names in _SPLIT.items():
        if title in names:
            yield role, names.index(title)


_SPLIT = {role: tuple(plain(name) for name in names.split()) for role, names in NAMES.items()}
