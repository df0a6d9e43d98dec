"""Names under decisions and looks: what can't be seen makes neither a name nor a second person."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from warehouse.signature import legible, same_signer

UNSEEN = [chr(c) for c in range(1, sys.maxunicode + 1) if unicodedata.category(chr(c)) in ("Cc", "Cf", "Zs", "Zl", "Zp")]


def test_every_blank_control_and_format_character_is_nothing() -> None:
    assert [hex(ord(sign)) for sign in UNSEEN if legible(sign) or not same_signer(f"张{sign}三{sign}", "张三")] == []


@pytest.mark.parametrize("filler", ["\u3164", "\uffa0", "\u2800", "\ufe0f", "\U000e0100", "\u034f"])
def test_fillers_and_variation_selectors_are_nothing_either(filler) -> None:
    assert legible(filler) == "" and same_signer(f"张三{filler}", "张三")


def test_people_stay_two_and_names_stay_readable() -> None:
    assert not same_signer("张三", "张四") and not same_signer("𬀩三", "䶮三")
    assert same_signer("Ｗａｎｇ Wei", "wang wei") and legible(" Wang\u200b  Wei\n") == "Wang Wei"
    assert legible("艾力·买买提") == "艾力·买买提"
