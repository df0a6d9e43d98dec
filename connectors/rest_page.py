"""REST by page number, where rows that change during the read move to later pages.

Counting pages up loses rows: when one of page 1 changes, it moves to the end, everything behind it moves
up by one, and the first row of page 2 is now on the page already read. So this read does not count pages:

* **Forward**: always page 1, of what is later than the last page's end: the next request asks for what is
  strictly later than the *last but one* update time of the page, so that rows which share the last one
  and did not fit come too (those that did fit come twice, which loading knows as superseded). Rows only
  ever move to a later time, so none can slip behind. It ends with an answer that holds the whole total:
  one answer is one moment.
* **Downward**, where a page holds a single update time (a bulk import) or is not in order (rows without
  a time): pages from the last to the first. A row that moves to the end then pushes unread rows only
  towards page 1, which is still to come. What moved meanwhile is later than the last page's end, so the
  read goes on forward from there. Where that is no progress, it counts down again until two descents saw
  the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.base import Page, Read
from connectors.errors import TransientError
from connectors.http import Answer, Client, dotted
from connectors.moments import instant, zoned
from connectors.rest_answer import Rows, page_parts, read_rows, update_times
from connectors.watermark import Greatest
from contracts.model import Contract

_DESCENTS = 20  # descents without progress before the source is left alone for now


@dataclass(frozen=True)
class _State:
    """Where a read stands; it survives a kill as JSON."""

    after: str | None  # the update time asked for; None: from the beginning
    page: int = 0  # pages yielded
    down: int | None = None  # next page number of a descent
    top: str | None = None  # greatest update time of the descent's first page
    sum: int = 0  # what the descent saw, whatever the order
    before: int | None = None  # what the descent before saw
    timeless: int = 0  # what the descent saw of rows without an update time
    timeless_before: int | None = None
    tries: int = 0
    greatest: str | None = None


def pages(contract: Contract, client: Client, read: Read) -> Iterator[Page]:
    """Every row that is later than the watermark, those that move meanwhile included. Raises
    TransientError where the list never comes to rest."""
    state: _State | None = _State(**read.resume) if read.resume else _State(after=read.after.get("after"))
    reader = _Reader(contract, client)
    greatest = Greatest.of(contract, read)
    while state is not None:
        name = f"page-{state.page + 1:05d}"
        rows, total = reader.fetch(state.after, state.down or 1, name)
        times = update_times(contract, rows)
        greatest = greatest.over(times)
        step = reader.forward if state.down is None else reader.downward
        following = step(state, rows, times, total)
        if following is not None:
            following = replace(following, page=state.page + 1, greatest=greatest.text)
        yield Page(
            **page_parts(contract, name, rows),
            watermark=greatest.watermark(),
            resume=following and asdict(following),
        )
        state = following


@dataclass(frozen=True)
class _Reader:
    contract: Contract
    client: Client

    def fetch(self, after: str | None, number: int, name: str) -> tuple[Rows, int]:
        """A page and the total of the list it is of."""
        options = self.contract.options
        parameters: dict[str, Any] = {options["page_param"]: number, options["size_param"]: options["page_size"]}
        if after:
            parameters[options["since_param"]] = after

        def read(answer: Answer) -> tuple[Rows, int]:
            rows = read_rows(self.contract, name, answer)
            total = int(str(dotted(rows.document, options["total"])))
            if total and not rows.items and number == 1:
                raise ValueError("a total, but no rows")
            return rows, total

        return self.client.get(options["path"], parameters, name, read)

    def forward(self, state: _State, rows: Rows, times: Sequence[str | None], total: int) -> _State | None:
        """After page 1 of what is later than ``state.after``."""
        if len(rows.items) >= total:
            return None
        last = -(-total // len(rows.items))
        moments = [instant(time) for time in times]
        ordered = all(m is not None for m in moments) and moments == sorted(moments)  # type: ignore[type-var]
        if ordered and (state.page or state.after or not self._timeless_end(last)):
            boundary = max((t for t in times if instant(t) < moments[-1]), key=instant, default=None)
            if boundary is not None and _later(boundary, state.after):
                return _State(after=boundary)
        return replace(state, down=last, top=None, sum=0, timeless=0)

    def downward(self, state: _State, rows: Rows, times: Sequence[str | None], total: int) -> _State | None:
        """After page ``state.down`` of a descent."""
        top = (
            max((t for t in (state.top, *times) if instant(t)), key=instant, default=None)
            if state.top is None
            else state.top
        )
        bare = [time is None for time in times]
        done = replace(
            state,
            top=top,
            sum=(state.sum + self._sum(rows, times)) % 2**63,
            timeless=(state.timeless + self._sum(rows, times, bare)) % 2**63,
            down=state.down - 1,
        )
        if done.down:
            return done
        if done.sum == state.before:
            return None  # two descents saw the same: all of it is read
        onward = zoned(instant(top) - timedelta(seconds=1)) if top else None
        # A row that got its first time moved down past others without one, so those are seen twice or not at all:
        # the read goes on by time only when two descents saw the same of them.
        settled = done.timeless in (0, state.timeless_before)
        if onward is not None and settled and _later(onward, state.after):
            return _State(after=onward)
        if state.tries >= _DESCENTS:
            raise TransientError(f"{self.contract.feed}: the list changes faster than its {total} rows can be read")
        last = -(-total // max(len(rows.items), 1))
        again = _State(after=state.after, down=last, before=done.sum, timeless_before=done.timeless)
        return replace(again, tries=state.tries + 1)

    def _timeless_end(self, last: int) -> bool:
        """Whether the list ends with rows without an update time, which asking by time never shows."""
        rows, _ = self.fetch(None, last, f"page {last} of {last}")
        return any(time is None for time in update_times(self.contract, rows))

    def _sum(self, rows: Rows, times: Sequence[str | None], only: Sequence[bool] | None = None) -> int:
        """A sum of the rows' keys and times that does not depend on their order."""
        key = self.contract.options.get("key")
        total = 0
        for n, (item, time) in enumerate(zip(rows.items, times, strict=True)):
            if only is None or only[n]:
                mark = f"{item.get(key) if isinstance(item, Mapping) else item}|{time}"
                total += int.from_bytes(hashlib.blake2b(mark.encode("utf-8", "replace"), digest_size=7).digest(), "big")
        return total


def _later(time: str, than: str | None) -> bool:
    begun: datetime | None = instant(than)
    return begun is None or instant(time) > begun
