"""Which cells supervisors see (小数抑制): no small one, and none that gives a small one away."""

from __future__ import annotations

import itertools

import duckdb
import pytest

from publish.suppression import suppress


def shown(cells: list[tuple], below: int = 5, columns: str = "place, value, line_a") -> list:
    with duckdb.connect() as con:
        names = columns.split(", ")
        kinds = ", ".join(f"{name} {'BIGINT' if name in ('value', 'more') else 'VARCHAR'}" for name in names)
        con.execute(f"CREATE TABLE cell ({kinds})")
        con.executemany(f"INSERT INTO cell VALUES ({', '.join('?' for _ in names)})", cells)
        counts = ("value", "more") if "more" in names else ("value",)
        suppress(con, "cell", counts, below)
        return con.execute(f"SELECT {', '.join(('place', *counts))} FROM cell ORDER BY ALL").fetchall()


def test_one_to_four_are_hidden_five_is_shown_and_so_is_none_at_all() -> None:
    cells = [("东关", 4, None), ("北关", 5, None), ("南关", 0, None), ("西关", 1, None)]
    assert shown(cells) == [("东关", None), ("北关", 5), ("南关", 0), ("西关", None)]


def test_a_single_hidden_cell_of_a_sum_takes_the_next_smallest_with_it() -> None:
    assert shown([("一", 3, "社区"), ("二", 9, "社区"), ("三", 40, "社区")]) == [("一", None), ("三", 40), ("二", None)]


def test_two_hidden_cells_that_are_small_together_take_a_third() -> None:
    # The sum less what is shown would say that both are next to nothing.
    assert [
        value for _, value in shown([("一", 1, "社区"), ("三", 40, "社区"), ("二", 2, "社区"), ("四", 50, "社区")])
    ].count(None) == 3


def test_a_zero_is_never_hidden_to_make_up_for_a_small_cell() -> None:
    assert shown([("一", 3, "社区"), ("二", 0, "社区"), ("三", 40, "社区")]) == [("一", None), ("三", None), ("二", 0)]


def test_two_hidden_cells_that_are_enough_together_take_no_third() -> None:
    assert [value for _, value in shown([("一", 3, "社区"), ("三", 40, "社区"), ("二", 4, "社区")])].count(None) == 2


def test_a_cell_hidden_for_one_sum_is_made_up_for_in_the_other() -> None:
    # Rows are grids, columns the sexes: hiding 男 of grid one hides 女 there, and then a second 女.
    cells = [
        ("一男", 3, "男", "一"),
        ("一女", 20, "女", "一"),
        ("二男", 30, "男", "二"),
        ("二女", 31, "女", "二"),
        ("三男", 50, "男", "三"),
        ("三女", 60, "女", "三"),
    ]
    found = dict(shown(cells, columns="place, value, line_a, line_b"))
    assert found == {"一男": None, "一女": None, "二男": None, "二女": None, "三男": 50, "三女": 60}


def test_every_count_of_a_row_is_held_to_the_limit() -> None:
    assert shown([("公安", 900, 3), ("卫健", 60, 0), ("教育", 4, 7)], columns="place, value, more") == [
        ("公安", 900, None),
        ("卫健", 60, 0),
        ("教育", None, 7),
    ]


@pytest.mark.parametrize("values", itertools.product([0, 2, 5, 9], repeat=4))
def test_no_small_cell_of_a_sum_can_be_worked_out(values: tuple[int, ...]) -> None:
    found = [value for _, value in shown([(str(i), value, "社区") for i, value in enumerate(values)])]
    hidden = sum(values) - sum(value for value in found if value is not None)
    number = found.count(None)
    assert all(value is None or value == 0 or value >= 5 for value in found)
    whole = not any(found)  # nothing but zeros is shown: the total is as small, and hidden itself
    assert number == 0 or whole or (number >= 2 and hidden >= 5)
