"""What holds of standardisation whatever text comes."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standards import address, characters, columns, dates, pinyin, resident_id, uscc, variants
from standards.reasons import REASONS
from standards.semantic_types import TYPES, standardise

TODAY = date(2026, 11, 22)
CROSSWALK = "relation/text"
# Pieces that mean something to one rule or another, put together at random, and any text at all.
PIECES = [
    "张三",
    "王*",
    "欧阳",
    "之子",
    "户主",
    "已故",
    "(",
    ")",
    "（",
    "）",
    "曾用名",
    "·",
    "•",
    ".",
    "、",
    ";",
    "2011",
    "03",
    "05",
    "-",
    "/",
    "年",
    "月",
    "日",
    "二〇一一",
    "三",
    "十",
    "民国",
    "农历",
    "13073119850305",
    "0017",
    "11010519491231002X",
    "X",
    "×",
    "*",
    "138",
    "12345679",
    "0313",
    "+86",
    "E+17",
    ".0",
    "号楼",
    "单元",
    "室",
    "轩辕小区",
    "一期",
    "层",
    "东户",
    "底商",
    "社区",
    "涿鹿县",
    "北京市",
    "#",
    "'",
    '="',
    "无",
    "null",
    "true",
    "是",
    "元",
    ",",
    "{",
    "}",
    "[",
    "]",
    "�",
    "\u200b",
    "\u3000",
    "\ue81e",
    "寮犱笁",
    "ÕÅÈý",
    "9999-12-31",
    "G",
    "L",
    "B1",
    "WANG",
    "𬀩",
    "０",
    "Ⅹ",
]
TEXT = st.one_of(st.lists(st.sampled_from(PIECES), max_size=7).map("".join), st.text(max_size=24))
COLUMN = st.lists(st.one_of(st.none(), TEXT), max_size=12)


def _read(kind: str, texts: list[str | None]):
    return standardise(kind, pa.array(texts, pa.string()), today=TODAY, crosswalk=CROSSWALK)


@pytest.mark.parametrize("kind", list(TYPES))
@settings(max_examples=50, deadline=None)
@given(texts=COLUMN)
def test_any_text_gives_a_value_or_a_reason_and_never_both(kind, texts):
    result = _read(kind, texts)
    assert result.values.type == TYPES[kind].arrow_type
    assert {suffix: array.type for suffix, array in result.companions.items()} == dict(TYPES[kind].companions)
    for array in (result.values, result.reason, result.notice, *result.companions.values()):
        assert len(array) == len(texts)
    for text, value, reason, notice in zip(
        texts, result.values.to_pylist(), result.reason.to_pylist(), result.notice.to_pylist(), strict=True
    ):
        assert value is None or reason is None
        assert notice is None or value is not None
        assert text is not None or (value is None and reason is None)
        assert {reason, notice} - {None} <= REASONS.keys()


@pytest.mark.parametrize("kind", list(TYPES))
@settings(max_examples=12, deadline=None)
@given(texts=COLUMN, seed=st.integers(0, 1000))
def test_a_row_is_read_the_same_alone_among_others_and_in_chunks(kind, texts, seed):
    together = _read(kind, texts)
    order = list(range(len(texts)))
    random.Random(seed).shuffle(order)
    shuffled = _read(kind, [texts[i] for i in order])
    assert shuffled.values.equals(together.values.take(pa.array(order, pa.int64())))
    assert shuffled.reason.equals(together.reason.take(pa.array(order, pa.int64())))
    chunks = pa.chunked_array([pa.array(texts[:3], pa.string()), pa.array(texts[3:], pa.string())])
    assert standardise(kind, chunks, today=TODAY, crosswalk=CROSSWALK).values.equals(together.values)


@pytest.mark.parametrize(
    "kind",
    ["resident_id", "name", "phone", "uscc", "pupil_no", "disability_no", "archive_no", "month", "address", "text"],
)
@settings(max_examples=50, deadline=None)
@given(texts=COLUMN)
def test_a_standard_value_is_read_as_itself(kind, texts):
    once = _read(kind, texts)
    twice = _read(kind, once.values.to_pylist())
    assert twice.values.to_pylist() == once.values.to_pylist()


BIRTHS = st.dates(date(1910, 1, 1), TODAY)


@st.composite
def id_numbers(draw) -> str:
    area = draw(st.sampled_from(["130731", "132530", "110105", "440524"]))
    first = f"{area}{draw(BIRTHS):%Y%m%d}{draw(st.integers(1, 999)):03d}"
    total = sum(int(d) * w for d, w in zip(first, (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    return first + "10X98765432"[total % 11]


@settings(max_examples=60, deadline=None)
@given(number=id_numbers())
def test_a_right_id_number_stands_and_says_birth_and_sex(number):
    result = _read(
        "resident_id", [number, number.lower(), f"'{number}", f" {number[:6]} {number[6:14]} {number[14:]} "]
    )
    assert result.values.to_pylist() == [number] * 4
    assert resident_id.birth_dates(pa.array([number])).to_pylist() == [
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    ]
    assert resident_id.sexes(pa.array([number])).to_pylist() == ["1" if int(number[16]) % 2 else "2"]


@settings(max_examples=60, deadline=None)
@given(number=id_numbers(), place=st.integers(0, 16), shift=st.integers(1, 9))
def test_one_wrong_digit_is_always_caught(number, place, shift):
    wrong = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]
    result = _read("resident_id", [wrong])
    assert result.values.to_pylist() == [None]
    assert result.companions["text"].to_pylist() == [wrong]


@settings(max_examples=60, deadline=None)
@given(number=id_numbers(), place=st.integers(0, 15))
def test_two_neighbouring_digits_swapped_are_always_caught(number, place):
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert swapped == number or _read("resident_id", [swapped]).values.to_pylist() == [None]


@settings(max_examples=40, deadline=None)
@given(number=id_numbers().filter(lambda n: n[6:8] == "19" and int(n[14:17]) < 996))
def test_15_digits_become_the_18_they_came_from(number):
    assert _read("resident_id", [number[:6] + number[8:17]]).values.to_pylist() == [number]


@settings(max_examples=40, deadline=None)
@given(
    body=st.text(alphabet=uscc.ALPHABET.decode(), min_size=15, max_size=15),
    place=st.integers(0, 16),
    shift=st.integers(1, 30),
)
def test_one_wrong_character_of_a_uscc_is_always_caught(body, place, shift):
    alphabet = uscc.ALPHABET.decode()
    first = "91" + body
    code = first + chr(uscc.check_characters(columns.digits(pa.array([first]), 17))[0])
    assert _read("uscc", [code]).values.to_pylist() == [code]
    wrong = code[:place] + alphabet[(alphabet.index(code[place]) + shift) % 31] + code[place + 1 :]
    assert _read("uscc", [wrong]).values.to_pylist() == [None]


@settings(max_examples=60, deadline=None)
@given(day=st.dates(date(1900, 1, 2), TODAY))
def test_every_written_form_of_a_day_is_that_day(day):
    serial = (day - date(1899, 12, 30)).days
    forms = [
        f"{day:%Y%m%d}",
        f"{day.year}-{day.month}-{day.day}",
        f"{day:%Y/%m/%d}",
        f"{day:%Y.%m.%d}",
        f"{day.year}年{day.month}月{day.day}日",
        f"{day} 00:00:00",
    ]
    if serial >= 10_000:
        forms.append(str(serial))
    assert dates.standardise(pa.array(forms), today=TODAY).values.to_pylist() == [day] * len(forms)


@settings(max_examples=50, deadline=None)
@given(year=st.integers(1901, 2026), month=st.integers(0, 13), day=st.integers(0, 32))
def test_a_day_stands_only_if_the_calendar_has_it(year, month, day):
    try:
        expected = date(year, month, day)
    except ValueError:
        expected = None
    result = dates.standardise(pa.array([f"{year}-{month:02d}-{day:02d}"]), today=TODAY + timedelta(days=400))
    if day == 0 or month == 0:
        assert result.companions["precision"].to_pylist() != ["day"]
    else:
        assert result.values.to_pylist() == [expected]


NUMBERED = st.tuples(
    st.sampled_from(["轩辕小区", "一中家属院", "三里铺", "南关新民居"]),
    st.integers(1, 99),
    st.integers(1, 9),
    st.integers(101, 3304),
)


@settings(max_examples=50, deadline=None)
@given(dwelling=NUMBERED)
def test_every_written_form_of_a_dwelling_is_that_dwelling(dwelling):
    compound, building, unit, room = dwelling
    forms = [
        f"{compound}{building}号楼{unit}单元{room}",
        f"涿鹿县涿鹿镇{compound}{building}号楼{unit}单元{room}室",
        f"{compound}{building}-{unit}-{room}",
        f"{compound}{building}#{unit}-{room}",
        f"{compound}{building}栋{unit}门{room}",
        f"{compound}{building}楼{unit}单元{room}",
        f"河北省张家口市涿鹿县{compound}{building:02d}号楼{unit}单元0{room}",
    ]
    table = address.parse(pa.array(forms))
    for name, value in (("compound", compound), ("building", str(building)), ("unit", str(unit)), ("room", str(room))):
        assert table[name].to_pylist() == [value] * len(forms), name


@settings(max_examples=60, deadline=None)
@given(texts=COLUMN)
def test_addresses_of_any_text_are_taken_apart_without_harm(texts):
    table = address.parse(pa.array(texts, pa.string()))
    assert table.column_names == list(address.COLUMNS)
    assert table.num_rows == len(texts)
    assert table["form"].null_count == 0


@settings(max_examples=60, deadline=None)
@given(texts=COLUMN)
def test_match_keys_keep_their_rows(texts):
    column = pa.array(texts, pa.string())
    for function in (pinyin.syllables, variants.fold, variants.shapes, pinyin.surnames, pinyin.given_names):
        keys = function(column)
        assert len(keys) == len(texts)
        assert [k is None for k in keys.to_pylist()] == [t is None for t in texts]
    folded = variants.fold(column)
    assert variants.fold(folded).equals(folded)


@settings(max_examples=50, deadline=None)
@given(texts=st.lists(TEXT, max_size=8))
def test_code_points_lead_back_to_the_text(texts):
    column = pa.array(texts, pa.string())
    assert characters.from_code_points(*characters.code_points(column)).to_pylist() == texts
