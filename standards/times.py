"""Timestamps (时间) as sources write them, as microseconds in UTC. No zone means Asia/Shanghai."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from standards import calendar, columns, date_parts
from standards.result import Standardised, nulls

UTC = pa.timestamp("us", "UTC")
_CLOCK = r"(?P<h>\d{1,2})[:时](?P<n>\d{1,2})(?:[:分](?P<s>\d{1,2})(?:[.,](?P<f>\d{1,9}))?秒?)?分?"
_ZONE = r"(?P<z>Z|UTC|GMT|[+\-]\d{2}:?\d{2}|[+\-]\d{2})?"
# The usual form: every character has its place, so it is read from the bytes.
_USUAL = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.0+)?(?:\+08:?00|Z)?$"
_MOMENT = rf"^(?P<date>\d{{4}}[\-/.年]\d{{1,2}}[\-/.月]\d{{1,2}}日?|\d{{8}})(?:[T ]*{_CLOCK} ?{_ZONE})?$"
_PACKED = r"^(\d{4})(\d{2})(\d{2})[T ]?(\d{2})(\d{2})(\d{2})(\.\d+)?"
HAS_CLOCK = r"\d日?[T ]*\d{1,2}[:时]\d{1,2}"


def _micros(parts: pa.Array) -> np.ndarray:
    fraction = pc.utf8_slice_codeunits(pc.utf8_rpad(pc.struct_field(parts, "f"), 6, "0"), 0, 6)
    return fraction.cast(pa.int64()).to_numpy(zero_copy_only=False)


def _zone(parts: pa.Array, local: np.ndarray) -> np.ndarray:
    """Microseconds ahead of UTC a row."""
    zone = pc.replace_substring(pc.struct_field(parts, "z"), ":", "")
    ahead = calendar.shanghai_offset(local)
    ahead[columns.matches(zone, "^(?:Z|UTC|GMT)$")] = 0
    signed = columns.matches(zone, r"^[+\-]")
    if signed.any():
        chosen = zone.filter(columns.mask(signed))
        sign = np.where(columns.matches(chosen, "^-"), -1, 1)
        hours = pc.utf8_slice_codeunits(chosen, 1, 3).cast(pa.int64()).to_numpy(zero_copy_only=False)
        minutes = (
            pc.utf8_rpad(pc.utf8_slice_codeunits(chosen, 3, 5), 2, "0").cast(pa.int64()).to_numpy(zero_copy_only=False)
        )
        ahead[signed] = sign * (hours * calendar.HOUR + minutes * 60 * calendar.SECOND)
    return ahead


def _clock_exists(hour: np.ndarray, minute: np.ndarray, second: np.ndarray) -> np.ndarray:
    """24:00 is the end of a day; a leap second is the next second."""
    return (minute <= 59) & (second <= 60) & ((hour <= 23) | ((hour == 24) & (minute == 0) & (second == 0)))


class Moments:
    """What was read of a column of moments: microseconds UTC, whether the text had the form, whether it exists."""

    def __init__(self, size: int) -> None:
        self.micros = np.zeros(size, np.int64)
        self.read = np.zeros(size, bool)
        self.exists = np.zeros(size, bool)

    def put_usual(self, rows: np.ndarray, text: pa.Array) -> None:
        """Rows of the usual form, read by position."""
        places = (
            columns.digits(pc.binary_slice(text.cast(pa.binary()), 0, 19).cast(pa.string()), 19).astype(np.int64) - 48
        )
        year = places[:, :4] @ [1000, 100, 10, 1]
        month, day, hour, minute, second = (places[:, at : at + 2] @ [10, 1] for at in (5, 8, 11, 14, 17))
        days, exists = calendar.days_of(year, month, day)
        local = days * calendar.DAY + (hour * 3600 + minute * 60 + second) * calendar.SECOND
        ahead = calendar.shanghai_offset(local)
        ahead[columns.matches(text, "Z$")] = 0
        ahead[columns.matches(text, r"\+08:?00$")] = 8 * calendar.HOUR
        self._settle(rows, local - ahead, exists & _clock_exists(hour, minute, second))

    def put(self, rows: np.ndarray, day: tuple[np.ndarray, np.ndarray], parts: pa.Array) -> None:
        """The rows whose days (and which of them exist) and clock groups h n s f z are given."""
        hour, minute, second = (date_parts.integers(parts, name, 0) for name in "hns")
        days, exists = day
        clock = (hour * 3600 + minute * 60 + second) * calendar.SECOND + _micros(parts)
        local = days * calendar.DAY + clock
        ahead = _zone(parts, local)
        inside = _clock_exists(hour, minute, second) & (np.abs(ahead) <= 15 * calendar.HOUR)
        self._settle(rows, local - ahead, exists & inside)

    def _settle(self, rows: np.ndarray, micros: np.ndarray, exists: np.ndarray) -> None:
        self.micros[rows], self.exists[rows], self.read[rows] = micros, exists, True


def read(text: pa.Array) -> Moments:
    """Read undressed text: ISO 8601, ``2011/3/5 8:00``, ``20110305080000``, ``2011年3月5日 8时30分``, a bare day."""
    moments = Moments(len(text))
    usual = columns.matches(text, _USUAL)
    if usual.any():
        moments.put_usual(usual, text.filter(columns.mask(usual)))
    other = ~usual & columns.matches(text, r"^\d{4}")
    if other.any():
        rest = columns.substitute(text.filter(columns.mask(other)), _PACKED, r"\1\2\3 \4:\5:\6\7")
        groups = pc.extract_regex(rest, _MOMENT)
        fits = groups.is_valid().to_numpy(zero_copy_only=False)
        groups = groups.filter(columns.mask(fits))
        parts = date_parts.Parts(len(groups))
        date_parts.read_written(pc.struct_field(groups, "date"), parts, np.ones(len(groups), bool))
        rows = np.flatnonzero(other)[fits]
        moments.put(rows, calendar.days_of(parts.year, parts.month, parts.day), groups)
    return moments


def standardise(
    text: pa.Array | pa.ChunkedArray, *, today: date, options: Mapping[str, Any] | None = None
) -> Standardised:
    """timestamp[us, UTC]. Reasons ``time.form``, ``time.impossible``, ``date.placeholder``, and ``time.future``
    for a moment after the end of ``today`` (Asia/Shanghai) unless ``options["future"]``."""
    chosen = options or {}
    end = (calendar.epoch_days(today) + 1) * calendar.DAY - 8 * calendar.HOUR

    def judge(values: pa.Array) -> Standardised:
        undressed = columns.update(values, ~columns.matches(values, _USUAL), date_parts.undress)
        reason = columns.FirstReason(len(values))
        # Only these can be a placeholder with a time of day after it.
        suspect = columns.matches(undressed, "^(?:0|1[178]|1900|2999|9)")
        day_part = columns.update(undressed, suspect, lambda t: columns.substitute(t, r"[T ]*\d{1,2}:\d{2}.*$", ""))
        date_parts.refuse_sentinels(day_part, reason, bool(chosen.get("open_ended")))
        moments = read(undressed)
        reason.where(~moments.read, "time.form")
        reason.where(~moments.exists, "time.impossible")
        reason.where(moments.micros < calendar.epoch_days(date_parts.EARLIEST) * calendar.DAY, "date.out_of_range")
        if not chosen.get("future"):
            reason.where(moments.micros >= end, "time.future")
        stamps = pa.array(moments.micros, pa.int64(), mask=~reason.open).cast(UTC)
        return Standardised(stamps, reason.array(), nulls(len(values)))

    return columns.over_distinct(text, judge)
