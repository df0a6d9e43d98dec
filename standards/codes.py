"""Code lists (代码表) of the national standards and the crosswalks (对照表) from each source's own values to them.

A crosswalk belongs to one source and version: the same digits mean other things elsewhere (domain
of the code tables), so an unlisted value is null with ``code.unmapped``, never guessed.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from standards import columns
from standards.result import Standardised, nulls

_ROOT = Path(__file__).parent
# In a coded cell only these say nothing; 无 or 0 can be a code.
_ABSENT_CODES = pa.array(
    ["-", "--", "/", "\\", "NULL", "NONE", "NAN", "N/A", "NA", "#N/A", "#REF!", "(NULL)", "<NULL>"]
)


class CrosswalkError(ValueError):
    """A crosswalk or code list that is missing or contradicts itself; names file and line."""


@dataclass(frozen=True)
class Code:
    """One entry of a code list."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True)
class Crosswalk:
    """What the values of one source mean: ``raw`` (as compared) → code; an empty code says "not known"."""

    name: str
    code_list: str
    source: str
    version: str
    reason: str
    mapping: Mapping[str, str]


def _read(path: Path) -> tuple[dict[str, str], list[list[str]]]:
    """The comment header (``# key: text``) and the rows below the column line."""
    if not path.is_file():
        raise CrosswalkError(f"{path.parent.name}/{path.name}: no such file in standards/")
    head: dict[str, str] = {}
    lines = path.read_text(encoding="utf-8").splitlines()
    body = [line for line in lines if not line.startswith("#")]
    for line in lines:
        if line.startswith("#") and ":" in line:
            key, _, text = line.lstrip("# ").partition(":")
            head[key.strip()] = text.strip()
    return head, list(csv.reader(body))[1:]


@cache
def code_list(name: str) -> Mapping[str, Code]:
    """The code list ``standards/codes/<name>.csv`` in its own order. CrosswalkError if there is none."""
    _, rows = _read(_ROOT / "codes" / f"{name}.csv")
    return {code: Code(code, zh, en) for code, zh, en in rows}


def label(list_name: str, code: str, language: str = "zh") -> str:
    """What a code is called; the code itself where the list does not know it."""
    entry = code_list(list_name).get(code)
    if entry is None:
        return code
    return entry.en if language == "en" else entry.zh


@cache
def crosswalk(name: str) -> Crosswalk:
    """The crosswalk ``<field>/<source>``. CrosswalkError if it is missing, lists a value twice or a code its list lacks."""
    field, _, source = name.partition("/")
    path = _ROOT / "crosswalks" / field / f"{source}.csv"
    head, rows = _read(path)
    missing = {"list", "source", "version", "reason"} - head.keys()
    if missing:
        raise CrosswalkError(f"{field}/{source}.csv: the header lacks {', '.join(sorted(missing))}")
    known = code_list(head["list"])
    mapping: dict[str, str] = {}
    raws = comparable(pa.array([raw for raw, _ in rows], pa.string())).to_pylist()
    for raw, (_, code) in zip(raws, rows, strict=True):
        if code and code not in known:
            raise CrosswalkError(f"{field}/{source}.csv: {raw}: code {code} is not in the list {head['list']}")
        if mapping.setdefault(raw, code) != code:
            raise CrosswalkError(f"{field}/{source}.csv: {raw} is listed with two codes")
    return Crosswalk(name, head["list"], head["source"], head["version"], head["reason"], mapping)


def crosswalk_names() -> tuple[str, ...]:
    """All crosswalks there are, as contracts name them."""
    return tuple(sorted(f"{p.parent.name}/{p.stem}" for p in (_ROOT / "crosswalks").glob("*/*.csv")))


def comparable(text: pa.Array) -> pa.Array:
    """Values as crosswalks compare them: NFKC, no blanks, upper case, no ``.0`` of a spreadsheet number."""
    compared = pc.utf8_upper(columns.unblank(columns.tidy(text)))
    return columns.substitute(compared, r"^(\d+)\.0+$", r"\1")


def standardise(text: pa.Array | pa.ChunkedArray, crosswalk_name: str) -> Standardised:
    """Standard codes of a coded column. CrosswalkError if there is no such crosswalk."""
    chosen = crosswalk(crosswalk_name)
    raws = pa.array(list(chosen.mapping), pa.string())
    codes = pa.array(list(chosen.mapping.values()), pa.string())

    def translate(values: pa.Array) -> Standardised:
        compared = comparable(values)
        found = pc.index_in(compared, value_set=raws)
        unmapped = found.is_null().to_numpy(zero_copy_only=False)
        code = codes.take(found)
        reason = columns.FirstReason(len(values))
        reason.where(unmapped & (columns.length(compared) == 0), None)
        reason.where(unmapped & columns.among(compared, _ABSENT_CODES), None)
        reason.where(unmapped, "code.unmapped")
        return Standardised(
            pc.if_else(pc.equal(code, ""), pa.scalar(None, pa.string()), code), reason.array(), nulls(len(values))
        )

    return columns.over_distinct(text, translate)
