"""Lists inside a row (子表): residents of a visit become rows of their own."""

from __future__ import annotations

import pyarrow as pa
import pytest

from expectations.children import explode
from expectations.verdicts import verdicts_of
from tests.conftest import TODAY


def visit(number: int, residents: object, **cells) -> dict:
    return {"seq": str(number), "eventId": f"E{number}", "occurredAt": "2026-11-18T09:00:00", "residents": residents, **cells}


def judged(small, rows) -> dict:
    return verdicts_of(small.visits, small.landed(small.visits, rows), today=TODAY)


def test_each_resident_is_a_row_with_its_place_in_the_list_as_key(small):
    rows = [visit(1, [{"name": "王芳", "idNo": None, "sex": 2}, {"name": "张伟", "idNo": "11010519491231002X"}]), visit(2, [])]
    residents = judged(small, rows)["small_visit_resident"].accepted.to_pylist()
    assert [(r["record_key"], r["parent_key"], r["name"], r["sex"]) for r in residents] == [
        ("E1#0", "E1", "王芳", "2"),
        ("E1#1", "E1", "张伟", None),
    ]
    assert {(r["source_order"], r["source_time"].isoformat(), r["_row"]) for r in residents} == {
        (1, "2026-11-18T01:00:00+00:00", 1)
    }


def test_a_list_that_can_not_be_read_is_an_issue_of_the_visit_and_loses_no_other(small):
    rows = [visit(1, "[{"), visit(2, {"name": "王芳"}), visit(3, [{"name": "张伟"}]), visit(4, None)]
    verdicts = judged(small, rows)
    assert verdicts["small_visit"].accepted.num_rows == 4
    found = verdicts["small_visit"].issues.select(["record_key", "column_name", "reason", "raw"]).to_pylist()
    assert [tuple(f.values()) for f in found] == [
        ("E1", "residents", "json.invalid", "[{"),
        ("E2", "residents", "json.not_a_list", '{"name": "王芳"}'),
    ]
    assert verdicts["small_visit_resident"].accepted["record_key"].to_pylist() == ["E3#0"]


@pytest.mark.parametrize("element", [None, 5, "王芳", ["王芳"]])
def test_an_element_that_is_no_person_is_said_and_its_neighbours_keep_their_keys(small, element):
    verdict = judged(small, [visit(1, [element, {"name": "张伟"}])])["small_visit_resident"]
    assert verdict.accepted["record_key"].to_pylist() == ["E1#1"]
    [issue] = verdict.issues.to_pylist()
    assert (issue["record_key"], issue["reason"], issue["severity"]) == ("E1#0", "json.not_an_object", "critical")


def test_residents_go_with_a_quarantined_visit(small):
    verdicts = judged(small, [visit(1, [{"name": "王芳"}], eventId=""), visit(2, [{"name": "张伟"}])])
    assert verdicts["small_visit"].quarantined["_row"].to_pylist() == [1]
    assert verdicts["small_visit_resident"].accepted["record_key"].to_pylist() == ["E2#0"]


def test_what_a_resident_says_is_part_of_the_visits_content(small):
    one, two = (judged(small, [visit(1, [{"name": n}])])["small_visit"].accepted["content_hash"][0] for n in ("王芳", "王方"))
    assert one != two


def test_a_thousand_lists_keep_their_order(small):
    rows = [visit(n, [{"name": f"王{n}"}, {"name": f"张{n}"}]) for n in range(1000)]
    made = explode(small.landed(small.visits, rows).records(), small.visits.tables[1], small.visits)
    assert made["_key"].to_pylist() == [f"E{n}#{i}" for n in range(1000) for i in (0, 1)]
    assert isinstance(made, pa.Table) and made["name"].to_pylist()[:2] == ["王0", "张0"]


def test_unreadable_lists_among_many_harm_none(small):
    rows = [visit(n, "[{" if n % 3 else [{"name": f"王{n}"}]) for n in range(9000)]
    made = explode(small.landed(small.visits, rows).records(), small.visits.tables[1], small.visits)
    assert made["_key"].to_pylist() == [f"E{n}#0" for n in range(0, 9000, 3)]
