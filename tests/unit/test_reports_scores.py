"""Scores are A ÷ B of GB/T 36344, never rounded up; small counts of people are not shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts.model import Freshness, Mode
from reports.disclosure import HIDDEN, SMALL, share, shown
from reports.scores import Score, accessibility, overall, pooled, rule_scores, timeliness


def result(rule: str, dimension: str, evaluated: int, unexpected: int) -> dict:
    return {"rule_id": rule, "dimension": dimension, "evaluated": evaluated, "unexpected": unexpected}


def test_one_broken_cell_in_a_million_is_not_a_full_score():
    assert Score(1_000_000, 1).value == 99.99
    assert Score(1_000_000, 0).value == 100


def test_what_was_not_judged_has_no_score_and_does_not_count_in_the_mean():
    assert Score().value is None
    assert overall({"规范性": Score(10, 1), "完整性": Score()}) == 90
    assert overall({"规范性": Score()}) is None


def test_rules_of_a_dimension_are_pooled_by_elements(small):
    scores = rule_scores(
        small.register,
        [result("a.x.standardised", "规范性", 900, 9), result("a.y.standardised", "规范性", 100, 11), result("a.x.required", "完整性", 50, 0)],
    )
    assert scores["规范性"] == Score(1000, 20) and scores["规范性"].value == 98
    assert scores["完整性"].value == 100
    assert scores["准确性"].value is None


def test_an_event_told_again_is_no_fault_of_a_stream_but_a_key_sent_twice_is_one_of_a_table(small):
    twice = [result("small_visit.table.key_unique", "一致性", 100, 100)]
    assert rule_scores(small.visits, twice)["一致性"].value is None
    assert rule_scores(small.register, twice)["一致性"].value == 0


@pytest.mark.parametrize(
    ("periods", "late", "expected"),
    [
        (["202510", "202511", "202512"], False, Score(3, 0)),
        (["202511", "202602"], False, Score(4, 2)),  # December and January never came
        (["202510", "202511"], True, Score(3, 1)),
        (["202511", "202511", "202512"], False, Score(2, 0)),  # sent again
    ],
)
def test_a_monthly_file_feed_is_judged_by_its_months(small, periods, late, expected):
    files = replace(small.register, mode=Mode.INCREMENT, freshness=Freshness("monthly", 984))
    assert timeliness(files, periods, late, True) == expected


def test_another_feed_is_judged_by_its_newest_delivery(small):
    assert timeliness(small.register, [""], False, True) == Score(1, 0)
    assert timeliness(small.register, [""], True, True).value == 0
    assert timeliness(small.register, [""], False, False).value is None  # nothing came and nothing is due


def test_rows_that_wait_cannot_be_used():
    assert accessibility(2, 2, 1000, 10).value == 99
    assert accessibility(0, 0, 0, 0).value is None
    assert accessibility(4, 3, 0, 0).value == 75  # a delivery refused before a row was read


def test_a_department_pools_its_feeds_and_what_rules_across_feeds_found():
    scores = pooled([{"一致性": Score(90, 0)}, {"一致性": Score(5, 0)}], {"一致性": Score(5, 5)})
    assert scores["一致性"] == Score(100, 5)
    assert scores["时效性"].value is None


def test_counts_from_one_to_four_are_not_shown():
    assert shown([0, 1, 4, 5, 900, 3], ["a"] * 6) == [0, SMALL, SMALL, 5, 900, SMALL]


def test_a_single_small_count_takes_its_smallest_neighbour_with_it():
    assert shown([3, 40, 12], ["a", "a", "a"]) == [SMALL, 40, HIDDEN]
    assert shown([3, 40, 12], ["a", "b", "b"]) == [SMALL, 40, 12]
    assert shown([3, 0, 0], ["a", "a", "a"]) == [SMALL, 0, 0]


def test_a_share_tells_no_small_part():
    assert share(50, 200) == 25
    assert share(0, 200) == 0
    assert share(3, 200) is None
    assert share(198, 200) is None
    assert share(1, 4) is None
