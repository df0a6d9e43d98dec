"""Cluster health on small tables: what must be found, and what must not be taken for it. Every person here is invented."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest

from linkage.health import combine, judge
from linkage.limits import load_limits
from linkage.model import ModelError

SCHEMA = pa.schema(
    [(c, pa.string()) for c in ("person_id", "rule", "feed", "record_key", "name", "sex", "id_number", "id_text", "id_embedded", "phone", "dwelling_id", "ref_feed", "ref_key")]
    + [("probability", pa.float64()), ("birth_date", pa.date32()), ("ended", pa.bool_())]
)  # fmt: skip
NO_ALIAS = pa.table({"id_number": pa.array([], pa.string()), "canonical": pa.array([], pa.string())})
LI, ZHAO, CHILD = "130731195603120024", "130731194802290013", "130731201708250391"


def record(person: str, feed: str, key: str, name: str | None = None, **more) -> dict:
    number = more.get("id_number")
    return dict.fromkeys(SCHEMA.names) | {"person_id": person, "feed": feed, "record_key": key, "name": name, "probability": 1.0,
                                          "rule": "same_valid_id" if number else "name_phone", "ended": False} | more  # fmt: skip


def found(rows: list[dict], aliases: pa.Table = NO_ALIAS) -> dict[str, tuple[str, ...]]:
    """Check → person ids, of the checks that found somebody."""
    health = judge(pa.Table.from_pylist(rows, SCHEMA), aliases)
    return {check.name: check.examples for check in health.checks if check.persons}


def test_two_numbers_of_two_people_in_one_person_are_an_alarm():
    rows = [record("P1", "psb_register", "R1", "李秀兰", id_number=LI), record("P1", "health_record", "H1", "李秀兰", id_number=ZHAO)]
    health = judge(pa.Table.from_pylist(rows, SCHEMA), NO_ALIAS)
    check = next(check for check in health.checks if check.name == "two_valid_ids")
    assert (check.persons, check.allowed, check.alarm, check.examples) == (1, 0, True, ("P1",))
    assert "two_birth_dates" in found(rows)  # the dates in the two numbers


def test_a_number_corrected_into_another_is_one_number():
    rows = [record("P1", "psb_register", "R1", "李秀兰", id_number=LI), record("P1", "health_record", "H1", "李秀兰", id_number=ZHAO)]
    assert found(rows, pa.table({"id_number": [ZHAO], "canonical": [LI]})) == {}


def test_a_mothers_number_in_a_pupils_row_is_not_the_pupils():
    beside = {"birth_date": date(2017, 8, 25), "sex": "1"}
    assert found([
        record("P1", "psb_register", "R1", "郑锦霖", id_number=CHILD, **beside),
        record("P1", "edu_enrolment", "G1", "郑锦霖", id_number=LI, id_embedded=CHILD, **beside),
    ]) == {}  # fmt: skip


def test_a_number_that_linked_nothing_is_not_held_against_anybody():
    assert found([
        record("P1", "psb_register", "R1", "李秀兰", id_number=LI),
        record("P1", "health_record", "H1", "李秀兰", id_number=ZHAO, rule="name_birth_phone"),
    ]) == {}  # fmt: skip


def test_two_living_register_rows_of_two_numbers_are_an_alarm_one_number_twice_is_only_counted():
    two = [record("P1", "psb_register", "R1", "李秀兰", id_number=LI), record("P1", "psb_register", "R2", "李秀兰", rule="weight")]
    assert found(two)["two_register_rows"] == ("P1",)
    assert "two_register_rows" not in found([two[0], two[1] | {"ended": True}])
    twice = judge(pa.Table.from_pylist([two[0], two[0] | {"record_key": "R2"}], SCHEMA), NO_ALIAS)
    assert twice.twice_registered == 1 and not any(check.persons for check in twice.checks)


@pytest.mark.parametrize(("other", "apart"), [
    (date(1956, 3, 21), False),  # two digits swapped
    (date(1956, 4, 9), False),  # the old calendar
    (date(1956, 1, 1), False),  # only the year was known
    (date(1971, 11, 30), True),
])  # fmt: skip
def test_two_birth_dates_count_where_they_cannot_be_one_persons(other, apart):
    rows = [record("P1", "health_record", "H1", "李秀兰", birth_date=date(1956, 3, 12)), record("P1", "grid_visit", "V1", "李秀兰", birth_date=other)]
    assert ("two_birth_dates" in found(rows)) == apart


@pytest.mark.parametrize(("rule", "counts"), [("masked_id_name", False), ("id_typo_name", False), ("weight", True), ("decided_same", True)])
def test_a_date_beside_a_number_that_linked_the_record_is_a_slip(rule, counts):
    rows = [record("P1", "health_record", "H1", "李秀兰", id_number=LI), record("P1", "grid_visit", "V1", "李秀兰", birth_date=date(1971, 11, 30), rule=rule)]
    assert ("two_birth_dates" in found(rows)) == counts


def two_groups(name: str = "王秀芝") -> list[dict]:
    """Two records of one woman, two of another; the third link of the four joined them."""
    return [
        record("P1", "psb_register", "R1", "李秀兰", id_number=LI, phone="13931300001"),
        record("P1", "health_record", "H1", "李秀兰", id_number=LI),
        record("P1", "grid_visit", "V1", name, phone="13931300009", rule="weight", probability=0.986),
        record("P1", "health_child_vaccination", "C1#mother", name, phone="13931300009"),
    ]


def test_two_groups_that_agree_each_among_themselves_are_a_bridge():
    assert found(two_groups()) == {"bridge": ("P1",)}


def test_a_name_typed_by_ear_is_no_bridge():
    assert found([row | {"phone": "13931300001"} for row in two_groups("李秀蓝")]) == {}


def test_one_record_apart_or_two_of_one_feed_are_no_group_of_their_own():
    assert found(two_groups()[:3]) == {}
    assert found([*two_groups()[:3], two_groups()[3] | {"feed": "grid_visit", "record_key": "V2"}]) == {}


def test_an_examination_without_a_name_speaks_for_nobody():
    exam = record("P1", "health_elderly_exam", "E1", ref_feed="health_record", ref_key="H2", rule="reference")
    archive = record("P1", "health_record", "H2", "王秀芝", rule="weight")
    assert found([*two_groups()[:2], archive, exam]) == {}


def test_a_masked_number_holds_a_record_to_its_person():
    masked = [row | {"id_text": LI[:6] + "********" + LI[14:]} for row in two_groups()[2:]]
    assert found([*two_groups()[:2], *masked]) == {}


def test_persons_that_hang_on_weak_links_are_counted_against_a_share():
    rows = [record(f"P{k}", feed, f"{feed}{k}", "李秀兰", phone="13931300001", probability=0.986) for k in range(3) for feed in ("grid_visit", "grid_request", "health_record")]
    strong = [record(f"P{k}", "grid_visit", f"x{k}", "王芳") for k in range(10, 190)]
    health = judge(pa.Table.from_pylist(rows + strong, SCHEMA), NO_ALIAS)
    weak = next(check for check in health.checks if check.name == "weak")
    assert (weak.persons, weak.allowed, weak.alarm) == (3, 2, True) and weak.examples == ("P0", "P1", "P2")
    with_number = [row | {"id_number": LI, "rule": "same_valid_id"} if row["feed"] == "grid_visit" else row for row in rows]
    assert "weak" not in found(with_number)


def test_a_person_that_attracts_everybody_is_an_alarm_and_sizes_add_up():
    rows = [record("P1", "grid_visit", f"V{k}", "无名氏", phone="13800000000") for k in range(61)] + [record("P2", "grid_visit", "W", "王芳")]
    health = judge(pa.Table.from_pylist(rows, SCHEMA), NO_ALIAS)
    assert {check.name for check in health.checks if check.alarm} == {"largest_person"} and health.largest == 61
    assert health.sizes["51+"] == 1 and health.sizes["1"] == 1 and sum(health.sizes.values()) == health.persons == 2


def test_parts_that_share_no_person_add_up_to_the_whole():
    rows = two_groups() + [row | {"person_id": "P2", "record_key": row["record_key"] + "b"} for row in two_groups()] + [record("P3", "grid_visit", "W", "王芳")]
    parts = [[r for r in rows if (r["person_id"] == "P2") == second] for second in (False, True)]
    whole = judge(pa.Table.from_pylist(rows, SCHEMA), NO_ALIAS)
    assert combine([judge(pa.Table.from_pylist(part, SCHEMA), NO_ALIAS) for part in parts]) == whole


def test_an_empty_warehouse_is_healthy():
    health = judge(SCHEMA.empty_table(), NO_ALIAS)
    assert health.persons == 0 and health.largest == 0 and not any(check.alarm for check in health.checks)


def test_a_limit_without_a_reason_is_refused(tmp_path):
    file = tmp_path / "limits.yaml"
    file.write_text("limits:\n  psi: {value: 0.25}\n", encoding="utf-8")
    with pytest.raises(ModelError, match="limits.yaml: psi"):
        load_limits(file)
    assert all(len(limit.reason) > 20 for limit in load_limits().values())
