"""Who is handed which rows and columns, and what counts as a change: small tables in, rows out."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from contracts.agreements import Agreement, Dataset, GrantedField
from publish import datasets
from publish.deltas import TABLES, compare
from publish.recipients import Party, parties

WANG, LI = "130731198005120017", "130731197001010025"
TYPES = {
    "person_id": "VARCHAR",
    "name": "VARCHAR",
    "id_number": "VARCHAR",
    "owner": "VARCHAR",
    "own_subject": "VARCHAR[]",
    "grid_id": "VARCHAR",
    "community_code": "VARCHAR",
}
BOOKS = ("row_key", "content_hash", "row_hash")
ROWS = [
    ("P1", "王建国", WANG, "health", ["health", "public_security"], "G01", "C1"),
    ("P2", "李娜", LI, "education", ["education"], "G02", "C1"),
]
FIELDS = (
    GrantedField("person_id", "none", "人员编号"),
    GrantedField("name", "none", "姓名"),
    GrantedField("id_number", "id_masked", "公民身份号码", "own"),
)  # fmt: skip

QUERY = datasets.Query("people", "", ("person_id",), (), TYPES)


@pytest.fixture
def con():
    with duckdb.connect() as made:
        made.execute(
            "CREATE TABLE held (recipient VARCHAR, dataset VARCHAR, row_key VARCHAR, content_hash VARCHAR, row_hash BIGINT)"
        )
        made.execute(TABLES)
        made.execute("SET VARIABLE day = DATE '2026-11-20'")
        fill(made, ROWS)
        yield made


def fill(con: duckdb.DuckDBPyConnection, rows: list[tuple]) -> None:
    con.execute("CREATE OR REPLACE TEMP TABLE raw (" + ", ".join(f"{n} {t}" for n, t in TYPES.items()) + ")")
    con.executemany("INSERT INTO raw VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    con.execute(f"CREATE OR REPLACE TABLE dataset_people AS SELECT *, {datasets.stamped(QUERY)} FROM raw")


def agreement(recipient: str, scope: str, fields=FIELDS, kind: str = "department") -> Agreement:
    days = date(2026, 1, 1), date(2026, 12, 31)
    dataset = Dataset("people", "人员", scope, tuple(fields))
    return Agreement(
        recipient,
        kind,
        "甲",
        "A",
        "1.0.0",
        "用途",
        ("依据",),
        ("条件",),
        "有条件共享",
        "daily",
        "file",
        *days,
        (dataset,),
    )


def handed(con, one: Agreement, recipients: dict | None = None) -> list[dict]:
    party = Party(one, {one.recipient: one} if recipients is None else recipients)
    table = compare(con, party, one.dataset("people"), QUERY)
    rows = con.sql(f"SELECT * FROM {table}").to_arrow_table().to_pylist()
    return rows


def holds(con, rows: list[dict]) -> None:
    """The recipients now hold those rows."""
    for row in rows:
        con.execute(
            "INSERT INTO held VALUES (?, 'people', ?, ?, ?)",
            [row[name] for name in ("recipient", "row_key", "content_hash", "row_hash")],
        )


def cells(rows: list[dict]) -> list[tuple]:
    return [tuple(v for k, v in row.items() if k not in BOOKS) for row in rows]


def test_all_rows_go_to_a_recipient_of_scope_all_with_others_people_masked(con) -> None:
    assert cells(handed(con, agreement("education", "all"))) == [
        ("education", "新增", "P1", "王建国", "130731********0017"),
        ("education", "新增", "P2", "李娜", LI),
    ]


def test_only_its_own_records_go_to_a_recipient_of_scope_own(con) -> None:
    assert cells(handed(con, agreement("health", "own"))) == [("health", "新增", "P1", "王建国", WANG)]
    assert handed(con, agreement("market_regulation", "own")) == []


def test_a_column_no_agreement_names_does_not_leave(con) -> None:
    rows = handed(con, agreement("health", "all", FIELDS[:2]))
    assert set(rows[0]) - {"recipient", "change", *BOOKS} == {"person_id", "name"}


def test_each_grid_gets_its_own_people_and_a_grid_of_no_agreement_nothing(con) -> None:
    template = agreement("grids", "unit", kind="grid")
    made = {f"grid-{unit}": template.made_for(unit) for unit in ("G01", "G09")}
    assert cells(handed(con, template, made)) == [("grid-G01", "新增", "P1", "王建国", "130731********0017")]


def test_a_template_is_made_for_every_unit_that_is_valid_today(con) -> None:
    con.execute("CREATE TABLE grid_row (grid_id VARCHAR, starts_on DATE, ends_on DATE)")
    days = [
        ("G01", None, None),
        ("G02", "2026-11-20", None),
        ("G03", "2026-11-21", None),
        ("G04", "2020-01-01", "2026-11-20"),
    ]
    con.executemany("INSERT INTO grid_row VALUES (?, ?, ?)", days)
    (party,) = parties(con, [agreement("grids", "unit", kind="grid")])
    assert list(party.recipients) == ["grid-G01", "grid-G02"]


def test_what_is_held_already_is_not_handed_again(con) -> None:
    holds(con, handed(con, agreement("education", "all")))
    assert handed(con, agreement("education", "all")) == []


def test_a_changed_row_is_handed_as_changed_and_a_new_one_as_added(con) -> None:
    holds(con, handed(con, agreement("education", "all")))
    fill(con, [ROWS[0], ("P2", "李那", *ROWS[1][2:]), ("P3", "赵六", None, "health", [], "G01", "C1")])
    assert cells(handed(con, agreement("education", "all"))) == [
        ("education", "变更", "P2", "李那", LI),
        ("education", "新增", "P3", "赵六", None),
    ]


def test_a_change_the_mask_hides_is_no_change(con) -> None:
    mine = agreement("market_regulation", "all")
    holds(con, handed(con, mine))
    fill(con, [("P1", "王建国", "130731198005990017", *ROWS[0][3:]), ROWS[1]])
    assert handed(con, mine) == []


def test_a_removed_row_holds_its_key_and_nothing_else(con) -> None:
    holds(con, handed(con, agreement("education", "all")))
    fill(con, ROWS[1:])
    assert cells(handed(con, agreement("education", "all"))) == [("education", "删除", "P1", None, None)]


def test_a_person_who_moves_leaves_one_grid_and_arrives_in_the_other(con) -> None:
    template = agreement("grids", "unit", kind="grid")
    made = {f"grid-{unit}": template.made_for(unit) for unit in ("G01", "G02")}
    holds(con, handed(con, template, made))
    fill(con, [(*ROWS[0][:5], "G02", "C1"), ROWS[1]])
    assert [row[:3] for row in cells(handed(con, template, made))] == [
        ("grid-G01", "删除", "P1"),
        ("grid-G02", "新增", "P1"),
    ]


def test_what_one_recipient_holds_is_nothing_to_another(con) -> None:
    holds(con, handed(con, agreement("education", "all")))
    assert len(handed(con, agreement("market_regulation", "all"))) == 2


def test_a_granted_column_the_query_lacks_is_an_error_that_names_it() -> None:
    one = agreement("health", "all", (*FIELDS, GrantedField("phone", "phone_masked", "联系电话")))
    with pytest.raises(datasets.DatasetError, match="health: people: the query lacks the column phone"):
        datasets.check(one, one.dataset("people"), QUERY)


def test_a_dataset_whose_rows_could_not_be_told_apart_is_refused() -> None:
    one = agreement("health", "all", FIELDS[1:])
    with pytest.raises(datasets.DatasetError, match="one of person_id is expected in clear"):
        datasets.check(one, one.dataset("people"), datasets.Query("people", "", ("person_id",), (), TYPES))


def test_a_value_that_moves_to_the_next_column_is_a_change(con) -> None:
    fields = (
        GrantedField("person_id", "none", "人员编号"),
        GrantedField("name", "none", "姓名"),
        GrantedField("owner", "none", "部门"),
    )
    one = agreement("health", "all", fields)
    fill(con, [("P1", "甲", None, None, [], None, None)])
    before = handed(con, one)
    fill(con, [("P1", None, None, "甲", [], None, None)])
    assert before[0]["content_hash"] != handed(con, one)[0]["content_hash"]


def test_a_row_that_is_the_same_bit_by_bit_is_not_looked_at(con) -> None:
    rows = handed(con, agreement("education", "all"))
    holds(con, [row | {"content_hash": "of an older rule of masking"} for row in rows])
    assert handed(con, agreement("education", "all")) == []
    assert con.execute("SELECT count(*) FROM row_again").fetchall() == [(0,)]


def test_another_grant_or_mask_makes_every_row_be_looked_at(con) -> None:
    holds(con, handed(con, agreement("education", "all")))
    strict = (*FIELDS[:1], GrantedField("name", "name_initial", "姓名"), *FIELDS[2:])
    assert [row["name"] for row in handed(con, agreement("education", "all", strict))] == ["王*", "李*"]


def test_what_differs_only_behind_the_mask_is_known_again_next_time(con) -> None:
    holds(con, handed(con, agreement("market_regulation", "all")))
    fill(con, [("P1", "王建国", WANG[:-4] + "0017", "health", ["health"], "G09", "C9"), ROWS[1]])
    assert handed(con, agreement("market_regulation", "all")) == []
    (again,) = con.execute("SELECT recipient, dataset, row_key, row_hash FROM row_again").fetchall()
    assert again[:3] == ("market_regulation", "people", '["P1"]')
    con.execute("UPDATE held SET row_hash = ? WHERE row_key = ?", [again[3], again[2]])
    con.execute("DELETE FROM row_again")
    assert handed(con, agreement("market_regulation", "all")) == []
    assert con.execute("SELECT count(*) FROM row_again").fetchall() == [(0,)]
