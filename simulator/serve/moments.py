"""Reading the moments that clients send as parameters, into the form in which rows are ordered."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8))


def parse_moment(text: str, *, up: bool = False) -> str:
    """``text`` (ISO 8601; no zone = Asia/Shanghai) as ``YYYY-MM-DDTHH:MM:SS+08:00``.

    Fractions of a second are cut, or rounded up with ``up`` (for "at or after"). A blank in place of the
    plus sign is the plus sign that a client forgot to encode. ValueError: not a moment.
    """
    if "T" in text:
        text = re.sub(r" (?=\d\d:?\d\d$)", "+", text)
    moment = datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=CHINA) if moment.tzinfo is None else moment.astimezone(CHINA)
    if up and moment.microsecond:
        moment += timedelta(seconds=1)
    return moment.replace(microsecond=0).isoformat()
