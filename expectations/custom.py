"""Our own Great Expectations types (自定义期望), each a vectorised check of rows on pandas.

Imported by :mod:`expectations.engine` before any suite is made: a suite read while a custom type is
not registered would drop it silently. They rest on one lean metric instead of the nine that a
built-in map expectation resolves, so a suite of sixty rules costs 50 ms and not 300. ``frame``
comes from :mod:`expectations.frame`; nulls are never unexpected unless a check says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from expectations.library import (
    BatchExpectation,
    Expectation,
    MetricConfiguration,
    MetricDomainTypes,
    MetricProvider,
    PandasExecutionEngine,
    RowConditionType,
    SuiteParameterDict,
    ValidationDependencies,
    metric_value,
    parse_result_format,
)
from expectations.suite import is_accuracy

METRIC = "gridhub.broken_rows"
Check = Callable[..., tuple[np.ndarray, np.ndarray]]  # (frame, **arguments) -> broken, considered: bool a row
_CHECKS: dict[str, Check] = {}


class BrokenRows(MetricProvider):
    """Labels of the broken rows, how many rows were looked at, and how many there were."""

    metric_name = METRIC
    domain_keys = ("batch_id", "row_condition", "condition_parser")
    value_keys = ("check", "arguments")

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(cls, execution_engine, metric_domain_kwargs, metric_value_kwargs, metrics, runtime_configuration):
        frame, _, _ = execution_engine.get_compute_domain(metric_domain_kwargs, MetricDomainTypes.TABLE)
        broken, considered = _CHECKS[metric_value_kwargs["check"]](frame, **metric_value_kwargs["arguments"])
        return frame.index.to_numpy()[broken & considered].tolist(), int(np.count_nonzero(considered))


class RowRule(BatchExpectation):
    """A yes or no for each row, judged by ``check``; the arguments are the model's own fields."""

    row_condition: RowConditionType = None
    condition_parser: str | None = None
    column: str

    arguments: ClassVar[tuple[str, ...]] = ("column",)
    metric_dependencies: ClassVar[tuple[str, ...]] = (METRIC,)
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id", "table", "row_condition", "condition_parser")
    success_keys: ClassVar[tuple[str, ...]] = ()

    def get_validation_dependencies(self, execution_engine=None, runtime_configuration=None):
        # The base class asks for each keyword by building the whole configuration anew; all we need of it is the format.
        asked = (runtime_configuration or {}).get("result_format")
        if asked is None:
            needed = Expectation.get_validation_dependencies(self, execution_engine, runtime_configuration)
        else:
            needed = ValidationDependencies(metric_configurations={}, result_format=parse_result_format(asked))
        needed.set_metric_configuration(
            METRIC,
            MetricConfiguration(
                metric_name=METRIC,
                metric_domain_kwargs={
                    "batch_id": self.batch_id,
                    "row_condition": self.row_condition,
                    "condition_parser": self.condition_parser,
                },
                metric_value_kwargs={
                    "check": self.expectation_type,
                    "arguments": {name: getattr(self, name) for name in self.arguments},
                },
            ),
        )
        return needed

    def _validate(self, metrics, runtime_configuration=None, execution_engine=None) -> dict[str, Any]:
        rows, considered = metrics[METRIC]
        return {
            "success": not rows,
            "result": {"element_count": considered, "unexpected_count": len(rows), "unexpected_index_list": rows},
        }


class ExpectColumnValuesToBeStandardised(RowRule):
    """``column`` holds a reason code where a cell could not be read (or a notice): none is expected.

    ``about``: only codes of ``accuracy`` or ``conformity``; ``filled``: the column of the values,
    so that the cells that came are counted.
    """

    about: str | None = None
    filled: str | None = None
    arguments: ClassVar[tuple[str, ...]] = ("column", "about", "filled")


class ExpectColumnValuesToBePresent(RowRule):
    """A value in ``column``, unless one of the ``unless`` columns has one."""

    unless: list[str] = []
    arguments: ClassVar[tuple[str, ...]] = ("column", "unless")


class ExpectColumnValuesToAgreeWithResidentId(RowRule):
    """GB 11643-1999: digits 7 to 14 are the birth date, an odd 17th digit is male. ``part``: sex or birth_date."""

    id_column: str
    part: str
    arguments: ClassVar[tuple[str, ...]] = ("column", "id_column", "part")


