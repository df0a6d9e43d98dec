"""National pupil numbers (全国学籍号), 19 characters: G + resident ID, J + 18 made by the ID rule, L + area, birth, random.

After an ID correction a G number may lag behind: its ID is strong evidence, no proof.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from standards import calendar, columns, resident_id
from standards.result import Standardised

_FORM = r"^(?:[GJ]\d{17}[\dX]|L\d{18})$"


def _births(matrix: np.ndarray, today: date) -> np.ndarray:
    """Which rows of 18 characters hold a birth date that exists and is not in the future."""
    numbers = matrix[:, 6:14].astype(np.int64) - 48
    days, exists = calendar.days_of(
        numbers[:, :4] @ [1000, 100, 10, 1], numbers[:, 4:6] @ [10, 1], numbers[:, 6:] @ [10, 1]
    )
    return exists & (days <= calendar.epoch_days(today)) & (days > calendar.epoch_days(date(1900, 1, 1)))


def _judge(values: pa.Array, today: date) -> Standardised:
    size = len(values)
    text = resident_id.cleaned(values)
    reason, notice = columns.FirstReason(size), columns.FirstReason(size)
    reason.where(columns.is_absent(text), None)
    formed = reason.open & columns.matches(text, _FORM)
    reason.where(~formed, "pupil_no.form")
    inner = pc.utf8_slice_codeunits(text.filter(columns.mask(formed)), 1)
    matrix = columns.digits(inner, 18)
    letter = columns.digits(pc.utf8_slice_codeunits(text.filter(columns.mask(formed)), 0, 1), 1)[:, 0]
    checked = np.isin(letter, np.frombuffer(b"GJ", np.uint8))
    wrong, unborn = np.zeros(size, bool), np.zeros(size, bool)
    unborn[formed] = ~_births(matrix, today)
    wrong[formed] = checked & (matrix[:, 17] != resident_id.check_characters(matrix))
    reason.where(unborn, "pupil_no.birth")
    reason.where(wrong, "pupil_no.checksum")
    stands = reason.open
    notice.where(stands & columns.matches(text, "^L"), "pupil_no.temporary")
    # J is made by the ID rule but is nobody's ID: its area is the school's.
    person = stands & columns.matches(text, "^G")
    return Standardised(
        columns.only(stands, text),
        reason.array(),
        notice.array(),
        {"id": columns.only(person, pc.utf8_slice_codeunits(text, 1))},
    )


def standardise(text: pa.Array | pa.ChunkedArray, *, today: date) -> Standardised:
    """19 characters; companion ``id``: the valid resident ID behind a G. Reasons ``pupil_no.*``; notice
    ``pupil_no.temporary`` for an L number."""
    return columns.over_distinct(text, lambda values: _judge(values, today))
