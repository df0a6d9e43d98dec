"""Numbered pages over a list that changes while it is read: no row is lost, whatever moves when."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import rest_page
from connectors.base import Read
from connectors.http import Answer
from connectors.moments import instant, zoned
from connectors.testing import contract_of

CONTRACT = contract_of(
    "rest",
    {
        "path": "/p", "style": "page", "auth": "signed", "rows": "rows", "key": "id", "updated": "updated",
        "since_param": "after", "since_inclusive": False, "page_param": "no", "size_param": "size", "page_size": 500,
        "total": "total",
    },
)  # fmt: skip
EPOCH = datetime(2026, 11, 1, tzinfo=UTC)
NOW = EPOCH + timedelta(days=10)


class MovingList:
    """A department's list and the client that reads it: before each answer some rows change, and move."""

    def __init__(self, times: list[int], size: int, moves: list[list[int]], frozen: bool, timeless: int) -> None:
        self.rows = {f"K{n}": EPOCH + timedelta(seconds=t) for n, t in enumerate(times)}
        self.rows |= {f"N{n}": None for n in range(timeless)}
        self.size, self.moves, self.frozen, self.asked = size, list(moves), frozen, 0

    def get(self, path: str, parameters: dict, what: str, read: Callable):
        self.asked += 1
        assert self.asked < 2000, "the read does not end"
        for n in self.moves.pop(0) if self.moves else []:
            keys = sorted(self.rows)
            # A clock that stands still puts every change on one second.
            self.rows[keys[n % len(keys)]] = NOW + timedelta(seconds=0 if self.frozen else self.asked)
        after = instant(parameters.get("after"))
        end = datetime.max.replace(tzinfo=UTC)
        found = sorted(self.rows.items(), key=lambda item: (item[1] or end, item[0]))
        found = [(k, t) for k, t in found if after is None or (t is not None and t > after)]
        start = self.size * (parameters["no"] - 1)
        rows = [{"id": k, "updated": t and zoned(t)} for k, t in found[start : start + self.size]]
        body = json.dumps({"total": len(found), "rows": rows}).encode()
        return read(Answer(body, {}, path))


def seen(source: MovingList, read: Read, stop_after: int | None = None):
    """Ids and times read; with ``stop_after`` the read is broken off there and gone on with by its resume state."""
    found, resume, pages = set(), None, 0
    for page in rest_page.pages(CONTRACT, source, read):
        found |= {(row["id"], row["updated"]) for row in page.rows.select(["id", "updated"]).to_pylist()}
        resume, pages = page.resume, pages + 1
        if pages == stop_after and resume is not None:
            resume = json.loads(json.dumps(resume))
            rest = Read(read.feed, read.delivery, after=read.after, fetched_at=read.fetched_at, resume=resume)
            more, mark = seen(source, rest)
            return found | more, mark
    return found, page.watermark


@settings(max_examples=400, deadline=None)
@given(
    times=st.lists(st.integers(0, 40), min_size=1, max_size=60),
    size=st.integers(1, 9),
    moves=st.lists(st.lists(st.integers(0, 99), max_size=3), max_size=40),
    frozen=st.booleans(),
    timeless=st.sampled_from([0, 0, 1, 7]),
    stop_after=st.none() | st.integers(1, 12),
)
def test_every_row_is_read_in_its_last_version(times, size, moves, frozen, timeless, stop_after):
    source = MovingList(times, size, moves, frozen, timeless)
    read = Read("people", "from the beginning", fetched_at=NOW + timedelta(days=1))
    found, mark = seen(source, read, stop_after)
    assert {key for key, _ in found} == set(source.rows), "a row was lost"
    # What is not yet read in its last version is later than the watermark, so the next read brings it.
    after = instant(mark.get("after"))
    for key, time in source.rows.items():
        assert (key, time and zoned(time)) in found or (time is not None and (after is None or time > after))


@settings(max_examples=100, deadline=None)
@given(
    times=st.lists(st.integers(0, 5), min_size=20, max_size=60),
    size=st.integers(2, 9),
    changed=st.lists(st.integers(0, 99), max_size=10),
)
def test_the_next_read_brings_what_changed_since_and_little_else(times, size, changed):
    source = MovingList(times, size, [], frozen=False, timeless=0)
    first, mark = seen(source, Read("people", "x", fetched_at=NOW))
    keys = sorted(source.rows)
    news = {keys[n % len(keys)] for n in changed}
    for key in news:
        source.rows[key] = NOW + timedelta(hours=1)
    again, _ = seen(source, Read("people", "x", after=mark, fetched_at=NOW + timedelta(days=1)))
    last = max(time for _, time in first)
    assert news <= {key for key, _ in again}
    assert all(key in news or time == last for key, time in again)