class ExpectColumnValuesToBeAnAgeBetween(RowRule):
    """Completed years from the date to ``today`` lie between the bounds (inclusive) and not in the future."""

    today: str | SuiteParameterDict  # the engine adds {"$PARAMETER": "today"}
    min_years: int | None = None
    max_years: int | None = None
    arguments: ClassVar[tuple[str, ...]] = ("column", "today", "min_years", "max_years")


class ExpectColumnValuesToBeAfterColumn(RowRule):
    """Later than ``other`` in the same row (or the same, with ``or_equal``) where both stand."""

    other: str
    or_equal: bool = True
    arguments: ClassVar[tuple[str, ...]] = ("column", "other", "or_equal")


class ExpectColumnValuesToBeFalse(RowRule):
    """The indicator column of a rule across records: true means broken, null means not judged."""


def _standardised(frame: pd.DataFrame, column: str, about: str | None, filled: str | None) -> tuple:
    codes = frame[column].cat.codes.to_numpy()
    wanted = [about is None or is_accuracy(code) == (about == "accuracy") for code in frame[column].cat.categories]
    broken = np.append(np.array(wanted, dtype=bool), False)[codes]  # a null's code is -1, the appended False
    came = codes >= 0
    return broken, came | frame[f"{filled}__filled"].to_numpy() if filled else came


def _present(frame: pd.DataFrame, column: str, unless: list[str]) -> tuple:
    excused = np.zeros(len(frame), dtype=bool)
    for name in unless:
        excused |= frame[f"{name}__filled"].to_numpy()
    readable = ~frame["_error__filled"].to_numpy() if "_error" in unless else np.ones(len(frame), dtype=bool)
    return ~frame[f"{column}__filled"].to_numpy() & ~excused, readable


def _agrees_with_id(frame: pd.DataFrame, column: str, id_column: str, part: str) -> tuple:
    if part not in ("sex", "birth_date"):
        raise ValueError("part is sex or birth_date")
    both = (frame[id_column].notna() & frame[column].notna()).to_numpy()
    broken, considered = np.zeros(len(frame), dtype=bool), both.copy()
    ids, values = frame[id_column][both], frame[column][both]
    if part == "sex":
        judged = values.isin(["1", "2"]).to_numpy()  # unknown and not stated contradict nothing
        male = pd.to_numeric(ids.str.slice(16, 17)).to_numpy() % 2 == 1
        broken[both] = judged & (male != (values == "1").to_numpy(dtype=bool))
        considered[both] = judged
    else:
        typed = values.dt.year * 10_000 + values.dt.month * 100 + values.dt.day
        broken[both] = pd.to_numeric(ids.str.slice(6, 14)).to_numpy() != typed.to_numpy()
    return broken, considered


def _age_between(frame: pd.DataFrame, column: str, today: str, min_years: int | None, max_years: int | None) -> tuple:
    born, day = frame[column].dt, pd.Timestamp(today).normalize()
    birthday_to_come = (born.month > day.month) | ((born.month == day.month) & (born.day > day.day))
    years = (day.year - born.year - birthday_to_come).to_numpy()
    broken = (frame[column] > day).to_numpy(copy=True)
    with np.errstate(invalid="ignore"):
        if min_years is not None:
            broken |= years < min_years
        if max_years is not None:
            broken |= years > max_years
    return broken, frame[column].notna().to_numpy()


def _after(frame: pd.DataFrame, column: str, other: str, or_equal: bool) -> tuple:
    both = (frame[column].notna() & frame[other].notna()).to_numpy()
    broken, later, earlier = np.zeros(len(frame), dtype=bool), frame[column][both], frame[other][both]
    broken[both] = np.asarray(later < earlier if or_equal else later <= earlier, dtype=bool)
    return broken, both


def _false(frame: pd.DataFrame, column: str) -> tuple:
    considered = frame[column].notna().to_numpy()
    return frame[column].fillna(False).to_numpy(dtype=bool), considered


_CHECKS |= {
    "expect_column_values_to_be_standardised": _standardised,
    "expect_column_values_to_be_present": _present,
    "expect_column_values_to_agree_with_resident_id": _agrees_with_id,
    "expect_column_values_to_be_an_age_between": _age_between,
    "expect_column_values_to_be_after_column": _after,
    "expect_column_values_to_be_false": _false,
}
