"""The report and the profile as pages: two languages, nothing fetched from outside, everything escaped."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser

import pytest

from contracts.reader import load_contracts
from reports.figures import Report
from reports.labels import LABELS, Text, department, dimension, label
from reports.page import render, score, signed
from reports.population import Area, Compound, Count, Population
from reports.profile_page import masked_id, render_profile
from reports.quality import DepartmentFigures, FeedFigures, Quality
from reports.remarks import Counted, Notice, header
from reports.scores import ORDER, Score

SCORES = {name: Score(1000, place) for place, name in enumerate(ORDER)}


def report(*, quarantined: int = 2, accepted: int = 98, history=(), gates=()) -> Report:
    title = Text("户籍人口", "Population register")
    feed = FeedFigures(
        "psb_register", title, "public_security", "incremental", 3, 0, 0, 0, 100, accepted, 0, 0, 0, quarantined, 1, None,
        "2026-11-20T04:00:00+00:00", SCORES, 99.75,
    )  # fmt: skip
    owner = DepartmentFigures("public_security", department("public_security"), 1, 100, SCORES, 99.75)
    issue = Counted("psb_register", title, Text("身份证号校验码错误", "wrong check digit"), 7, 7, Text("证号", "id"), "准确性", "warning")
    quality = Quality((feed,), (owner,), (), (), (issue,), (), tuple(gates), (), (), 1, 1)
    area = Area("130731100008", "轩辕", "轩辕", 200, 190, "<5", 50, 26.3, 91.0)
    population = Population(
        2278, 2218, 2014, 895, 895, 0, 6291, 5000, "1+abc", (Count(label("rule", "same_valid_id"), 4443),), (), (),
        (Count(label("household", "residence"), 895),), (Count(Text("1人", "1"), "<5"),), (), (area,), (),
        (Compound("130731100008001", "轩辕小区", "轩辕", 2000, True, "up"),), 13, {"psb_register": (1988, 1966)},
    )  # fmt: skip
    return Report(datetime(2026, 11, 20, 4, tzinfo=UTC), date(2026, 11, 20), quality, population, (), tuple(history))


class Outside(HTMLParser):
    """Collects every attribute that could make a browser fetch something, and the text of each language."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.open_tags: list[tuple[str, str | None]] = []
        self.texts: dict[str, list[str]] = {"zh-CN": [], "en": []}
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.fetched += [value for name, value in attrs if name in ("src", "href", "action", "data", "poster", "srcset")]
        if tag == "span":
            self.open_tags.append((tag, dict(attrs).get("lang")))

    def handle_endtag(self, tag):
        if tag == "span" and self.open_tags:
            self.open_tags.pop()

    def handle_data(self, data):
        if self.open_tags and self.open_tags[-1][1] in self.texts:
            self.texts[self.open_tags[-1][1]].append(data)


def test_both_languages_stand_in_the_page_and_the_asked_one_is_first():
    for language in ("zh", "en"):
        page = render(report(), language)
        texts = Outside(page).texts
        assert f'data-language="{language}"' in page
        assert "一户一档数据质量报告" in texts["zh-CN"] and "Household data quality report" in texts["en"]
        assert len(texts["zh-CN"]) == len(texts["en"]), "every text has its other language"


def test_no_chinese_stands_in_an_english_text():
    texts = [text for text in Outside(render(report())).texts["en"] if text != "中文"]  # the switch names the other language
    assert [text for text in texts if re.search(r"[\u4e00-\u9fff]", text)] == []


def test_a_page_asks_nothing_from_outside():
    for page in (render(report()), render_profile(PROFILE, load_contracts())):
        assert Outside(page).fetched == []
        assert not re.search(r"https?://|@import|url\(|fetch\(|XMLHttpRequest", page)


def test_what_a_source_sent_is_text_never_markup():
    told = Notice(label("drift", "added"), Text("x", "x"), Text("列“<script>alert(1)</script>”", "<img src=x>"))
    page = render(report(gates=[told]))
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page and "<img" not in page


def test_rows_that_do_not_add_up_are_said_to():
    assert "全部数据源账目平衡" in render(report())
    unbalanced = render(report(accepted=97))
    assert "有数据源账目不平衡" in unbalanced and "全部数据源账目平衡" not in unbalanced


