"""Who is on which list: the queries of the extracts on small tables, as of 20 November 2026."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from publish.datasets import FOLDER, read_query

COLUMNS = {
    "living": "person_id VARCHAR, name VARCHAR, sex VARCHAR, birth_date DATE, id_number VARCHAR, alive BOOLEAN, own_subject VARCHAR[], "
    "household_id VARCHAR, basis VARCHAR, confidence DOUBLE, since DATE, dwelling_id VARCHAR, community_code VARCHAR, community VARCHAR, "
    "compound VARCHAR, building VARCHAR, unit VARCHAR, room VARCHAR, grid_id VARCHAR",
    "person": "person_id VARCHAR, name VARCHAR, sex VARCHAR, birth_date DATE, id_number VARCHAR, alive BOOLEAN, own_subject VARCHAR[]",
    "fact": "person_id VARCHAR, feed VARCHAR, record_key VARCHAR, base_key VARCHAR, role VARCHAR, own BOOLEAN, ended BOOLEAN, source_time TIMESTAMPTZ",
    "feed": "feed VARCHAR, title VARCHAR, department VARCHAR",
    "registered": "person_id VARCHAR, r STRUCT(station_code VARCHAR, household_no VARCHAR, register_address VARCHAR, dwelling_id VARCHAR)",
    "last_seen": "dwelling_id VARCHAR, visited_on DATE, living_status VARCHAR, people_met_on DATE",
    "place": "dwelling_id VARCHAR, community VARCHAR, compound VARCHAR, building VARCHAR, unit VARCHAR, room VARCHAR",
    "archive": "feed VARCHAR, record_key VARCHAR, person_id VARCHAR, owner VARCHAR, community_code VARCHAR",
    "benefit": "feed VARCHAR, record_key VARCHAR, person_id VARCHAR, owner VARCHAR, community_code VARCHAR",
    "community": "community_code VARCHAR, community VARCHAR",
    "gone": "person_id VARCHAR, moved_on DATE",
    "life": "person_id VARCHAR, died_on DATE, sources VARCHAR[]",
    "assisted": "person_id VARCHAR, card_no VARCHAR",
    "entity": "record_key VARCHAR, uscc VARCHAR, entity_name VARCHAR, established_on DATE, status VARCHAR, premises VARCHAR",
    "household": "household_id VARCHAR, community_code VARCHAR, community VARCHAR, grid_id VARCHAR, compound VARCHAR, building VARCHAR, "
    "unit VARCHAR, room VARCHAR, last_visit_on DATE, conflicts INTEGER, services_due VARCHAR[], tags VARCHAR[], "
    "requests STRUCT(request VARCHAR, category VARCHAR, accepted VARCHAR)[]",
    "member": "household_id VARCHAR, person_id VARCHAR, name VARCHAR, birth_date DATE, services_due VARCHAR[], uncertain BOOLEAN",
    "dispute": "household_id VARCHAR, person_id VARCHAR, attribute VARCHAR",
    "exam": "record_key VARCHAR, next_due_on DATE",
    "vaccination": "record_key VARCHAR, up_to_date BOOLEAN, next_due_on DATE",
    "label": "list VARCHAR, code VARCHAR, zh VARCHAR",
}


class County:
    """The views a dataset sees, empty until a test says otherwise; ``list_of`` runs a dataset."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con = con
        con.execute("SET VARIABLE day = DATE '2026-11-20'")
        for table, columns in COLUMNS.items():
            con.execute(f"CREATE TABLE {table} ({columns})")
        self.put("feed", feed="health_record", title="居民健康档案", department="health")
        for code, name in (("C1", "轩辕"), ("C2", "东关")):
            self.put("community", community_code=code, community=name)

    def put(self, table: str, **cells) -> None:
        listed, marks = ", ".join(cells), ", ".join("?" for _ in cells)
        self.con.execute(f"INSERT INTO {table} ({listed}) VALUES ({marks})", list(cells.values()))

    def person(self, person: str, born: str = "1980-01-01", **cells) -> None:
        """Someone who lives at D1 in community C1."""
        here = {
            "basis": "visit",
            "since": date(2026, 10, 1),
            "dwelling_id": "D1",
            "community_code": "C1",
            "community": "轩辕",
        }
        who = {"person_id": person, "birth_date": born, "alive": True, "own_subject": []}
        self.put("person", **who)
        self.put("living", **(who | here | cells))

    def record(self, person: str, feed: str, role: str = "holder", **cells) -> None:
        key = f"{feed}-{person}"
        self.put(
            "fact",
            **(
                {
                    "person_id": person,
                    "feed": feed,
                    "record_key": key,
                    "base_key": key,
                    "role": role,
                    "own": True,
                    "ended": False,
                }
                | cells
            ),
        )

    def register(self, person: str, dwelling: str | None) -> None:
        """The register has the person in household 1, at that dwelling."""
        place = {"station_code": "S", "household_no": "1", "register_address": "某处", "dwelling_id": dwelling}
        self.put("registered", person_id=person, r=place)

    def list_of(self, dataset: str, *columns: str) -> list:
        rows = self.con.execute(f"SELECT {', '.join(columns)} FROM ({read_query(dataset).sql}) ORDER BY ALL").fetchall()
        return [row[0] if len(columns) == 1 else row for row in rows]


