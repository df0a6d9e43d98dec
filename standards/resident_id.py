"""Resident identity numbers (公民身份号码, GB 11643-1999): read every form they come in, and what they say of a person.

18 characters = area 6 + birth 8 + sequence 3 (odd male, even female) + check character. The area is that
of first assignment: it is never tested against the birth year and nothing is concluded from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache, partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from standards import calendar, codes, columns
from standards.result import Standardised

WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], np.int32)
CHECK_CHARACTERS = np.frombuffer(b"10X98765432", np.uint8)
OLDEST_YEARS = 120  # an older birth date is refused (assumption)

# One character for X: multiplication sign, Greek chi, Cyrillic ha, roman ten (NFKC makes ｘ and Ⅹ an x before).
_X_LIKE = r"[\x{00D7}\x{03A7}\x{03C7}\x{0425}\x{0445}\x{2715}\x{2716}\x{2A2F}]"
_QUOTE = r"[\"'`\x{2018}\x{2019}\x{201C}\x{201D}]"
_WRAPPER = f"^=?{_QUOTE}+|(?:{_QUOTE}|[;,])+$"
_PLACEHOLDER = (
    "^(?:"
    + "|".join(f"{d}{{15,18}}" for d in range(10))
    + r"|123456789\d*|\d{6}(?:19000101|00000000|19000100)\d{3}[\dX]|X+)$"
)
_FORM = r"^\d{17}[\dX]$"
# What text is that is no number at all, in the order it is asked.
_WHAT_ELSE = (
    (r"\x{FFFD}", "id.mojibake"),
    (r"^\d(?:\.\d{1,16})?E\+?1[4-9]$", "id.truncated"),
    (r"^(?:[GJL]\d{17}[\dX]|\d{17}[\dX][1-8][1-4](?:B\d{0,2})?)$", "id.other_number"),
    (r"[*\x{25CF}\x{2022}\x{2605}\x{25A0}#]{2,}|X{3,}", "id.masked"),
    (r"^\d{17}$", "id.missing_check"),
    (r"^\d{4,22}X?$", "id.length"),
)


def cleaned(text: pa.Array) -> pa.Array:
    """The number without dress: NFKC, invisible characters, blanks, wrappers (``'…``, ``="…"``) and hyphens
    away, upper case, every character that stands for X made an X. One string a row."""
    plain = columns.unblank(columns.tidy(text))
    plain = columns.substitute(plain, _WRAPPER, "")
    plain = columns.substitute(plain, _X_LIKE, "X")
    plain = columns.substitute(plain, r"^(\d{15}|\d{17})\.0+$", r"\1")
    plain = pc.utf8_upper(plain)
    plain = columns.substitute(plain, r"^(\d{17})\*$", r"\1X")
    return columns.update(
        plain, columns.matches(plain, r"^[\dX][\dX\-]{14,22}[\dX]$"), lambda t: pc.replace_substring(t, "-", "")
    )


def check_characters(first17: np.ndarray) -> np.ndarray:
    """The check character (as a byte) of each row of 17 digits (rows × ≥17 bytes)."""
    total = (first17[:, :17].astype(np.int32) - 48) @ WEIGHTS
    return CHECK_CHARACTERS[total % 11]


def from_15(old: pa.Array) -> pa.Array:
    """15-digit numbers (first generation) as 18 characters: 19 inserted before the year, check appended.
    Null-free strings of 15 digits; whether the date exists is not asked here."""
    matrix = columns.digits(old, 15)
    new = np.empty((len(matrix), 18), np.uint8)
    new[:, :6] = matrix[:, :6]
    new[:, 6:8] = np.frombuffer(b"19", np.uint8)
    new[:, 8:17] = matrix[:, 6:]
    new[:, 17] = check_characters(new)
    return columns.from_digits(new)


def _number(matrix: np.ndarray, start: int, stop: int) -> np.ndarray:
    """The digits of some columns as one integer a row."""
    value = np.zeros(len(matrix), np.int64)
    for column in range(start, stop):
        value = value * 10 + (matrix[:, column].astype(np.int64) - 48)
    return value


def _births(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return calendar.days_of(_number(matrix, 6, 10), _number(matrix, 10, 12), _number(matrix, 12, 14))


@cache
def _known_areas() -> tuple[pa.Array, pa.Array]:
    """Provinces (2 digits), and the 6-digit divisions of the cities whose counties the list knows in full."""
    known = codes.code_list("division")
    return (
        pa.array([c for c in known if len(c) == 2]),
        pa.array([c for c in known if len(c) == 6]),
    )


def area_known(ids: pa.Array) -> np.ndarray:
    """Whether the first six digits are a division we know of: any of a known province, except under
    Zhangjiakou (1307), whose counties, retired ones included, the list has in full."""
    provinces, divisions = _known_areas()
    province = columns.among(pc.utf8_slice_codeunits(ids, 0, 2), provinces)
    ours = matches_prefix(ids, "1307")
    return province & (~ours | columns.among(pc.utf8_slice_codeunits(ids, 0, 6), divisions))


def matches_prefix(text: pa.Array, prefix: str) -> np.ndarray:
    """Which rows start with ``prefix``; a null does not."""
    return pc.fill_null(pc.starts_with(text, prefix), False).to_numpy(zero_copy_only=False)


def _judge(values: pa.Array, today: date, spreadsheet: bool) -> Standardised:
    size = len(values)
    ready = columns.matches(values, _FORM)
    text = columns.update(values, ~ready, cleaned)
    reason = columns.FirstReason(size)
    notices = columns.FirstReason(size)
    absent = columns.where(~ready, text, columns.is_absent)
    reason.where(absent, None)
    reason.where(columns.matches(text, _PLACEHOLDER), "id.placeholder")
    text = _look_alikes(text, reason, notices)
    text = _first_generation(text, reason, notices)
    whole = reason.open & columns.matches(text, _FORM)
    _second_generation(text, whole, reason, notices, today, spreadsheet)

    valid = whole & reason.open
    notices.where(valid & ~area_known(text), "id.area_unknown")
    for pattern, code in _WHAT_ELSE:
        reason.where(columns.where(reason.open & ~valid, text, partial(columns.matches, pattern=pattern)), code)
    reason.where(~valid, "id.form")
    return Standardised(
        columns.only(valid, text),
        reason.array(),
        columns.only(valid, notices.array()),
        {"text": columns.only(~valid & ~absent, text)},
    )


def _look_alikes(text: pa.Array, reason: columns.FirstReason, notices: columns.FirstReason) -> pa.Array:
    """O for 0 and l for 1 are put right, but only where the check character then agrees."""
    suspect = reason.open & columns.matches(text, r"^[\dOQIL|!]{17}[\dOQILX|!]$") & ~columns.matches(text, _FORM)
    if not suspect.any():
        return text
    repaired = pc.replace_substring_regex(pc.replace_substring_regex(text, "[OQ]", "0"), "[IL|!]", "1")
    agreed = suspect & columns.where(suspect, repaired, is_valid)
    notices.where(agreed, "id.lookalike")
    return pc.if_else(columns.mask(agreed), repaired, text)


def _first_generation(text: pa.Array, reason: columns.FirstReason, notices: columns.FirstReason) -> pa.Array:
    """15 digits: converted to 18, unless they are the first 15 of a longer number or of the wrong century."""
    old = reason.open & columns.matches(text, r"^\d{15}$")
    if not old.any():
        return text
    size, rows = len(text), np.flatnonzero(old)
    matrix = columns.digits(text.filter(columns.mask(old)), 15)
    new = from_15(text.filter(columns.mask(old)))
    _, exists = _births(columns.digits(new, 18))
    # 996-999 were given to people born in 18xx (assumption): adding 19 would be a guess.
    century = np.isin(_number(matrix, 12, 15), (996, 997, 998, 999))
    # The first 15 of an 18-digit number: a date reads right where the long number has it.
    long = np.concatenate([matrix, np.full((len(matrix), 3), 48, np.uint8)], axis=1)
    cut = _births(long)[1] & ~exists & np.isin(_number(long, 6, 8), (18, 19, 20))
    reason.where(_at(size, rows[cut]), "id.truncated")
    reason.where(_at(size, rows[~exists]), "id.birth")
    reason.where(_at(size, rows[exists & century]), "id.birth_too_old")
    good = exists & ~century
    notices.where(_at(size, rows[good]), "id.from_15")
    return pc.replace_with_mask(text, columns.mask(_at(size, rows[good])), new.filter(columns.mask(good)))


def _second_generation(
    text: pa.Array,
    whole: np.ndarray,
    reason: columns.FirstReason,
    notices: columns.FirstReason,
    today: date,
    spreadsheet: bool,
) -> None:
    """18 characters: cut by a spreadsheet, an impossible or implausible birth, a wrong check character."""
    size, rows = len(text), np.flatnonzero(whole)
    matrix = columns.digits(text.filter(columns.mask(whole)), 18)
    born, exists = _births(matrix)
    right = matrix[:, 17] == check_characters(matrix)
    zeros = (matrix[:, 15:18] == 48).all(axis=1)
    floated = np.zeros(len(matrix), bool)
    if spreadsheet:  # a float holds multiples of 16 at this size: …070 read as a number comes out as …064
        numeric = (matrix[:, 17] != ord("X")) & ~right
        floated[numeric] = _number(matrix[numeric], 0, 18) % 16 == 0
    reason.where(_at(size, rows[exists & ((zeros & (~right | spreadsheet)) | floated)]), "id.truncated")
    reason.where(_at(size, rows[~exists]), "id.birth")
    reason.where(_at(size, rows[born > calendar.epoch_days(today)]), "id.birth_future")
    reason.where(
        _at(size, rows[born < calendar.epoch_days(calendar.years_before(today, OLDEST_YEARS))]), "id.birth_too_old"
    )
    reason.where(_at(size, rows[~right]), "id.checksum")
    notices.where(_at(size, rows[right & zeros]), "id.cut_tail")


def _at(size: int, chosen: np.ndarray) -> np.ndarray:
    rows = np.zeros(size, bool)
    rows[chosen] = True
    return rows


def standardise(
    text: pa.Array | pa.ChunkedArray, *, today: date, options: Mapping[str, Any] | None = None
) -> Standardised:
    """18 valid characters, or null and a reason ``id.*``; companion ``text`` keeps what could not be read.

    ``options["spreadsheet"]``: the cells went through a spreadsheet, so a number that ends in 000 was cut,
    even where the check character agrees by chance (one in eleven does). GB 11643-1999.
    """
    spreadsheet = bool((options or {}).get("spreadsheet", False))
    return columns.over_distinct(text, lambda values: _judge(values, today, spreadsheet))


def is_valid(ids: pa.Array) -> np.ndarray:
    """Form, calendar date and check character of clean strings; neither age nor area. A null is not valid."""
    whole = columns.matches(ids, _FORM)
    matrix = columns.digits(ids.filter(columns.mask(whole)), 18)
    _, exists = _births(matrix)
    valid = np.zeros(len(ids), bool)
    valid[whole] = exists & (matrix[:, 17] == check_characters(matrix))
    return valid


def birth_dates(ids: pa.Array | pa.ChunkedArray) -> pa.Array:
    """date32: the birth date a valid 18-character number says; null where the number is null or invalid."""
    ids = columns.as_strings(ids)
    whole = is_valid(ids)
    born, _ = _births(columns.digits(ids.filter(columns.mask(whole)), 18))
    days = np.zeros(len(ids), np.int32)
    days[whole] = born
    return pa.array(days, pa.int32(), mask=~whole).cast(pa.date32())


def sexes(ids: pa.Array | pa.ChunkedArray) -> pa.Array:
    """GB/T 2261.1: 1 for an odd sequence, 2 for an even one; null where the number is null or invalid."""
    ids = columns.as_strings(ids)
    whole = is_valid(ids)
    odd = columns.digits(ids.filter(columns.mask(whole)), 18)[:, 16] % 2 == 1
    index = np.zeros(len(ids), np.int8)
    index[whole] = np.where(odd, 0, 1)
    return pa.array(["1", "2"]).take(pa.array(index, pa.int8(), mask=~whole))


def embedded(text: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The valid ID inside a longer number: after the G of a pupil number, before class and grade of a
    disability number, or the number itself. Null where none is."""

    def find(values: pa.Array) -> pa.Array:
        parts = pc.extract_regex(cleaned(values), r"^(?:G)?(?P<id>\d{17}[\dX])(?:[1-8][1-4](?:B\d{0,2})?)?$")
        inside = pc.struct_field(parts, "id")
        return columns.only(is_valid(inside), inside)

    return columns.over_distinct_values(text, find)
