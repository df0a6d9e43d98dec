"""Disability card numbers (残疾人证号): resident ID 18 + class 1 + grade 1, and B1, B2 … after a re-issue (assumption).

The number reveals both the ID and the class; class 6 discloses a mental disorder.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from standards import calendar, columns, resident_id
from standards.result import Standardised

_FORM = r"^\d{17}[\dX]\d\d(?:B\d{0,2})?$"


def _judge(values: pa.Array, today: date) -> Standardised:
    size = len(values)
    text = columns.substitute(resident_id.cleaned(values), r"[()]", "")
    reason = columns.FirstReason(size)
    reason.where(columns.is_absent(text), None)
    formed = reason.open & columns.matches(text, _FORM)
    reason.where(~formed, "disability_no.form")
    whole = text.filter(columns.mask(formed))
    ids = pc.utf8_slice_codeunits(whole, 0, 18)
    matrix = columns.digits(ids, 18)
    numbers = matrix[:, 6:14].astype(np.int64) - 48
    days, exists = calendar.days_of(
        numbers[:, :4] @ [1000, 100, 10, 1], numbers[:, 4:6] @ [10, 1], numbers[:, 6:] @ [10, 1]
    )
    tail = columns.digits(pc.utf8_slice_codeunits(whole, 18, 20), 2).astype(np.int32) - 48
    findings = (
        (~exists | (days > calendar.epoch_days(today)), "disability_no.birth"),
        (matrix[:, 17] != resident_id.check_characters(matrix), "disability_no.checksum"),
        ((tail[:, 0] < 1) | (tail[:, 0] > 7), "disability_no.class"),
        ((tail[:, 1] < 1) | (tail[:, 1] > 4), "disability_no.grade"),
    )
    inside = columns.place(size, formed, columns.only(~(findings[0][0] | findings[1][0]), ids))
    for rows, code in findings:
        told = np.zeros(size, bool)
        told[formed] = rows
        reason.where(told, code)
    # B without a number is the first re-issue.
    numbered = columns.substitute(text, "B$", "B1")
    return Standardised(
        columns.only(reason.open, numbered), reason.array(), pa.nulls(size, pa.string()), {"id": inside}
    )


def standardise(text: pa.Array | pa.ChunkedArray, *, today: date) -> Standardised:
    """20 characters and the re-issue suffix; companion ``id``: the valid resident ID inside, also where class or
    grade are wrong. Reasons ``disability_no.*``."""
    return columns.over_distinct(text, lambda values: _judge(values, today))


def classes(numbers: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The class digit (1–7) of standardised numbers."""
    return pc.utf8_slice_codeunits(columns.as_strings(numbers), 18, 19)


def grades(numbers: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The grade digit (1–4, 1 the most severe) of standardised numbers."""
    return pc.utf8_slice_codeunits(columns.as_strings(numbers), 19, 20)
