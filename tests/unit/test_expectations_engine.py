"""The seam to Great Expectations: it judges, it judges everything, and nothing that goes wrong looks like bad data."""

from __future__ import annotations

import socket

import pandas as pd
import pyarrow as pa
import pytest

from contracts.model import Dimension, Rule, Severity
from contracts.reader import load_contracts
from expectations import canonical, engine, suite, validate, verdicts
from expectations.errors import ExpectationError
from standards.reasons import REASONS
from standards.semantic_types import TYPES
from tests.conftest import FETCHED, TODAY


def rule(name: str, expectation: str, severity=Severity.INFO, column=None, where=None, **arguments) -> Rule:
    return Rule(f"t.{name}", expectation, Dimension.ACCURACY, severity, name, name, arguments, column, where)


FRAME = pd.DataFrame({"a": [1.0, 2.0, None, 4.0], "b": ["x", "y", "x", "y"], "d": pd.to_datetime(["2020-01-01"] * 4)})


def test_every_rule_taken_from_the_implied_ones_changes_the_verdict(small):
    """Great Expectations is the one authority: without a rule, what it judged is not judged."""
    rows = [{"_error": "row.quote", "_raw": "P9"}, small.person(2, RYBH=""), small.person(3, XB="7", XM="王\ue000芳")]
    rows += [small.person(4, GMSFHM="110105194912310021", XM=""), small.person(5, CSRQ="昨天"), small.person(5, GXSJ="2031-01-01")]
    records, contract = small.landed(small.register, rows).records(), small.register
    made = canonical.canonicalise(records, contract.table, contract, today=TODAY, fetched_at=FETCHED, period=None)
    rules = suite.suite_for(contract.table)

    def judged(kept):
        verdict = validate.validate(made, contract.table, kept, parameters={})
        return verdict.quarantined.to_pylist(), verdict.issues.to_pylist(), verdict.results.num_rows, verdict.accepted.num_rows

    whole = judged(rules)
    assert [row["_row"] for row in whole[0]] == [1, 2]
    felt = {
        "small_register.table.readable", "small_register.table.key", "small_register.sex.standardised",
        "small_register.id_number.accurate", "small_register.name.required", "small_register.birth_date.standardised",
        "small_register.updated_at.noticed",
    }  # fmt: skip
    for removed in rules:
        less = judged([r for r in rules if r is not removed])
        assert less[2] == whole[2] - 1
        if removed.id in felt:
            assert less[:2] != whole[:2], removed.id
            felt.discard(removed.id)
    assert not felt
    without_key = judged([r for r in rules if not r.id.endswith("table.key")])
    assert [row["_row"] for row in without_key[0]] == [1] and without_key[3] == whole[3] + 1


def test_rows_are_named_exactly_and_results_are_mapped_by_rule():
    judged = engine.judge(
        FRAME,
        [
            rule("between", "expect_column_values_to_be_between", column="a", max_value=1),
            rule("set", "expect_column_values_to_be_in_set", column="b", value_set=["x"]),
            rule("twice", "expect_column_values_to_be_unique", column="b"),
            rule("where", "expect_column_values_to_not_be_null", column="a", where='b == "x"'),
            rule("pair", "expect_column_pair_values_a_to_be_greater_than_b", column_A="a", column_B="a", ignore_row_if="either_value_is_missing"),
        ],
        {},
    )
    assert {name: (j.rows.tolist(), j.evaluated) for name, j in judged.items()} == {
        "t.between": ([1, 3], 3), "t.set": ([1, 3], 4), "t.twice": ([0, 1, 2, 3], 4), "t.where": ([2], 2), "t.pair": ([0, 1, 3], 3),
    }  # fmt: skip


