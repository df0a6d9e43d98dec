"""What becomes of a row and a cell (行与单元格的判定), by small tables a registrar can read."""

from __future__ import annotations

import json

import pyarrow.compute as pc
import pytest

from contracts.model import Dimension, Rule, Severity
from expectations.verdicts import verdicts_of
from tests.conftest import TODAY


def judged(contract, rows, small, **landed):
    return verdicts_of(contract, small.landed(contract, rows, **landed), today=TODAY)


def issues(verdict) -> list[tuple]:
    columns = ("record_key", "column_name", "reason", "severity", "raw")
    return [tuple(row[c] for c in columns) for row in verdict.issues.to_pylist()]


def test_a_faultless_row_is_accepted_with_standard_values(small):
    verdict = judged(small.register, [small.person(1)], small)["small_register"]
    [row] = verdict.accepted.to_pylist()
    assert (row["record_key"], row["id_number"], row["name"], row["sex"]) == ("P1", "11010519491231002X", "王芳", "2")
    assert row["birth_date"].isoformat() == "1949-12-31"
    assert row["source_time"].isoformat() == "2026-11-19T00:00:00+00:00"  # no zone means Shanghai
    assert row["source_order"] == 1_795_046_400_000_000
    assert verdict.quarantined.num_rows == verdict.issues.num_rows == 0


def test_a_row_without_a_key_is_quarantined_whole_with_its_text(small):
    rows = [small.person(1), small.person(2, RYBH=" \u3000"), small.person(3, RYBH=None)]
    verdict = judged(small.register, rows, small)["small_register"]
    assert verdict.accepted["record_key"].to_pylist() == ["P1"]
    assert verdict.quarantined["_row"].to_pylist() == [2, 3]
    assert verdict.quarantined["reasons"].to_pylist() == [["row.no_key"], ["row.no_key"]]
    assert json.loads(verdict.quarantined["raw"][0].as_py())["XM"] == "王芳"
    assert verdict.issues.num_rows == 0  # the row is kept whole: no issues of single cells beside it


def test_an_unreadable_row_is_quarantined_with_the_reason_it_came_with(small):
    rows = [small.person(1), {"_error": "row.columns", "_raw": 'P2,"张三', "_location": "line 3"}]
    [held] = judged(small.register, rows, small)["small_register"].quarantined.to_pylist()
    assert held == {"_row": 2, "_location": "line 3", "record_key": None, "reasons": ["row.columns"], "raw": 'P2,"张三'}


def test_a_bad_cell_costs_only_the_cell_and_keeps_raw_text_and_reason(small):
    verdict = judged(small.register, [small.person(1, GMSFHM="110105194912310021", XB="7")], small)["small_register"]
    [row] = verdict.accepted.to_pylist()
    assert row["id_number"] is None and row["sex"] is None and row["name"] == "王芳"
    assert issues(verdict) == [
        ("P1", "id_number", "id.checksum", "warning", "110105194912310021"),
        ("P1", "sex", "code.unmapped", "warning", "7"),
    ]
    assert verdict.issues["dimension"].to_pylist() == ["准确性", "规范性"]


def test_a_required_cell_left_empty_is_a_finding_of_completeness(small):
    verdict = judged(small.register, [small.person(1, XM="", GMSFHM=None)], small)["small_register"]
    assert verdict.accepted.num_rows == 1
    assert issues(verdict) == [
        ("P1", "id_number", "field.required", "info", None),
        ("P1", "name", "field.required", "info", ""),
    ]
    assert set(verdict.issues["dimension"].to_pylist()) == {"完整性"}


def test_a_required_cell_that_came_but_could_not_be_read_is_not_called_empty(small):
    verdict = judged(small.register, [small.person(1, GMSFHM="110105194912310021")], small)["small_register"]
    assert [reason for _, _, reason, *_ in issues(verdict)] == ["id.checksum"]


def test_a_clock_that_runs_ahead_counts_as_the_time_of_the_fetch(small):
    verdict = judged(small.register, [small.person(1, GXSJ="2031-01-01T00:00:00")], small)["small_register"]
    [row] = verdict.accepted.to_pylist()
    assert row["source_time"].isoformat() == "2026-11-20T04:00:00+00:00"
    assert row["source_order"] == 1_795_147_200_000_000
    assert ("P1", "updated_at", "time.future", "info", "2031-01-01T00:00:00") in issues(verdict)


def test_an_unreadable_update_time_never_wins_over_what_is_known(small):
    [row] = judged(small.register, [small.person(1, GXSJ="昨天")], small)["small_register"].accepted.to_pylist()
    assert row["source_order"] == 0 and row["source_time"] is None


