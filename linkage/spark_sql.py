"""The model's levels in Spark's SQL: written once for DuckDB (model/comparisons.yaml), rewritten here by their syntax tree.

sqlglot knows most of the way from one dialect to the other. Rewritten by hand is what it takes for the same and is not: lists
that hold nulls, the length of a list, ``[7:14]`` of a text, the days between two dates, the edit distance of a missing text.
A function nobody has vouched for is refused, so that a new level never means something else on Spark.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types

from linkage.model import Level, Model, ModelError

_PAIR = "pair"  # the relation the columns are looked up in while types are worked out
# Functions that take and give the same in both engines, on the types the entity has.
_SAME = (
    exp.Abs, exp.Coalesce, exp.Least, exp.Greatest, exp.DateFromParts, exp.Case, exp.If, exp.Cast, exp.And, exp.Or, exp.Xor,
    exp.Upper, exp.Lower, exp.Length,
)  # fmt: skip


@dataclass(frozen=True)
class _Macro:
    parameters: tuple[str, ...]
    body: exp.Expression


def spark_model(model: Model, columns: Mapping[str, str]) -> Model:
    """``model`` with every level's condition in Spark's SQL and no macros.

    ``columns``: the entity's columns with their DuckDB types (``VARCHAR``, ``UBIGINT[]``, ``DATE``…). Raises ModelError for a
    level that can't be said in Spark's SQL, naming it and what stands in the way.
    """
    macros = _macros(model)
    types = {f"{name}_{side}": kind for name, kind in columns.items() for side in "lr"}

    def rewritten(comparison: str, level: Level) -> Level:
        if level.sql == "ELSE":
            return level
        try:
            return replace(level, sql=to_spark(level.sql, types, macros))
        except (ModelError, sqlglot.errors.SqlglotError) as error:
            raise ModelError(f"{comparison}.{level.name}: not to be said in Spark's SQL: {error}") from None

    comparisons = tuple(replace(c, levels=tuple(rewritten(c.name, level) for level in c.levels)) for c in model.comparisons)
    return replace(model, comparisons=comparisons, macros=())


def to_spark(sql: str, types: Mapping[str, str], macros: Mapping[str, _Macro] | None = None) -> str:
    """One condition over columns of ``types`` (column → DuckDB type) in Spark's SQL, macros written out."""
    query = sqlglot.parse_one(f"SELECT {sql} FROM {_PAIR}", read="duckdb")
    _expand(query, macros or {})
    for column in query.find_all(exp.Column):
        if column.name not in types:
            raise ModelError(f"no column {column.name}")
        column.set("table", exp.to_identifier(_PAIR))
    query = annotate_types(query, schema={_PAIR: dict(types)}, dialect="duckdb")
    for node in reversed(list(query.walk())):  # children before their parents
        if isinstance(node, exp.Column):
            node.set("table", None)
        new = _rewritten(node)
        if new is not node:
            new.type = new.type or node.type
            node.replace(new)
    return query.expressions[0].sql(dialect="spark")


def _macros(model: Model) -> dict[str, _Macro]:
    found = {}
    for text in model.macros:
        made = sqlglot.parse_one(text, read="duckdb")
        if not isinstance(made, exp.Create) or made.kind != "MACRO":
            raise ModelError("macros: CREATE MACRO name(parameters) AS expression is expected")
        found[made.this.this.name.lower()] = _Macro(tuple(p.name for p in made.this.expressions), made.expression)
    return found


def _expand(query: exp.Expression, macros: Mapping[str, _Macro]) -> None:
    """Write macros out in place; one may call another."""
    while calls := [call for call in query.find_all(exp.Anonymous) if call.name.lower() in macros]:
        macro, call = macros[calls[0].name.lower()], calls[0]
        if len(call.expressions) != len(macro.parameters):
            raise ModelError(f"{call.name} takes {len(macro.parameters)} parameters")
        given = dict(zip(macro.parameters, call.expressions, strict=True))
        body = exp.Paren(this=macro.body.copy())
        for column in list(body.find_all(exp.Column)):
            if column.name not in given:
                raise ModelError(f"{call.name}: no parameter {column.name}")
            column.replace(exp.Paren(this=given[column.name].copy()))
        call.replace(body)