def test_more_rows_than_great_expectations_lists_by_itself_are_all_named():
    many = pd.DataFrame({"a": range(5000)})
    judged = engine.judge(many, [rule("none", "expect_column_values_to_be_between", column="a", max_value=-1)], {})
    assert judged["t.none"].rows.tolist() == list(range(5000))


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (rule("column", "expect_column_values_to_be_in_set", column="nowhere", value_set=[1]), "could not be judged"),
        (rule("types", "expect_column_values_to_be_between", column="b", min_value=1), "could not be judged"),
        (rule("part", "expect_column_values_to_agree_with_resident_id", column="b", id_column="b", part="age"), "could not be judged"),
        (rule("kind", "expect_column_values_to_be_lovely", column="a"), "no expectation expect_column_values_to_be_lovely"),
        (rule("arguments", "expect_column_values_to_be_in_set", column="a", value_sett=[1]), "arguments do not fit"),
        (rule("parameter", "expect_column_values_to_be_between", column="a", max_value={"$PARAMETER": "never"}), "parameter never is not given"),
    ],
)  # fmt: skip
def test_a_rule_that_can_not_be_judged_is_an_error_and_not_bad_data(broken, says):
    with pytest.raises(ExpectationError, match=f"{broken.id}: .*{says}") as caught:
        engine.judge(FRAME, [broken], {})
    assert caught.value.__cause__ is None and "x" not in str(caught.value).split(": ", 1)[1].split()  # no value of the data


def test_a_metric_that_chokes_on_a_value_quotes_it_nowhere(caplog, capfd):
    frame = pd.DataFrame({"id": ["欧阳静欧阳静欧阳静欧阳静欧阳静欧阳"], "sex": pd.Series(["1"], dtype="str")})
    asked = rule("sex", "expect_column_values_to_agree_with_resident_id", column="sex", id_column="id", part="sex")
    with caplog.at_level("DEBUG"), pytest.raises(ExpectationError) as caught:
        engine.judge(frame, [asked], {})
    assert "欧阳" not in str(caught.value) + caplog.text + "".join(capfd.readouterr())


def test_a_rule_that_vanishes_or_is_cut_short_fails_closed(monkeypatch):
    asked = [rule("one", "expect_column_values_to_be_between", column="a", max_value=1), rule("two", "expect_column_values_to_be_unique", column="a")]
    suites = engine.gx.ExpectationSuite
    monkeypatch.setattr(engine.gx, "ExpectationSuite", lambda name, expectations: suites(name=name, expectations=expectations[:1]))
    with pytest.raises(ExpectationError, match="differ: t.two"):
        engine.judge(FRAME, asked, {})
    monkeypatch.undo()
    monkeypatch.setitem(engine.RESULT_FORMAT, "result_format", "SUMMARY")
    with pytest.raises(ExpectationError, match="t.one: 2 broken rows, but 0 named"):
        engine.judge(FRAME, asked, {})


def test_a_rule_twice_or_a_warning_without_a_cell_is_refused(small):
    twice = rule("x", "expect_column_values_to_be_unique", column="name")
    with pytest.raises(ExpectationError, match="t.x stands twice"):
        suite.suite_for(small.with_rules(small.register, twice, twice).table)
    with pytest.raises(ExpectationError, match="must name a column"):
        suite.suite_for(small.with_rules(small.register, rule("y", "expect_column_values_to_be_unique", Severity.WARNING)).table)


@pytest.mark.parametrize(
    ("sex", "birth", "broken"),
    [("2", "1949-12-31", []), ("1", "1949-12-31", ["sex"]), ("9", "1949-12-30", ["birth"]), (None, None, [])],
)
def test_sex_and_birth_date_are_held_against_the_id_number(sex, birth, broken):
    frame = pd.DataFrame({"id": ["11010519491231002X", None], "sex": pd.Series([sex, "1"], dtype="str"), "born": pd.to_datetime([birth, None])})
    judged = engine.judge(
        frame,
        [
            rule("sex", "expect_column_values_to_agree_with_resident_id", column="sex", id_column="id", part="sex"),
            rule("birth", "expect_column_values_to_agree_with_resident_id", column="born", id_column="id", part="birth_date"),
        ],
        {},
    )
    assert [name for name in ("sex", "birth") if judged[f"t.{name}"].rows.tolist() == [0]] == broken


