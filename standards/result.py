"""What a column function answers: the standard value or the reason why there is none, row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Standardised:
    """A standardised column. All arrays have the length of the text that was given.

    ``values``: the semantic type's Arrow type, null where nothing could be read. ``reason``: why the
    value is null although text came (a code of :mod:`standards.reasons`); null where the value
    stands or the cell says nothing. ``notice``: a finding about a value that stands.
    ``companions``: further columns by suffix.
    """

    values: pa.Array
    reason: pa.Array
    notice: pa.Array
    companions: Mapping[str, pa.Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.values)

    def take(self, indices: pa.Array) -> Standardised:
        """The rows at ``indices``; a null index gives a row of nulls."""
        return Standardised(
            self.values.take(indices),
            self.reason.take(indices),
            self.notice.take(indices),
            {suffix: array.take(indices) for suffix, array in self.companions.items()},
        )

    def replace_values(self, values: pa.Array) -> Standardised:
        """The same findings about other values."""
        return Standardised(values, self.reason, self.notice, self.companions)

    def issues(self) -> int:
        """How many cells lost their value."""
        return len(self.reason) - self.reason.null_count if len(self.reason) else 0


def nulls(length: int, arrow_type: pa.DataType | None = None) -> pa.Array:
    """``length`` nulls, strings unless a type is given."""
    return pa.nulls(length, pa.string() if arrow_type is None else arrow_type)


def standing(values: pa.Array) -> Standardised:
    """Values that nothing is said against."""
    return Standardised(values, nulls(len(values)), nulls(len(values)))


def count_by_reason(result: Standardised) -> dict[str, int]:
    """Reason code → number of cells; for figures and logs, never values."""
    return {
        item["values"]: item["counts"]
        for item in pc.value_counts(result.reason).to_pylist()
        if item["values"] is not None
    }
