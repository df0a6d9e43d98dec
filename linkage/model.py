"""The linkage model (关联模型) as data: settings, comparison levels and named rules, read from ``model/*.yaml``.

Every number there has its reason beside it. Reading checks the files whole and names file and entry in the error.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_COLUMN, _KEY = re.compile("[a-z_]{2,}"), re.compile("[a-z ]{2,}")  # they become part of statements, in which one letter is a table
FOLDER = Path(__file__).parent / "model"


class ModelError(ValueError):
    """A model file says something that can't be: ``<file>: <entry>: <what is expected>``."""


@dataclass(frozen=True)
class Level:
    """One level of a comparison: SQL over ``<column>_l`` and ``<column>_r``; ``m`` and ``u`` are starting values."""

    name: str
    sql: str
    reason: str
    m: float | None = None
    u: float | None = None
    is_null: bool = False
    fixed_u: bool = False
    term_frequency: str | None = None


@dataclass(frozen=True)
class Comparison:
    name: str
    levels: tuple[Level, ...]  # strongest first, the null level before them, "else" last


@dataclass(frozen=True)
class LinkRule:
    """A named deterministic rule over comparison levels (``<comparison>`` = level name); links whatever the weight says.

    ``suggest``: of a veto by which the county decided, not the records: what it parts is put to a person from the lower threshold on."""

    name: str
    when: str
    reason: str
    probability: float
    suggest: bool = False


@dataclass(frozen=True)
class Column:
    """A further column to compare: text worked out from a mention ``t``; an entity has the commonest value as ``<name>`` and all of
    them as ``<name>s``. Its name may be none that mentions, forms or entities have already."""

    name: str
    sql: str
    reason: str


@dataclass(frozen=True)
class Key:
    """A further blocking key over an entity's columns; null blocks nothing."""

    name: str
    sql: str
    reason: str


@dataclass(frozen=True)
class Model:
    version: str
    settings: Mapping[str, Any]
    comparisons: tuple[Comparison, ...]
    rules: tuple[LinkRule, ...]
    vetoes: tuple[LinkRule, ...]
    impossible: tuple[LinkRule, ...]  # ``when``: over the entities l and r; such pairs are no candidates
    macros: tuple[str, ...]  # of another folder after the packaged ones, which the first passes use
    columns: tuple[Column, ...] = ()
    keys: tuple[Key, ...] = ()

    def setting(self, name: str) -> Any:
        return self.settings[name]


@cache
def load_model(folder: Path = FOLDER) -> Model:
    """The packaged model, or another folder's. Raises ModelError if a file is not as it must be.

    A folder may hold a fourth file, ``columns.yaml``: what other data than a county's records is compared and blocked by.
    """
    settings = _read(folder / "settings.yaml")
    comparisons = _read(folder / "comparisons.yaml")
    rules = _read(folder / "rules.yaml")
    further = _read(folder / "columns.yaml") if (folder / "columns.yaml").exists() else {}
    digest = hashlib.sha256(b"".join(p.read_bytes() for p in sorted(folder.glob("*.yaml")))).hexdigest()[:12]
    return Model(
        version=f"{settings['version']}+{digest}",
        settings={name: _entry(folder / "settings.yaml", name, entry, "value")["value"] for name, entry in settings["settings"].items()},
        comparisons=tuple(_comparison(folder / "comparisons.yaml", entry) for entry in comparisons["comparisons"]),
        rules=tuple(_rule(folder / "rules.yaml", entry) for entry in rules["rules"]),
        vetoes=tuple(_rule(folder / "rules.yaml", entry) for entry in rules["vetoes"]),
        impossible=tuple(_rule(folder / "rules.yaml", entry) for entry in rules.get("impossible", ())),
        macros=(*(load_model().macros if folder != FOLDER else ()), *(entry["sql"] for entry in comparisons["macros"])),
        columns=tuple(Column(**_named(entry, _COLUMN)) for entry in further.get("columns", ())),
        keys=tuple(Key(**_named(entry, _KEY)) for entry in further.get("keys", ())),
    )


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's where it is built in


def _read(path: Path) -> dict[str, Any]:
    with path.open(encoding="utf-8") as file:
        return yaml.load(file, Loader=_LOADER)


def _entry(path: Path, name: str, entry: Any, *needed: str) -> dict[str, Any]:
    for key in (*needed, "reason"):
        if not isinstance(entry, dict) or key not in entry:
            raise ModelError(f"{path.name}: {name}: '{key}' is expected")
    return entry


def _named(entry: Any, pattern: re.Pattern[str]) -> dict[str, str]:
    name = str(entry.get("name")) if isinstance(entry, dict) else str(entry)
    entry = _entry(Path("columns.yaml"), name, entry, "name", "sql")
    if not pattern.fullmatch(name):
        raise ModelError(f"columns.yaml: {name}: a name of two or more small letters is expected")
    return {key: entry[key] for key in ("name", "sql", "reason")}


def _comparison(path: Path, entry: dict[str, Any]) -> Comparison:
    levels = []
    for level in entry["levels"]:
        named = f"{entry.get('name')}.{level.get('name')}"
        _entry(path, named, level, "name", "sql")
        if not level.get("null") and not 0 < level.get("m", 0) < 1 > level.get("u", 1) > 0:
            raise ModelError(f"{path.name}: {named}: m and u between 0 and 1 are expected")
        levels.append(Level(
            name=level["name"], sql=level["sql"], reason=level["reason"], m=level.get("m"), u=level.get("u"),
            is_null=bool(level.get("null")), fixed_u=bool(level.get("fixed_u")), term_frequency=level.get("term_frequency"),
        ))
    return Comparison(entry["name"], tuple(levels))


def _rule(path: Path, entry: dict[str, Any]) -> LinkRule:
    _entry(path, str(entry.get("name")), entry, "name", "when")
    return LinkRule(entry["name"], entry["when"], entry["reason"], float(entry.get("probability", 0.0)), bool(entry.get("suggest", False)))
