"""The thirty contracts say what the interface sheets say: every feed, every column, every person in a row."""

from __future__ import annotations

import pytest

from contracts.model import Mode
from contracts.reader import FEEDS, load_contracts, read_contract
from contracts.vocabulary import COMPANIONS, LOGICAL_TYPES

CONTRACTS = load_contracts()

# The interface sheets: feed -> (connection, connector, mode, the record key, the columns of a row).
SHEETS = {
    "psb_register": (
        "psb_exchange sql incremental", "RYBH",
        "RYBH GMSFHM XM CYM XB MZ CSRQ PCSDM HH HB YHZGX WHCD HYZK HJDZ BZDZBM LXDH QRRQ ZXBS ZXYY ZXRQ GXSJ",
    ),
    "psb_permit": (
        "psb_exchange sql incremental", "JZZBH",
        "JZZBH GMSFHM XM XB CSRQ HJDQH JZDZ JZSY FWGX SLRQ QZYXQ LXDH ZT GXSJ",
    ),
    "psb_address": ("psb_exchange sql incremental", "DZBM", "DZBM SQDM XQMC LDH DYH SH ZT GXSJ"),
    "edu_enrolment": (
        "edu_drop drop snapshot", "学籍号",
        "学籍号 姓名 性别 出生日期 身份证件号 民族 户口性质 年级 班级 入学年月 就读方式 学籍状态 留守儿童 随迁子女 现住址 监护人1姓名 "
        "监护人1关系 监护人1身份证件号 监护人1电话 监护人2姓名 监护人2关系 监护人2身份证件号 监护人2电话",
    ),
    "health_record": (
        "health_api rest incremental", "archiveNo",
        "archiveNo name idType idNo sex birthday phone address residentType maritalStatus education familyDoctorTeam "
        "in_care status updatedAt",
    ),
    "health_elderly_exam": (
        "health_api rest incremental", "examNo", "examNo archiveNo idNo examDate selfCareGrade nextDueDate updatedAt",
    ),
    "health_child_vaccination": (
        "health_api rest incremental", "childNo",
        "childNo childName childIdNo birthday sex motherName motherIdNo phone address upToDate nextDueDate updatedAt",
    ),
    "civil_assistance_family": (
        "civil_drop drop snapshot", "低保证号",
        "低保证号 户主姓名 户主身份证号 家庭人口数 保障人口数 户月保障金额 低保类别 联系电话 家庭住址 所属社区 最初享受月 状态",
    ),
    "civil_assistance_person": (
        "civil_drop drop snapshot", "低保证号|身份证号/姓名",
        "低保证号 姓名 身份证号 与户主关系 性别 民族 婚姻状况 劳动能力 残疾证号",
    ),
    "civil_disability": (
        "civil_drop drop snapshot", "残疾证号", "残疾证号 姓名 残疾类别 残疾等级 发证日期 有效期至 监护人 联系电话 现住址",
    ),
    "civil_old_age_allowance": ("civil_drop drop snapshot", "身份证号", "身份证号 姓名 档次 享受起始月 停发月 住址"),
    "civil_marriage": (
        "civil_drop drop increment", "登记号", "登记号 登记类别 登记日期 男方姓名 男方身份证号 女方姓名 女方身份证号",
    ),
    "civil_death": ("civil_drop drop increment", "登记号", "登记号 姓名 身份证号 死亡日期 火化日期"),
    "market_entity": (
        "market_api rest incremental", "uscc",
        "uscc legacyRegNo name entityType operatorName operatorIdNo operatorPhone residence premises establishedOn status "
        "partyMemberShop updatedAt",
    ),
    "grid_visit": (
        "grid_api stream incremental", "eventId",
        "seq eventId occurredAt workerId compound building unit room addressText livingStatus phone residents verdicts needs",
    ),
    "grid_request": (
        "grid_api stream incremental", "requestNo",
        "seq eventId requestNo category applicantName applicantPhone addressText matter acceptedAt dispatchedTo "
        "closedAt satisfaction",
    ),
    "org_communities": ("", "community_code", "community_code name town valid_from valid_to"),
    "org_compounds": ("", "compound_id", "compound_id community_code name kind floor_area_m2 valid_from valid_to"),
    "org_compound_aliases": ("", "alias|compound_id", "alias compound_id"),
    "org_buildings": ("", "building_id", "building_id compound_id number units floors rooms_per_floor"),
    "org_grids": ("", "grid_id", "grid_id community_code name valid_from valid_to"),
    "org_grid_buildings": ("", "grid_id|building_id|unit|valid_from", "grid_id building_id unit valid_from valid_to"),
    "org_grid_workers": ("", "worker_id", "worker_id name phone kind grid_id compound_id unit_id valid_from valid_to"),
    "org_liaison_units": ("", "unit_id", "unit_id name department"),
    "org_liaison_compounds": ("", "unit_id|compound_id|valid_from", "unit_id compound_id valid_from valid_to"),
    "org_staff": ("", "staff_id", "staff_id community_code category post valid_from valid_to"),
    "org_budgets": ("", "community_code|year|line", "community_code year line amount_yuan"),
    "org_facilities": (
        "", "facility_id", "facility_id community_code compound_id kind area_m2 staffing acquired_by function_blocks",
    ),
    "org_liaison_roles": (
        "", "role_id", "role_id unit_id compound_id building_id unit role name phone valid_from valid_to",
    ),
    "org_pairings": ("", "role_id|valid_from", "role_id address_text name kind valid_from valid_to"),
}  # fmt: skip

