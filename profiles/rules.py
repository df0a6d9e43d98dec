"""The rules of survivorship and residence as data: read from YAML, handed to SQL as tables."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pyarrow as pa
import yaml

HERE = Path(__file__).parent
LAST = 99  # the step of a feed no rule names
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's where it is built in
NEVER = 1e9  # days: a half-life that ages nothing


class RuleFileError(ValueError):
    """A rule file that can't be read; names file and key."""


def _load(name: str) -> dict | list:
    try:
        return yaml.load((HERE / name).read_text(encoding="utf-8"), Loader=_LOADER)
    except yaml.YAMLError as error:
        raise RuleFileError(f"profiles/{name}: {str(error).splitlines()[0]}") from None


def texts() -> list[str]:
    """The rule files as they are written."""
    return [(HERE / name).read_text(encoding="utf-8") for name in ("residence.yaml", "survivorship.yaml")]


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
    """``step, rank, feed, role, condition, max_age_days, weight, half_life, alone``: one row a kind of evidence;
    ``alone``: no other kind has this feed and role."""
    rows = [
        {
            "step": rule["step"],
            "rank": rank,
            "feed": feed,
            "role": role,
            "condition": rule.get("when", "any"),
            "max_age_days": rule.get("max_age_days"),
            "weight": float(rule["weight"]),
            "half_life": float(rule.get("half_life", NEVER)),
        }
        for rank, rule in enumerate(residence()["evidence"])
        for feed in rule["feeds"]
        for role in rule["roles"]
    ]
    kinds = Counter((row["feed"], row["role"]) for row in rows)
    return pa.Table.from_pylist([row | {"alone": kinds[row["feed"], row["role"]] == 1} for row in rows])


def residence_ties() -> pa.Table:
    """``kind, weight, half_life, core, loose, weak``: what makes two people likely to live together."""
    rows = [
        {
            "kind": kind,
            "weight": float(rule["weight"]),
            "half_life": float(rule.get("half_life", NEVER)),
            "core": rule.get("core", False),
            "loose": rule.get("loose", False),
            "weak": rule.get("weak", False),
        }
        for kind, rule in residence()["ties"].items()
    ]
    return pa.Table.from_pylist(rows)


@cache
def residence() -> dict:
    """Evidence, ties, what speaks against, limits: ``residence.yaml``."""
    return _load("residence.yaml")


def residence_settings() -> dict[str, float]:
    """The factors and limits of ``residence.yaml`` by name; ``phone_own``: how many share a phone that is still one's own."""
    rules = residence()
    own = {"phone_own": survivorship()["phone"]["shared_at_most"]}
    return own | {name: rule["factor"] for name, rule in rules["against"].items()} | rules["limits"] | rules["confidence"]


def overtaking_steps() -> pa.Table:
    """``step, overtakes, overtaken``: evidence dated by itself, so that it makes older evidence stale, and evidence that
    can be made stale."""
    rule = residence()["against"]["overtaken"]
    rows = [{"step": s, "overtakes": s in rule["by"], "overtaken": s in rule["of"]} for s in {*rule["by"], *rule["of"]}]
    return pa.Table.from_pylist(rows)


def silent_feeds() -> pa.Table:
    """``feed``: sources that name a person without saying that the person lives here."""
    return pa.table({"feed": residence()["silent"]})


def death_feeds() -> pa.Table:
    """``feed``: sources whose word alone makes a person dead."""
    return pa.table({"feed": residence()["death"]})
