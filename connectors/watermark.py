"""The greatest update time a read has seen, as the next read's start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.base import Read
from connectors.moments import instant, zoned
from contracts.model import Contract


@dataclass(frozen=True)
class Greatest:
    """``text``: the greatest update time so far, as the source wrote it, not later than ``limit``, the
    moment of the fetch: a row dated in the future must not hide what comes until then."""

    limit: datetime
    text: str | None
    start: Mapping[str, Any]  # the watermark the read began with: what it stays when nothing is seen
    inclusive: bool  # the parameter means "at or after"

    @classmethod
    def of(cls, contract: Contract, read: Read) -> Greatest:
        inclusive = bool(contract.options.get("since_inclusive", False))
        so_far = (read.resume or {}).get("greatest")
        return cls(read.fetched_at or datetime.now(UTC), so_far, dict(read.after), inclusive)

    def over(self, times: Iterable[str | None]) -> Greatest:
        """With the update times of one more page."""
        best, at = self.text, instant(self.text)
        for text in times:
            moment = instant(text)
            if moment is not None and moment <= self.limit and (at is None or moment > at):
                best, at = text, moment
        return replace(self, text=best)

    def watermark(self) -> dict[str, Any]:
        """Where the next read starts. Where the source's parameter means "strictly later", a second before
        the greatest time: more rows of that very second can still appear. Never before the last start."""
        moment = instant(self.text)
        if moment is None:
            return dict(self.start)
        text = self.text if self.inclusive else zoned(moment - timedelta(seconds=1))
        begun = instant(self.start.get("after"))
        return dict(self.start) if begun is not None and begun >= instant(text) else {"after": text}
