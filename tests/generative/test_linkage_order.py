"""The order in which rows and feeds come does not matter, and a run over its own result changes nothing."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.engine import link_mentions

FIELDS = (
    "feed", "record_key", "table_name", "base_key", "role", "name", "sex", "birth_precision", "relation", "id_number", "id_text", "id_embedded",
    "phone", "phone_second", "group_kind", "group_key", "ref_feed", "ref_key", "dwelling_kind", "compound_id", "building_id", "unit", "dwelling_id",
)  # fmt: skip
SCHEMA = pa.schema([(name, pa.string()) for name in FIELDS] + [("birth_date", pa.date32())])
NOBODY = pa.table({c: pa.array([], pa.string()) for c in ("feed", "record_key", "person_id")})
UNDECIDED = pa.table({c: pa.array([], pa.string()) for c in ("feed_l", "record_key_l", "feed_r", "record_key_r", "verdict")})

# A family, its neighbours of the same name, and twins: (feed, key, name, birth, sex, id, phone, room, group)
WANG, LIU, ONE, TWO = "130731198005120316", "130731198209030425", "130731201603080216", "130731201603080232"
FAMILY = [
    ("psb_register", "R1", "王建国", date(1980, 5, 12), "1", WANG, "13931300001", "101", "S|1"),
    ("psb_register", "R2", "刘秀英", date(1982, 9, 3), "2", LIU, None, "101", "S|1"),
    ("psb_register", "R3", "王子轩", date(2016, 3, 8), "1", ONE, None, "101", "S|1"),
    ("psb_register", "R4", "王子涵", date(2016, 3, 8), "1", TWO, None, "101", "S|1"),
    ("psb_register", "R5", "王建国", date(1951, 1, 2), "1", None, None, "102", "S|2"),
    ("health_record", "H1", "王建国", date(1980, 5, 12), "1", None, "13931300001", None, None),
    ("health_record", "H2", "刘秀瑛", date(1982, 9, 3), "2", LIU, None, "101", None),
    ("edu_enrolment", "G1", "王子轩", date(2016, 3, 8), "1", None, None, "101", "G1"),
    ("edu_enrolment", "G2", "王子涵", date(2016, 3, 8), "1", LIU, None, "101", "G2"),
    ("grid_visit", "V1#0", "王建国", None, "1", None, None, "101", "V1"),
    ("grid_visit", "V1#1", "刘秀英", None, "2", None, None, "101", "V1"),
    ("grid_visit", "V1#2", "王子涵", None, "1", None, None, "101", "V1"),
    ("grid_request", "Q1", "王建国", None, None, None, "13931300001", None, None),
    ("grid_request", "Q2", "王建国", None, None, None, None, "102", None),
]
KINDS = {"psb_register": "register", "edu_enrolment": "family", "grid_visit": "visit"}


def _mentions(rows) -> pa.Table:
    listed = []
    for feed, key, name, birth, sex, number, phone, room, group in rows:
        listed.append(dict.fromkeys(SCHEMA.names) | {
            "feed": feed, "record_key": key, "table_name": feed, "base_key": key, "role": "holder", "name": name, "birth_date": birth, "sex": sex,
            "id_number": number, "phone": phone, "group_kind": group and KINDS[feed], "group_key": group,
            "dwelling_kind": room and "residence", "compound_id": room and "C1", "building_id": room and "B1", "unit": room and "1", "dwelling_id": room})
    return pa.Table.from_pylist(listed, SCHEMA)


@settings(max_examples=8, deadline=None)
@given(st.sets(st.sampled_from(range(len(FAMILY))), min_size=6), st.randoms(use_true_random=False))
def test_shuffled_rows_give_the_same_people_and_a_second_run_changes_nothing(chosen, random) -> None:
    rows = [FAMILY[k] for k in sorted(chosen)]
    shuffled = list(rows)
    random.shuffle(shuffled)
    first = link_mentions(_mentions(rows), NOBODY, UNDECIDED)
    second = link_mentions(_mentions(shuffled), NOBODY, UNDECIDED)
    assert second.links.equals(first.links) and second.conflicts.equals(first.conflicts)
    again = link_mentions(_mentions(shuffled), first.links, UNDECIDED)
    assert again.links.equals(first.links) and again.events.num_rows == 0


@settings(max_examples=8, deadline=None)
@given(st.sets(st.sampled_from(range(len(FAMILY))), min_size=6))
def test_everybody_gets_one_person_and_no_person_two_numbers_of_its_own(chosen) -> None:
    rows = [FAMILY[k] for k in sorted(chosen)]
    found = dict(zip(*(link_mentions(_mentions(rows), NOBODY, UNDECIDED).links[c].to_pylist() for c in ("record_key", "person_id")), strict=True))
    assert set(found) == {row[1] for row in rows}
    own = {row[1]: row[5] for row in rows if row[5] and row[1] != "G2"}  # G2 carries the mother's number
    numbers: dict[str, set] = {}
    for key, number in own.items():
        numbers.setdefault(found[key], set()).add(number)
    assert all(len(held) == 1 for held in numbers.values())