def test_a_key_twice_in_a_batch_is_counted_but_neither_row_is_lost(small):
    verdict = judged(small.register, [small.person(1), small.person(1, XM="王方"), small.person(2)], small)["small_register"]
    assert verdict.accepted.num_rows == 3 and verdict.issues.num_rows == 0
    [result] = [r for r in verdict.results.to_pylist() if r["rule_id"] == "small_register.table.key_unique"]
    assert (result["dimension"], result["evaluated"], result["unexpected"]) == ("一致性", 3, 2)


CONTRADICTS = Rule(
    "small_register.sex.agrees", "expect_column_values_to_agree_with_resident_id", Dimension.ACCURACY, Severity.INFO,
    "性别与身份号码一致", "Sex agrees with the ID number", {"id_column": "id_number", "part": "sex"}, "sex",
)  # fmt: skip
TOO_OLD = Rule(
    "small_register.birth_date.age", "expect_column_values_to_be_an_age_between", Dimension.ACCURACY, Severity.WARNING,
    "年龄可信", "The age can be true", {"min_years": 0, "max_years": 120}, "birth_date",
)  # fmt: skip
NO_ADULT = Rule(
    "small_register.table.adult", "expect_column_values_to_be_an_age_between", Dimension.ACCURACY, Severity.CRITICAL,
    "只收成年人", "Only adults", {"column": "birth_date", "min_years": 18},
)  # fmt: skip


def test_an_information_rule_keeps_the_value_and_says_so(small):
    contract = small.with_rules(small.register, CONTRADICTS)
    verdict = judged(contract, [small.person(1, XB="1"), small.person(2), small.person(3, XB="9")], small)["small_register"]
    assert verdict.accepted["sex"].to_pylist() == ["1", "2", "9"]
    assert issues(verdict) == [("P1", "sex", "small_register.sex.agrees", "info", "1")]


def test_a_warning_rule_nulls_the_cell_with_its_companions(small):
    contract = small.with_rules(small.register, TOO_OLD)
    verdict = judged(contract, [small.person(1, CSRQ="19061120"), small.person(2, CSRQ="19051119")], small)["small_register"]
    assert [v and v.isoformat() for v in verdict.accepted["birth_date"].to_pylist()] == ["1906-11-20", None]
    assert verdict.accepted["birth_date_precision"].to_pylist()[1] is None
    assert issues(verdict)[-1] == ("P2", "birth_date", "small_register.birth_date.age", "warning", "19051119")


def test_a_critical_rule_of_the_contract_quarantines_with_its_id_as_reason(small):
    contract = small.with_rules(small.register, NO_ADULT)
    verdict = judged(contract, [small.person(1, CSRQ="20150301"), small.person(2)], small)["small_register"]
    assert verdict.quarantined["reasons"].to_pylist() == [["small_register.table.adult"]]
    assert verdict.quarantined["record_key"].to_pylist() == ["P1"]
    assert verdict.accepted["record_key"].to_pylist() == ["P2"]


def test_all_reasons_of_a_row_are_kept(small):
    contract = small.with_rules(small.register, NO_ADULT)
    verdict = judged(contract, [small.person(1, CSRQ="20150301", RYBH="")], small)["small_register"]
    assert verdict.quarantined["reasons"].to_pylist() == [["row.no_key", "small_register.table.adult"]]


@pytest.mark.parametrize(
    ("period", "time"),
    [
        ("202609", "2026-09-29T16:00:00+00:00"),  # the last day of September, in Shanghai
        ("202611", "2026-11-20T04:00:00+00:00"),  # sent before its month was over
        (None, "2026-11-20T04:00:00+00:00"),
    ],
)
def test_a_file_without_an_order_column_takes_its_period_or_the_fetch(small, period, time):
    contract = small.with_rules(small.register, order_field=None)
    [row] = judged(contract, [small.person(1)], small, period=period)["small_register"].accepted.to_pylist()
    assert row["source_order"] == (int(period) if period else 1_795_147_200_000_000)
    assert row["source_time"].isoformat() == time


def test_results_name_every_rule_with_what_it_looked_at(small):
    verdict = judged(small.register, [small.person(1, GMSFHM=None), small.person(2, GMSFHM="13073119"), small.person(3)], small)["small_register"]
    results = {r["rule_id"]: (r["evaluated"], r["unexpected"]) for r in verdict.results.to_pylist()}
    assert results["small_register.table.readable"][1] == 0
    assert results["small_register.id_number.required"] == (3, 1)
    assert results["small_register.id_number.standardised"] == (2, 1)  # two cells came, one is no ID number
    assert pc.sum(verdict.results["unexpected"]).as_py() == 2
