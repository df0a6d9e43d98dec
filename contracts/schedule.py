"""Checks a cron expression of five fields, without an import that costs more than the contracts."""

from __future__ import annotations

import re

from contracts.node import Node

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_PART = re.compile(r"(?:\*|(?P<low>\d+)(?:-(?P<high>\d+))?)(?:/(?P<step>\d+))?")


def check_cron(node: Node, key: str) -> None:
    """ContractError unless the text under ``key`` is minute, hour, day, month and weekday in numbers."""
    fields = node.get(key).split()
    if len(fields) != len(_FIELDS):
        node.fail("a cron expression of five fields is expected", key)
    for text, (name, low, high) in zip(fields, _FIELDS, strict=True):
        for part in text.split(","):
            match = _PART.fullmatch(part)
            if not match:
                node.fail(f"a cron field is expected for the {name}", key)
            numbers = [int(match[group]) for group in ("low", "high") if match[group]]
            if (
                any(not low <= number <= high for number in numbers)
                or numbers != sorted(numbers)
                or match["step"] == "0"
            ):
                node.fail(f"a {name} between {low} and {high} is expected", key)
