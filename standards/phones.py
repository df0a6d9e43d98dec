"""Phone numbers (电话): mobile and fixed, two in a cell, with notes, masks and what spreadsheets do to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from standards import columns
from standards.result import Standardised

# A mobile may carry blanks or hyphens inside, 86 or a stray 0 before it. A fixed number is area code and 7–8 digits.
_GAP = r"[ \-.]?"
_COUNTRY = r"(?:\+?(?:00)?86[ \-]?)?"
_MOBILE = rf"{_COUNTRY}0?(?P<{{0}}>1[3-9](?:{_GAP}\d){{{{9}}}})"
_FIXED = (
    rf"{_COUNTRY}[(]?(?P<{{0}}_area>0(?:10|2\d|[3-9]\d{{{{2}}}}))[)]?[ \-]?"
    rf"(?P<{{0}}_local>[2-9]\d{{{{2,3}}}}[ \-]?\d{{{{4}}}})(?:[ \-]?(?:转|ext\.?|x|-)[ \-]?\d{{{{1,5}}}})?"
)


def _number(name: str) -> str:
    return "(?:" + _MOBILE.format(name + "_mobile") + "|" + _FIXED.format(name) + ")"


_CELL = r"^\D{0,20}?" + _number("a") + r"(?P<rest>(?:\D.*)?)$"
_FURTHER = r"^\D{0,20}?" + _number("b") + r"(?:\D.{0,20})?$"
_PLACEHOLDER = r"^(?:13800000000|13800138000|1[3-9]\d0{8}|12345678\d*|0{5,}|0(?:10|[2-9]\d{1,2})-?(?:0{7,8}|1{7,8}|8{8}|9{7,8}|1234567\d?)|9{5,}|1{7,})$"
_SAME_TAIL = "^1[3-9]\\d(?:" + "|".join(f"{d}{{8}}" for d in range(10)) + ")$"


def _assemble(parts: pa.Array, name: str) -> pa.Array:
    """The one number a match holds: 11 digits, or area-number."""
    mobile = pc.replace_substring_regex(pc.struct_field(parts, f"{name}_mobile"), r"\D", "")
    area = pc.struct_field(parts, f"{name}_area")
    local = pc.replace_substring_regex(pc.struct_field(parts, f"{name}_local"), r"\D", "")
    fixed = pc.binary_join_element_wise(area, local, "-")
    return pc.if_else(pc.not_equal(mobile, ""), mobile, fixed)


def _read(values: pa.Array, area_code: str | None) -> Standardised:
    size = len(values)
    ready = columns.matches(values, r"^1[3-9]\d{9}$")

    def undress(text: pa.Array) -> pa.Array:
        text = columns.tidy(text)
        text = columns.substitute(text, columns.BLANK + "+", " ")
        text = columns.substitute(text, r"^=?[\"'](.*?)[\"']?$", r"\1")
        text = columns.substitute(text, r"^(\d{7,12})\.0+$", r"\1")
        text = columns.substitute(text, r"[\x{2010}-\x{2015}\x{2212}_~]", "-")
        # All eleven digits are there, only the point is in the wrong place.
        return columns.substitute(text, r"^(1)\.([3-9]\d{9})[eE]\+?10$", r"\1\2")

    text = columns.update(values, ~ready, undress)
    if area_code:
        text = columns.substitute(text, r"^([2-9]\d{2,3}-?\d{4})$", rf"{area_code}-\1")
    reason = columns.FirstReason(size)
    notice = columns.FirstReason(size)
    reason.where(columns.where(~ready, text, columns.is_absent), None)
    reason.where(columns.matches(text, _PLACEHOLDER) | columns.matches(text, _SAME_TAIL), "phone.placeholder")

    dressed = ~ready & reason.open
    parts = pc.extract_regex(text.filter(columns.mask(dressed)), _CELL)
    dressed_number = columns.place(size, dressed, _assemble(parts, "a"))
    number = pc.if_else(columns.mask(ready), text, dressed_number)
    found = number.is_valid().to_numpy(zero_copy_only=False)
    rest = columns.place(size, dressed, pc.struct_field(parts, "rest"))
    more = columns.matches(rest, r"\d")
    further = pc.extract_regex(rest, _FURTHER)
    both = further.is_valid().to_numpy(zero_copy_only=False) & more
    second = columns.only(both, _assemble(further, "b"))
    # Digits that run on without a break are one number of the wrong length, not a number and something else.
    reason.where(
        found & columns.matches(text, r"\d{13,}") & ~columns.matches(text, r"86\d{11}|1[3-9]\d{9}1[3-9]\d{9}"),
        "phone.length",
    )
    dud = columns.matches(number, _SAME_TAIL) | columns.matches(number, _PLACEHOLDER)
    reason.where(dud & ~both, "phone.placeholder")
    number = pc.if_else(columns.mask(dud & both), second, number)
    second = columns.only(both & ~dud, second)
    second_dud = columns.matches(second, _SAME_TAIL) | columns.matches(second, _PLACEHOLDER)
    second = columns.only(~second_dud, second)
    second = columns.only(~pc.fill_null(pc.equal(second, number), True).to_numpy(zero_copy_only=False), second)
    notice.where(found & columns.matches(rest, r"\d{5}") & ~both, "phone.second_unread")

    reason.where(~found & columns.matches(text, r"\d\.\d+[eE]\+?1\d"), "phone.truncated")
    reason.where(~found & columns.matches(text, r"\d[*xX●•#]{2,}|[*●•]{2,}\d"), "phone.masked")
    reason.where(~found & columns.matches(text, r"^[2-9]\d{2,3}-?\d{4}$"), "phone.no_area")
    reason.where(~found & columns.matches(text, r"^\+?[\d\- ]+$"), "phone.length")
    reason.where(~found, "phone.form")
    stands = reason.open
    return Standardised(
        columns.only(stands, number),
        reason.array(),
        columns.only(stands, notice.array()),
        {"second": columns.only(stands, second)},
    )


def standardise(text: pa.Array | pa.ChunkedArray, options: Mapping[str, Any] | None = None) -> Standardised:
    """Mobile: 11 digits; fixed: area code, hyphen, number; companion ``second``: the other number of the cell.

    Reasons ``phone.*``; notice ``phone.second_unread``. ``options["area_code"]`` completes fixed
    numbers that come without one.
    """
    area_code = (options or {}).get("area_code")
    return columns.over_distinct(text, lambda values: _read(values, area_code))
