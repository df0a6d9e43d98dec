"""Who is who, on small tables: titles a registrar can read. Every person here is invented."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest

from linkage.engine import link_mentions

TEXT = ["feed", "record_key", "table_name", "base_key", "role", "name", "name_note", "former_name", "sex", "birth_precision", "relation", "id_number", "id_text", "id_embedded", "phone", "phone_second", "group_kind", "group_key", "ref_feed", "ref_key", "dwelling_kind", "compound_id", "building_id", "unit", "dwelling_id"]
SCHEMA = pa.schema([(name, pa.string()) for name in TEXT] + [("birth_date", pa.date32()), ("dead", pa.bool_()), ("ended", pa.bool_())])
LINK = pa.schema([(c, pa.string()) for c in ("feed", "record_key", "person_id")])
DECISION = pa.schema([(c, pa.string()) for c in ("feed_l", "record_key_l", "feed_r", "record_key_r", "verdict")])


def resident_id(birth: str, sequence: str, area: str = "130731") -> str:
    body = area + birth + sequence
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]


def mention(feed: str, key: str, name: str | None = None, birth: date | None = None, **more) -> dict:
    """A row of the mention view; ``room`` stands for a dwelling in building B1."""
    row = dict.fromkeys(SCHEMA.names) | {"feed": feed, "record_key": key, "table_name": feed, "base_key": key.split("#")[0], "role": "holder",
                                         "name": name, "birth_date": birth, "birth_precision": birth and "day", "dead": False, "ended": False}
    if room := more.pop("room", None):
        row |= {"dwelling_kind": "residence", "compound_id": "C1", "building_id": "B1", "unit": "1", "dwelling_id": f"B1-1-{room}"}
    return row | more


def visit(event: str, residents: list[dict], **more) -> list[dict]:
    return [mention("grid_visit", f"{event}#{k}", group_kind="visit", group_key=event, role="resident", base_key=f"{event}#{k}", **{**more, **r})
            for k, r in enumerate(residents)]


def people(rows: list[dict], decisions: list[tuple] = (), previous: pa.Table | None = None) -> dict[str, str]:
    """record_key → person_id."""
    links = run(rows, decisions, previous).links
    return dict(zip(links["record_key"].to_pylist(), links["person_id"].to_pylist(), strict=True))


def run(rows: list[dict], decisions: list[tuple] = (), previous: pa.Table | None = None, aliases: pa.Table | None = None):
    decided = pa.Table.from_pylist([dict(zip(DECISION.names, d, strict=True)) for d in decisions], DECISION)
    return link_mentions(pa.Table.from_pylist(rows, SCHEMA), previous if previous is not None else LINK.empty_table(), decided, aliases=aliases)


WANG = resident_id("19800512", "031")  # 王建国, a man
LIU = resident_id("19820903", "042")  # 刘秀英, his wife
BORN = date(1980, 5, 12)


def test_the_same_valid_id_and_name_is_one_person() -> None:
    found = people([mention("psb_register", "R1", "王建国", BORN, id_number=WANG, sex="1"), mention("market_entity", "U1", "王建国", id_number=WANG)])
    assert found["R1"] == found["U1"]


def test_a_mothers_id_in_her_childs_row_does_not_make_them_one() -> None:
    found = people([
        mention("psb_register", "R1", "刘秀英", date(1982, 9, 3), id_number=LIU, sex="2"),
        mention("health_record", "H1", "刘秀英", date(1982, 9, 3), id_number=LIU, sex="2"),
        mention("health_record", "H2", "王小雨", date(2015, 4, 2), id_number=LIU, sex="2"),
    ])
    assert found["R1"] == found["H1"] != found["H2"]


def test_two_valid_ids_are_two_people_even_with_the_same_name_birth_date_and_home() -> None:
    other = resident_id("19800512", "055")
    found = people([mention("psb_register", "R1", "王建国", BORN, id_number=WANG, sex="1", room="101"),
                    mention("psb_register", "R2", "王建国", BORN, id_number=other, sex="1", room="101")])
    assert found["R1"] != found["R2"]


def test_a_number_corrected_under_one_register_number_is_an_alias() -> None:
    old = resident_id("19800512", "055")
    rows = [mention("psb_register", "R1", "王建国", BORN, id_number=WANG, sex="1"), mention("health_record", "H1", "王建国", BORN, id_number=old, sex="1")]
    aliases = pa.table({"feed": ["psb_register"], "record_key": ["R1"], "id_number": [old]})
    links = run(rows, aliases=aliases).links
    assert len(set(links["person_id"].to_pylist())) == 1
    assert len(set(run(rows).links["person_id"].to_pylist())) == 2


def test_name_and_address_alone_never_link() -> None:
    found = people([mention("psb_register", "R1", "王建国", BORN, id_number=WANG, sex="1", room="101"), mention("grid_request", "Q1", "王建国", room="101")])
    assert found["R1"] != found["Q1"]


def test_who_a_request_by_name_and_room_is_probably_about_is_put_to_a_person() -> None:
    resident = mention("psb_register", "R1", "王建国", BORN, id_number=WANG, sex="1", room="101")
    asked = run([resident, mention("grid_request", "Q1", "王建国", room="101")]).conflicts.to_pylist()
    assert [(row["kind"], row["evidence"].split()[0]) for row in asked] == [("review", "name_and_address_alone")]


def test_an_applicant_is_known_by_name_and_telephone() -> None:
    found = people([mention("psb_register", "R1", "王建国", BORN, id_number=WANG, sex="1", phone="13931300001"),
                    mention("grid_request", "Q1", "王建国", phone="13931300001")])
    assert found["R1"] == found["Q1"]


def test_a_telephone_that_many_carry_links_nobody() -> None:
    names = ["王建国", "李强", "张敏", "刘洋", "陈静", "杨帆", "赵磊"]
    rows = [mention("grid_visit", f"V{k}#0", n, phone="13800000000", group_kind="visit", group_key=f"V{k}") for k, n in enumerate(names)]
    found = people([*rows, mention("grid_request", "Q1", "王建国", phone="13800000000")])
    assert found["V0#0"] != found["Q1"]


def test_a_masked_number_with_the_name_is_the_person() -> None:
    found = people([mention("psb_register", "R1", "王建国", BORN, id_number=WANG, sex="1"),
                    *visit("V1", [{"name": "王建国", "id_text": WANG[:6] + "********" + WANG[14:]}])])
    assert found["R1"] == found["V1#0"]


@pytest.mark.parametrize("damage", [lambda n: n[:15] + "000", lambda n: n[:15], lambda n: n[:9] + n[10] + n[9] + n[11:], lambda n: n[:16] + "9" + n[17:]],
                         ids=["cut by Excel", "fifteen digits", "two digits swapped", "one digit wrong"])
def test_a_damaged_number_with_the_name_is_the_person(damage) -> None:
    found = people([mention("psb_register", "R1", "王建国", BORN, id_number=WANG, sex="1"),
                    mention("edu_enrolment", "G1#guardian1", "王建国", id_text=damage(WANG))])
    assert found["R1"] == found["G1#guardian1"]


def test_a_resident_without_id_is_known_by_who_lives_with_him() -> None:
    register = {"group_kind": "register", "group_key": "S1|1"}
    found = people([
        mention("psb_register", "R1", "王建国", BORN, id_number=WANG, sex="1", **register),
        mention("psb_register", "R2", "刘秀英", date(1982, 9, 3), id_number=LIU, sex="2", **register),
        *visit("V1", [{"name": "王建国", "relation": "02"}, {"name": "刘秀英", "id_number": LIU}], room="101"),
    ])
    assert found["R1"] == found["V1#0"] and found["R2"] == found["V1#1"]


def test_a_newborn_is_known_by_mother_and_birth_date() -> None:
    born = date(2026, 6, 1)
    register = {"group_kind": "register", "group_key": "S1|1"}
    found = people([
        mention("psb_register", "R2", "刘秀英", date(1982, 9, 3), id_number=LIU, sex="2", **register),
        mention("psb_register", "R3", "王小雨", born, sex="2", **register),
        mention("health_child_vaccination", "C1", "刘秀英之女", born, sex="2", role="child", group_kind="family", group_key="C1"),
        mention("health_child_vaccination", "C1#mother", "刘秀英", id_number=LIU, sex="2", role="mother", group_kind="family", group_key="C1"),
    ])
    assert found["R3"] == found["C1"] != found["C1#mother"] == found["R2"]


def test_twins_stay_two() -> None:
    born = date(2016, 3, 8)
    first, second = resident_id("20160308", "021"), resident_id("20160308", "023")
    family = [mention("edu_enrolment", f"G{k}#guardian1", "刘秀英", id_number=LIU, group_kind="family", group_key=f"G{k}") for k in (1, 2)]
    found = people([
        mention("psb_register", "R2", "刘秀英", date(1982, 9, 3), id_number=LIU, sex="2", group_kind="register", group_key="S1|1"),
        mention("psb_register", "R3", "王子轩", born, id_number=first, sex="1", group_kind="register", group_key="S1|1"),
        mention("psb_register", "R4", "王子涵", born, id_number=second, sex="1", group_kind="register", group_key="S1|1"),
        mention("edu_enrolment", "G1", "王子轩", born, sex="1", group_kind="family", group_key="G1", room="101"),
        mention("edu_enrolment", "G2", "王子涵", born, sex="1", group_kind="family", group_key="G2", room="101"), *family,
    ])
    assert found["R3"] == found["G1"] != found["R4"] == found["G2"]


def test_both_sides_of_a_marriage_are_two_people() -> None:
    found = people([mention("civil_marriage", "M1#1", "王建国", id_number=WANG, role="spouse", group_kind="family", group_key="M1"),
                    mention("civil_marriage", "M1#2", "王建国", id_number=WANG, role="spouse", group_kind="family", group_key="M1")])
    assert found["M1#1"] != found["M1#2"]


def test_a_cards_head_stands_in_both_files_but_its_members_are_several() -> None:
    card = {"group_kind": "assistance", "group_key": "DB1"}
    found = people([
        mention("civil_assistance_family", "DB1", "刘秀英", id_number=LIU, role="head", **card),
        mention("civil_assistance_person", "DB1|刘秀英", "刘秀英", sex="2", role="member", **card),
        mention("civil_assistance_person", "DB1|王建国", "王建国", sex="1", role="member", **card),
        mention("civil_assistance_person", f"DB1|{WANG}", "王建国", id_number=WANG, sex="1", role="member", **card),
    ])
    assert found["DB1"] == found["DB1|刘秀英"]
    assert found["DB1|王建国"] != found[f"DB1|{WANG}"]


def test_an_examination_belongs_to_the_archive_it_names_whatever_id_was_typed() -> None:
    found = people([
        mention("health_record", "H1", "王建国", BORN, id_number=WANG, sex="1"), mention("health_record", "H2", "刘秀英", date(1982, 9, 3), id_number=LIU, sex="2"),
        mention("health_elderly_exam", "E1", id_number=LIU, ref_feed="health_record", ref_key="H1"),
    ])
    assert found["E1"] == found["H1"] != found["H2"]


def test_what_a_person_decided_holds_and_leaves_no_trace_when_undone() -> None:
    rows = [mention("psb_register", "R1", "王建国", BORN, id_number=WANG, sex="1", phone="13931300001"),
            mention("grid_request", "Q1", "王建国", phone="13931300001"), mention("grid_request", "Q2", "王建军", room="101")]
    different = [("psb_register", "R1", "grid_request", "Q1", "different")]
    same = [("psb_register", "R1", "grid_request", "Q2", "same")]
    before = people(rows)
    assert before["R1"] == before["Q1"] != before["Q2"]
    assert people(rows, different)["R1"] != people(rows, different)["Q1"]
    assert people(rows, same)["R1"] == people(rows, same)["Q2"]
    assert people(rows, previous=run(rows, different).links) == before


def test_every_link_says_why_and_nobody_is_left_out() -> None:
    rows = [mention("psb_register", "R1", "王建国", BORN, id_number=WANG, sex="1"), mention("grid_request", "Q9", "赵无双"),
            mention("civil_death", "D1", None, id_text="不详")]
    links = run(rows).links
    assert links.num_rows == 3 and links["rule"].null_count == 0
    assert dict(zip(links["record_key"].to_pylist(), links["rule"].to_pylist(), strict=True))["Q9"] == "only_record"
