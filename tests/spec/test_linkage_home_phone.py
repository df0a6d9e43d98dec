"""A household's telephone (家庭联系电话) is evidence for whoever lives there; a number many households gave is none."""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from tests.linkage_world import MENTIONS, linked

WITH_HOME = MENTIONS.append(pa.field("phone_home", pa.string()))


def visit(event: str, *names: str, **more) -> list[dict]:
    shared = {"feed": "grid_visit", "table_name": "grid_visit_resident", "role": "resident", "group_kind": "visit", "group_key": event}
    keys = [f"{event}#{n}" for n in range(len(names))]
    return [shared | {"record_key": key, "base_key": key, "name": name} | more for key, name in zip(keys, names, strict=True)]


def request(key: str, name: str, phone: str) -> dict:
    return {"feed": "grid_request", "table_name": "grid_request", "role": "applicant", "record_key": key, "base_key": key, "name": name, "phone": phone}


def people(rows: list[dict]) -> dict[str, str]:
    plain = {"dead": False, "ended": False}
    links = linked(pa.Table.from_pylist([plain | row for row in rows], WITH_HOME)).links.to_pylist()
    return {link["record_key"]: link["person_id"] for link in links}


def test_an_applicant_is_known_by_name_and_the_telephone_a_visit_noted_for_the_household() -> None:
    found = people([*visit("V1", "王建国", "刘秀英", phone_home="13931300001"), request("Q1", "刘秀英", "13931300001"), request("Q2", "王建军", "13931300001")])
    assert found["Q1"] == found["V1#1"]
    assert found["Q2"] not in (found["V1#0"], found["V1#1"])


def test_the_worker_who_leaves_his_own_number_everywhere_links_nobody() -> None:
    visits = [row for n in range(6) for row in visit(f"V{n}", ("王建国", "赵一", "钱二", "孙三", "李四", "周五")[n], phone_home="13800000000")]
    found = people([*visits, request("Q1", "王建国", "13800000000")])
    assert found["Q1"] != found["V0#0"]


def test_a_name_written_by_ear_under_the_same_telephone_is_one_person() -> None:
    holder = {"feed": "health_record", "table_name": "health_record", "role": "holder", "record_key": "H1", "base_key": "H1", "name": "张健平",
              "birth_date": date(1975, 3, 4), "birth_precision": "day", "sex": "1", "phone": "13931300002"}  # fmt: skip
    found = people([holder, request("Q1", "张建平", "13931300002"), request("Q2", "张大伟", "13931300002")])
    assert found["Q1"] == found["H1"] != found["Q2"]
