"""The simulated county's numbers and names: valid where they should be, dirty in the ways that are named."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.county import ids, names
from simulator.county.chance import Chance
from simulator.views import spoil, spoil_names
from simulator.views.addresses import chinese_number


def checked(number: str) -> bool:
    """GB 11643, worked out here and not by the code under test."""
    total = sum(
        int(c) * w for c, w in zip(number[:17], (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), strict=True)
    )
    return number[17] == "10X98765432"[total % 11]


def test_check_digits_meet_the_standards_own_vectors():
    assert ids.with_check("11010519491231002") == "11010519491231002X"
    assert ids.with_check("44052418800101001") == "440524188001010014"


def test_people_born_together_get_different_neighbouring_numbers_of_the_right_sex():
    keys = np.arange(40)
    birth = np.full(40, np.datetime64("2019-05-04"))
    sex = np.where(keys % 2, 1, 2)
    numbers = ids.resident_ids(Chance(3), keys, np.full(40, "130731"), birth, sex, {})
    assert len(set(numbers)) == 40
    assert all(checked(n) and n[:14] == "13073120190504" for n in numbers)
    assert [int(n[16]) % 2 for n in numbers] == (sex == 1).astype(int).tolist()


def test_uscc_carries_its_check_and_its_inner_check():
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    weights = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
    for serial in (1, 77_777, 12_345_678):
        code = ids.uscc("92", serial)
        assert len(code) == 18 and code.startswith("92130731")
        assert (
            alphabet[(31 - sum(alphabet.index(c) * w for c, w in zip(code[:17], weights, strict=True)) % 31) % 31]
            == code[17]
        )
        inner = 11 - sum(int(c, 36) * w for c, w in zip(code[8:16], (3, 7, 9, 10, 5, 8, 4, 2), strict=True)) % 11
        assert code[16] == {10: "X", 11: "0"}.get(inner, str(inner))


@pytest.mark.parametrize("error", ["digit", "swap"])
def test_a_mistyped_number_differs_and_keeps_its_length(error: str):
    for draw in np.linspace(0, 0.999, 50):
        wrong = spoil._ID_ERRORS[error]("130731198504121234", float(draw))
        assert len(wrong) == 18 and wrong != "130731198504121234"
        assert sum(a != b for a, b in zip(wrong, "130731198504121234", strict=True)) == (1 if error == "digit" else 2)


def test_a_homophone_sounds_the_same_and_is_another_character():
    from pypinyin import lazy_pinyin

    for letter, others in names.homophones().items():
        assert letter not in others
        assert {s for s in lazy_pinyin(list(others))} == set(lazy_pinyin([letter]))


def test_names_are_spoiled_where_they_can_be_and_left_alone_elsewhere():
    errors = spoil_names._ERRORS
    assert errors["homophone"]("张静", 0.3) != "张静" and errors["homophone"]("张静", 0.3)[0] == "张"
    assert errors["star"]("王堃", 0.1) == "王*" and errors["star"]("王伟", 0.1) == "王伟"
    assert errors["dots"]("买买提·艾力", 0.1) != "买买提·艾力" and errors["dots"]("王伟", 0.1) == "王伟"
    assert errors["drop"]("李建国", 0.2) in ("李国", "李建") and errors["drop"]("李伟", 0.2) == "李伟"
    assert errors["space"]("王伟", 0.0) == "王 伟"


@pytest.mark.parametrize(
    ("number", "text"), [(3, "三"), (10, "十"), (12, "十二"), (20, "二十"), (501, "五〇一"), (1203, "一二〇三")]
)
def test_chinese_numbers(number: int, text: str):
    assert chinese_number(number) == text


def test_draws_do_not_depend_on_what_is_asked_together():
    chance = Chance(9)
    whole = chance.uniform("phone", np.arange(1000))
    assert (chance.uniform("phone", np.array([17, 930, 4])) == whole[[17, 930, 4]]).all()
    assert (Chance(10).uniform("phone", np.arange(1000)) != whole).all()
    assert 0.48 < whole.mean() < 0.52 and (whole >= 0).all() and (whole < 1).all()
