"""Dirty values, each error of domain.md section 3 under its name in ``noise.yaml``: IDs, birth dates, phones."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from simulator.county.ids import fifteen, padded
from simulator.views.noise import Scene

PLACEHOLDERS = ("111111111111111111", "130731190001010000", "000000000000000000", "123456789012345678", "无", "暂无")
NEWBORN_WORDS = ("无", "暂无", "待上户", "")


def _digit(text: str, draw: float) -> str:
    """One digit wrong, among the birth and sequence digits mostly."""
    at = 6 + int(draw * 997) % (len(text) - 7)
    old = text[at]
    if not old.isdigit():
        return text
    return text[:at] + str((int(old) + 1 + int(draw * 7919) % 9) % 10) + text[at + 1 :]


def _swap(text: str, draw: float) -> str:
    """Two neighbouring digits transposed (the first unequal pair from a random place on)."""
    start = 6 + int(draw * 991) % 10
    for at in (*range(start, 16), *range(6, start)):
        if text[at] != text[at + 1]:
            return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text


def _blank(text: str, draw: float) -> str:
    return f"{text[:6]} {text[6:14]} {text[14:]}" if draw < 0.5 else text + " "


def _letters(text: str, draw: float) -> str:
    at = text.find("0", 6) if draw < 0.7 else text.find("1", 6)
    return text if at < 0 else text[:at] + ("O" if text[at] == "0" else "l") + text[at + 1 :]


def _area(text: str, draw: float) -> str:
    """132530 written for 130731 or the other way about, by people who think the old code must be updated."""
    return {"132530": "130731", "130731": "132530"}.get(text[:6], text[:6]) + text[6:]


def _x(text: str, draw: float) -> str:
    if not text.endswith("X"):
        return text
    return text[:-1] + ("x", "Ｘ", "×", "*", "Χ")[int(draw * 5)]


_WIDE = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")
_ID_ERRORS: dict[str, Callable[[str, float], str]] = {
    "x": _x,
    "wide": lambda t, d: t.translate(_WIDE),
    "blank": _blank,
    "zero_width": lambda t, d: t[:10] + "\u200b" + t[10:],
    "quote": lambda t, d: "'" + t,
    "fifteen": lambda t, d: fifteen(t) if t[6:8] == "19" else t,
    "short": lambda t, d: t[:-1] if t.endswith("X") else t,
    "letters": _letters,
    "area": _area,
    "digit": _digit,
    "swap": _swap,
    "certificate": lambda t, d: (t + "43", "G" + t)[int(d * 2)] if t.isdigit() else t,
    "masked": lambda t, d: t[:6] + "********" + t[14:],
    "missing": lambda t, d: "",
    "placeholder": lambda t, d: PLACEHOLDERS[int(d * len(PLACEHOLDERS))],
}


def resident_ids(
    scene: Scene, feed: str, keys: np.ndarray, rows: np.ndarray, kind: str = "id", other: np.ndarray | None = None
) -> np.ndarray:
    """The ID numbers of people ``rows`` as ``feed`` writes them ("" = none). ``other``: whose number is
    written by mistake (positions or -1), under the error ``other``. Errors strike in the order of the table above."""
    number = np.where(scene.has_id[rows], scene.id_number[rows], "").astype(object)
    rates = scene.errors(feed, kind)
    if other is not None and rates.get("other"):
        wrong = (other >= 0) & scene.chance.happens(f"{feed}.{kind}.other", keys, rates["other"])
        number = np.where(wrong & (number != ""), np.where(scene.has_id[other], scene.id_number[other], ""), number)
    return _strike(scene, f"{feed}.{kind}", keys, number, rates, _ID_ERRORS)


def _strike(
    scene: Scene,
    purpose: str,
    keys: np.ndarray,
    values: np.ndarray,
    rates: Mapping[str, float],
    errors: Mapping[str, Callable],
) -> np.ndarray:
    for error, change in errors.items():
        rate = rates.get(error, 0.0)
        if not rate:
            continue
        hit = np.flatnonzero(scene.chance.happens(f"{purpose}.{error}", keys, rate))
        draws = scene.chance.uniform(f"{purpose}.{error}.how", keys[hit])
        for at, draw in zip(hit.tolist(), draws.tolist(), strict=True):
            # A value already changed in length or kind stays as it is.
            if values[at] and (error in ("missing", "placeholder", "quote") or len(values[at]) in (18, 11)):
                values[at] = change(values[at], draw)
    return values


def births(scene: Scene, feed: str, keys: np.ndarray, rows: np.ndarray, kind: str = "birth") -> np.ndarray:
    """Birth dates as datetime64[D], wrong at the written rates; NaT = left empty.

    lunar: the date by the old calendar, three to seven weeks earlier; year: one year off; decade: ten; day: one digit of
    the day; swapped: day and month; first: only the year was known; missing; sentinel: 1900-01-01.
    """
    dates = scene.birth[rows].astype("datetime64[D]")
    rates = scene.errors(feed, kind)
    hit = {
        e: scene.chance.happens(f"{feed}.{kind}.{e}", keys, r) if r else np.zeros(len(keys), dtype=bool)
        for e, r in rates.items()
    }
    none = np.zeros(len(keys), dtype=bool)
    how = scene.chance.uniform(f"{feed}.{kind}.how", keys)
    year, month = dates.astype("datetime64[Y]"), dates.astype("datetime64[M]")
    day = (dates - month).astype(int) + 1
    month_no = (month - year).astype(int) + 1
    old = scene.birth[rows].astype("datetime64[Y]").astype(int) < 0  # before 1970
    dates = np.where(hit.get("lunar", none) & old, dates - (20 + np.floor(how * 30)).astype("timedelta64[D]"), dates)
    dates = np.where(hit.get("year", none), dates + np.where(how < 0.5, 365, -365).astype("timedelta64[D]"), dates)
    ten = np.where(how < 0.5, 120, -120).astype("timedelta64[M]")
    dates = np.where(
        hit.get("decade", none),
        (month + ten).astype("datetime64[D]") + np.minimum(day - 1, 27).astype("timedelta64[D]"),
        dates,
    )
    other_day = np.where(day >= 20, day - 10, day + 10 if feed else day).clip(1, 28)
    dates = np.where(hit.get("day", none), month + (other_day - 1).astype("timedelta64[D]"), dates)
    can = (day <= 12) & (day != month_no)
    turned = (year.astype("datetime64[M]") + (day.clip(1, 12) - 1).astype("timedelta64[M]")).astype("datetime64[D]") + (
        month_no - 1
    ).astype("timedelta64[D]")
    dates = np.where(hit.get("swapped", none) & can, turned, dates)
    dates = np.where(hit.get("first", none), year.astype("datetime64[D]"), dates)
    dates = np.where(hit.get("sentinel", none), np.datetime64("1900-01-01"), dates)
    return np.where(hit.get("missing", none), np.datetime64("NaT"), np.minimum(dates, scene.today))


def impossible(scene: Scene, feed: str, keys: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """Birth dates as text in which some cannot be: 31 February (``birth.impossible``)."""
    hit = np.flatnonzero(scene.happens(feed, "birth", "impossible", keys))
    for at in hit.tolist():
        if texts[at]:
            texts[at] = texts[at][:5] + "02-31" if "-" in texts[at] else texts[at][:4] + "0231"
    return texts


def phones(
    scene: Scene, feed: str, keys: np.ndarray, rows: np.ndarray, kind: str = "phone", worker: np.ndarray | None = None
) -> np.ndarray:
    """Phone cells: ``family`` writes the family's number for the person's own, ``worker`` the grid worker's, ``old`` a
    former one; who has none is written with the family's in most cases."""
    rates = scene.errors(feed, kind)
    own, family, old = scene.phone[rows], scene.family_phone(rows), scene.old_phone[rows]
    struck = lambda e: scene.chance.happens(f"{feed}.{kind}.{e}", keys, rates.get(e, 0.0))  # noqa: E731
    head = scene.county.families["head"].to_numpy()[scene.family[rows]]
    of_head = np.where((scene.family[rows] >= 0) & (head >= 0), scene.phone[head], "")
    out = np.where(
        own == "", np.where(scene.chance.happens(f"{feed}.{kind}.reach", keys, 0.7), family, ""), own
    ).astype(object)
    out = np.where(struck("family") & (of_head != ""), of_head, out)
    out = np.where(struck("old") & (old != ""), old, out)
    if worker is not None:
        out = np.where(struck("worker") & (worker != ""), worker, out)
    out = np.where(struck("dummy"), "13800000000", out)
    both = struck("two") & (out != "") & (family != "") & (family != out)
    slash = np.array(["/", "、", " "], dtype=object)[scene.chance.integers(f"{feed}.{kind}.slash", keys, 0, 3)]
    out = np.where(both, out + slash + family, out)
    out = np.where(struck("country") & (out != ""), "+86" + out, out)
    landline = "0313-65" + padded(
        scene.chance.integers("landline", np.maximum(scene.family[rows], 0), 0, 100000), 5
    ).astype(object)
    out = np.where(struck("landline"), landline, out)
    return np.where(struck("missing"), "", out)