def test_completed_years_turn_on_the_birthday():
    frame = pd.DataFrame({"born": pd.to_datetime(["2008-11-20", "2008-11-21", "1906-11-20", "1905-11-20", "2026-11-21", None])})
    asked = rule("age", "expect_column_values_to_be_an_age_between", column="born", min_years=18, max_years=120)
    assert engine.judge(frame, [asked], {"today": "2026-11-20T23:59:59"})["t.age"].rows.tolist() == [1, 3, 4]


def test_dates_out_of_the_range_of_nanoseconds_are_still_found_wrong(small):
    young = Rule("small_register.birth_date.b", "expect_column_values_to_be_between", Dimension.ACCURACY, Severity.INFO,
                 "", "", {"min_value": "1900-01-01", "max_value": {"$PARAMETER": "today"}}, "birth_date")  # fmt: skip
    contract = small.with_rules(small.register, young)
    made = canonical.canonicalise(small.landed(contract, [small.person(1)] * 3).records(), contract.table, contract,
                                  today=TODAY, fetched_at=FETCHED, period=None)  # fmt: skip
    dates = [TODAY.replace(year=1600), TODAY.replace(year=9999), TODAY]
    rows = made.rows.set_column(made.rows.column_names.index("birth_date"), "birth_date", pa.array(dates))
    verdict = validate.validate(
        canonical.Canonical(rows, made.table, made.columns, TODAY), contract.table, suite.suite_for(contract.table), parameters={}
    )
    assert [i["_row"] for i in verdict.issues.to_pylist() if i["rule_id"] == young.id] == [1, 2]


def test_slices_give_the_verdict_of_the_whole(small, monkeypatch):
    rows = [small.person(n % 40, XB="127"[n % 3], RYBH="" if n == 33 else f"P{n % 40}") for n in range(100)]
    whole = verdicts.verdicts_of(small.register, small.landed(small.register, rows), today=TODAY)["small_register"]
    monkeypatch.setattr(validate, "SLICE_ROWS", 7)
    monkeypatch.setattr(canonical, "CHUNK_ROWS", 11)
    sliced = verdicts.verdicts_of(small.register, small.landed(small.register, rows), today=TODAY)["small_register"]
    for part in ("accepted", "quarantined", "issues", "results"):
        assert getattr(sliced, part).to_pylist() == getattr(whole, part).to_pylist()


def test_no_connection_is_opened(small, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    verdicts.verdicts_of(small.register, small.landed(small.register, [small.person(1)]), today=TODAY)


@pytest.mark.parametrize("feed", sorted(load_contracts()))
def test_contract_table_and_suite_agree(feed, small):
    """Contract = table = suite: every field has its rules, every rule can be judged, on an empty and a full batch."""
    contract = load_contracts()[feed]
    row = {"RYBH": "1", **{name: "1" for name in contract.source_columns}, **{t.each: [{}] for t in contract.tables if t.each}}
    for rows in ([], [row]):
        made = verdicts.verdicts_of(contract, small.landed(contract, rows, period="202611"), today=TODAY)
        assert list(made) == [table.name for table in contract.tables]
        for table in contract.tables:
            rules = set(made[table.name].results["rule_id"].to_pylist())
            assert {r.id for r in table.rules} <= rules
            assert all(any(rule.startswith(f"{table.name}.{f.name}.") for rule in rules) for f in table.fields if f.type != "key")
            columns = {c for f in table.fields for c in canonical.canonical_columns(f)}
            assert columns <= set(made[table.name].accepted.column_names)


def test_every_reason_code_of_this_room_is_explained():
    codes = {suite.NO_KEY, suite.REQUIRED, canonical.TIME_FUTURE, validate.PARENT_QUARANTINED}
    codes |= {"json.invalid", "json.not_a_list", "json.not_an_object"}
    assert codes <= set(REASONS)
    assert set(TYPES) >= suite.ACCURACY_TYPES
