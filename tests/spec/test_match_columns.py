"""Which column of a list is which, by the names departments give them."""

from __future__ import annotations

import pytest

from linkage.match_columns import NAMES, Heading, roles_of, tells_who


def roles(*titles: str | tuple[str, str]) -> dict[str, int]:
    return roles_of([Heading(t) if isinstance(t, str) else Heading(t[1], t[0]) for t in titles])


@pytest.mark.parametrize(("title", "role"), [
    ("姓 名", "name"), ("＊姓名（必填）", "name"), ("1.学生姓名", "name"), ("户主姓名", "name"), ("申请人", "name"),
    ("公民身份号码", "id_number"), ("身份证号\n（18位）", "id_number"), ("证件号码", "id_number"), ("老人身份证号码", "id_number"), ("ＳＦＺＨ", "id_number"),
    ("出生年月", "birth_date"), ("性别：", "sex"), ("本人联系电话", "phone"), ("手 机 号", "phone"), ("家庭住址", "address"), ("户籍所在地", "register_address"),
    ("小区名称", "compound"), ("楼栋号", "building"), ("单元", "unit"), ("房间号", "room"), ("全国学籍号", "pupil_no"), ("残疾人证号", "disability_no"),
])
def test_a_column_is_known_by_any_of_its_names(title: str, role: str) -> None:
    assert roles(title) == {role: 0}


@pytest.mark.parametrize("title", [
    "监护人姓名", "母亲身份证号", "父亲电话", "配偶姓名", "紧急联系人电话", "联系人", "经办人", "填表人", "网格员姓名", "班主任电话", "开户人姓名", "序号", "备注", "银行账号", "", "与户主关系"])
def test_a_column_of_somebody_else_or_of_something_else_says_nothing(title: str) -> None:
    assert roles(title) == {}


def test_a_group_title_says_whose_the_columns_are() -> None:
    found = roles(("学生信息", "姓名"), ("学生信息", "身份证号"), ("监护人信息", "姓名"), ("监护人信息", "身份证号"), ("监护人信息", "电话"))
    assert found == {"name": 0, "id_number": 1}


def test_a_title_over_the_whole_sheet_is_no_group() -> None:
    assert roles(("监护人及儿童名单", "姓名"), ("监护人及儿童名单", "身份证号")) == {"name": 0, "id_number": 1}


def test_the_persons_own_goes_before_the_heads_and_the_surest_name_before_others() -> None:
    assert roles("户主姓名", "户主身份证号", "姓名", "证件号码", "身份证号") == {"name": 2, "id_number": 4}


def test_a_further_telephone_is_a_second_number_and_one_column_has_one_role() -> None:
    assert roles("姓名", "联系电话", "手机号") == {"name": 0, "phone": 2, "phone_second": 1}


def test_living_there_goes_before_being_registered_there() -> None:
    assert roles("户籍地址", "现住址", "姓名") == {"register_address": 0, "address": 1, "name": 2}


def test_only_a_name_or_a_number_tells_who() -> None:
    assert tells_who(roles("身份证号")) and tells_who(roles("姓名")) and not tells_who(roles("性别", "出生日期", "家庭住址", "联系电话"))


def test_no_name_stands_for_two_roles() -> None:
    every = [name for names in NAMES.values() for name in names.split()]
    assert len(every) == len(set(every))