@pytest.fixture
def county():
    with duckdb.connect() as con:
        yield County(con)


def test_a_child_of_the_age_of_compulsory_schooling_without_a_pupil_record_in_force_is_told_to_education(county: County) -> None:
    """As of 20 November 2026: six before 1 September 2026, not yet 16."""
    born = {"3岁": "2023-01-01", "9月满6岁": "2020-09-01", "8月满6岁": "2020-08-31", "15岁": "2010-11-21", "满16岁": "2010-11-20"}
    for person, day in (born | {"在读": "2015-01-01", "转出": "2015-01-01"}).items():
        county.person(person, day)
    county.record("在读", "edu_enrolment")
    county.record("转出", "edu_enrolment", ended=True)
    assert county.list_of("children_not_enrolled", "person_id") == ["15岁", "8月满6岁", "转出"]


def test_before_september_the_last_school_year_counts(county: County) -> None:
    county.con.execute("SET VARIABLE day = DATE '2026-08-31'")
    county.person("去年满6岁", "2019-08-31")
    county.person("今年满6岁", "2020-05-01")
    assert county.list_of("children_not_enrolled", "person_id") == ["去年满6岁"]


def test_being_a_pupils_guardian_is_no_enrolment(county: County) -> None:
    county.person("孩子", "2012-01-01")
    county.record("孩子", "edu_enrolment", "guardian", own=False)
    assert county.list_of("children_not_enrolled", "person_id") == ["孩子"]


def test_the_old_are_listed_from_60_in_three_groups(county: County) -> None:
    born = {
        "59": "1966-11-21",
        "60": "1966-11-20",
        "64": "1961-11-21",
        "65": "1961-11-20",
        "79": "1946-11-21",
        "80": "1946-11-20",
    }
    for person, day in born.items():
        county.person(person, day)
    assert county.list_of("elderly_60_plus", "person_id", "age_group") == [
        ("60", "60-64岁"), ("64", "60-64岁"), ("65", "65-79岁"), ("79", "65-79岁"), ("80", "80岁及以上"),
    ]  # fmt: skip


def test_who_stands_neither_in_the_register_nor_on_a_permit_in_force_is_unregistered(county: County) -> None:
    for person in ("登记", "居住证", "过期", "无"):
        county.person(person)
        county.record(person, "health_record")
    county.record("登记", "psb_register")
    county.record("居住证", "psb_permit")
    county.record("过期", "psb_permit", ended=True)
    assert county.list_of("unregistered_residents", "person_id", "sources") == [
        ("无", ["居民健康档案"]),
        ("过期", ["居民健康档案"]),
    ]


def test_who_lives_elsewhere_than_registered_is_separated_unless_only_the_register_says_where(county: County) -> None:
    told = {"异地": ("D2", "visit"), "一致": ("D1", "visit"), "不明": (None, "visit"), "仅户籍": ("D2", "register")}
    for person, (registered_at, basis) in told.items():
        county.person(person, basis=basis)
        county.register(person, registered_at)
    assert county.list_of("separated_residence", "person_id", "household_no", "since") == [
        ("异地", "1", date(2026, 10, 1))
    ]


@pytest.mark.parametrize(
    ("status", "told"),
    [("empty", "走访为空置（2026-09-01）"), ("separated", "走访为人户分离（2026-09-01）"), ("owned", None)],
)
def test_a_dwelling_with_a_register_household_where_a_visit_found_nobody_is_vacated(
    county: County, status: str, told: str | None
) -> None:
    county.register("P1", "D9")
    county.put(
        "last_seen", dwelling_id="D9", visited_on=date(2026, 9, 1), living_status=status, people_met_on=date(2025, 1, 1)
    )
    assert county.list_of("vacated_dwellings", "reason", "last_seen_on") == ([(told, date(2025, 1, 1))] if told else [])


def test_a_dwelling_someone_moved_into_since_is_not_vacated(county: County) -> None:
    county.register("P1", "D1")
    county.put("last_seen", dwelling_id="D1", visited_on=date(2026, 9, 1), living_status="empty", people_met_on=None)
    county.person("P2")  # lives there since 1 October
    assert county.list_of("vacated_dwellings", "household_no") == []


def test_a_record_kept_in_another_community_has_moved_if_more_than_its_own_address_says_so(county: County) -> None:
    for person, basis, kept_in in (
        ("搬家", "visit", "C2"),
        ("未搬", "visit", "C1"),
        ("本部门", "health", "C2"),
        ("只凭户籍", "register", "C2"),
    ):
        county.person(person, basis=basis)
        county.put(
            "archive", feed="health_record", record_key=person, person_id=person, owner="health", community_code=kept_in
        )
    assert county.list_of("moved", "record_key", "from_community", "to_community", "owner") == [
        ("搬家", "东关", "轩辕", "health")
    ]


