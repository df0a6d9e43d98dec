"""Moments as the sheets write them; all local time (Asia/Shanghai)."""

from __future__ import annotations

import numpy as np

from simulator.county.ids import undashed
from simulator.views.noise import Scene


def office_hours(scene: Scene, purpose: str, keys: np.ndarray, days: np.ndarray) -> np.ndarray:
    """A moment between 8:00 and 17:59 on each day (datetime64[s]), never past the county's present."""
    seconds = scene.chance.integers(f"{purpose}.second", keys, 8 * 3600, 18 * 3600)
    return np.minimum(days.astype("datetime64[s]") + seconds.astype("timedelta64[s]"), scene.county.moment)


def spread(scene: Scene, purpose: str, keys: np.ndarray, since: np.ndarray, reach: int) -> np.ndarray:
    """A day after ``since`` (datetime64[D]) and within the last ``reach`` days, later days likelier."""
    floor = np.maximum(since.astype("datetime64[D]"), scene.today - reach)
    room = np.maximum((scene.today - floor).astype(int), 0)
    back = np.floor(room * scene.chance.uniform(f"{purpose}.day", keys) ** 1.6).astype("timedelta64[D]")
    return scene.today - back


def text(moments: np.ndarray, separator: str = "T") -> np.ndarray:
    """``YYYY-MM-DDTHH:MM:SS`` as objects; "" for NaT."""
    out = np.datetime_as_string(moments.astype("datetime64[s]"))
    out = np.where(np.isnat(moments), "", out)
    return np.array([t.replace("T", separator) for t in out.tolist()], dtype=object)


def iso(moments: np.ndarray) -> np.ndarray:
    """ISO 8601 with the zone, as the APIs write it."""
    return np.char.add(text(moments).astype(str), "+08:00").astype(object)


def compact(days: np.ndarray) -> np.ndarray:
    """``yyyymmdd`` as objects, None for NaT."""
    days = days.astype("datetime64[D]")
    out = undashed(days).astype(object)
    return np.where(np.isnat(days), None, out)


def dashed(days: np.ndarray) -> np.ndarray:
    """``yyyy-MM-dd`` as objects, None for NaT."""
    days = days.astype("datetime64[D]")
    return np.where(np.isnat(days), None, np.datetime_as_string(days).astype(object))