# Whom a row names: (suffix, role) of the keys of the crosswalk.
PERSONS = {
    "psb_register": [("", "holder")],
    "psb_permit": [("", "holder")],
    "edu_enrolment": [("", "holder"), ("#guardian1", "guardian"), ("#guardian2", "guardian")],
    "health_record": [("", "holder")],
    "health_elderly_exam": [("", "holder")],
    "health_child_vaccination": [("", "child"), ("#mother", "mother")],
    "civil_assistance_family": [("", "head")],
    "civil_assistance_person": [("", "member")],
    "civil_disability": [("", "holder")],
    "civil_old_age_allowance": [("", "holder")],
    "civil_marriage": [("#1", "spouse"), ("#2", "spouse")],
    "civil_death": [("", "deceased")],
    "market_entity": [("", "operator")],
    "grid_visit_resident": [("", "resident")],
    "grid_request": [("", "applicant")],
}
FORBIDDEN = {
    "health_record": {"hypertensionCare", "diabetesCare"},
    "civil_assistance_family": {"开户行", "银行账号"},
    "civil_assistance_person": {"健康状况"},
}
ALIASES = {
    "姓名": {"学生姓名"}, "出生日期": {"出生年月日"}, "身份证件号": {"身份证号", "证件号码"}, "现住址": {"家庭住址"},
    "监护人1电话": {"联系电话"},
}  # fmt: skip


def test_every_feed_of_the_sheets_and_no_other():
    assert set(CONTRACTS) == set(SHEETS)


@pytest.mark.parametrize("feed", SHEETS)
def test_the_contract_says_what_the_sheet_says(feed):
    transport, key, columns = SHEETS[feed]
    contract = CONTRACTS[feed]
    assert f"{contract.connection} {contract.connector} {contract.mode}" == (transport or "org_directory drop snapshot")
    assert "|".join("/".join(part) for part in contract.table.key) == key
    assert sorted(contract.source_columns) == sorted(columns.split())


@pytest.mark.parametrize("path", sorted(FEEDS.glob("*.yaml")), ids=lambda path: path.stem)
def test_odcs_accepts_the_file(path):
    assert read_contract(path, strict=True).feed == path.stem


@pytest.mark.parametrize("feed", SHEETS)
def test_forbidden_columns_are_cut_and_what_would_show_them_is_not_kept(feed):
    contract = CONTRACTS[feed]
    assert set(contract.forbidden) == FORBIDDEN.get(feed, set())
    assert contract.keep_unreadable == (feed not in FORBIDDEN)


