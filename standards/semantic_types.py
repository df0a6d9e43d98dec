"""The semantic types (语义类型) that contracts name, each with its Arrow type, companions and column function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from standards import (
    address,
    archive_no,
    codes,
    dates,
    disability_no,
    names,
    numbers,
    phones,
    pupil_no,
    resident_id,
    times,
    uscc,
)
from standards import text as free_text
from standards.result import Standardised

Function = Callable[..., Standardised]


@dataclass(frozen=True)
class SemanticType:
    """A kind of value. ``standardise(text, today=, crosswalk=, options=)`` keeps the length of ``text``;
    the companions' columns are named ``<column>_<suffix>``."""

    name: str
    arrow_type: pa.DataType
    standardise: Function
    companions: Mapping[str, pa.DataType] = field(default_factory=dict)


def _simple(function: Callable[[pa.Array], Standardised]) -> Function:
    """A function that needs nothing but the text."""
    return lambda text, *, today, crosswalk, options: function(text)


def _optional(function: Callable[..., Standardised]) -> Function:
    """A function of text and options."""
    return lambda text, *, today, crosswalk, options: function(text, options)


def _dated(function: Callable[..., Standardised]) -> Function:
    """A function of text and the day of the run."""
    return lambda text, *, today, crosswalk, options: function(text, today=today)


def _full(function: Callable[..., Standardised]) -> Function:
    """A function of text, the day of the run and options."""
    return lambda text, *, today, crosswalk, options: function(text, today=today, options=options)


def _coded(text: pa.Array, *, today: date, crosswalk: str | None, options: Mapping[str, Any]) -> Standardised:
    if crosswalk is None:
        raise ValueError("semantic type code: a crosswalk <field>/<source> is expected")
    return codes.standardise(text, crosswalk)


_TEXT = pa.string()
TYPES: Mapping[str, SemanticType] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            SemanticType("text", _TEXT, _simple(free_text.standardise)),
            SemanticType("key", _TEXT, _simple(free_text.standardise_key)),
            SemanticType("json", _TEXT, _simple(free_text.standardise_json)),
            SemanticType("resident_id", _TEXT, _full(resident_id.standardise), {"text": _TEXT}),
            SemanticType("name", _TEXT, _simple(names.standardise), {"note": _TEXT, "former": _TEXT}),
            SemanticType("code", _TEXT, _coded),
            SemanticType("date", pa.date32(), _full(dates.standardise), {"precision": _TEXT}),
            SemanticType("month", _TEXT, _full(dates.standardise_month)),
            SemanticType("timestamp", times.UTC, _full(times.standardise)),
            SemanticType("phone", _TEXT, _optional(phones.standardise), {"second": _TEXT}),
            SemanticType("address", _TEXT, _simple(address.standardise)),
            SemanticType("integer", pa.int64(), _optional(numbers.standardise_integer)),
            SemanticType("decimal", pa.float64(), _optional(numbers.standardise_decimal)),
            SemanticType("boolean", pa.bool_(), _simple(numbers.standardise_boolean)),
            SemanticType("uscc", _TEXT, _simple(uscc.standardise)),
            SemanticType("pupil_no", _TEXT, _dated(pupil_no.standardise), {"id": _TEXT}),
            SemanticType("disability_no", _TEXT, _dated(disability_no.standardise), {"id": _TEXT}),
            SemanticType("archive_no", _TEXT, _optional(archive_no.standardise)),
        )
    }
)


def standardise(
    type_name: str,
    text: pa.Array | pa.ChunkedArray,
    *,
    today: date,
    crosswalk: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Standardised:
    """Standardise a column of text as the semantic type ``type_name``.

    ``today`` decides which dates lie in the future (Asia/Shanghai). KeyError for an unknown type, ValueError for
    ``code`` without a crosswalk, :class:`standards.codes.CrosswalkError` for an unknown crosswalk. Bad values
    never raise.
    """
    if type_name not in TYPES:
        raise KeyError(f"{type_name}: no such semantic type; there are {', '.join(TYPES)}")
    return TYPES[type_name].standardise(text, today=today, crosswalk=crosswalk, options=options or {})
