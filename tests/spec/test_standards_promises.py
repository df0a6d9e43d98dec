"""What a registrar can rely on when a department's values become the county's."""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from standards import pinyin, resident_id, variants
from standards.semantic_types import standardise

TODAY = date(2026, 11, 22)


def read(kind: str, *texts: str | None, **more):
    return standardise(kind, pa.array(texts, pa.string()), today=TODAY, **more)


def test_a_newborn_called_after_the_mother_never_takes_the_mothers_name():
    result = read("name", "王芳", "王芳之子")
    assert result.values.to_pylist() == ["王芳", None]
    assert result.reason.to_pylist() == [None, "name.unnamed"]
    assert result.companions["note"].to_pylist() == [None, "王芳之子"]


def test_natives_of_all_decades_keep_their_numbers_whatever_code_the_county_had():
    def number(first: str) -> str:
        return (
            first
            + "10X98765432"[sum(int(d) * w for d, w in zip(first, resident_id.WEIGHTS.tolist(), strict=True)) % 11]
        )

    numbers = [number(f"{area}{year}0305001") for area in ("130731", "132530") for year in range(1930, 2026, 5)]
    result = read("resident_id", *numbers)
    assert result.values.to_pylist() == numbers
    assert result.notice.null_count == len(numbers)


def test_somebody_may_be_120_years_old_but_not_older():
    def number(birth: str) -> str:
        first = f"130731{birth}001"
        return (
            first
            + "10X98765432"[sum(int(d) * w for d, w in zip(first, resident_id.WEIGHTS.tolist(), strict=True)) % 11]
        )

    result = read("resident_id", number("19061122"), number("19061121"), number("20261122"), number("20261123"))
    assert result.reason.to_pylist() == [None, "id.birth_too_old", None, "id.birth_future"]


def test_an_unknown_county_is_a_remark_not_a_refusal():
    result = read("resident_id", "130799198503050014")
    assert result.values.to_pylist() == ["130799198503050014"]
    assert result.notice.to_pylist() == ["id.area_unknown"]


def test_a_number_cut_by_a_spreadsheet_is_never_completed():
    result = read("resident_id", "130731198503050000", "1.30731E+17", "13073119850305001")
    assert result.values.null_count == 3
    assert result.companions["text"].to_pylist() == ["130731198503050000", "1.30731E+17", "13073119850305001"]


def test_the_same_marital_code_of_two_sources_is_read_by_its_own_source():
    assert read("code", "20", crosswalk="marital/gb").values.to_pylist() == ["20"]
    assert read("code", "20", crosswalk="marital/dictionary_20_first").values.to_pylist() == ["21"]
    assert read("code", "3", crosswalk="marital/health").values.to_pylist() == ["30"]
    assert read("code", "3", crosswalk="marital/elderly_system").values.to_pylist() == ["40"]


def test_a_value_no_crosswalk_knows_is_empty_with_its_reason_never_guessed():
    result = read("code", "干爹", crosswalk="relation/text")
    assert result.values.to_pylist() == [None]
    assert result.reason.to_pylist() == ["code.unmapped"]


def test_an_empty_cell_has_no_reason():
    for kind in ("resident_id", "name", "date", "phone", "address", "integer", "decimal", "boolean", "uscc"):
        result = read(kind, "", "  ", None, "\u3000")
        assert result.values.null_count == 4, kind
        assert result.reason.null_count == 4, kind


def test_31_february_is_refused_and_a_day_to_come_only_where_none_is_expected():
    assert read("date", "2011-02-31").reason.to_pylist() == ["date.impossible"]
    assert read("date", "2027-01-01").reason.to_pylist() == ["date.future"]
    assert read("date", "2027-01-01", options={"future": True}).values.to_pylist() == [date(2027, 1, 1)]


def test_two_digit_years_lunar_days_and_the_republics_years_are_refused_not_guessed():
    assert read("date", "85-3-5", "农历三月初五", "民国74年3月5日").reason.to_pylist() == [
        "date.two_digit_year",
        "date.lunar",
        "date.roc",
    ]


def test_the_name_shown_keeps_its_characters_and_only_the_match_key_is_folded():
    shown = read("name", "李乾", "鍾明").values
    assert shown.to_pylist() == ["李乾", "鍾明"]
    assert variants.fold(shown).to_pylist() == ["李干", "钟明"]


def test_homophones_have_one_pinyin_and_different_names_do_not():
    one, same, other = pinyin.syllables(pa.array(["陈静", "陈婧", "陈强"])).to_pylist()
    assert one == same != other


def test_every_interpunct_becomes_the_prescribed_one():
    forms = [f"买买提{dot}艾力" for dot in "·•‧・･．.∙⋅"]
    assert set(read("name", *forms).values.to_pylist()) == {"买买提\u00b7艾力"}


def test_two_numbers_in_a_phone_cell_are_both_kept():
    result = read("phone", "13812345679/0313-6512345")
    assert result.values.to_pylist() == ["13812345679"]
    assert result.companions["second"].to_pylist() == ["0313-6512345"]


def test_a_key_is_never_changed():
    assert read("key", " 0017", "a\u3000b", "Ｘ").values.to_pylist() == [" 0017", "a\u3000b", "Ｘ"]
