"""Memory between stages (内存归还): what a stage no longer needs goes back to the system before the next one asks for its own.

Arrow's pool and the C library both keep freed pages for later. Each stage needs them in another shape, so kept pages
of one would stand beside the next one's, and the peak would be the sum.
"""

from __future__ import annotations

import ctypes
import gc
from functools import cache

import pyarrow as pa


def collect_rarely() -> None:
    """Look for cyclic garbage after ten thousand new objects, not after seven hundred: a run makes millions that
    live (Great Expectations' modules, parsed pages), and looking through them each time is a tenth of an import."""
    gc.set_threshold(10_000, 50, 50)


def give_back() -> None:
    """Return freed memory to the operating system, as far as the platform can.

    Cycles are looked for among young objects only: a full look takes a quarter of a second, and what is large
    (Arrow tables, DuckDB's connections) hangs on no cycle.
    """
    gc.collect(1)
    pa.default_memory_pool().release_unused()
    if (trim := _trim()) is not None:
        trim(0)


@cache
def _trim():
    """glibc's ``malloc_trim``; None on another C library."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):
        return None
