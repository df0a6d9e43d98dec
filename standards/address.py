"""Addresses (地址): cleaned text, and the parts a text names before any directory is known."""

from __future__ import annotations

import pyarrow as pa

from standards import columns
from standards import text as free_text
from standards.result import Standardised


def cleaned(text: pa.Array) -> pa.Array:
    """NFKC, invisible characters and all blanks out, private-use characters repaired, one sort of hyphen."""
    cleaned_text = free_text.repair_private_use(columns.unblank(columns.tidy(text)))
    return columns.substitute(cleaned_text, r"[\x{2010}-\x{2015}\x{2212}\x{2500}\x{FF0D}~\x{301C}\x{FF5E}]+", "-")


def _judge(values: pa.Array) -> Standardised:
    broken = columns.where(columns.matches(values, r"[^\x00-\x7F]"), values, free_text.is_mojibake)
    plain = cleaned(values)
    reason, notice = columns.FirstReason(len(values)), columns.FirstReason(len(values))
    reason.where(columns.is_absent(plain), None)
    reason.where(broken, "text.mojibake")
    reason.where(columns.matches(plain, free_text.UNDECODABLE), "text.undecodable")
    notice.where(columns.matches(plain, free_text.PRIVATE_USE), "text.private_use")
    stands = reason.open
    return Standardised(columns.only(stands, plain), reason.array(), columns.only(stands, notice.array()))


def standardise(text: pa.Array | pa.ChunkedArray) -> Standardised:
    """The text as it came, less blanks and invisible characters, in NFKC. Reasons ``text.mojibake``,
    ``text.undecodable``; notice ``text.private_use``."""
    return columns.over_distinct(text, _judge)
