"""Great Expectations behind one seam (引擎): rules and a frame in, broken rows per rule out.

The one place that runs Great Expectations. Every trap known of 1.24 is closed here: rules that
vanish, lists that are cut short, metrics that crash and look like bad data, results in another
order. Whatever is not certain raises ExpectationError, so that nothing is loaded on half a verdict.
"""

from __future__ import annotations

import logging
import re
import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import numpy as np
import pandas as pd

from contracts.model import Rule
from expectations import custom
from expectations.errors import ExpectationError
from expectations.frame import condition_of
from expectations.library import (
    Column,
    ColumnMapExpectation,
    ColumnPairMapExpectation,
    Expectation,
    ExpectationNotFoundError,
    MulticolumnMapExpectation,
    get_expectation_impl,
    gx,
)

# COMPLETE lists every row; values and queries stay out, so that none can reach a log or a store.
RESULT_FORMAT = {
    "result_format": "COMPLETE",
    "include_unexpected_rows": False,
    "exclude_unexpected_values": True,
    "return_unexpected_index_query": False,
    "partial_unexpected_count": 0,
}
_PER_ROW = (custom.RowRule, ColumnMapExpectation, ColumnPairMapExpectation, MulticolumnMapExpectation)
# Judge rows, but by looking at all of them: never in slices.
_NEEDS_ALL_ROWS = frozenset(
    {
        "expect_column_values_to_be_unique",
        "expect_compound_columns_to_be_unique",
        "expect_column_values_to_be_increasing",
        "expect_column_values_to_be_decreasing",
        "expect_column_value_z_scores_to_be_less_than",
        "expect_column_values_to_not_be_outliers",
    }
)
# Great Expectations keeps its context, and Python its warning filters, once a process, not once a thread.
_ONE_AT_A_TIME = threading.Lock()
_FUNCTIONS = {"abs", "round", "trunc", "sgn", "exp", "now", "datetime", "timedelta"}


@dataclass(frozen=True)
class Judgement:
    """One rule's result: positions of the broken rows (int64), rows looked at; ``failed`` for a rule about the whole batch."""

    rows: np.ndarray
    evaluated: int
    failed: bool | None = None


def judges_rows(rule: Rule) -> bool:
    """Whether the rule names rows; otherwise it judges the batch as a whole (a count, a share)."""
    return issubclass(_type_of(rule), _PER_ROW)


def needs_all_rows(rule: Rule) -> bool:
    """Whether the rule must see the batch in one piece."""
    return rule.expectation in _NEEDS_ALL_ROWS or not judges_rows(rule)


def judge(frame: pd.DataFrame, rules: Sequence[Rule], parameters: Mapping[str, Any]) -> dict[str, Judgement]:
    """Let Great Expectations judge ``frame`` (index 0…n-1) by ``rules``; a Judgement per rule id.

    ``parameters`` fill ``{"$PARAMETER": …}``. A rule about the batch whose parameter is not known
    yet (no history) comes back with ``evaluated`` 0. Raises ExpectationError where a rule could not
    be judged.
    """
    unknown = {rule.id: _missing_parameters(rule, parameters) for rule in rules}
    for rule in rules:
        if unknown[rule.id] and judges_rows(rule):
            raise ExpectationError(f"{rule.id}: parameter {', '.join(sorted(unknown[rule.id]))} is not given")
    judged = {rule.id: Judgement(np.empty(0, np.int64), 0, False) for rule in rules if unknown[rule.id]}
    asked = [rule for rule in rules if not unknown[rule.id]]
    if asked:
        judged |= _run(frame, asked, parameters)
    return judged


