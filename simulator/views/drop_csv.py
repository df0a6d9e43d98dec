"""A CSV of a drop folder, from columns to rows; and months as such files write them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from simulator.county.ids import undashed
from simulator.county.store import File


def csv_file(
    feed: str,
    stem: str,
    period: str,
    available_at: str,
    columns: dict[str, np.ndarray],
    truth: list[tuple[str, int]],
    quote: Iterable[str] = (),
) -> File:
    """The file ``<stem>_<period>.csv`` of header -> column; ``truth``: (record key, person)."""
    headers = list(columns)
    rows = [
        ("", dict(zip(headers, row, strict=True))) for row in zip(*(_text(columns[h]) for h in headers), strict=True)
    ]
    spec = {"headers": headers, "encoding": "gb18030", "newline": "\r\n", "quote": list(quote)}
    return File(feed, f"{stem}_{period}.csv", "csv", period, available_at, spec, rows, truth)


def _text(column: np.ndarray) -> list[str]:
    return ["" if v is None else str(v) for v in column.tolist()]


def months_back(period: str, months: np.ndarray) -> np.ndarray:
    """yyyymm so many months before ``period``."""
    base = np.datetime64(f"{period[:4]}-{period[4:]}", "M")
    return undashed(base - months.astype("timedelta64[M]")).astype(object)
