"""Calendar, check characters, numerals and the column operations, each against a plain second way of working it out."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from standards import calendar, columns, disability_no, numerals, resident_id, text, uscc
from standards.result import Standardised, count_by_reason, nulls
from standards.semantic_types import TYPES, standardise

TODAY = date(2026, 11, 22)


def test_days_of_a_whole_leap_cycle_agree_with_the_calendar():
    days = [date(1896, 1, 1) + timedelta(n) for n in range(0, 146_097, 37)]
    parts = np.array([(d.year, d.month, d.day) for d in days])
    numbers, exist = calendar.days_of(parts[:, 0], parts[:, 1], parts[:, 2])
    assert exist.all()
    assert numbers.tolist() == [calendar.epoch_days(d) for d in days]


def test_shanghai_is_nine_hours_ahead_in_the_summers_it_kept_summer_time():
    moments = [datetime(year, month, 15, 12) for year in range(1985, 1993) for month in range(1, 13)]
    local = np.array([(m - datetime(1970, 1, 1)) // timedelta(microseconds=1) for m in moments])
    expected = [m.replace(tzinfo=ZoneInfo("Asia/Shanghai")).utcoffset() // timedelta(microseconds=1) for m in moments]
    assert calendar.shanghai_offset(local).tolist() == expected


def test_29_february_minus_120_years_is_a_day():
    assert calendar.years_before(date(2020, 2, 29), 120) == date(1900, 2, 28)


@pytest.mark.parametrize(
    ("number", "valid"), [("11010519491231002X", True), ("440524188001010014", True), ("110105194912310021", False)]
)
def test_published_id_vectors(number, valid):
    assert resident_id.is_valid(pa.array([number])).tolist() == [valid]


def test_nothing_is_read_from_an_id_that_is_not_valid():
    ids = pa.array(["11010519491231002X", "110105194912310021", None, "x"])
    assert resident_id.birth_dates(ids).to_pylist() == [date(1949, 12, 31), None, None, None]
    assert resident_id.sexes(ids).to_pylist() == ["2", None, None, None]


def test_the_id_inside_another_number_is_found():
    numbers = pa.array(
        [
            "G11010519491231002X",
            "11010519491231002X44B1",
            "11010519491231002X",
            "J11010519491231002X",
            "G110105194912310021",
            None,
        ]
    )
    expected = ["11010519491231002X"] * 3 + [None] * 3
    assert resident_id.embedded(numbers).to_pylist() == expected


def test_class_and_grade_of_a_disability_number():
    numbers = standardise("disability_no", pa.array(["11010519491231002X61B2", None]), today=TODAY).values
    assert disability_no.classes(numbers).to_pylist() == ["6", None]
    assert disability_no.grades(numbers).to_pylist() == ["1", None]


def test_the_organisation_code_inside_a_uscc_has_its_own_check_character():
    # 60003734-1: 11 - (6*3 + 0 + 0 + 0 + 3*5 + 7*8 + 3*4 + 4*2) mod 11
    matrix = columns.digits(pa.array(["91110000600037341L"]), 18)
    assert uscc.organisation_agrees(matrix).tolist() == [True]
    wrong = matrix.copy()
    wrong[0, 16] = ord("2")
    assert uscc.organisation_agrees(wrong).tolist() == [False]


@pytest.mark.parametrize(
    ("written", "arabic"),
    [("三", "3"), ("十", "10"), ("十二", "12"), ("二十", "20"), ("二十一", "21"), ("廿三", "23"), ("一百零二", "102"), ("五〇一", "501"),
     ("一千二百零三", "1203"), ("零五", "5"), ("两", "2"), ("0501", "501"), ("0", "0"), ("A12", "A12"), ("甲", "甲"), ("东", "东")],
)  # fmt: skip
def test_chinese_numerals(written, arabic):
    assert numerals.arabic(pa.array([written])).to_pylist() == [arabic]


def test_private_use_characters_of_the_2005_standard_are_put_right():
    # FE59 and FE61 as Python's codec reads them, and what GB 18030-2022 says they are.
    old = b"\xfe\x59\xfe\x61".decode("gb18030")
    assert text.repair_private_use(pa.array([old])).to_pylist() == ["\u9fb4\u9fb5"]


def test_mojibake_of_many_names_is_recognised_and_good_names_are_not():
    names = pa.array(
        [a + b + c for a in "王李张刘陈杨赵黄周吴" for b in "英华文玉秀明丽兰红伟" for c in "娜芳静敏强磊军洋勇艳"]
    )
    assert not text.is_mojibake(names).any()
    twice_read = [name.encode().decode("gb18030", errors="replace") for name in names.to_pylist()]
    assert text.is_mojibake(pa.array(twice_read)).mean() > 0.99
    latin = [name.encode("gb18030").decode("latin-1") for name in names.to_pylist()]
    assert text.is_mojibake(pa.array(latin)).all()


def test_the_first_reason_given_to_a_row_stays():
    reason = columns.FirstReason(4)
    reason.where(np.array([True, False, False, False]), "id.length")
    reason.where(np.array([True, True, False, False]), "id.form")
    reason.where(np.array([False, False, True, False]), None)
    reason.where(np.array([False, False, True, False]), "id.form")
    assert reason.array().to_pylist() == ["id.length", "id.form", None, None]
    assert reason.open.tolist() == [False, False, False, True]


def test_digits_of_a_slice_are_its_own():
    column = pa.array(["0000", "1234", "5678", "9999"]).slice(1, 2)
    assert columns.from_digits(columns.digits(column, 4)).to_pylist() == ["1234", "5678"]


@pytest.mark.parametrize(
    "convert",
    [
        lambda a: pa.chunked_array([a, a]),
        lambda a: a.cast(pa.large_string()),
        lambda a: a.dictionary_encode(),
        lambda a: a.slice(1),
    ],
)
def test_any_kind_of_string_column_is_taken(convert):
    column = convert(pa.array(["11010519491231002X", None, "11010519491231002x"]))
    result = standardise("resident_id", column, today=TODAY)
    assert len(result) == len(column)
    assert result.values.to_pylist().count("11010519491231002X") == len(column) - column.null_count


def test_a_column_of_other_things_than_strings_is_refused():
    with pytest.raises(TypeError, match="column of strings"):
        standardise("text", pa.array([1, 2]), today=TODAY)


def test_unknown_types_and_missing_crosswalks_are_said():
    with pytest.raises(KeyError, match="no such semantic type"):
        standardise("nonsense", pa.array(["a"]), today=TODAY)
    with pytest.raises(ValueError, match="crosswalk"):
        standardise("code", pa.array(["a"]), today=TODAY)


def test_empty_columns_keep_their_types():
    for name, kind in TYPES.items():
        result = standardise(name, pa.array([], pa.string()), today=TODAY, crosswalk="sex/gb")
        assert len(result) == 0 and result.values.type == kind.arrow_type
        assert {s: a.type for s, a in result.companions.items()} == dict(kind.companions)


def test_reasons_are_counted_without_values():
    result = Standardised(nulls(3), pa.array(["id.form", None, "id.form"]), nulls(3))
    assert count_by_reason(result) == {"id.form": 2}
    assert result.issues() == 2
