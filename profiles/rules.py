"""The rules of survivorship and residence as data: read from YAML, handed to SQL as tables."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pyarrow as pa
import yaml

HERE = Path(__file__).parent
LAST = 99  # the step of a feed no rule names


class RuleFileError(ValueError):
    """A rule file that can't be read; names file and key."""


def _load(name: str) -> dict | list:
    try:
        return yaml.safe_load((HERE / name).read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise RuleFileError(f"profiles/{name}: {str(error).splitlines()[0]}") from None


@cache
def survivorship() -> dict[str, dict]:
    """Attribute → title, level, order, only, shared_at_most, max_age_days."""
    return _load("survivorship.yaml")


def steps() -> pa.Table:
    """``attribute, feed, step``: one row a feed an attribute's order names, from 0."""
    rows = [
        {"attribute": attribute, "feed": feed, "step": step}
        for attribute, rule in survivorship().items()
        for step, feeds in enumerate(rule["order"])
        for feed in ([feeds] if isinstance(feeds, str) else feeds)
    ]
    return pa.Table.from_pylist(rows)


def residence_steps() -> pa.Table:
    """``step, rank, feed, role, condition, max_age_days, confidence``: one row a kind of evidence."""
    rows = [
        {
            "step": rule["step"],
            "rank": rank,
            "feed": feed,
            "role": role,
            "condition": rule.get("when", "any"),
            "max_age_days": rule.get("max_age_days"),
            "confidence": rule["confidence"],
        }
        for rank, rule in enumerate(_load("residence.yaml"))
        for feed in rule["feeds"]
        for role in rule["roles"]
    ]
    return pa.Table.from_pylist(rows)
