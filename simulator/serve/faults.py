"""Faults of the departments' transports: which request, row or file goes wrong, decided by the seed alone.

Every fault is passing: with faults on, each feed ends with exactly the rows it ends with when they are off.

========================  =========================================  ==================================================
fault                     what a reader meets                        why the end is the same
========================  =========================================  ==================================================
``drop``                  the body breaks off in the middle          the same request, repeated, is answered whole
``429``                   HTTP 429, ``Retry-After: 1``               as above
``502``, ``503``          a gateway's error page; 503 twice running  as above; never more than two in a row
``5000``                  HTTP 200 with ``code`` 5000 (health)       as above
``slow``                  the answer comes after 0.8 s               it is the right answer
token revoked             401 in the middle of a read (market)       a new token reads on from the same link
rows that move            a row stands early with an old             the row moves to its true place (as without
                          ``updatedAt``, then jumps to the end while  faults) before any last page is served; nothing is
                          pages are read, so that others slide       lost to who looks again from where he was
repeated lines            the event stream says lines again, on the  the line is the same to the byte; the highest
                          same or the next page                      ``seq`` is still the page's last
no ``.ok``                a file stands without its companion        the companion comes later
wrong ``.ok``             count or digest disagree, then put right   the file's bytes were right all the time
cut upload                half a file, refused by its digest         the whole file is sent again, same name
old month late            a month's file comes after its successor   an older month overwrites and closes nothing
broken SFTP read          the connection breaks within a file        the file is read again
========================  =========================================  ==================================================

A ``GXSJ`` ahead of the clock, late rows and events that come twice under another ``seq`` are data, not faults: they
stand in ``county.db`` with faults on and off. Deliveries that a fault holds back are put right after a delay, or at once by
``python -m simulator settle`` and ``advance``.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

COMMON = ("drop", "429", "503", "slow", "502")
HEALTH = (*COMMON, "5000")


def seeded(seed: int, *parts: str) -> random.Random:
    """A generator that depends on ``seed`` and ``parts`` only (not on hash randomisation)."""
    digest = hashlib.sha256("\x1f".join([str(seed), *parts]).encode()).digest()
    return random.Random(int.from_bytes(digest[:8], "big"))


def request_faults(seed: int, endpoint: str) -> Iterator[str | None]:
    """What happens to the 1st, 2nd, … request to ``endpoint``: a fault's name or None.

    The first request always fails, then faults grow rarer; after a fault the next request is answered
    (503 alone comes twice), so a reader that tries three times gets through.
    """
    rng = seeded(seed, "requests", endpoint)
    kinds = list(HEALTH if endpoint.startswith("/v1/") else COMMON)
    gap = 1
    while True:
        rng.shuffle(kinds)
        for kind in kinds:
            yield kind
            if kind == "503":
                yield kind
            for _ in range(gap + rng.randrange(2)):
                yield None
            gap = min(gap + 1, 12)


@dataclass
class RequestFaults:
    """Counts the requests to each endpoint and names the fault of the next one."""

    seed: int
    _plans: dict[str, Iterator[str | None]] = field(default_factory=dict, init=False)
    seen: Counter[str] = field(default_factory=Counter, init=False)

    def next(self, endpoint: str) -> str | None:
        """The fault of this request to ``endpoint``, or None."""
        plan = self._plans.setdefault(endpoint, request_faults(self.seed, endpoint))
        fault = next(plan)
        if fault:
            self.seen[fault] += 1
        return fault


@dataclass
class MovingRows:
    """The order of one page-numbered feed while some of its rows still stand at an early place.

    ``early`` maps a row's true position (from 1) to the early time it shows until it moves. The movers are rows of
    the last tenth, so that their true place is at the end, exactly where a faultless reader finds them.
    """

    times: list[bytes]
    early: dict[int, bytes]

    @classmethod
    def plan(cls, times: list[bytes], seed: int, feed: str) -> MovingRows:
        """Choose movers and their early times for a feed with these times."""
        rng = seeded(seed, "moving", feed)
        rows = len(times)
        if rows < 20:
            return cls(times, {})
        last = range(rows - rows // 10 + 1, rows + 1)
        movers = rng.sample(last, min(len(last), rows // 200 + 1, 50))
        return cls(times, {position: times[rng.randrange(rows // 5)] for position in movers})

    def ordered(self, after: str) -> list[int]:
        """Positions of the rows shown as later than ``after`` ('' = all), in the order they are shown."""
        floor = after.encode()
        shown = [
            (self.early.get(position, time), position)
            for position, time in enumerate(self.times, start=1)
            if self.early.get(position, time) > floor
        ]
        shown.sort()
        return [position for _, position in shown]

    def page(self, after: str, number: int, size: int) -> tuple[int, list[int]]:
        """Total and positions of a page, after the rows that are due have moved.

        Half of those that wait move between one page and the next; all before a last page. And none may wait once its
        true time is reached: a row that changes is always newer than all that was served before.
        """
        order = self.ordered(after)
        if self.early and (number > 1 or after):  # a reader who goes on, by number or by time
            self._move(sorted(self.early)[: (len(self.early) + 1) // 2])
            order = self.ordered(after)
        while self.early:
            shown = order[(number - 1) * size : number * size]
            reached = max((self.early.get(p, self.times[p - 1]) for p in shown), default=b"")
            last = number * size >= len(order)
            due = [p for p in self.early if last or self.times[p - 1] <= reached]
            if not due:
                break
            self._move(due)
            order = self.ordered(after)
        return len(order), order[(number - 1) * size : number * size]

    def _move(self, positions: Iterable[int]) -> None:
        for position in positions:
            del self.early[position]


def delivery_faults(names: Iterable[tuple[str, str, str]], seed: int) -> dict[str, str]:
    """File name → fault, for files (name, feed, period) that are published together.

    ``late`` goes to an older month of a feed whose newer month is published with it; ``cut``, ``no_ok`` and
    ``wrong_ok`` each to the newest file of some other feed, so that small and large feeds are struck alike. At
    least half of the files arrive as they should.
    """
    files = sorted(names)
    rng = seeded(seed, "deliveries", *(name for name, _, _ in files))
    newest = {feed: (name, period) for name, feed, period in sorted(files, key=lambda file: file[2])}
    older = [name for name, feed, period in files if period < newest[feed][1]]
    chosen: dict[str, str] = {}
    if older:
        chosen[rng.choice(older)] = "late"
    struck = sorted(name for name, _ in newest.values())
    rng.shuffle(struck)
    for name, fault in zip(struck[: len(files) // 2], ("cut", "no_ok", "wrong_ok"), strict=False):
        chosen[name] = fault
    return chosen
