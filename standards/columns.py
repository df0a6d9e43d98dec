"""The few column operations every standard is made of: tidy text, work on distinct values, first reason that applies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from standards.result import Standardised

# What never carries meaning: zero-width and direction marks, soft hyphen, byte-order mark, fillers, variation selectors.
INVISIBLE = r"[\x{00AD}\x{034F}\x{061C}\x{115F}\x{1160}\x{17B4}\x{17B5}\x{180B}-\x{180E}\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}-\x{206F}\x{3164}\x{FE00}-\x{FE0F}\x{FEFF}\x{FFA0}\x{FFF9}-\x{FFFB}\x{E0100}-\x{E01EF}]"
BLANK = r"[\s\x{0085}\x{00A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}\x00-\x1F\x7F-\x9F]"
# Whatever no Unicode form changes and is not invisible: printable ASCII and the common hanzi.
_NOT_PLAIN = r"[^\x20-\x7E\x{3007}\x{4E00}-\x{9FFF}]"
EDGE_BLANKS = f"^{BLANK}+|{BLANK}+$"

# Words by which a cell says that there is nothing to say (compared in lower case, without blanks).
_ABSENT_WORDS = """
无 暂无 没有 未知 不详 不明 不清楚 待上户 未上户 未落户 待落户 新生儿 未办理 未办 未登记 未填 未填写 待补 待补充 待完善 待核实 空 缺 缺失
无身份证 无证 无号码 无号 无电话 无手机 无联系方式
- -- --- —— — – / // \\ . .. 。 、 * ** *** ? ?? 0 null none nil nan n/a na #n/a #value! #ref! (null) <null> undefined
"""
ABSENT = pa.array(_ABSENT_WORDS.split())


def as_strings(text: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One array of ``string``, whatever kind of string column came. TypeError for other types."""
    if isinstance(text, pa.ChunkedArray):
        text = text.combine_chunks()
        if isinstance(text, pa.ChunkedArray):
            text = pa.chunked_array(text.chunks).combine_chunks()
    kind = text.type
    if pa.types.is_dictionary(kind):
        text = text.dictionary_decode()
        kind = text.type
    if pa.types.is_string(kind):
        return text
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_null(kind):
        return text.cast(pa.string())
    raise TypeError(f"expected a column of strings, got {kind}")


def over_distinct(text: pa.Array | pa.ChunkedArray, function: Callable[[pa.Array], Standardised]) -> Standardised:
    """Run ``function`` once per distinct value (it never sees a null) and spread what it says over the rows."""
    encoded = as_strings(text).dictionary_encode()
    return function(encoded.dictionary).take(encoded.indices)


