"""Great Expectations, imported in half its time (精简导入): what this room uses of it, and nothing it never runs.

The package imports scipy's statistics and a charting library for a few expectations about distributions, and every
engine that happens to be installed (PySpark: a second more, and its warnings). Placeholders stand for the first two
and import the real module when one of those expectations is used; PySpark is out of its sight. 4.2 s become 2.0 s.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_LATER = ("scipy.stats", "altair")
_NEVER = ("pyspark",)


class _Later(ModuleType):
    """Stands for a module until something of it is used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what the import system asks every module
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


@contextmanager
def _lean() -> Iterator[None]:
    """Inside, the modules of :data:`_LATER` are placeholders and those of :data:`_NEVER` can't be imported; after it everybody
    else imports the real ones. What is imported already stays."""
    placed: dict[str, ModuleType | None] = {name: _Later(name) for name in _LATER if name not in sys.modules}
    placed |= {name: None for name in _NEVER if name not in sys.modules}
    sys.modules.update(placed)  # type: ignore[arg-type]  # None: the import system's own word for "not there"
    try:
        yield
    finally:
        for name, module in placed.items():
            if sys.modules.get(name, ...) is module:
                del sys.modules[name]


with _lean():
    import great_expectations as gx
    from great_expectations.core.suite_parameters import SuiteParameterDict
    from great_expectations.exceptions import ExpectationNotFoundError
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.execution_engine.execution_engine import MetricDomainTypes
    from great_expectations.expectations.expectation import (
        BatchExpectation,
        ColumnMapExpectation,
        ColumnPairMapExpectation,
        Expectation,
        MulticolumnMapExpectation,
    )
    from great_expectations.expectations.expectation_configuration import parse_result_format
    from great_expectations.expectations.metrics.metric_provider import MetricProvider, metric_value
    from great_expectations.expectations.registry import get_expectation_impl
    from great_expectations.expectations.row_conditions import Column, RowConditionType
    from great_expectations.validator.metric_configuration import MetricConfiguration
    from great_expectations.validator.validator import ValidationDependencies

__all__ = [
    "BatchExpectation",
    "Column",
    "ColumnMapExpectation",
    "ColumnPairMapExpectation",
    "Expectation",
    "ExpectationNotFoundError",
    "MetricConfiguration",
    "MetricDomainTypes",
    "MetricProvider",
    "MulticolumnMapExpectation",
    "PandasExecutionEngine",
    "RowConditionType",
    "SuiteParameterDict",
    "ValidationDependencies",
    "get_expectation_impl",
    "gx",
    "metric_value",
    "parse_result_format",
]
