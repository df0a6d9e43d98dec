"""What a mask leaves of a value, as DuckDB expressions over its text: docs/contracts.md names them, agreements grant them.

A value of any type is text first (:func:`words`): 是 and 否 for booleans, ``2026-11-20`` for days, lists joined by ；.
"""

from __future__ import annotations

from collections.abc import Callable

from standards.pinyin import COMPOUND_SURNAMES

LIST_SIGN = "；"


class UnknownMask(ValueError):
    """A mask no rule is written for: nothing leaves under it."""


def words(column: str, sql_type: str) -> str:
    """The text of a column of that DuckDB type; a cell that a spreadsheet would run as a formula gets a ``'`` in front."""
    if sql_type == "BOOLEAN":
        return f"CASE {column} WHEN true THEN '是' WHEN false THEN '否' END"
    if sql_type.endswith("[]"):
        return f"nullif(array_to_string({column}, '{LIST_SIGN}'), '')"
    if sql_type != "VARCHAR":
        return f"CAST({column} AS VARCHAR)"
    # DDE and HYPERLINK come in names of shops as in any text; a basement (-1层) is none.
    risky = rf"regexp_replace({column}, '^([=+@\t\r]|-.*[(|!])', '''\1')"
    return f"CASE WHEN left({column}, 1) IN ('=', '+', '-', '@', chr(9), chr(13)) THEN {risky} ELSE {column} END"


def _id_masked(text: str) -> str:
    """First six and last four of a number; of a short one nothing but its length."""
    return (
        f"CASE WHEN length({text}) >= 14 THEN left({text}, 6) || repeat('*', length({text}) - 10) || right({text}, 4) "
        f"ELSE repeat('*', length({text})) END"
    )


def _phone_masked(text: str) -> str:
    return (
        f"CASE WHEN length({text}) >= 10 THEN left({text}, 3) || repeat('*', length({text}) - 7) || right({text}, 4) "
        f"ELSE repeat('*', length({text})) END"
    )


def _name_initial(text: str) -> str:
    compound = ", ".join(f"'{surname}'" for surname in sorted(COMPOUND_SURNAMES))
    return f"CASE WHEN length({text}) > 2 AND left({text}, 2) IN ({compound}) THEN left({text}, 2) ELSE left({text}, 1) END || '*'"


def _year_only(text: str) -> str:
    return rf"nullif(regexp_extract({text}, '^(\d{{4}})', 1), '')"


def _flag(text: str) -> str:
    return f"CASE WHEN lower(trim({text})) NOT IN ('', '否', '0', 'false', 'no') THEN '是' END"


MASKS: dict[str, Callable[[str], str]] = {
    "none": lambda text: text,
    "id_masked": _id_masked,
    "phone_masked": _phone_masked,
    "name_initial": _name_initial,
    "year_only": _year_only,
    "flag": _flag,
}


def masked(mask: str, text: str) -> str:
    """The DuckDB expression of what ``mask`` leaves of the text expression. Raises UnknownMask."""
    if mask not in MASKS:
        raise UnknownMask(f"mask {mask}: one of {', '.join(MASKS)} is expected")
    return MASKS[mask](text)
