"""The year, month and day a written date says (日期各部分), in every form the sources use; nothing is judged here."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from standards import calendar, columns

EARLIEST = date(1880, 1, 1)  # nobody alive and no fact of ours is older; 1900-01-01 is a placeholder all the same
_SERIAL_ZERO = calendar.epoch_days(date(1899, 12, 30))  # spreadsheet day 1 is 1900-01-01 with its false leap day

_ONES = "一二三四五六七八九"
_COUNTED = [*_ONES, "十", *(f"十{n}" for n in _ONES), "二十", *(f"二十{n}" for n in _ONES), "三十", "三十一"]
_NUMBER_WORDS = {word: n for n, word in enumerate(_COUNTED, 1)} | {"一十": 10, "廿": 20, "卅": 30, "卅一": 31, "元": 1}
for _n, _word in enumerate(_ONES, 1):  # 廿五, 一十五, 〇五
    _NUMBER_WORDS |= {f"廿{_word}": 20 + _n, f"一十{_word}": 10 + _n, f"〇{_word}": _n, f"零{_word}": _n}
_ZERO = "〇零○Oo0"
_CHINESE_YEAR = f"[一二三四五六七八九{_ZERO}]{{4}}"
_CHINESE_DATE = (
    rf"^(?P<y>{_CHINESE_YEAR})年(?:(?P<m>[元一二三四五六七八九十零〇]{{1,3}})月"
    r"(?:(?P<d>[一二三四五六七八九十廿卅零〇]{1,3})[日号]?)?)?$"
)

_SEPARATED = r"^(?P<y>\d{4})(?:[\-/.年](?P<m>\d{1,2})(?:[\-/.月](?P<d>\d{1,2})[日号]?)?月?)?年?$"
# 1900 and year 1 are where empty cells and zero dates come out; 1900/1/0 is how a spreadsheet shows a zero.
_PLACEHOLDER = (
    r"^(?:1900年?|1900[\-/.年]0?[01](?:[\-/.月]0?[01]日?|月)?|19000[01](?:0[01])?|1899[\-/]?12[\-/]?3[01]|000[01][\-/]?0?[01][\-/]?0?[01]"
    r"|1753[\-/]?0?1[\-/]?0?1|0{2,8}|1{6,8}|9{5,6})$"
)
_OPEN_END = (
    r"^(?:9999(?:[\-/.年]?12(?:[\-/.月]?31日?)?)?|9999[\-/]0?1[\-/]0?1|2999[\-/]?12[\-/]?31|9{8}"
    r"|长期|长期有效|永久|永久有效|至今|无期限|不限)$"
)


def undress(values: pa.Array) -> pa.Array:
    text = columns.tidy(values)
    text = columns.substitute(text, r"^=?[\"']+(.*?)[\"']*$", r"\1")
    text = columns.substitute(text, columns.BLANK + "+", " ")
    text = columns.substitute(text, r"[\x{2010}-\x{2015}\x{2212}]", "-")
    text = columns.substitute(text, r" ?([\-/.年月日]) ?", r"\1")
    text = columns.substitute(text, r"^公元", "")
    return columns.substitute(text, r"^(\d{5,8})\.0+$", r"\1")


def integers(parts: pa.Array, name: str, missing: int) -> np.ndarray:
    """A group of digits as integers; ``missing`` where it did not take part."""
    group = pc.struct_field(parts, name)
    empty = pc.equal(group, "")
    return pc.if_else(empty, pa.scalar(missing, pa.int64()), pc.if_else(empty, "0", group).cast(pa.int64())).to_numpy(
        zero_copy_only=False
    )


def _chinese(parts: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    year = pc.struct_field(parts, "y")
    for n, word in enumerate("一二三四五六七八九", 1):
        year = pc.replace_substring(year, word, str(n))
    year = pc.replace_substring_regex(year, f"[{_ZERO}]", "0")
    words, numbers = pa.array(list(_NUMBER_WORDS)), pa.array(list(_NUMBER_WORDS.values()), pa.int64())

    def number(name: str) -> np.ndarray:
        group = pc.struct_field(parts, name)
        found = pc.fill_null(numbers.take(pc.index_in(group, value_set=words)), -1)
        return pc.if_else(pc.equal(group, ""), pa.scalar(0, pa.int64()), found).to_numpy(zero_copy_only=False)

    return year.cast(pa.int64()).to_numpy(zero_copy_only=False), number("m"), number("d")


class Parts:
    """Year, month, day a row as far as they are known; 0 for what is not said, year -1 for a row not read."""

    def __init__(self, size: int) -> None:
        self.year = np.full(size, -1, np.int64)
        self.month = np.zeros(size, np.int64)
        self.day = np.zeros(size, np.int64)

    def put(self, rows: np.ndarray, year: np.ndarray, month: np.ndarray, day: np.ndarray) -> None:
        """The parts of some rows; where a part is not said, what follows is not either."""
        self.year[rows], self.month[rows], self.day[rows] = year, month, day


def read_written(text: pa.Array, parts: Parts, open_rows: np.ndarray) -> None:
    """Every written form that says which part is which."""
    packed = open_rows & columns.matches(text, r"^\d{8}$")
    if packed.any():
        matrix = columns.digits(text.filter(columns.mask(packed)), 8).astype(np.int64) - 48
        parts.put(packed, matrix[:, :4] @ [1000, 100, 10, 1], matrix[:, 4:6] @ [10, 1], matrix[:, 6:] @ [10, 1])
    months = open_rows & columns.matches(text, r"^(?:1[89]|2[01])\d{2}(?:0[1-9]|1[0-2])$")
    if months.any():
        matrix = columns.digits(text.filter(columns.mask(months)), 6).astype(np.int64) - 48
        parts.put(months, matrix[:, :4] @ [1000, 100, 10, 1], matrix[:, 4:] @ [10, 1], np.zeros(len(matrix), np.int64))
    written = open_rows & (parts.year < 0) & columns.matches(text, _SEPARATED)
    if written.any():
        found = pc.extract_regex(text.filter(columns.mask(written)), _SEPARATED)
        parts.put(written, *(integers(found, name, 0) for name in "ymd"))
    chinese = open_rows & columns.matches(text, _CHINESE_DATE)
    if chinese.any():
        parts.put(chinese, *_chinese(pc.extract_regex(text.filter(columns.mask(chinese)), _CHINESE_DATE)))


def read_serials(text: pa.Array, parts: Parts, open_rows: np.ndarray) -> np.ndarray:
    """Spreadsheet serials between 1904 and 2119, five digits, with or without a time of day."""
    serial = open_rows & columns.matches(text, r"^[1-7]\d{4}(?:\.\d{1,12})?$")
    if serial.any():
        number = (
            pc.floor(text.filter(columns.mask(serial)).cast(pa.float64()))
            .to_numpy(zero_copy_only=False)
            .astype(np.int64)
        )
        days = (number + _SERIAL_ZERO).astype("datetime64[D]")
        month = days.astype("datetime64[M]")
        year = days.astype("datetime64[Y]")
        parts.put(
            serial,
            year.astype(np.int64) + 1970,
            (month - year).astype(np.int64) + 1,
            (days - month).astype(np.int64) + 1,
        )
    return serial


def refuse_sentinels(text: pa.Array, reason: columns.FirstReason, open_ended: bool) -> None:
    """Settle what stands for "no date": absent words without a reason, placeholders with one, and ends that are
    open (9999-12-31, 长期) without a reason where the column may be open."""
    reason.where(columns.where(~columns.matches(text, r"^\d{4}"), text, columns.is_absent), None)
    reason.where(columns.matches(text, _OPEN_END), None if open_ended else "date.placeholder")
    reason.where(columns.matches(text, _PLACEHOLDER), "date.placeholder")
