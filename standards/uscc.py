"""Unified social credit codes (统一社会信用代码, GB 32100-2015): 18 characters without I, O, S, V, Z.

Registrar 1 + type 1 + area 6 (the registrar's) + organisation code 9 (GB 11714) + check character.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from standards import columns
from standards.result import Standardised

ALPHABET = b"0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS = np.array([1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28], np.int32)
_ORGANISATION_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2], np.int32)
_ORGANISATION_CHECK = np.frombuffer(
    b"0X987654321", np.uint8
)  # by the sum's remainder modulo 11: 11 - 0 = 11 is 0, 11 - 1 = 10 is X
_FORM = "^[0-9A-HJ-NPQRTUWXY]{18}$"
_VALUE = np.full(128, 255, np.uint8)
_VALUE[np.frombuffer(ALPHABET, np.uint8)] = np.arange(len(ALPHABET))
# GB 11714 gives letters the values 10 to 35, I O S V Z included.
_ORGANISATION_VALUE = np.zeros(128, np.int32)
_ORGANISATION_VALUE[48:58] = np.arange(10)
_ORGANISATION_VALUE[65:91] = np.arange(10, 36)


def check_characters(codes: np.ndarray) -> np.ndarray:
    """The check character (as a byte) of each row of 17 allowed characters (rows × ≥17 bytes)."""
    total = _VALUE[codes[:, :17]].astype(np.int32) @ _WEIGHTS
    return np.frombuffer(ALPHABET, np.uint8)[(31 - total % 31) % 31]


def organisation_agrees(codes: np.ndarray) -> np.ndarray:
    """Whether the check character of the organisation code inside (characters 9–17) is right."""
    total = _ORGANISATION_VALUE[codes[:, 8:16]] @ _ORGANISATION_WEIGHTS
    return _ORGANISATION_CHECK[total % 11] == codes[:, 16]


def _judge(values: pa.Array) -> Standardised:
    size = len(values)
    text = pc.utf8_upper(columns.unblank(columns.tidy(values)))
    text = columns.substitute(text, "^=?[\"'`]+|[\"'`]+$", "")
    text = columns.substitute(text, "-", "")
    reason, notice = columns.FirstReason(size), columns.FirstReason(size)
    reason.where(columns.is_absent(text), None)
    reason.where(columns.matches(text, "^(?:0{15,18}|1{15,18}|9{15,18}|X{5,}|1234567890.*)$"), "uscc.placeholder")
    formed = reason.open & columns.matches(text, _FORM)
    if formed.any():
        matrix = columns.digits(text.filter(columns.mask(formed)), 18)
        wrong = np.zeros(size, bool)
        wrong[formed] = matrix[:, 17] != check_characters(matrix)
        reason.where(wrong, "uscc.checksum")
        known = np.isin(matrix[:, 0], np.frombuffer(b"123456789ANY", np.uint8))
        for rows, code in ((~known, "uscc.registrar"), (~organisation_agrees(matrix), "uscc.organisation")):
            told = np.zeros(size, bool)
            told[formed] = rows
            notice.where(told, code)
    stands = formed & reason.open
    reason.where(~stands & columns.matches(text, r"^\d{13}$|^\d{15}$"), "uscc.legacy_number")
    reason.where(~stands & (columns.length(text) != 18), "uscc.length")
    reason.where(~stands, "uscc.form")
    return Standardised(columns.only(stands, text), reason.array(), columns.only(stands, notice.array()))


def standardise(text: pa.Array | pa.ChunkedArray) -> Standardised:
    """18 valid characters. Reasons ``uscc.*``; notices ``uscc.registrar`` (a registrar the standard does not
    know) and ``uscc.organisation`` (the inner check fails: some codes were given out so)."""
    return columns.over_distinct(text, _judge)
