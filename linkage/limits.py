"""From which figure on somebody must look (限值): read from ``limits.yaml``, each with its reason beside it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from linkage.model import ModelError

FILE = Path(__file__).with_name("limits.yaml")


@dataclass(frozen=True)
class Limit:
    """``value`` as the check's own unit (a count, a share of 1, an index)."""

    value: float
    reason: str


@cache
def load_limits(file: Path = FILE) -> dict[str, Limit]:
    """Every limit by name. ModelError if one has no value or no reason."""
    with file.open(encoding="utf-8") as text:
        entries = yaml.safe_load(text)["limits"]
    limits = {}
    for name, entry in entries.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("value"), int | float) or not entry.get("reason"):
            raise ModelError(f"{file.name}: {name}: a value and a reason are expected")
        limits[name] = Limit(entry["value"], " ".join(entry["reason"].split()))
    return limits
