"""Pairs that the model calls impossible: leaving them out changes nothing but the work, for no level but "different" fits them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.engine import LinkSettings, link_mentions
from linkage.model import load_model
from linkage.results import LINKS
from tests.generative.test_linkage_incremental import DECISIONS
from tests.linkage_world import county

DAYS = st.dates(date(1930, 1, 1), date(2026, 1, 1)).map(lambda day: day.year * 10_000 + day.month * 100 + day.day)


def _real(number: int) -> bool:
    try:
        date(number // 10_000, number // 100 % 100, number % 100)
    except ValueError:
        return False
    return True


@st.composite
def mistyped(draw) -> tuple[int, int]:
    """A day, and the same day with one digit another or two neighbours swapped."""
    day = draw(DAYS)
    digits, place = list(str(day)), draw(st.integers(0, 6))
    if draw(st.booleans()):
        digits[place] = draw(st.sampled_from("0123456789"))
    else:
        digits[place], digits[place + 1] = digits[place + 1], digits[place]
    return day, int("".join(digits))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(DAYS, DAYS) | mistyped().filter(lambda pair: _real(pair[1])), min_size=40, max_size=40))
def test_birth_dates_apart_fit_no_level_but_different(pairs) -> None:
    with duckdb.connect() as con:
        for macro in load_model().macros:
            con.execute(macro)
        (birth,) = (comparison for comparison in load_model().comparisons if comparison.name == "birth")
        fits = " OR ".join(f"coalesce({level.sql}, false)" for level in birth.levels if level.name in ("near", "lunar", "month", "year"))
        con.execute("CREATE TABLE pair (birth_l INT, birth_r INT)")
        con.executemany("INSERT INTO pair VALUES (?, ?)", pairs)
        wrong = con.execute(f"""SELECT birth_l, birth_r FROM (SELECT *, birth_l // 10000 AS year_l, birth_r // 10000 AS year_r FROM pair)
                                WHERE birth_apart(birth_l, birth_r) AND (birth_l = birth_r OR {fits} OR birth_possible(birth_l, birth_r))""").fetchall()
    assert wrong == []


@pytest.mark.parametrize("seed", [11, 12])
def test_the_outcome_is_that_of_weighing_every_pair(seed: int) -> None:
    mentions, nothing = county(250, seed), (LINKS.empty_table(), DECISIONS.empty_table())
    model = load_model()
    some = link_mentions(mentions, *nothing, LinkSettings(model=model))
    every = link_mentions(mentions, *nothing, LinkSettings(model=replace(model, impossible=())))
    assert some.figures["round_1"]["pairs"] < every.figures["round_1"]["pairs"]
    for part in ("links", "conflicts", "events"):
        assert getattr(some, part).equals(getattr(every, part))
