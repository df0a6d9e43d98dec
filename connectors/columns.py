"""Which column of a delivery is which of the contract, and what drifted (表头漂移).

A header is compared as a reader would: without blanks, line breaks, byte-order marks and full-width
forms. A column found under another name is *renamed*, one the contract doesn't know *added*, one that
is not there *missing*; each is met by the contract's change policy and said in the manifest.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from connectors.errors import DeliveryRefused
from contracts.model import Contract

_INVISIBLE = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]+")
_BRACKETS = re.compile(r"[(\[【〔].*?[)\]】〕]")  # units and remarks: 金额（元）


@dataclass(frozen=True)
class Layout:
    """``positions``: landed column → index in the delivery; ``extra``: columns kept under ``_extra``;
    ``forbidden``: landed nowhere (forbidden columns and what may be one under another name)."""

    positions: Mapping[str, int]
    extra: tuple[tuple[str, int], ...]
    forbidden: tuple[tuple[str, int], ...]
    drift: tuple[Mapping[str, str], ...]


def plain(header: object) -> str:
    """A header for comparison: NFKC, no blanks or invisible characters, case folded."""
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", str(header))).casefold()


def lay_out(contract: Contract, seen: Sequence[str], where: str, *, judge_missing: bool = True) -> Layout:
    """The delivery's columns in the contract's terms. ``where`` names the delivery in an error.

    Raises DeliveryRefused where the change policy refuses. With ``judge_missing`` False only what is
    there is judged (JSON rows may leave a key out; :func:`missing` judges the whole read).
    """
    headers = [plain(name) for name in seen]
    bare = [_BRACKETS.sub("", header) for header in headers]
    forbidden = {i for i, header in enumerate(headers) if _is_forbidden(contract, header)}
    wanted = _names(contract)
    positions: dict[str, int] = {}
    taken = set(forbidden)
    # The source's own names first, then aliases, each from left to right, then both without a remark in
    # brackets: an alias never takes a column that another field knows by its own name.
    for candidates in (headers, bare):
        for rank in (0, 1):
            for column, names in wanted.items():
                options = names[:1] if rank == 0 else names[1:]
                if column in positions:
                    continue
                spot = next((i for i, h in enumerate(candidates) if i not in taken and h in options), None)
                if spot is not None:
                    positions[column] = spot
                    taken.add(spot)
    drift = [
        {"column": column, "kind": "renamed", "policy": "accept", "seen": _shown(seen[spot])}
        for column, spot in positions.items()
        if headers[spot] != wanted[column][0]
    ]
    ignored = {plain(name) for name in contract.ignored} | {""}
    unknown = [(name, i) for i, name in enumerate(seen) if i not in taken and headers[i] not in ignored]
    # Where a forbidden column is not found, an unknown one may be it under another name: deny by default.
    hidden = bool(contract.forbidden) and _forbidden_absent(contract, headers)
    policy = "cut" if hidden else contract.change_policy.added
    # First: where the header row itself is missing, "unknown columns" are a person's values, which no message tells.
    lost = missing(contract, positions, where) if judge_missing else []
    if unknown and policy == "refuse":
        raise DeliveryRefused(
            f"{contract.feed}, {where}: column {_shown(unknown[0][0])} is not in the contract and its change "
            "policy refuses added columns"
        )
    drift += [{"column": _shown(name), "kind": "added", "policy": policy} for name, _ in unknown] + lost
    return Layout(
        positions=positions,
        extra=tuple(unknown) if policy == "accept" else (),
        forbidden=tuple((seen[i], i) for i in sorted(forbidden)) + (tuple(unknown) if hidden else ()),
        drift=tuple(drift),
    )


def missing(contract: Contract, found: Iterable[str], where: str, *, refuse: bool = True) -> list[dict[str, str]]:
    """Drift of the landed columns that are not among ``found``. Raises DeliveryRefused where the policy
    says so, unless ``refuse`` is False (a read of too few rows to judge)."""
    found = set(found)
    required = required_columns(contract)
    drift = []
    for column in contract.source_columns:
        if column in found or column in contract.derive:
            continue
        policy = (
            contract.change_policy.missing_required if column in required else contract.change_policy.missing_optional
        )
        if policy == "refuse" and refuse:
            raise DeliveryRefused(
                f"{contract.feed}, {where}: column {column} is missing; the contract {contract.version} requires it"
            )
        drift.append({"column": column, "kind": "missing", "policy": policy if refuse else "null"})
    return drift


def required_columns(contract: Contract) -> set[str]:
    """Source columns a delivery must have: those of required fields and the key (of a key part with
    alternatives only the first)."""
    names = {field.source for field in contract.table.fields if field.required}
    return names | {part[0] for part in contract.table.key if part}


def _names(contract: Contract) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {c: [plain(c)] for c in contract.source_columns if c not in contract.derive}
    for field in contract.table.fields:
        if field.source in names:
            names[field.source] += [plain(alias) for alias in field.aliases]
    return names


def _is_forbidden(contract: Contract, header: str) -> bool:
    # 银行账号（卡号） is forbidden where 银行账号 is: a name that contains a forbidden one is cut too,
    # unless the contract lands a column of exactly that name.
    landed = {plain(c) for c in contract.source_columns}
    return header not in landed and any(plain(name) in header for name in contract.forbidden)


def _forbidden_absent(contract: Contract, headers: Sequence[str]) -> bool:
    return any(not any(plain(name) in header for header in headers) for name in contract.forbidden)


def _shown(name: object) -> str:
    """A header fit for one line of a manifest or message; a header longer than that is no header."""
    return _INVISIBLE.sub(" ", str(name)).strip()[:40]
