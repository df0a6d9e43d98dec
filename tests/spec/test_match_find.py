"""Whom a row of a list means, on small tables: titles a registrar can read. Every person here is invented."""

from __future__ import annotations

import random
from datetime import date

import pyarrow as pa
import pytest

from linkage.match import CANDIDATES, Found, Scale, find
from linkage.match_people import People, folded
from linkage.match_words import _AGAINST, _AGREES, _SAYS, why
from linkage.model import load_model
from warehouse.compute import analyst

TEXT = ["feed", "record_key", "table_name", "base_key", "role", "name", "name_note", "former_name", "sex", "birth_precision", "relation", "id_number", "id_text", "id_embedded", "phone", "phone_second", "group_kind", "group_key", "ref_feed", "ref_key", "dwelling_kind", "compound_id", "building_id", "unit", "dwelling_id"]
SCHEMA = pa.schema([(name, pa.string()) for name in TEXT] + [("birth_date", pa.date32()), ("death_date", pa.date32()), ("dead", pa.bool_()), ("ended", pa.bool_())])
KNOWN = SCHEMA.append(pa.field("person_id", pa.string()))
BORN = date(1980, 5, 12)


def resident_id(birth: str, sequence: str, area: str = "130731") -> str:
    body = area + birth + sequence
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]


WANG, LIU, CHEN = resident_id("19800512", "031"), resident_id("19820903", "042"), resident_id("19750120", "015")


def said(feed: str, key: str, name: str | None = None, birth: date | None = None, **more) -> dict:
    """A row of the mention view; ``room`` stands for a dwelling in building B1."""
    row = dict.fromkeys(SCHEMA.names) | {"feed": feed, "record_key": key, "table_name": feed, "base_key": key, "role": "holder", "name": name,
                                         "birth_date": birth, "birth_precision": birth and "day", "dead": False, "ended": False}
    if room := more.pop("room", None):
        row |= {"dwelling_kind": "residence", "compound_id": "C1", "building_id": "B1", "unit": "1", "dwelling_id": f"B1-1-{room}"}
    return row | more


def known(person: str, *mentions: dict) -> list[dict]:
    return [mention | {"person_id": person} for mention in mentions]


def row(name: str | None = None, birth: date | None = None, **more) -> dict:
    return said("list", "?", name, birth, **more)


COUNTY = [
    *known("P1", said("psb_register", "R1", "王建国", BORN, sex="1", id_number=WANG, group_kind="register", group_key="G1"),
           said("health_record", "H1", "王建国", BORN, sex="1", phone="13931300001", room="501")),
    *known("P2", said("psb_register", "R2", "刘秀英", date(1982, 9, 3), sex="2", id_number=LIU, group_kind="register", group_key="G1"),
           said("health_record", "H2", "刘秀英", date(1982, 9, 3), sex="2", phone="13931300002", room="501")),
    *known("P3", said("psb_register", "R3", "王雨欣", date(2012, 3, 1), sex="2", id_number=resident_id("20120301", "022"), group_kind="register", group_key="G1", room="501")),
    *known("P4", said("psb_register", "R4", "王雨馨", date(2012, 3, 1), sex="2", id_number=resident_id("20120301", "040"), group_kind="register", group_key="G1", room="501")),
    *known("P5", said("psb_permit", "B5", "陈志强", date(1975, 1, 20), sex="1", id_number=CHEN, phone="13931300005")),
    *known("P6", said("grid_visit", "V6", "赵大海", date(1968, 7, 8), sex="1", phone="13931300006", room="502"),
           said("health_record", "H6", "赵大海", date(1968, 7, 8), sex="1", room="502")),
]  # fmt: skip


def matched(*rows: dict, county: list[dict] = COUNTY) -> Found:
    """The list against the county; a row's key is its place."""
    listed = pa.Table.from_pylist([each | {"record_key": f"{n:09d}", "base_key": f"{n:09d}"} for n, each in enumerate(rows)], SCHEMA)
    mentions = pa.Table.from_pylist(county, KNOWN)
    spoken = pa.array(sorted({m["name"] for m in county if m["name"]}))
    borne = {name: len({m["person_id"] for m in county if m["name"] == name}) for name in spoken.to_pylist()}
    names = pa.table({"name": folded(spoken), "people": pa.array([borne[n] for n in spoken.to_pylist()], pa.int64())})
    with analyst(1, 400) as con:
        return find(con, listed, People(mentions, names, 3000, None), load_model(), Scale())


