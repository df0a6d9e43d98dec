"""Variant characters (异体字、繁体字、形近字) folded together, for match keys only: the name shown keeps its own characters.

乾 is folded to 干 and 鍾 to 钟 here, which would be wrong in a name that is displayed.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from standards import characters, columns

_TABLES = Path(__file__).parent / "tables"


def _rows(name: str) -> list[list[str]]:
    lines = (_TABLES / name).read_text(encoding="utf-8").splitlines()
    return list(csv.reader(line for line in lines if not line.startswith("#")))[1:]


def _arrays(mapping: dict[str, str]) -> tuple[np.ndarray, np.ndarray]:
    ordered = sorted(mapping.items())
    points = np.array([ord(character) for character, _ in ordered], np.uint32)
    return points, np.array([ord(folded) for _, folded in ordered], np.uint32)


@cache
def foldings() -> dict[str, str]:
    """Character → the one it is compared as: traditional and variant forms, and surnames in two spellings
    (阎/闫 萧/肖 付/傅 代/戴 邱/丘 仝/同)."""
    return {character: folded for character, folded, _ in _rows("variants.csv")}


@cache
def look_alikes() -> dict[str, str]:
    """Character → the first of its group of characters that are taken for one another by their shape."""
    return {character: group[0] for (group,) in _rows("look_alikes.csv") for character in group}


@cache
def _folding_arrays() -> tuple[np.ndarray, np.ndarray]:
    return _arrays(foldings())


@cache
def _shape_arrays() -> tuple[np.ndarray, np.ndarray]:
    return _arrays({character: head for character, head in look_alikes().items() if character != head})


def _plain(names: pa.Array) -> pa.Array:
    """Interpuncts and blanks out, Latin in lower case: some sources write them, others don't."""
    return columns.update(
        names,
        columns.matches(names, r"[\x00-\x7F\x{00B7}]"),
        lambda rows: pc.utf8_lower(pc.replace_substring_regex(rows, r"[\x{00B7} .'\-]", "")),
    )


def fold(names: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Names as they are compared: variant and traditional characters folded, interpuncts and blanks out."""
    return columns.over_distinct_values(names, lambda rows: characters.substitute(_plain(rows), *_folding_arrays()))


def shapes(names: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Names folded, and further each character as the first of its look-alike group: 王凤 and 王风 are equal."""
    return columns.over_distinct_values(fold(names), lambda rows: characters.substitute(rows, *_shape_arrays()))
