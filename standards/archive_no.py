"""Health archive numbers (居民健康档案编号), 17 digits: area 6 + township 3 + village 3 + serial 5.

The village part follows a numbering of its own, not the statistics codes: never join on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from standards import columns, resident_id
from standards.result import Standardised


def _judge(values: pa.Array, spreadsheet: bool) -> Standardised:
    size = len(values)
    ready = columns.matches(values, r"^\d{17}$")

    def undress(text: pa.Array) -> pa.Array:
        text = columns.unblank(columns.tidy(text))
        text = columns.substitute(text, "^=?[\"'`]+|[\"'`]+$", "")
        return columns.substitute(text, r"^(\d{6})-?(\d{3})-?(\d{3})-?(\d{5})$", r"\1\2\3\4")

    text = columns.update(values, ~ready, undress)
    reason, notice = columns.FirstReason(size), columns.FirstReason(size)
    reason.where(columns.where(~ready, text, columns.is_absent), None)
    formed = columns.matches(text, r"^\d{17}$")
    # A spreadsheet keeps 15 digits: the last two of the serial come out as zeros.
    reason.where(formed & columns.matches(text, "00$") & np.full(size, spreadsheet), "archive_no.truncated")
    reason.where(columns.matches(text, r"^\d(?:\.\d+)?[eE]\+?16$"), "archive_no.truncated")
    reason.where(~formed | columns.matches(text, r"^0+$"), "archive_no.form")
    stands = reason.open
    known = np.zeros(size, bool)
    known[stands] = resident_id.area_known(text.filter(columns.mask(stands)))
    notice.where(stands & ~known, "archive_no.area")
    return Standardised(columns.only(stands, text), reason.array(), notice.array())


def standardise(text: pa.Array | pa.ChunkedArray, options: Mapping[str, Any] | None = None) -> Standardised:
    """17 digits. Reasons ``archive_no.form``, ``archive_no.truncated``; notice ``archive_no.area``.
    ``options["spreadsheet"]``: a serial that ends in 00 was cut."""
    spreadsheet = bool((options or {}).get("spreadsheet", False))
    return columns.over_distinct(text, lambda values: _judge(values, spreadsheet))
