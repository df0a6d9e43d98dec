"""Which column of a list is which, by the names departments give them."""

from __future__ import annotations

import pytest

from linkage.match_columns import NAMES, Heading, heading_like, passed_over, roles_of, tells_who


def roles(*titles: str | tuple[str, str]) -> dict[str, int]:
    return roles_of([Heading(t) if isinstance(t, str) else Heading(t[1], t[0]) for t in titles])


@pytest.mark.parametrize(("title", "role"), [
    ("姓 名", "name"), ("＊姓名（必填）", "name"), ("1.学生姓名", "name"), ("户主姓名", "name"), ("申请人", "name"),
    ("公民身份号码", "id_number"), ("身份证号\n（18位）", "id_number"), ("证件号码", "id_number"), ("老人身份证号码", "id_number"), ("ＳＦＺＨ", "id_number"),
    ("出生年月", "birth_date"), ("性别：", "sex"), ("本人联系电话", "phone"), ("手 机 号", "phone"), ("家庭住址", "address"), ("户籍所在地", "register_address"),
    ("低保对象姓名", "name"), ("被保障人姓名", "name"), ("特困人员姓名", "name"), ("享受对象姓名", "name"), ("优抚对象姓名", "name"), ("留守/困境儿童姓名", "name"),
    ("孕妇姓名", "name"), ("新生儿姓名", "name"), ("参保人员姓名", "name"), ("死亡人员姓名", "name"), ("失能老人姓名", "name"), ("脱贫户户主姓名", "name"),
    ("成员姓名", "name"), ("共同生活成员姓名", "name"), ("帮扶对象姓名", "name"), ("被赡养人姓名", "name"), ("干部姓名", "name"), ("服务人员姓名", "name"),
    ("低保对象身份证号", "id_number"), ("特困人员公民身份号码", "id_number"), ("孕妇身份证", "id_number"), ("身份证号/护照号", "id_number"), ("社会保障号码", "id_number"),
    ("手机号1", "phone"), ("现居地址", "address"), ("现家庭住址", "address"), ("低保对象性别", "sex"),
    ("小区名称", "compound"), ("楼栋号", "building"), ("单元", "unit"), ("房间号", "room"), ("全国学籍号", "pupil_no"), ("残疾人证号", "disability_no"),
])
def test_a_column_is_known_by_any_of_its_names(title: str, role: str) -> None:
    assert roles(title) == {role: 0}


@pytest.mark.parametrize("title", [
    "监护人姓名", "母亲身份证号", "父亲电话", "配偶姓名", "紧急联系人电话", "联系人", "经办人", "填表人", "网格员姓名", "班主任电话", "开户人姓名", "序号", "备注", "银行账号", "", "与户主关系",
    "死亡人员家属姓名", "低保对象配偶身份证号", "学生家长姓名", "儿童监护人/家长姓名", "村干部姓名", "家庭成员1姓名", "成员二身份证号", "单位证件号码", "低保证证件号码", "姓名及身份证号码"])
def test_a_column_of_somebody_else_or_of_something_else_says_nothing(title: str) -> None:
    assert roles(title) == {}


def test_a_group_title_says_whose_the_columns_are() -> None:
    found = roles(("学生信息", "姓名"), ("学生信息", "身份证号"), ("监护人信息", "姓名"), ("监护人信息", "身份证号"), ("监护人信息", "电话"))
    assert found == {"name": 0, "id_number": 1}


def test_a_title_over_the_whole_sheet_is_no_group() -> None:
    assert roles(("监护人及儿童名单", "姓名"), ("监护人及儿童名单", "身份证号")) == {"name": 0, "id_number": 1}


def test_the_persons_own_goes_before_the_heads_and_the_surest_name_before_others() -> None:
    assert roles("户主姓名", "户主身份证号", "姓名", "证件号码", "身份证号") == {"name": 2, "id_number": 4}


MEMBERS = ("成员", "家庭成员", "共同生活成员", "共同生活家庭成员", "低保家庭成员")


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize("head", ["户主", "低保户户主", "申请人", "低保对象"])
def test_of_a_household_the_member_of_the_row_is_meant_not_whom_he_is_related_to(member: str, head: str) -> None:
    telling = [f"{head}姓名", f"{head}身份证号码", f"{head}性别", f"与{head.removeprefix('低保户')}关系"]
    assert roles(f"{member}姓名", f"{member}身份证号码", *telling) == {"name": 0, "id_number": 1}
    assert roles(*telling, f"{member}姓名", f"{member}身份证号码") == {"name": 4, "id_number": 5}
    assert roles(*telling, f"{member}姓名") == {"name": 4}, "the head's number is not the member's"