def test_the_headline_is_compared_with_the_report_before():
    first = report()
    page = render(report(history=[{"made_at": "2026-11-19T04:00:00+00:00", **first.headline, "persons": 2000}]))
    assert "+278" in page and "±0" in page
    assert 'class="delta"' in page and 'class="delta"' not in render(first)


def test_the_document_holds_the_same_figures_as_json():
    document = json.loads(json.dumps(report().document(), ensure_ascii=False))
    assert document["headline"]["landed"] == document["headline"]["accepted"] + document["headline"]["quarantined"] == 100
    assert document["quality"]["feeds"][0]["balanced"] is True
    assert document["quality"]["feeds"][0]["scores"]["时效性"] == {"value": 99.6, "judged": 1000, "broken": 4}


@pytest.mark.parametrize(("seen", "told"), [("姓名", "姓名"), ("张三130731198501010017", "张三…"), ("一" * 30, "一" * 19 + "…"), (None, "")])
def test_a_header_that_is_no_header_shows_no_number(seen, told):
    assert header(seen) == told


def test_numbers_are_written_as_people_read_them():
    assert [score(100), score(99.999), score(None)] == ["100", "100.00", "—"]
    assert [signed(0), signed(1234), signed(-0.9, 1)] == ["±0", "+1,234", "−0.9"]


def test_labels_have_both_languages_and_an_unknown_code_is_its_own_name():
    for codes in LABELS.values():
        assert all(zh and en for zh, en in codes.values())
    assert label("rule", "some_new_rule") == Text("some_new_rule", "some_new_rule")
    assert label("profile_tag", "left_behind").zh == "留守儿童"
    assert [dimension(name).en for name in ORDER][0] == "Conformity"


PROFILE = {
    "household_id": "R000000007",
    "place": {"community": "轩辕", "compound": "轩辕小区", "building": "3", "unit": "2", "room": "501"},
    "grid": {"name": "轩辕第1网格", "full_time_worker": "网格员甲", "liaison_worker": None, "liaison_unit": "县委办公室", "building_lead": None, "unit_lead": None},
    "dwelling_use": "rented", "last_visit": "2026-10-01T08:00:00", "persons": 1, "tags": ["age_80", "lives_alone_old"], "assistance": ["tekun"],
    "services_due": ["elderly_examination"], "enterprises": [], "open_requests": [{"request": "Q1", "category": "代办医保", "accepted": "2026-11-01 08:00:00"}],
    "conflicts": 1, "quality": {"confidence": 0.85},
    "members": [{
        "person_id": "P000000001", "name": "甲<b>乙", "sex": "2", "birth_date": "1949-12-31", "id_number": "11010519491231002X", "phone": None,
        "ethnicity": "01", "marital_status": "30", "schooling": "80", "register": {"household": "1|2", "relation": "02"},
        "lives_here": {"basis": "visit", "confidence": 0.97, "since": "2026-10-01"}, "tags": ["age_80"], "services_due": None,
        "sources": {"id_number": {"value": "11010519491231002X", "feed": "psb_register", "record": "K1", "time": "2026-05-07 10:00:00+08", "confidence": 0.9, "differing": 1}},
    }],
}  # fmt: skip


def test_a_profile_shows_codes_by_name_and_masks_every_id_number():
    page = render_profile(PROFILE, load_contracts())
    assert "轩辕轩辕小区3号楼2单元501" in page
    for words in ("丧偶", "户主", "独居老人", "特困", "老年人体检", "租住", "公安·户籍人口", "1个来源不一致", "2026-05-07", "代办医保"):
        assert words in page, words
    assert "11010519491231002X" not in page and page.count("110105********002X") == 4  # value and source, in two languages
    assert "甲&lt;b&gt;乙" in page


def test_a_profile_without_a_place_or_a_number_still_is_a_page():
    empty = {**PROFILE, "place": dict.fromkeys(PROFILE["place"]), "members": [{"person_id": "P1", "sources": None}], "quality": {"confidence": None}}
    assert "P1" not in render_profile(json.dumps(empty), {}, "en")


@pytest.mark.parametrize(("number", "told"), [("130731198501010017", "130731********0017"), ("H1234", "*****"), (None, "—"), ("", "—")])
def test_id_numbers_are_masked(number, told):
    assert masked_id(number) == told
