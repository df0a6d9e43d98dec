"""From a contract's table to the rules its rows are judged by (规则集): the implied ones and its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.model import Dimension, Field, Rule, Severity, Table
from expectations.errors import ExpectationError

NO_KEY = "row.no_key"
REQUIRED = "field.required"
# A reason whose last part is one of these says that a well-formed value can't be true (准确性);
# all others say that the text does not follow the standard (规范性).
ACCURACY_SUFFIXES = frozenset(
    {"checksum", "organisation", "birth", "birth_future", "birth_too_old", "impossible", "future", "out_of_range"}
    | {"placeholder", "range"}
)
# Types whose standardisation knows such reasons; the others need one rule a column, not two.
ACCURACY_TYPES = frozenset(
    {"resident_id", "name", "date", "month", "timestamp", "phone", "uscc", "pupil_no", "disability_no", "integer", "decimal"}
)


@dataclass(frozen=True)
class ImpliedRule(Rule):
    """A rule every table or field has without its contract saying so."""

    reason: str | None = None  # the reason code of every broken row
    reason_from: str | None = None  # or: the column whose text is the reason code
    counted_only: bool = False  # figures, but no issue per row


def suite_for(table: Table, lists: Sequence[str] = ()) -> list[Rule]:
    """The rules of a table, implied ones first; ids are unique.

    ``lists``: source columns of the main table whose JSON list feeds a child table. Raises
    ExpectationError where the contract's own rules can't be carried out: an id twice, or a cell to
    be nulled (severity warning) without a column.
    """
    rules: list[Rule] = [*_of_table(table), *(r for field in table.fields for r in _of_field(table, field))]
    rules += [_list_rule(table, name) for name in lists]
    rules += table.rules
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise ExpectationError(f"{table.name}: rule {rule.id} stands twice")
        if rule.severity is Severity.WARNING and rule.column is None:
            raise ExpectationError(f"{rule.id}: severity warning nulls a cell, so the rule must name a column")
        seen.add(rule.id)
    return rules


def is_accuracy(code: str) -> bool:
    """Whether a reason code speaks of accuracy (准确性) rather than conformity (规范性)."""
    return code.rsplit(".", 1)[-1] in ACCURACY_SUFFIXES


def _of_table(table: Table) -> list[Rule]:
    return [
        ImpliedRule(
            f"{table.name}.table.readable",
            "expect_column_values_to_be_null",
            Dimension.CONFORMITY,
            Severity.CRITICAL,
            "行可读",
            "The row can be read",
            {"column": "_error"},
            reason_from="_error",
        ),
        ImpliedRule(
            f"{table.name}.table.key",
            "expect_column_values_to_be_present",
            Dimension.COMPLETENESS,
            Severity.CRITICAL,
            "主键可用",
            "The record key is there",
            {"column": "record_key", "unless": ["_error"]},
            reason=NO_KEY,
        ),
        ImpliedRule(  # an overlap read again or an event sent twice is no fault of a row: load keeps the newest
            f"{table.name}.table.key_unique",
            "expect_column_values_to_be_unique",
            Dimension.CONSISTENCY,
            Severity.INFO,
            "批内主键不重复",
            "A key stands once in a batch",
            {"column": "record_key"},
            counted_only=True,
        ),
    ]


def _of_field(table: Table, field: Field) -> list[Rule]:
    start, reason, notice = f"{table.name}.{field.name}", f"{field.name}__reason", f"{field.name}__notice"
    rules: list[Rule] = []

    def standardised(name: str, dimension: Dimension, title: str, title_en: str, **arguments: object) -> None:
        rules.append(
            ImpliedRule(
                f"{start}.{name}",
                "expect_column_values_to_be_standardised",
                dimension,
                Severity.WARNING,
                title,
                title_en,
                {"column": reason, "filled": field.name, **arguments},
                field.name,
                reason_from=reason,
            )
        )

    if field.type in ACCURACY_TYPES:
        form, true = {"about": "conformity"}, {"about": "accuracy"}
        standardised("standardised", Dimension.CONFORMITY, f"{field.title}符合规范", f"{field.name} follows its standard", **form)
        standardised("accurate", Dimension.ACCURACY, f"{field.title}可信", f"{field.name} can be true", **true)
    elif field.type != "key":  # a key's text stays as it came
        standardised("standardised", Dimension.CONFORMITY, f"{field.title}符合规范", f"{field.name} follows its standard")
    if field.type != "key":
        rules.append(
            ImpliedRule(
                f"{start}.noticed",
                "expect_column_values_to_be_standardised",
                Dimension.CONFORMITY,
                Severity.INFO,
                f"{field.title}无疑点",
                f"Nothing strange about {field.name}",
                {"column": notice, "filled": field.name},
                field.name,
                reason_from=notice,
            )
        )
    if field.required:
        rules.append(
            ImpliedRule(
                f"{start}.required",
                "expect_column_values_to_be_present",
                Dimension.COMPLETENESS,
                Severity.INFO,  # there is no cell left to null
                f"{field.title}已填写",
                f"{field.name} is filled in",
                {"column": field.name, "unless": [reason, "_error"]},
                field.name,
                reason=REQUIRED,
            )
        )
    return rules


def _list_rule(table: Table, name: str) -> Rule:
    """The list can be read; ``list`` so that it never meets the id of a field of the same name."""
    return ImpliedRule(
        f"{table.name}.{name}.list",
        "expect_column_values_to_be_standardised",
        Dimension.CONFORMITY,
        Severity.WARNING,
        f"{name}是可读的列表",
        f"{name} is a list that can be read",
        {"column": f"{name}__list"},
        name,
        reason_from=f"{name}__list",
    )