def over_distinct_values(text: pa.Array | pa.ChunkedArray, function: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """As :func:`over_distinct` for a function of one array to one array."""
    encoded = as_strings(text).dictionary_encode()
    return function(encoded.dictionary).take(encoded.indices)


def matches(text: pa.Array, pattern: str) -> np.ndarray:
    """Which rows contain the RE2 pattern; a null does not."""
    found = pc.match_substring_regex(text, pattern)
    return (pc.fill_null(found, False) if found.null_count else found).to_numpy(zero_copy_only=False)


def among(text: pa.Array, values: pa.Array) -> np.ndarray:
    """Which rows are one of the values."""
    return pc.is_in(text, value_set=values).to_numpy(zero_copy_only=False)


def length(text: pa.Array) -> np.ndarray:
    """Characters a row; 0 for a null."""
    return pc.fill_null(pc.utf8_length(text), 0).to_numpy(zero_copy_only=False)


def mask(rows: np.ndarray) -> pa.Array:
    """A numpy truth array as Arrow."""
    return pa.array(rows, pa.bool_())


def only(rows: np.ndarray, values: pa.Array) -> pa.Array:
    """The values where ``rows`` is true, else null."""
    return pc.if_else(mask(rows), values, pa.scalar(None, values.type))


def place(length_: int, rows: np.ndarray, values: pa.Array) -> pa.Array:
    """``values`` (one for each true row) in a column of ``length_`` rows, null elsewhere."""
    index = np.cumsum(rows) - 1
    return values.take(pa.array(index, pa.int64(), mask=~rows)) if length_ else values.slice(0, 0)


def update(text: pa.Array, rows: np.ndarray, function: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """``function`` applied to the rows that need it, the others untouched (most columns are clean)."""
    if not rows.any():
        return text
    chosen = mask(rows)
    return pc.replace_with_mask(text, chosen, function(text.filter(chosen)))


def where(rows: np.ndarray, text: pa.Array, predicate: Callable[[pa.Array], np.ndarray]) -> np.ndarray:
    """``predicate`` asked of the chosen rows only (most columns are clean); false elsewhere."""
    found = np.zeros(len(rows), bool)
    if rows.any():
        found[rows] = predicate(text.filter(mask(rows)))
    return found


def substitute(text: pa.Array, pattern: str, replacement: str) -> pa.Array:
    """RE2 replacement, done only where the pattern occurs."""
    return update(text, matches(text, pattern), lambda t: pc.replace_substring_regex(t, pattern, replacement))


def _tidy(form: str | None) -> Callable[[pa.Array], pa.Array]:
    def tidy_rows(text: pa.Array) -> pa.Array:
        text = substitute(text, INVISIBLE, "")
        if form:
            text = substitute(pc.utf8_normalize(text, form), INVISIBLE, "")
        return text

    return tidy_rows


def tidy(text: pa.Array, form: str | None = "NFKC") -> pa.Array:
    """Invisible characters out, Unicode form applied (before anything is compared), blanks at the ends away."""
    text = update(text, matches(text, _NOT_PLAIN), _tidy(form))
    return substitute(text, EDGE_BLANKS, "")


def unblank(text: pa.Array) -> pa.Array:
    """All blanks inside taken out too; what they parted is composed again (NFC)."""
    pattern = f"{BLANK}+"
    return update(
        text, matches(text, pattern), lambda t: pc.utf8_normalize(pc.replace_substring_regex(t, pattern, ""), "NFC")
    )


def is_absent(text: pa.Array) -> np.ndarray:
    """Which tidied rows say nothing: blank, 无, 暂无, 待上户, ``-``, ``/``, ``null`` …"""
    short = length(text) <= 12  # the longest of them, blanks counted

    def said(rows: pa.Array) -> np.ndarray:
        lowered = pc.utf8_lower(unblank(rows))
        return among(lowered, ABSENT) | (length(lowered) == 0)

    return where(short, text, said)


class FirstReason:
    """Collects why rows have no value; the first reason given to a row stays."""

    def __init__(self, size: int) -> None:
        self._codes: list[str | None] = []
        self._index = np.full(size, -1, np.int32)

    @property
    def open(self) -> np.ndarray:
        """Rows nothing was said about yet."""
        return self._index < 0

    def where(self, rows: np.ndarray, code: str | None) -> None:
        """Say ``code`` of these rows where nothing was said before; ``None`` settles them without a reason."""
        self._index[rows & (self._index < 0)] = len(self._codes)
        self._codes.append(code)

    def array(self) -> pa.Array:
        """The reason a row, null where there is none."""
        if not self._codes:
            return pa.nulls(len(self._index), pa.string())
        return pa.array(self._codes, pa.string()).take(pa.array(self._index, pa.int32(), mask=self._index < 0))


def digits(text: pa.Array, width: int) -> np.ndarray:
    """Null-free ASCII strings of exactly ``width`` bytes as a matrix of bytes (rows × width)."""
    if len(text) == 0:
        return np.zeros((0, width), np.uint8)
    flat = pa.concat_arrays([text])  # its own buffers: a slice or filter may share larger ones
    offsets = np.frombuffer(flat.buffers()[1], np.int32)[flat.offset : flat.offset + len(flat) + 1]
    data = np.frombuffer(flat.buffers()[2], np.uint8)[offsets[0] : offsets[-1]]
    return data.reshape(len(flat), width)


def from_digits(matrix: np.ndarray) -> pa.Array:
    """The reverse of :func:`digits`."""
    rows, width = matrix.shape
    offsets = np.arange(0, (rows + 1) * width, width, dtype=np.int32)
    data = np.ascontiguousarray(matrix, dtype=np.uint8)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(data))
