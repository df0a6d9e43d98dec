"""Moments as sources write them: ISO 8601, with or without a zone (without: Asia/Shanghai)."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


@lru_cache(maxsize=4096)  # a page's times are looked at more than once
def instant(text: str | None) -> datetime | None:
    """The moment an ISO 8601 text names, in UTC; None where it names none."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or SHANGHAI).astimezone(UTC)


def zoned(moment: datetime) -> str:
    """ISO 8601 with +08:00, as the departments' APIs write it."""
    return moment.astimezone(SHANGHAI).isoformat()


def local(moment: datetime) -> str:
    """ISO 8601 of Shanghai's wall clock without a zone, as a database's timestamp column holds it."""
    return moment.astimezone(SHANGHAI).replace(tzinfo=None).isoformat()