def outcomes(found: Found) -> list[tuple[str, str | None]]:
    return [(o["outcome"], o["person_id"]) for o in found.outcome.to_pylist()]


def nearest(found: Found, at: int = 0) -> list[dict]:
    return [pair for pair in found.near.to_pylist() if int(pair["record_key"]) == at]


def test_a_number_with_its_name_is_its_person() -> None:
    found = matched(row("王建国", id_number=WANG), row("刘秀英", id_number=LIU), row(None, id_number=CHEN))
    assert outcomes(found) == [("matched", "P1"), ("matched", "P2"), ("matched", "P5")]
    assert nearest(found)[0]["same_number"] and nearest(found)[0]["probability"] == 1


@pytest.mark.parametrize("told", [
    {"birth": BORN, "phone": "13931300001"}, {"birth": BORN, "room": "501"}, {"phone": "13931300001", "room": "501"},
    {"birth": BORN, "id_text": WANG[:6] + "********" + WANG[-4:]}, {"id_text": WANG[:15] + "000"}, {"id_text": WANG[:16] + "9" + WANG[17:]}])
def test_a_name_with_what_linkage_links_by_is_its_person(told: dict) -> None:
    assert outcomes(matched(row("王建国", sex="1", **told))) == [("matched", "P1")]


def test_a_person_without_a_number_is_found_too() -> None:
    assert outcomes(matched(row("赵大海", date(1968, 7, 8), sex="1", room="502", id_number=resident_id("19680708", "013")))) == [("matched", "P6")]


def test_a_name_alone_and_a_name_with_a_dwelling_never_decide() -> None:
    found = matched(row("王建国"), row("王建国", room="501"))
    assert [o for o, _ in outcomes(found)] == ["uncertain", "uncertain"] and [p["person_id"] for p in nearest(found, 1)] == ["P1"]
    assert nearest(found, 1)[0]["rule"] == "name_and_address_alone"


def test_a_month_of_birth_that_is_another_is_to_be_checked() -> None:
    def born(month: int, **more) -> dict:
        return row("王建国", date(1980, month, 1), birth_precision="month", sex="1", phone="13931300001", room="501", **more)

    found = matched(born(5), born(11), born(4), born(11, id_number=WANG), row("王建国", sex="1", phone="13931300001", room="501"))
    assert outcomes(found) == [("matched", "P1"), ("uncertain", None), ("matched", "P1"), ("matched", "P1"), ("matched", "P1")]
    assert [nearest(found, at)[0]["month"] for at in range(5)] == ["same", "other", "lunar", "other", None]


def test_a_number_whose_owner_contradicts_the_row_is_to_be_checked() -> None:
    found = matched(row("李桂兰", date(1951, 11, 2), sex="2", id_number=WANG))
    assert outcomes(found) == [("uncertain", None)]
    assert nearest(found)[0]["misfit"] and nearest(found)[0]["person_id"] == "P1"


def test_rows_do_not_outvote_the_warehouse_about_whose_a_number_is() -> None:
    rows = [row("李桂兰", date(1975, 1, 20), sex="1", id_number=CHEN, phone=f"1393130{n:04d}") for n in range(6)]
    found = matched(*rows, row("陈志强", id_number=CHEN))
    assert outcomes(found)[:6] == [("uncertain", None)] * 6 and outcomes(found)[6] == ("matched", "P5")


def test_two_valid_numbers_never_match_whatever_else_agrees() -> None:
    found = matched(row("王建国", BORN, sex="1", phone="13931300001", room="501", id_number=resident_id("19800512", "055")))
    assert outcomes(found) == [("uncertain", None)] and nearest(found)[0]["other_number"]


def test_between_twins_nobody_guesses() -> None:
    found = matched(row("王雨新", date(2012, 3, 1), sex="2", room="501"))
    assert outcomes(found) == [("uncertain", None)]
    assert {p["person_id"] for p in nearest(found)} >= {"P3", "P4"}


def test_a_twin_by_her_own_name_is_found() -> None:
    assert outcomes(matched(row("王雨馨", date(2012, 3, 1), sex="2", room="501"))) == [("matched", "P4")]


def test_a_list_may_name_somebody_twice_and_a_row_more_changes_nothing() -> None:
    once = row("王建国", BORN, sex="1", phone="13931300001")
    found = matched(once, row("王建国", id_number=WANG), once)
    assert outcomes(found) == [("matched", "P1")] * 3


