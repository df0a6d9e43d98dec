"""Feeds side by side (并行接入): while one feed's batches are validated and loaded, the next one is fetched.

Fetching waits for a department most of the time and loading for PostgreSQL, so two at a time are enough for
two cores, and no more than two feeds' rows are in memory. Each feed keeps its own lock and its own order of
batches; feeds of one connection still fetch one after the other (a lock a connection, see connectors.landing).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
AT_ONCE = 2


def side_by_side(work: Callable[[str], T], feeds: Iterable[str], at_once: int = AT_ONCE) -> Iterator[T]:
    """``work`` of every feed in the feeds' order, ``at_once`` of them under way.

    The first failure is raised in its feed's place; feeds that were not begun by then are not begun, those
    under way are waited for.
    """
    with ThreadPoolExecutor(at_once, thread_name_prefix="feed") as pool:
        waiting = [pool.submit(work, feed) for feed in feeds]
        try:
            for one in waiting:
                yield one.result()
        finally:
            for one in waiting:
                one.cancel()
