"""Patience with a source: what is transient is tried again, later each time, as it asked."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import tenacity

from connectors.errors import TransientError

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """How often and how long (seconds). A ``Retry-After`` beyond ``longest`` ends the patience at
    once: the error goes up with it, and whoever scheduled the read decides."""

    attempts: int = 6
    first: float = 0.5
    longest: float = 60.0
    sleep: Callable[[float], None] = time.sleep

    def run(self, attempt: Callable[[], T]) -> T:
        """``attempt``'s result; the last TransientError when patience ends, any other error at once."""
        backoff = tenacity.wait_exponential_jitter(initial=self.first, max=self.longest, jitter=self.first)

        def wait(state: tenacity.RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = getattr(error, "retry_after", None)
            return backoff(state) if asked is None else max(asked, 0.0)

        def worth_it(error: BaseException) -> bool:
            return isinstance(error, TransientError) and (error.retry_after or 0) <= self.longest

        return tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.attempts),
            wait=wait,
            retry=tenacity.retry_if_exception(worth_it),
            sleep=self.sleep,
            reraise=True,
        )(attempt)
