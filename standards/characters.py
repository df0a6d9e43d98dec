"""Characters of a column at once: strings as one flat array of code points, so that a rule per character is a look-up."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def code_points(text: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """All characters of null-free strings in a row (uint32), and the offsets (length + 1) where each string starts."""
    joined = (
        pc.binary_join(pa.ListArray.from_arrays(pa.array([0, len(text)], pa.int32()), text), "")[0].as_py()
        if len(text)
        else ""
    )
    flat = np.frombuffer((joined or "").encode("utf-32-le"), np.uint32)
    offsets = np.zeros(len(text) + 1, np.int64)
    np.cumsum(pc.utf8_length(text).to_numpy(zero_copy_only=False), out=offsets[1:])
    return flat, offsets


def from_code_points(flat: np.ndarray, offsets: np.ndarray) -> pa.Array:
    """The reverse of :func:`code_points`."""
    data = flat.astype("<u4").tobytes().decode("utf-32-le").encode()
    width = 1 + (flat >= 0x80).astype(np.int64) + (flat >= 0x800) + (flat >= 0x10000)
    ends = np.zeros(len(flat) + 1, np.int64)
    np.cumsum(width, out=ends[1:])
    starts = ends[offsets].astype(np.int32)
    return pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(starts), pa.py_buffer(data))


def look_up(flat: np.ndarray, of_character: Callable[[str], str]) -> pa.Array:
    """``of_character`` asked once per distinct character, spread over all of them."""
    distinct, index = np.unique(flat, return_inverse=True)
    answers = pa.array([of_character(chr(point)) for point in distinct.tolist()], pa.string())
    return answers.take(pa.array(index.ravel(), pa.int64()))


def substitute(text: pa.Array, points: np.ndarray, replacements: np.ndarray) -> pa.Array:
    """Strings with single characters replaced: ``points`` (sorted code points) by ``replacements``."""
    flat, offsets = code_points(text)
    at = np.searchsorted(points, flat)
    at[at == len(points)] = 0
    hit = points[at] == flat if len(points) else np.zeros(len(flat), bool)
    if not hit.any():
        return text
    return from_code_points(np.where(hit, replacements[at], flat), offsets)
