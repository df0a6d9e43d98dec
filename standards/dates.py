"""Dates (日期) and months (年月): the written parts judged against the calendar, the day of the run and known placeholders.

What would have to be guessed (two-digit years, the Republic's calendar, lunar days, day before month) is refused
with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from standards import calendar, columns, date_parts, times
from standards.result import Standardised

_LATEST_YEAR = 2200
_PRECISIONS = pa.array(["year", "month", "day"])
_NOT_READ = (
    (r"民国|民國", "date.roc"),
    (r"农历|阴历|農曆|旧历|腊月|正月|冬月|初[一二三四五六七八九十]|闰", "date.lunar"),
    (r"^'?\d{2}[\-/.年]\d{1,2}(?:[\-/.月]\d{1,2}[日号]?)?月?$|^'?\d{2}年$", "date.two_digit_year"),
    (r"^\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$", "date.two_digit_year"),
    (r"^\d{6}$", "date.impossible"),
)


def _without_clock(text: pa.Array) -> pa.Array:
    """The day of a date that came with a time: midnight is how a workbook reader gives a date cell. A moment
    with a zone is the day it is in Shanghai."""
    clocked = columns.matches(text, times.HAS_CLOCK) | columns.matches(text, r"^\d{8}[T ]?\d{6}(?:\.\d+)?$")

    def day(rows: pa.Array) -> pa.Array:
        moments = times.read(rows)
        # The wall clock in Shanghai again: what was written without a zone keeps its own day.
        local = moments.micros + calendar.shanghai_offset(moments.micros + 8 * calendar.HOUR)
        days = pc.strftime(pa.array(local // calendar.DAY, pa.int64()).cast(pa.int32()).cast(pa.date32()), "%Y-%m-%d")
        good = moments.read & moments.exists
        return pc.if_else(columns.mask(good), days, columns.substitute(rows, r"[T ]*\d{1,2}[:时]\d{2}.*$", ""))

    return columns.update(text, clocked, day)


def _judge(
    values: pa.Array, today: date, options: Mapping[str, Any]
) -> tuple[date_parts.Parts, columns.FirstReason, columns.FirstReason]:
    size = len(values)
    ready = columns.matches(values, r"^\d{4}-?\d{2}-?\d{2}$")
    text = columns.update(values, ~ready, lambda rows: _without_clock(date_parts.undress(rows)))
    reason, notice = columns.FirstReason(size), columns.FirstReason(size)
    date_parts.refuse_sentinels(text, reason, bool(options.get("open_ended")))
    parts = date_parts.Parts(size)
    date_parts.read_written(text, parts, reason.open)
    notice.where(date_parts.read_serials(text, parts, reason.open & (parts.year < 0)), "date.serial")
    unread = parts.year < 0
    for pattern, code in _NOT_READ:
        reason.where(columns.where(unread & reason.open, text, lambda t, p=pattern: columns.matches(t, p)), code)
    reason.where(unread, "date.form")
    reason.where((parts.month == 0) & (parts.day > 0), "date.impossible")
    days, exists = calendar.days_of(parts.year, np.maximum(parts.month, 1), np.maximum(parts.day, 1))
    reason.where(~exists, "date.impossible")
    reason.where((days < calendar.epoch_days(date_parts.EARLIEST)) | (parts.year > _LATEST_YEAR), "date.out_of_range")
    if not options.get("future"):
        reason.where(days > calendar.epoch_days(today), "date.future")
    parts.days = days
    return parts, reason, notice


def standardise(
    text: pa.Array | pa.ChunkedArray, *, today: date, options: Mapping[str, Any] | None = None
) -> Standardised:
    """date32, the first day of what is known; companion ``precision`` says day, month or year.

    Reasons ``date.*``. A day after ``today`` is ``date.future`` unless ``options["future"]``; with
    ``options["open_ended"]`` 9999-12-31 and 长期 are null without reason.
    """

    def judge(values: pa.Array) -> Standardised:
        parts, reason, notice = _judge(values, today, options or {})
        stands = reason.open
        days = pa.array(parts.days.astype(np.int32), pa.int32(), mask=~stands).cast(pa.date32())
        known = (parts.month > 0).astype(np.int8) + (parts.day > 0)
        precision = _PRECISIONS.take(pa.array(known, pa.int8(), mask=~stands))
        return Standardised(days, reason.array(), columns.only(stands, notice.array()), {"precision": precision})

    return columns.over_distinct(text, judge)


def standardise_month(
    text: pa.Array | pa.ChunkedArray, *, today: date, options: Mapping[str, Any] | None = None
) -> Standardised:
    """Text yyyymm; a full date gives its month. Reasons ``date.*``, and ``month.form`` for a bare year."""

    def judge(values: pa.Array) -> Standardised:
        parts, reason, notice = _judge(values, today, options or {})
        reason.where(parts.month == 0, "month.form")
        stands = reason.open
        number = pa.array(np.where(stands, parts.year * 100 + parts.month, 0), pa.int64())
        return Standardised(
            columns.only(stands, number.cast(pa.string())), reason.array(), columns.only(stands, notice.array())
        )

    return columns.over_distinct(text, judge)