def _rewritten(node: exp.Expression) -> exp.Expression:
    """``node`` as Spark has to say it; itself where sqlglot's way is right."""
    if isinstance(node, exp.ArrayOverlaps):
        return _overlap(node.this, node.expression)
    if isinstance(node, exp.Length | exp.ArraySize) and _is_list(node.this):
        return _call("array_size", node.this)  # size() of a missing list is -1 by an older rule of Spark's
    if isinstance(node, exp.Bracket):
        return _slice(node)
    if isinstance(node, exp.Sub) and node.this.is_type("date") and node.expression.is_type("date"):
        return exp.cast(_call("datediff", node.this, node.expression), "bigint", dialect="spark")
    if isinstance(node, exp.Anonymous) and node.name.lower() in _REWRITTEN:
        return _REWRITTEN[node.name.lower()](*node.expressions)
    if isinstance(node, exp.Func) and not isinstance(node, _SAME):
        name = node.name if isinstance(node, exp.Anonymous) else node.sql_name().lower()
        raise ModelError(f"the function {name} is not known to mean the same in both engines")
    return node


def _overlap(one: exp.Expression, other: exp.Expression) -> exp.Expression:
    """DuckDB passes over nulls in a list, Spark answers null when there is one and nothing else is shared."""
    return exp.func("COALESCE", _call("arrays_overlap", one, other), _if_both(one, other, exp.false()))


def _intersect(one: exp.Expression, other: exp.Expression) -> exp.Expression:
    """DuckDB passes over nulls in both lists, and takes a missing second one for empty."""
    shared = _call("array_compact", _call("array_intersect", one, exp.func("COALESCE", other.copy(), _call("array"))))
    shared.type = exp.DataType.build("ARRAY<TEXT>")  # of whatever: that it is a list is what counts
    return shared


def _distance(one: exp.Expression, other: exp.Expression) -> exp.Expression:
    """Splink's jar gives 100 for a missing text, and a floating point number. DuckDB counts bytes and the jar UTF-16 units:
    the same on digits and letters, which is all that is compared so."""
    return _if_both(one, other, exp.cast(_call("damerau_levenshtein", one, other), "bigint", dialect="spark"))


def _if_both(one: exp.Expression, other: exp.Expression, then: exp.Expression) -> exp.Expression:
    present = exp.and_(*(exp.Is(this=side.copy(), expression=exp.Null()).not_() for side in (one, other)))
    return exp.Case(ifs=[exp.If(this=present, true=then)])


def _slice(node: exp.Bracket) -> exp.Expression:
    part = node.expressions[0]
    if not isinstance(part, exp.Slice) or not node.this.is_type(*exp.DataType.TEXT_TYPES):
        raise ModelError("only a slice of a text is known to mean the same in both engines")
    first, last = (_position(bound) for bound in (part.this, part.expression))
    first = first or 1
    length = [exp.Literal.number(max(0, last - first + 1))] if last is not None else []
    cut = _call("substring", node.this, exp.Literal.number(first), *length)
    cut.type = node.this.type
    return cut


def _position(bound: exp.Expression | None) -> int | None:
    if bound is None or (isinstance(bound, exp.Neg) and bound.name == "1"):
        return None
    if not isinstance(bound, exp.Literal) or bound.is_string or int(bound.name) < 1:
        raise ModelError("positions of a slice are whole numbers from 1")
    return int(bound.name)


def _is_list(node: exp.Expression) -> bool:
    return node.is_type("array", "list")


def _call(name: str, *arguments: exp.Expression) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=[argument.copy() for argument in arguments])


_REWRITTEN: Mapping[str, Callable[..., exp.Expression]] = {
    "list_intersect": _intersect,
    "damerau_levenshtein": _distance,
}
