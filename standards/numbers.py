"""Numbers and yes/no (数值、是否) as text brings them: thousands separators, units, a spreadsheet's ``.0``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from standards import columns
from standards.result import Standardised, nulls

_UNIT = r"(?:元|人|口|户|㎡|m2|m²|平方米|平米|平|岁|次|个|间|层)$"
_DECIMAL = r"^[+\-]?(?:\d{1,17}(?:\.\d*)?|\.\d+)(?:[eE][+\-]?\d{1,2})?$"
_YES = pa.array(["true", "t", "1", "y", "yes", "是", "有", "对", "√", "✓", "✔", "真", "1.0"])
_NO = pa.array(["false", "f", "0", "n", "no", "否", "无", "没有", "不是", "错", "×", "x", "假", "0.0"])
_NOTHING = pa.array(["", "-", "--", "—", "/", "null", "none", "nan", "n/a", "na", "#n/a", "暂无", "不详", "未知"])


def _plain(values: pa.Array) -> pa.Array:
    ready = columns.matches(values, r"^\d{1,17}$")

    def undress(text: pa.Array) -> pa.Array:
        text = columns.unblank(columns.tidy(text))
        text = columns.substitute(text, r"^=?[\"'](.*?)[\"']?$", r"\1")
        text = columns.substitute(text, "^[¥$]", "")
        text = columns.substitute(text, _UNIT, "")
        grouped = columns.matches(text, r"^[+\-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?$")
        return columns.update(text, grouped, lambda t: pc.replace_substring(t, ",", ""))

    return columns.update(values, ~ready, undress)


def _nothing(text: pa.Array) -> np.ndarray:
    return columns.among(pc.utf8_lower(text), _NOTHING)


def _limits(numbers: pa.Array, options: Mapping[str, Any], reason: columns.FirstReason) -> None:
    for name, compare in (("minimum", pc.less), ("maximum", pc.greater)):
        if options.get(name) is not None:
            outside = compare(numbers, pa.scalar(options[name], numbers.type))
            reason.where(pc.fill_null(outside, False).to_numpy(zero_copy_only=False), "number.range")


def standardise_decimal(text: pa.Array | pa.ChunkedArray, options: Mapping[str, Any] | None = None) -> Standardised:
    """float64. Reasons ``number.form``, ``number.range`` (outside ``minimum``/``maximum`` of the options)."""

    def read(values: pa.Array) -> Standardised:
        plain = _plain(values)
        reason = columns.FirstReason(len(values))
        reason.where(_nothing(plain), None)
        reason.where(~columns.matches(plain, _DECIMAL), "number.form")
        numbers = columns.only(reason.open, plain).cast(pa.float64())
        _limits(numbers, options or {}, reason)
        return Standardised(columns.only(reason.open, numbers), reason.array(), nulls(len(values)))

    return columns.over_distinct(text, read)


def standardise_integer(text: pa.Array | pa.ChunkedArray, options: Mapping[str, Any] | None = None) -> Standardised:
    """int64; ``3.0`` is 3. Reasons ``number.form``, ``number.not_integer``, ``number.range``."""

    def read(values: pa.Array) -> Standardised:
        plain = columns.substitute(_plain(values), r"^([+\-]?\d+)\.0*$", r"\1")
        plain = columns.substitute(plain, r"^\+", "")
        reason = columns.FirstReason(len(values))
        reason.where(_nothing(plain), None)
        whole = columns.matches(plain, r"^-?\d{1,18}$")
        reason.where(columns.matches(plain, r"^-?\d{19,}$"), "number.range")
        reason.where(~whole & columns.matches(plain, _DECIMAL), "number.not_integer")
        reason.where(~whole, "number.form")
        numbers = columns.only(reason.open, plain).cast(pa.int64())
        _limits(numbers, options or {}, reason)
        return Standardised(columns.only(reason.open, numbers), reason.array(), nulls(len(values)))

    return columns.over_distinct(text, read)


def standardise_boolean(text: pa.Array | pa.ChunkedArray) -> Standardised:
    """true/false, 1/0, 是/否, 有/无, Y/N. Reason ``boolean.unmapped``."""

    def read(values: pa.Array) -> Standardised:
        plain = pc.utf8_lower(columns.unblank(columns.tidy(values)))
        yes, no = columns.among(plain, _YES), columns.among(plain, _NO)
        reason = columns.FirstReason(len(values))
        reason.where(~no & _nothing(plain), None)
        reason.where(~yes & ~no, "boolean.unmapped")
        truth = pa.array(yes, pa.bool_(), mask=~(yes | no))
        return Standardised(truth, reason.array(), nulls(len(values)))

    return columns.over_distinct(text, read)
