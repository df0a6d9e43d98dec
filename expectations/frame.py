"""Arrow to the trimmed pandas frame the rules see (取数): only the columns they name, in cheap types.

Moments are ``datetime64[ns]`` without a zone, in Shanghai's wall time: on other units Great
Expectations compares in a Python loop. Reason codes are categoricals; where only "is there a value"
matters a column becomes the boolean ``<name>__filled``.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from contracts.model import Rule

# What nanoseconds can hold, in microseconds: 1677-09-22 to 2262-04-11. Values outside are moved to the
# edge rather than lost, so that a bound still finds them wrong.
_FIRST, _LAST = -9_223_286_400_000_000, 9_223_286_400_000_000
_STANDARDISED = "expect_column_values_to_be_standardised"
_PRESENT = "expect_column_values_to_be_present"


def frame_for(rows: pa.Table, rules: Iterable[Rule]) -> pd.DataFrame:
    """The columns of ``rows`` that the rules name, index 0…n-1. A rule naming a column that is not there
    gets none; Great Expectations then says so and the engine raises."""
    codes, filled, plain = set(), set(), set()
    for rule in rules:
        if rule.expectation == _STANDARDISED:
            codes.add(rule.arguments["column"])
            if rule.arguments.get("filled"):
                filled.add(rule.arguments["filled"])
        elif rule.expectation == _PRESENT:
            filled |= {rule.arguments["column"], *rule.arguments["unless"]}
        else:
            plain |= _named(rule, set(rows.column_names))
    columns = {name: _codes(rows[name]) for name in sorted(codes)}
    columns |= {f"{name}__filled": pc.is_valid(rows[name]).to_pandas().to_numpy() for name in sorted(filled)}
    columns |= {name: _plain(rows[name]) for name in sorted(plain)}
    return pd.DataFrame(columns, index=pd.RangeIndex(rows.num_rows))


def condition_of(rule: Rule) -> tuple[str, str] | None:
    """``where`` of a rule as column and text; None without one."""
    if rule.where is None:
        return None
    column, _, value = rule.where.partition("==")
    return column.strip().strip("`"), value.strip().strip("\"'")


def _named(rule: Rule, existing: set[str]) -> set[str]:
    texts: set[str] = {rule.column} if rule.column else set()
    for value in rule.arguments.values():
        if isinstance(value, str):
            texts.add(value)
        elif isinstance(value, list | tuple):
            texts |= {item for item in value if isinstance(item, str)}
    if (condition := condition_of(rule)) is not None:
        texts.add(condition[0])
    return texts & existing


def _codes(column: pa.ChunkedArray) -> pd.Series:
    encoded = pc.dictionary_encode(column.combine_chunks())
    encoded = encoded if isinstance(encoded, pa.DictionaryArray) else encoded.unify_dictionaries().combine_chunks()
    return encoded.to_pandas().astype("category") if len(encoded) else pd.Series([], dtype=pd.CategoricalDtype([]))


def _plain(column: pa.ChunkedArray) -> pd.Series:
    kind = column.type
    if pa.types.is_date(kind):
        column = column.cast(pa.timestamp("us"))
    elif pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us", kind.tz))
        column = pc.local_timestamp(column.cast(pa.timestamp("us", "Asia/Shanghai"))) if kind.tz else column
    else:
        return column.to_pandas()
    first, last = pa.scalar(_FIRST, pa.timestamp("us")), pa.scalar(_LAST, pa.timestamp("us"))
    kept = pc.min_element_wise(pc.max_element_wise(column, first, skip_nulls=False), last, skip_nulls=False)
    return kept.cast(pa.timestamp("ns")).to_pandas()
