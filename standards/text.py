"""Free text (文本): cleaned, private-use characters of old GB 18030 put right, mojibake (乱码) recognised, never guessed at."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from standards import columns
from standards.result import Standardised, nulls, standing

# GB 18030-2022 gave these a place of their own; the 2005 mapping (and Python's codec) reads them as private use.
_MOVED_IN_2022 = {
    0xE78D: 0xFE10, 0xE78E: 0xFE12, 0xE78F: 0xFE11, 0xE790: 0xFE13, 0xE791: 0xFE14, 0xE792: 0xFE15, 0xE793: 0xFE16,
    0xE794: 0xFE17, 0xE795: 0xFE18, 0xE796: 0xFE19, 0xE81E: 0x9FB4, 0xE826: 0x9FB5, 0xE82B: 0x9FB6, 0xE82C: 0x9FB7,
    0xE832: 0x9FB8, 0xE843: 0x9FB9, 0xE854: 0x9FBA, 0xE864: 0x9FBB,
}  # fmt: skip
PRIVATE_USE = r"[\x{E000}-\x{F8FF}\x{F0000}-\x{FFFFD}\x{100000}-\x{10FFFD}]"
UNDECODABLE = r"\x{FFFD}"


@cache
def private_use_repairs() -> dict[str, str]:
    """Private-use character → the character it was meant to be: the 18 that moved in GB 18030-2022, and
    the rows FE50–FEA0 that GBK put at U+E815 onwards and GB 18030 has since given a place."""
    repairs = {chr(old): chr(new) for old, new in _MOVED_IN_2022.items()}
    second_bytes = [b for b in range(0x50, 0xA1) if b != 0x7F]
    for position, second in enumerate(second_bytes):
        meant = bytes((0xFE, second)).decode("gb18030", errors="replace")
        if len(meant) == 1 and not 0xE000 <= ord(meant) <= 0xF8FF and meant != "\ufffd":
            repairs.setdefault(chr(0xE815 + position), meant)
    return repairs


def repair_private_use(text: pa.Array) -> pa.Array:
    """Private-use characters of older GB 18030 editions as the characters they stand for."""
    affected = columns.matches(text, PRIVATE_USE)

    def repair(rows: pa.Array) -> pa.Array:
        for old, new in private_use_repairs().items():
            rows = pc.replace_substring(rows, old, new)
        return rows

    return columns.update(text, affected, repair)


@cache
def _misread_utf8() -> tuple[str, str]:
    """Patterns of UTF-8 read as GBK: a hanzi is E4–E9 80–BF 80–BF, so the pairs fall in three classes."""

    def characters(first: range, second: range) -> str:
        found = []
        for a in first:
            for b in second:
                text = bytes((a, b)).decode("gb18030", errors="ignore")
                if len(text) == 1 and not text.isascii():
                    found.append(text)
        return "[" + "".join(found) + "]"

    lead, trail = range(0xE4, 0xEA), range(0x80, 0xC0)
    triple = f"{characters(lead, trail)}{characters(trail, lead)}{characters(trail, trail)}"
    # An odd last hanzi leaves a first pair and a broken one; inside longer text two triples in a row are proof enough.
    return f"^(?:{triple})+(?:{characters(lead, trail)}[?\\x{{FFFD}}\\x{{20AC}}]?)?$", f"(?:{triple}){{2}}"


def is_mojibake(text: pa.Array) -> np.ndarray:
    """Which rows were read in the wrong encoding: 张三 as 寮犱笁 (UTF-8 read as GBK) or ÕÅÈý (GBK read as
    Latin-1). Ask before any Unicode form is applied, which would change the traces."""
    latin = columns.matches(text, r"(?:[\x{B0}-\x{F7}][\x{A1}-\x{FE}]){2}") & ~columns.matches(text, r"\p{Han}")
    if pc.all(pc.string_is_ascii(text)).as_py() is not False:
        return latin
    whole, inside = _misread_utf8()
    first = whole[1 : whole.index("]") + 1].removeprefix("(?:")  # cheap test: only rows that have a first character
    suspect = columns.matches(text, first)
    return latin | columns.where(suspect, text, lambda t: columns.matches(t, whole) | columns.matches(t, inside))


def is_misread(values: pa.Array, left: pa.Array) -> np.ndarray:
    """Which rows are mojibake as they came, or as what is ``left`` of them without blanks, quotes or notes: what stands must not
    look broken only to whoever reads it again."""
    changed = np.asarray(pc.fill_null(pc.not_equal(left, values), False))
    return _is_broken(values) | columns.where(changed, left, _is_broken)


def _is_broken(text: pa.Array) -> np.ndarray:
    return columns.where(columns.matches(text, r"[^\x00-\x7F]"), text, is_mojibake)


def _clean(values: pa.Array) -> Standardised:
    reason = columns.FirstReason(len(values))
    notice = columns.FirstReason(len(values))
    broken = is_mojibake(values)
    # NFC only: NFKC would rewrite full-width punctuation and units that belong to the text.
    text = columns.tidy(values, form="NFC")
    text = columns.substitute(text, columns.BLANK + "+", " ")
    repaired = repair_private_use(text)
    notice.where(columns.matches(repaired, PRIVATE_USE), "text.private_use")
    empty = columns.length(repaired) == 0
    reason.where(empty, None)
    reason.where(broken, "text.mojibake")
    reason.where(columns.matches(repaired, UNDECODABLE), "text.undecodable")
    stands = reason.open
    return Standardised(columns.only(stands, repaired), reason.array(), columns.only(stands, notice.array()))


def standardise(text: pa.Array | pa.ChunkedArray) -> Standardised:
    """Cleaned text: NFC, invisible characters out, blanks single. Reasons ``text.mojibake``,
    ``text.undecodable``; notice ``text.private_use``."""
    return columns.over_distinct(text, _clean)


def standardise_key(text: pa.Array | pa.ChunkedArray) -> Standardised:
    """A source's key, untouched: a key changed here would be another key there. Blank is null."""
    keys = columns.as_strings(text)
    blank = ~columns.matches(keys, r"[^\s\x{A0}\x{3000}]")
    return standing(columns.only(~blank, keys))


def standardise_json(text: pa.Array | pa.ChunkedArray) -> Standardised:
    """JSON text, untouched where it is valid. Reason ``json.invalid``."""

    def check(values: pa.Array) -> Standardised:
        import duckdb

        with duckdb.connect() as connection:
            connection.register("given", pa.table({"t": values, "i": np.arange(len(values))}))
            checked = connection.sql("SELECT coalesce(json_valid(t), false) AS valid FROM given ORDER BY i")
            valid = checked.to_arrow_table()["valid"].combine_chunks().to_numpy(zero_copy_only=False)
        reason = columns.FirstReason(len(values))
        blank = columns.length(pc.utf8_trim_whitespace(values)) == 0
        reason.where(blank, None)
        reason.where(~valid, "json.invalid")
        return Standardised(columns.only(valid & ~blank, values), reason.array(), nulls(len(values)))

    return columns.over_distinct(text, check)