def test_the_number_of_the_head_is_not_that_of_somebody_named_beside_him() -> None:
    assert roles("姓名", "户主姓名", "户主身份证号") == {"name": 0}
    assert roles("户主姓名", "身份证号") == {"name": 0, "id_number": 1}
    assert roles("户主姓名", "户主身份证号", "同住人姓名", "与户主关系") == {"name": 2}
    assert roles("户主", "家庭成员", "与户主关系", "身份证号") == {"name": 1, "id_number": 3} and roles("户主", "家庭人口", "身份证号") == {"name": 0, "id_number": 2}


def test_groups_part_head_and_members_too() -> None:
    columns = [(group, title) for group in ("户主信息", "家庭成员信息") for title in ("姓名", "身份证号")]
    assert roles(*columns) == {"name": 2, "id_number": 3}
    assert roles(*(("户主及家庭成员信息", title) for title in ("姓名", "身份证号"))) == {"name": 0, "id_number": 1}


def test_a_family_in_a_row_is_its_heads() -> None:
    assert roles("户主姓名", "户主身份证号", "家庭成员1姓名", "家庭成员1身份证号", "家庭成员2姓名") == {"name": 0, "id_number": 1}
    assert roles("户主姓名", "户主身份证号", "家庭成员（1）姓名", "家庭成员（2）姓名") == {"name": 0, "id_number": 1}
    assert roles(("户主", "姓名"), ("家庭成员1", "姓名"), ("家庭成员1", "身份证号"), ("家庭成员2", "姓名"), ("家庭成员2", "身份证号")) == {"name": 0}
    assert roles("户主姓名", "家庭成员", "家庭成员姓名", "与户主关系") == {"name": 2}
    assert roles(*["户主姓名", "成员姓名", "与户主关系"] * 2) == {"name": 1}, "two tables beside each other"


@pytest.mark.parametrize("other", ["申报人", "申请人", "经办人", "核查人员", "服务人员", "联络员"])
def test_whom_the_list_is_about_goes_before_who_asks_or_helps(other: str) -> None:
    assert roles(f"{other}姓名", f"{other}身份证号", "死亡人员姓名", "死亡人员身份证号") == {"name": 2, "id_number": 3}


def test_a_second_table_beside_the_first_and_members_beside_a_person_are_passed_over() -> None:
    def over(*titles: str) -> list[int]:
        headings = [Heading(t) for t in titles]
        return passed_over(headings, roles_of(headings))

    assert over("序号", "姓名", "身份证号", "序号", "姓名", "身份证号") == [4, 5]
    assert over("姓名", "身份证号", "家庭成员姓名", "家庭成员身份证号") == [2, 3]
    assert over("学生姓名", "学生身份证号", "家庭成员姓名", "家庭成员身份证号", "与学生关系") == []
    assert over("姓名", "身份证号", "证件号码", "监护人姓名", "户主姓名", "户主身份证号", "联系电话", "联系电话") == []


@pytest.mark.parametrize(("text", "like"), [
    ("受助者编号", True), ("联系方式", True), ("金额（元）", True), ("王建国", False), ("轩辕小区3号楼", False), ("13931300001", False), ("男", False)])
def test_headings_are_told_from_values(text: str, like: bool) -> None:
    assert heading_like(text) is like


def test_a_further_telephone_is_a_second_number_and_one_column_has_one_role() -> None:
    assert roles("姓名", "联系电话", "手机号") == {"name": 0, "phone": 2, "phone_second": 1}
    assert roles("姓名", "手机号1", "手机号2") == {"name": 0, "phone": 1, "phone_second": 2}


def test_living_there_goes_before_being_registered_there() -> None:
    assert roles("户籍地址", "现住址", "姓名") == {"register_address": 0, "address": 1, "name": 2}


def test_only_a_name_or_a_number_tells_who() -> None:
    assert tells_who(roles("身份证号")) and tells_who(roles("姓名")) and not tells_who(roles("性别", "出生日期", "家庭住址", "联系电话"))


def test_no_name_stands_for_two_roles() -> None:
    every = [name for names in NAMES.values() for name in names.split()]
    assert len(every) == len(set(every))