def test_who_left_the_county_by_the_register_has_moved_out(county: County) -> None:
    county.put("person", person_id="迁出", alive=True, own_subject=[])
    county.put("gone", person_id="迁出", moved_on=date(2026, 6, 1))
    county.put("archive", feed="health_record", record_key="A", person_id="迁出", owner="health", community_code="C2")
    assert county.list_of("moved", "record_key", "to_community", "moved_on") == [("A", "迁出本县", date(2026, 6, 1))]


def test_a_department_is_told_who_died_by_whom_and_when(county: County) -> None:
    for person, alive in (("亡", False), ("在", True)):
        county.put("person", person_id=person, alive=alive, own_subject=["health"])
        county.put("archive", feed="health_record", record_key=person, person_id=person, owner="health")
        county.put("life", person_id=person, died_on=date(2026, 3, 1), sources=["死亡火化"])
    assert county.list_of("dead", "feed", "record_key", "died_on", "sources") == [
        ("居民健康档案", "亡", date(2026, 3, 1), ["死亡火化"])
    ]


def test_who_turns_80_within_a_month_and_draws_nothing_yet_is_told_to_civil_affairs(county: County) -> None:
    for person, born in (
        ("明天", "1946-11-21"),
        ("上月", "1946-10-25"),
        ("明年", "1947-11-20"),
        ("已领", "1946-11-21"),
    ):
        county.person(person, born)
    county.put("benefit", feed="civil_old_age_allowance", record_key="N1", person_id="已领", owner="civil_affairs")
    assert county.list_of("turning_80", "person_id", "turns_80_on") == [
        ("上月", date(2026, 10, 25)),
        ("明天", date(2026, 11, 21)),
    ]


def test_a_shop_founded_within_a_year_by_one_on_assistance_is_a_hint(county: County) -> None:
    for person, founded, status in (
        ("新办", "2026-06-01", "active"),
        ("早办", "2020-06-01", "active"),
        ("已注销", "2026-06-01", "cancelled"),
    ):
        county.person(person)
        county.put("assisted", person_id=person, card_no="DB1")
        county.record(person, "market_entity", "operator", own=False)
        county.put(
            "entity",
            record_key=f"market_entity-{person}",
            uscc=person,
            entity_name="甲",
            established_on=founded,
            status=status,
        )
    assert county.list_of("new_shop_in_assisted_family", "card_no", "uscc", "owner") == [
        ("DB1", "新办", "civil_affairs")
    ]


def test_a_grid_worker_is_given_visits_overdue_services_due_open_requests_and_values_to_verify(county: County) -> None:
    kinds = {"visit": "入户走访", "verify": "信息核实", "request": "在办事项", "elderly_examination": "老年人体检"}
    for code, name in kinds.items():
        county.put("label", list="service_due", code=code, zh=name)
    asked = [{"request": "Q1", "category": "社保", "accepted": "2026-11-01"}]
    county.put("household", household_id="R1", last_visit_on="2026-05-24", requests=[])  # 180 days ago
    county.put("household", household_id="R2", last_visit_on="2026-05-25", requests=asked)
    county.put("household", household_id="R3", last_visit_on=None, requests=[])
    due = ["elderly_examination"]
    county.put("member", household_id="R2", person_id="P1", birth_date="1950-05-12", services_due=due, uncertain=True)
    county.record("P1", "health_elderly_exam")
    county.put("exam", record_key="health_elderly_exam-P1", next_due_on="2026-11-01")
    for attribute, title in (("sex", "性别"), ("marital_status", "婚姻状况"), ("birth_date", "出生日期")):
        county.put("label", list="attribute", code=attribute, zh=title)
        county.put("dispute", household_id="R2", person_id="P1", attribute=attribute)
    assert county.list_of("tasks_due", "household_id", "kind", "person_id", "due_on", "reason") == [
        ("R1", "入户走访", None, date(2026, 11, 20), "超过180天未走访"),
        (
            "R2",
            "信息核实",
            "P1",
            None,
            "出生日期、性别：各部门不一致",
        ),  # marital status is none of a grid worker's questions
        ("R2", "信息核实", "P1", None, "是否住在此处"),
        ("R2", "在办事项", None, None, "社保"),
        ("R2", "老年人体检", "P1", date(2026, 11, 1), "体检到期"),
        ("R3", "入户走访", None, None, "尚无走访记录"),
    ]


def test_a_communitys_own_line_adds_up_its_grids(county: County) -> None:
    for person, grid in (("1", "G1"), ("2", "G1"), ("3", "G2"), ("4", None)):
        county.person(person, grid_id=grid, sex="男")
    found = county.con.execute(
        f"SELECT grid_id, value FROM ({read_query('population_by_grid').sql}) WHERE indicator = '常住人口' ORDER BY ALL"
    ).fetchall()
    assert found == [("G1", 2), ("G2", 1), ("合计", 4), ("未划入网格", 1)]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.sql")), ids=lambda path: path.stem)
def test_a_query_opens_with_its_name_and_states_its_key(path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith(f"-- {path.stem} — ") and read_query(path.stem).key