def _run(frame: pd.DataFrame, rules: Sequence[Rule], parameters: Mapping[str, Any]) -> dict[str, Judgement]:
    # A metric that crashes would log pandas' message, which quotes the value it choked on.
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL + 1)
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context = gx.get_context(mode="ephemeral")  # one a call: nothing is kept between batches
        context.variables.progress_bars = {"globally": False}
        definition = context.data_sources.add_pandas("batch").add_dataframe_asset("rows")
        batch = definition.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
        suite = gx.ExpectationSuite(name="rules", expectations=[_expectation(rule, frame) for rule in rules])
        try:
            answer = batch.validate(suite, result_format=RESULT_FORMAT, expectation_parameters=dict(parameters))
        except Exception as error:  # its text may quote a value
            raise ExpectationError(f"the suite could not be run: {type(error).__name__}") from None
    judged = {}
    for result in answer.results:
        rule_id = result.expectation_config.meta["rule_id"]
        judged[rule_id] = _judgement(rule_id, result)
    expected = [rule.id for rule in rules]
    if sorted(judged) != sorted(expected) or len(answer.results) != len(expected):
        lost = sorted(set(expected) ^ set(judged)) or ["a rule came back twice"]
        raise ExpectationError(f"rules asked and rules evaluated differ: {', '.join(lost)}")
    return judged


def _judgement(rule_id: str, result: Any) -> Judgement:
    if _crashed(result.exception_info):
        raise ExpectationError(f"{rule_id}: could not be judged (a metric failed; are its columns and arguments right?)")
    found = result.result
    if "unexpected_count" not in found:
        return Judgement(np.empty(0, np.int64), 1, not result.success)
    rows = np.asarray(found.get("unexpected_index_list") or [], dtype=np.int64)
    if len(rows) != found["unexpected_count"]:
        raise ExpectationError(f"{rule_id}: {found['unexpected_count']} broken rows, but {len(rows)} named")
    return Judgement(rows, found["element_count"] - (found.get("missing_count") or 0))


def _crashed(info: Any) -> bool:
    """Great Expectations keeps either one exception or one per metric."""
    if not info:
        return False
    if "raised_exception" in info:
        return bool(info["raised_exception"])
    return any(_crashed(one) for one in info.values() if isinstance(one, Mapping))


def _type_of(rule: Rule) -> type[Expectation]:
    try:
        return get_expectation_impl(rule.expectation)
    except ExpectationNotFoundError:
        raise ExpectationError(f"{rule.id}: no expectation {rule.expectation}") from None


def _expectation(rule: Rule, frame: pd.DataFrame) -> Expectation:
    kind, arguments = _type_of(rule), dict(rule.arguments)
    if "column" in kind.__fields__:
        arguments.setdefault("column", rule.column)
    if "today" in kind.__fields__:
        arguments.setdefault("today", {"$PARAMETER": "today"})
    for bound, moment in (("min_value", time.min), ("max_value", time.max)):
        if bound in arguments:
            arguments[bound] = _whole_day(arguments[bound], moment)
    if (condition := condition_of(rule)) is not None:
        column, value = condition
        arguments["row_condition"] = Column(column) == _typed(value, frame[column].dtype if column in frame else None)
    try:
        return kind(**arguments, severity=rule.severity.value, meta={"rule_id": rule.id})
    except Exception as error:
        raise ExpectationError(f"{rule.id}: arguments do not fit {rule.expectation} ({type(error).__name__})") from None


def _whole_day(bound: Any, moment: time) -> Any:
    """A bound that is a day as its first or last moment: the built-in comparison can't take a date beside a
    moment, and "not after 31 December" includes that day."""
    if isinstance(bound, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", bound):
        bound = date.fromisoformat(bound)
    return datetime.combine(bound, moment) if type(bound) is date else bound


def _typed(text: str, dtype: Any) -> Any:
    """The text of a condition as a value of the column's type."""
    if text in ("true", "false") and (dtype is None or dtype in (bool, object)):
        return text == "true"
    return float(text) if dtype is not None and pd.api.types.is_numeric_dtype(dtype) else text


def _missing_parameters(rule: Rule, parameters: Mapping[str, Any]) -> set[str]:
    """Names used in ``{"$PARAMETER": …}`` (a name or a formula) that ``parameters`` lack."""
    formulas = [v["$PARAMETER"] for v in rule.arguments.values() if isinstance(v, Mapping) and "$PARAMETER" in v]
    names = {name for formula in formulas for name in re.findall(r"[A-Za-z_]\w*", str(formula))}
    return names - _FUNCTIONS - set(parameters)
