"""What a recipient sees of a value under each mask of an agreement."""

from __future__ import annotations

import duckdb
import pytest

from contracts.agreements import MASKS as GRANTABLE
from publish.masks import MASKS, UnknownMask, masked, words


def seen(mask: str, value: object, sql_type: str = "VARCHAR") -> str | None:
    with duckdb.connect() as con:
        return con.execute(
            f"SELECT {masked(mask, words('v', sql_type))} FROM (SELECT CAST($v AS {sql_type}) AS v)", {"v": value}
        ).fetchall()[0][0]


@pytest.mark.parametrize(
    ("mask", "value", "left"),
    [
        ("none", "王建国", "王建国"),
        ("id_masked", "130731198005120017", "130731********0017"),
        ("id_masked", "13073119800512001X", "130731********001X"),
        ("id_masked", "130731800512001", "130731*****2001"),
        ("id_masked", "G130731201401010017", "G13073*********0017"),
        ("id_masked", "1307310017", "**********"),
        ("phone_masked", "13812340017", "138****0017"),
        ("phone_masked", "0313-6521234", "031*****1234"),
        ("phone_masked", "6521234", "*******"),
        ("name_initial", "王建国", "王*"),
        ("name_initial", "欧阳建国", "欧阳*"),
        ("name_initial", "欧阳", "欧*"),
        ("year_only", "1980-05-12", "1980"),
        ("year_only", "不详", None),
        ("flag", "61", "是"),
        ("flag", "否", None),
        ("flag", "", None),
    ],
)
def test_a_mask_leaves_this_much(mask: str, value: str, left: str | None) -> None:
    assert seen(mask, value) == left


@pytest.mark.parametrize("mask", sorted(MASKS))
def test_nothing_stays_nothing_under_every_mask(mask: str) -> None:
    assert seen(mask, None) is None


@pytest.mark.parametrize("mask", sorted(set(MASKS) - {"none", "flag", "year_only"}))
@pytest.mark.parametrize("value", ["1", "王", "12345", "130731198005120017", "13812340017", "王建国"])
def test_a_mask_never_shows_the_whole_value(mask: str, value: str) -> None:
    assert seen(mask, value) != value


def test_every_mask_an_agreement_can_grant_has_its_rule_and_no_other_passes() -> None:
    assert set(MASKS) == set(GRANTABLE)
    with pytest.raises(UnknownMask, match="sometimes"):
        masked("sometimes", "v")


@pytest.mark.parametrize(
    ("value", "sql_type", "text"),
    [
        (True, "BOOLEAN", "是"),
        (False, "BOOLEAN", "否"),
        ("2026-11-20", "DATE", "2026-11-20"),
        (["体检", "接种"], "VARCHAR[]", "体检；接种"),
        ([], "VARCHAR[]", None),
        (12, "INTEGER", "12"),
        ('=HYPERLINK("x")', "VARCHAR", '\'=HYPERLINK("x")'),
        ("@甲", "VARCHAR", "'@甲"),
        ("-2+cmd|x", "VARCHAR", "'-2+cmd|x"),
        ("-1层", "VARCHAR", "-1层"),
    ],
)
def test_values_are_written_so_that_a_person_can_read_them_and_a_sheet_runs_nothing(
    value, sql_type: str, text: str | None
) -> None:
    assert seen("none", value, sql_type) == text


def test_a_flag_of_a_boolean_says_yes_or_nothing() -> None:
    assert seen("flag", True, "BOOLEAN") == "是"
    assert seen("flag", False, "BOOLEAN") is None
