"""Chinese numerals (中文数字) of building, unit and room numbers as Arabic digits, by look-up: 三 十二 二十一 五〇一 一千二百零三."""

from __future__ import annotations

from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from standards import columns

ONES = "零一二三四五六七八九"
CHARACTERS = "一二三四五六七八九十百千零〇○两廿卅"


def _counted(number: int) -> str:
    """The usual way to say a number below 10,000: 12 十二, 203 二百零三."""
    text, gap = "", False
    for unit, size in (("千", 1000), ("百", 100), ("十", 10), ("", 1)):
        digit = number // size % 10
        if digit:
            text += ("零" if gap and text else "") + ONES[digit] + unit
            gap = False
        else:
            gap = bool(text)
    return text.removeprefix("一") if 10 <= number < 20 else text


@cache
def _lookup() -> tuple[pa.Array, pa.Array]:
    words: dict[str, str] = {}
    for number in range(1, 10_000):
        arabic = str(number)
        words.setdefault(_counted(number), arabic)
        words.setdefault("".join(ONES[int(d)] for d in arabic), arabic)
    for ones in range(1, 10):
        words |= {
            f"廿{ONES[ones]}": str(20 + ones),
            f"卅{ONES[ones]}": str(30 + ones),
            f"一十{ONES[ones]}": str(10 + ones),
        }
    words |= {"廿": "20", "卅": "30", "一十": "10"}
    return pa.array(list(words)), pa.array(list(words.values()))


def arabic(text: pa.Array) -> pa.Array:
    """Numbers written in Chinese as digits, leading zeros gone (0501 → 501); letters after or before digits
    and anything else as it is. 五〇一 reads digit by digit, 十二 by value."""
    chinese = columns.matches(text, f"^[{CHARACTERS}]+$")

    def read(rows: pa.Array) -> pa.Array:
        plain = pc.replace_substring_regex(pc.replace_substring(rows, "两", "二"), "[〇○]", "零")
        words, digits = _lookup()
        spoken = pc.replace_substring_regex(plain, "^零+(.)", r"\1")
        found = digits.take(pc.index_in(spoken, value_set=words))
        return pc.coalesce(found, rows)

    return columns.substitute(columns.update(text, chinese, read), r"^0+(\d)", r"\1")