def test_rows_are_never_matched_with_each_other() -> None:
    stranger = row("钱多多", date(1990, 2, 2), sex="1", phone="13999999999", room="909")
    assert outcomes(matched(stranger, stranger)) == [("nobody", None)] * 2


def test_the_telephone_of_the_family_speaks_for_somebody_of_it() -> None:
    assert outcomes(matched(row("王建国", sex="1", phone="13931300002"))) == [("matched", "P1")]
    assert outcomes(matched(row("王雨欣", sex="2", phone="13931300002"))) == [("matched", "P3")], "her twin sounds the same, but is written otherwise"


def test_a_number_copied_from_a_relative_is_to_be_checked() -> None:
    assert outcomes(matched(row("王磊", BORN, sex="1", id_number=LIU))) == [("uncertain", None)]
    assert outcomes(matched(row("刘洋", date(1982, 9, 3), sex="2", id_number=LIU))) == [("uncertain", None)]
    assert outcomes(matched(row("王健国", BORN, sex="1", id_number=WANG))) == [("matched", "P1")], "typed by ear"


def test_two_persons_as_near_as_each_other_are_candidates_never_a_match() -> None:
    double = [*known("P7", said("grid_visit", "V7", "孙立", date(1990, 6, 6), sex="1", phone="13931300007"), said("health_record", "H7", "孙立", date(1990, 6, 6), sex="1")),
              *known("P8", said("grid_visit", "V8", "孙立", date(1990, 6, 6), sex="1", phone="13931300007"), said("health_record", "H8", "孙立", date(1990, 6, 6), sex="1"))]
    found = matched(row("孙立", date(1990, 6, 6), sex="1", phone="13931300007"), county=[*COUNTY, *double])
    assert outcomes(found) == [("uncertain", None)] and {p["person_id"] for p in nearest(found)} == {"P7", "P8"}


def test_no_more_than_the_nearest_are_named() -> None:
    many = [m for n in range(9) for m in known(f"P{n + 20}", said("psb_permit", f"N{n}", "孙立", date(1990, 6, n + 1), sex="1", id_number=resident_id(f"1990060{n + 1}", "011")))]
    found = matched(row("孙立", date(1990, 6, 9), sex="1"), row("孙立", sex="1"), county=[*COUNTY, *many])
    assert all(len([p for p in nearest(found, at) if not p["chosen"]]) <= CANDIDATES + 1 for at in (0, 1))


def test_neither_the_order_of_the_list_nor_of_the_county_matters() -> None:
    rows = [row("王建国", id_number=WANG), row("王雨新", date(2012, 3, 1), sex="2", room="501"), row("李桂兰", id_number=LIU), row("陈志强", date(1975, 1, 20), phone="13931300005"),
            row("赵大海", date(1968, 7, 8), sex="1", room="502"), row("钱多多")]
    straight = dict(zip(map(str, rows), outcomes(matched(*rows)), strict=True))
    turned, county = rows[::-1], random.Random(5).sample(COUNTY, len(COUNTY))
    assert dict(zip(map(str, turned), outcomes(matched(*turned, county=county)), strict=True)) == straight


def test_an_empty_list_finds_nobody() -> None:
    assert outcomes(matched()) == []


# -- what is said of it --------------------------------------------------------------------


def test_every_level_and_every_veto_of_the_model_has_its_words() -> None:
    model = load_model()
    levels = {(c.name, level.name) for c in model.comparisons for level in c.levels}
    assert levels - set(_AGREES) - set(_SAYS) == set() and {v.name for v in model.vetoes} <= set(_AGAINST)


@pytest.mark.parametrize(("language", "sentence"), [("zh", "身份证号、姓名、性别一致；住址、电话均未对上"), ("en", "ID number, name, sex agree; neither dwelling nor telephone agrees")])
def test_a_reason_is_one_sentence(language: str, sentence: str) -> None:
    levels = (("name", "exact"), ("birth", "unknown"), ("sex", "same"), ("number", "masked"), ("context", "apart"))
    assert why(levels, True, False, False, None, language) == sentence


def test_a_reason_says_what_stands_against_it() -> None:
    levels = (("name", "exact"), ("birth", None), ("sex", "unknown"), ("number", "unknown"), ("context", "room"))
    assert why(levels, False, False, False, "name_and_address_alone", "zh") == "姓名、住址一致；仅凭姓名、住址不能认定"
    assert why(levels, False, True, False, None, "zh").startswith("姓名、住址一致；身份证号一致，但其他项与之矛盾")