def test_of_the_two_diseases_only_one_flag_is_landed():
    assert CONTRACTS["health_record"].derive == {"in_care": ("hypertensionCare", "diabetesCare")}


def test_every_person_of_a_row_is_a_mention():
    found = {
        table.name: [(mention.suffix, mention.role) for mention in table.mentions]
        for contract in CONTRACTS.values()
        for table in contract.tables
        if table.mentions
    }
    assert found == PERSONS


def test_the_workbooks_other_headers():
    fields = {field.source: set(field.aliases) for field in CONTRACTS["edu_enrolment"].table.fields}
    assert {source: aliases for source, aliases in fields.items() if aliases} == ALIASES
    assert CONTRACTS["edu_enrolment"].ignored == ("序号",)
    assert CONTRACTS["edu_enrolment"].partition == "sheet"


def test_only_a_whole_building_leaves_a_part_of_the_key_blank():
    blank = {contract.feed: contract.table.blank_key for contract in CONTRACTS.values() if contract.table.blank_key}
    assert blank == {"org_grid_buildings": ("unit",)}


def test_how_a_record_ends_is_said_by_the_contract():
    [register] = CONTRACTS["psb_register"].table.mentions
    assert (register.ended_when, register.dead_when, register.death_date) == (
        {"cancelled": ("true",)}, {"cancel_reason": ("1",)}, "cancelled_on",
    )  # fmt: skip
    [health] = CONTRACTS["health_record"].table.mentions
    assert (health.ended_when, health.dead_when) == ({"status": ("2", "3")}, {"status": ("2",)})
    [allowance] = CONTRACTS["civil_old_age_allowance"].table.mentions
    assert allowance.ended_when == {"stopped_month": ("*",)}
    [permit] = CONTRACTS["psb_permit"].table.mentions
    assert permit.ended_when == {"status": ("3",)}, "a lapsed permit is not a move-out"


def test_companions_come_with_their_columns():
    [holder] = CONTRACTS["civil_disability"].table.mentions
    assert holder.columns == {
        "name": "name", "name_note": "name_note", "former_name": "name_former", "id_embedded": "disability_no_id",
        "phone": "phone", "phone_second": "phone_second",
    }  # fmt: skip
    assert CONTRACTS["psb_register"].table.mentions[0].columns["former_name"] == "former_name"


def test_residents_of_a_visit_live_where_the_visit_was():
    visit = CONTRACTS["grid_visit"]
    [resident] = visit.tables[1].mentions
    assert resident.columns["phone_home"] == "parent.phone", "the visit's contact number is the household's"
    assert visit.tables[1].each == "residents"
    assert resident.dwelling.building == "parent.building"
    assert (resident.group_kind, resident.group_key) == ("visit", ("parent_key",))


def test_monthly_files_name_their_period_and_the_rest_has_an_order():
    for contract in CONTRACTS.values():
        if contract.feed.startswith("org_"):
            assert contract.period_from is None
        elif contract.connector == "drop":
            assert "(?P<period>" in contract.period_from
            assert contract.mode is not Mode.INCREMENTAL
        else:
            assert contract.table.field(contract.order_field).type in ("timestamp", "integer")


def test_schedules_do_not_meet():
    ticks = [contract.schedule for contract in CONTRACTS.values()]
    assert len(set(ticks)) == len(ticks)


def test_every_rule_has_an_id_of_its_own_and_both_languages():
    rules = [rule for contract in CONTRACTS.values() for table in contract.tables for rule in table.rules]
    assert len({rule.id for rule in rules}) == len(rules) > 60
    assert all(rule.title and rule.title_en and not rule.title.isascii() and rule.title_en.isascii() for rule in rules)


def test_the_types_and_companions_are_those_of_the_standards_room():
    from standards.semantic_types import TYPES

    assert set(LOGICAL_TYPES) == set(TYPES)
    made = {name: tuple(kind.companions) for name, kind in TYPES.items() if kind.companions}
    assert {name: set(suffixes) for name, suffixes in made.items()} == {n: set(s) for n, s in COMPANIONS.items()}
