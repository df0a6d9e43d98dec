"""Calendar arithmetic on columns (历法): which days exist, days since 1970, and China's summer times."""

from __future__ import annotations

from datetime import date

import numpy as np

# Summer time (夏令时) was kept in these years, from 2:00 to 2:00 of the days given (tz database, Asia/Shanghai).
_SUMMERS = (
    ("1986-05-04", "1986-09-14"),
    ("1987-04-12", "1987-09-13"),
    ("1988-04-17", "1988-09-11"),
    ("1989-04-16", "1989-09-17"),
    ("1990-04-15", "1990-09-16"),
    ("1991-04-14", "1991-09-15"),
)
SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR


def days_of(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Days since 1970 of calendar dates, and which of them exist (31 February does not)."""
    plausible = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (year >= 1) & (year <= 9999)
    months = (np.where(plausible, year, 1970) - 1970) * 12 + np.where(plausible, month, 1) - 1
    first = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    following = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    days = first + np.where(plausible, day, 1) - 1
    return days, plausible & (days < following)


def epoch_days(day: date) -> int:
    """Days since 1970 of one day."""
    return (day - date(1970, 1, 1)).days


def years_before(day: date, years: int) -> date:
    """The same day so many years earlier; 28 for 29 February."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def shanghai_offset(local: np.ndarray) -> np.ndarray:
    """Microseconds that Asia/Shanghai is ahead of UTC at local times (microseconds since 1970 on the wall
    clock): eight hours, nine in the six summers. The hour that summer time left out or repeated counts as standard."""
    offset = np.full(len(local), 8 * HOUR, np.int64)
    for first, last in _SUMMERS:
        start = int(np.datetime64(first, "D").astype(np.int64)) * DAY + 3 * HOUR
        stop = int(np.datetime64(last, "D").astype(np.int64)) * DAY + HOUR
        offset[(local >= start) & (local < stop)] = 9 * HOUR
    return offset
