"""Whose number is it, and who are twins: rules of domain.md 3.2 and 7 on small tables. Every person here is invented."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest

from tests.spec.test_linkage_who_is_who import BORN, LIU, WANG, mention, people, resident_id, run, visit

FATHER = resident_id("19400102", "031")
WIFE_BORN = date(1982, 9, 3)
NEWBORN = date(2026, 6, 1)
BOOK = {"group_kind": "register", "group_key": "S1|1"}


def conflicts(rows: list[dict]) -> set[tuple[str, str, str]]:
    """kind, and the two record keys in their order."""
    return {(c["kind"], *sorted((c["record_key_l"], c["record_key_r"]))) for c in run(rows).conflicts.to_pylist()}


def couple() -> list[dict]:
    return [mention("psb_register", "R1", "王建国", BORN, id_number=WANG, sex="1", room="101", **BOOK),
            mention("psb_register", "R2", "刘秀英", WIFE_BORN, id_number=LIU, sex="2", room="101", **BOOK)]  # fmt: skip


def clinic(key: str, name: str, **more) -> list[dict]:
    """A child's record with its mother's number beside it."""
    row = {"sex": "1", "role": "child", "group_kind": "family", "group_key": key} | more
    return [mention("health_child_vaccination", key, name, NEWBORN, **row),
            mention("health_child_vaccination", f"{key}#mother", "刘秀英", id_number=LIU, sex="2", role="mother", group_kind="family", group_key=key)]  # fmt: skip


# -- numbers -------------------------------------------------------------------------------


def test_two_rows_of_the_register_with_one_number_and_two_names_are_two_people_and_somebody_looks_at_it() -> None:
    rows = [mention("psb_register", "R1", "王建国", BORN, id_number=WANG, sex="1", group_kind="register", group_key="S1|1"),
            mention("psb_register", "R2", "李志强", BORN, id_number=WANG, sex="1", group_kind="register", group_key="S2|9")]  # fmt: skip
    found = people(rows)
    assert found["R1"] != found["R2"] and ("foreign_id", "R1", "R2") in conflicts(rows)


@pytest.mark.parametrize("given", [{"birth": BORN}, {"birth": BORN, "sex": "1"}, {"birth": None}, {"birth": None, "sex": "2"}])
def test_a_wifes_sheet_under_her_husbands_number_is_not_his_though_its_birth_date_was_taken_from_the_number(given) -> None:
    rows = [*couple(), mention("health_record", "H1", "刘秀英", given["birth"], id_number=WANG, sex=given.get("sex"))]
    asked = ("review", "H1", "R2") if given.get("sex") == "2" else ("foreign_id", "H1", "R1")  # whose it is not is certain where the sex says so
    assert people(rows)["H1"] != people(rows)["R1"] and asked in conflicts(rows)


def test_a_misspelt_name_with_its_own_birth_date_is_the_owners_of_the_number() -> None:
    rows = [mention("psb_register", "R1", "方东", BORN, id_number=WANG, sex="1"), mention("health_record", "H1", "万东", BORN, id_number=WANG, sex="1"),
            mention("psb_permit", "P1", "方东海", BORN, id_number=WANG, sex="2")]  # fmt: skip
    assert len(set(people(rows).values())) == 1


def test_sheets_of_one_name_under_one_number_of_somebody_else_are_one_person() -> None:
    sheets = [mention(feed, feed, "刘秀英", id_number=WANG) for feed in ("civil_disability", "market_entity", "civil_old_age_allowance")]
    found = people([couple()[0], *sheets, mention("health_record", "H1", "刘秀芝", id_number=WANG)])
    assert len({found[s["record_key"]] for s in sheets}) == 1 and len(set(found.values())) == 3


def test_sheets_do_not_outvote_the_register_on_whose_number_it_is() -> None:
    sheets = [mention(feed, feed, "李梅", BORN, id_number=WANG) for feed in ("health_record", "psb_permit", "civil_disability")]
    found = people([couple()[0], *sheets, mention("civil_death", "D1", "王建国", id_number=WANG, role="deceased", dead=True)])
    assert found["D1"] == found["R1"] and found["R1"] not in {found[s["record_key"]] for s in sheets}


def test_without_the_register_the_name_most_sheets_carry_is_the_owners() -> None:
    sheets = [mention(feed, feed, "李志强", id_number=WANG) for feed in ("health_record", "psb_permit")]
    found = people([*sheets, mention("market_entity", "U1", "王建国", id_number=WANG, role="operator")])
    assert found["health_record"] == found["psb_permit"] != found["U1"]


@pytest.mark.parametrize("more", [BOOK, {}])  # in his son's book, or in one of his own
def test_a_death_reported_under_the_sons_number_does_not_kill_the_son(more) -> None:
    rows = [mention("psb_register", "R1", "王建国", BORN, id_number=WANG, sex="1", **BOOK),
            mention("psb_register", "R2", "王大山", date(1940, 1, 2), id_number=FATHER, sex="1", **more),
            mention("civil_death", "D1", "王大山", id_number=WANG, role="deceased", dead=True)]  # fmt: skip
    assert people(rows)["D1"] != people(rows)["R1"]


def test_a_sisters_number_is_not_ones_own_where_she_stands_beside_its_owner() -> None:
    rows = [mention("psb_register", "R1", "王秀英", BORN, id_number=LIU, sex="2", **BOOK), mention("psb_register", "R2", "王秀兰", date(1957, 8, 12), sex="2", **BOOK),
            mention("civil_old_age_allowance", "A1", "王秀兰", id_number=LIU)]  # fmt: skip
    assert people(rows)["A1"] != people(rows)["R1"]
    assert people([rows[0], rows[2]])["A1"] == people([rows[0], rows[2]])["R1"]  # nobody of that name there: one character mistyped


@pytest.mark.parametrize("k", range(6))  # keys decide the order of everything: whoever is right is right under all
def test_a_fathers_number_beside_father_and_son_in_one_visit_is_the_fathers(k) -> None:
    number = resident_id("19700512", "031")
    rows = [mention("psb_register", f"R{k}", "王军", date(1970, 5, 12), id_number=number, sex="1", room="101", **BOOK),
            *visit(f"V{k}", [{"name": "王军", "id_number": number, "sex": "1"}, {"name": "王磊", "id_number": number, "sex": "1"}], room="101")]  # fmt: skip
    found = people(rows)
    assert found[f"R{k}"] == found[f"V{k}#0"] != found[f"V{k}#1"]


def test_a_number_the_register_carried_by_mistake_stays_its_owners() -> None:
    own, lent = resident_id("19790203", "015"), resident_id("19911111", "033")
    rows = [mention("psb_register", "R1", "李强", date(1979, 2, 3), id_number=own, sex="1"),
            mention("psb_permit", "P1", "赵志刚", date(1991, 11, 11), id_number=lent, sex="1"), mention("market_entity", "U1", "赵志刚", id_number=lent)]  # fmt: skip
    links = run(rows, aliases=pa.table({"feed": ["psb_register"], "record_key": ["R1"], "id_number": [lent]})).links
    found = dict(zip(links["record_key"].to_pylist(), links["person_id"].to_pylist(), strict=True))
    assert found["P1"] == found["U1"] != found["R1"]


@pytest.mark.parametrize("k", range(6))
def test_who_is_decided_to_be_another_leaves_alone_and_the_register_row_keeps_its_id(k) -> None:
    rows = [mention("psb_register", f"R{k}", "王建国", BORN, id_number=WANG, sex="1"), mention("health_record", f"H{k}", "王建国", BORN, id_number=WANG, sex="1"),
            mention("market_entity", f"U{k}", "王建国", id_number=WANG), mention("civil_old_age_allowance", f"A{k}", "王建国", id_number=WANG)]  # fmt: skip
    before = run(rows).links
    found = people(rows, [("psb_register", f"R{k}", "health_record", f"H{k}", "different")], before)
    assert found[f"R{k}"] == found[f"U{k}"] == found[f"A{k}"] == before["person_id"][0].as_py() != found[f"H{k}"]


# -- twins -----------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [("刘秀英之长子", "刘秀英之次子"), ("王子轩", "王子涵"), ("王梓涵", "王子晗"), ("王子轩", "刘秀英之子")])
def test_twins_in_two_records_of_one_clinic_stay_two_and_are_put_to_a_person(names) -> None:
    rows = [couple()[1], *clinic("C1", names[0]), *clinic("C2", names[1])]
    found = people(rows)
    assert found["C1"] != found["C2"] and ("review", "C1", "C2") in conflicts(rows)


def test_of_unnamed_triplets_nobody_knows_which_one_is_registered() -> None:
    rows = [couple()[1], *(m for k in "123" for m in clinic(f"C{k}", "刘秀英之子")), mention("psb_register", "R3", "王子轩", NEWBORN, sex="1", **BOOK)]
    found = people(rows)
    assert len({found[k] for k in ("C1", "C2", "C3", "R3")}) == 4 and ("review", "C1", "R3") in conflicts(rows)


def test_one_child_in_two_records_under_its_own_name_is_one() -> None:
    found = people([couple()[1], *clinic("C1", "王子轩"), *clinic("C2", "王子轩")])
    assert found["C1"] == found["C2"]


def test_fifteen_digits_are_both_twins() -> None:
    born, number = date(2016, 3, 8), resident_id("20160308", "021")
    rows = [mention("psb_register", "R3", "王子轩", born, id_number=number, sex="1", **BOOK), mention("psb_register", "R4", "王子涵", born, sex="1", **BOOK),
            mention("edu_enrolment", "G2", "王子涵", born, sex="1", id_text=number[:15] + "000")]  # fmt: skip
    assert people(rows)["G2"] != people(rows)["R3"]


# -- people who live together -------------------------------------------------------------------


def test_a_brother_met_without_a_birth_date_is_not_his_brother() -> None:
    rows = [mention("psb_register", "R1", "王建国", BORN, id_number=WANG, sex="1", room="101", phone="13900000005"),
            *visit("V1", [{"name": "王建军", "sex": "1", "relation": "73", "phone": "13900000005"}], room="101")]  # fmt: skip
    assert people(rows)["V1#0"] != people(rows)["R1"] and ("review", "R1", "V1#0") in conflicts(rows)


def test_1_january_is_no_birthday_in_common() -> None:
    rows = [mention("psb_register", "R1", "王秀兰", date(1950, 1, 1), id_number=resident_id("19500101", "022"), sex="2", room="101"),
            mention("civil_disability", "D1", "王秀英", date(1950, 1, 1), sex="2", room="101")]  # fmt: skip
    assert people(rows)["D1"] != people(rows)["R1"] and ("review", "D1", "R1") in conflicts(rows)
