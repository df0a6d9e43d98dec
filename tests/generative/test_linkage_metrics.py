"""Pair counts from group sizes against counting every pair."""

from __future__ import annotations

from itertools import combinations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.metrics import PairScore, pair_score, pair_scores_by_feeds, pair_scores_by_stratum

records = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3), st.integers(0, 3) | st.none(), st.booleans()), min_size=1, max_size=12)


def _tables(rows):
    keys = [f"k{n}" for n in range(len(rows))]
    truth = pa.table({"feed": [r[0] for r in rows], "source_key": keys, "person_id": [f"t{r[1]}" for r in rows]})
    kept = [n for n, r in enumerate(rows) if r[2] is not None]
    found = pa.table({"feed": pa.array([rows[n][0] for n in kept], pa.string()), "source_key": pa.array([keys[n] for n in kept], pa.string()),
                      "person_id": pa.array([f"p{rows[n][2]}" for n in kept], pa.string())})
    return truth, found


def _brute(rows, counts) -> PairScore:
    pairs = [(a, b) for a, b in combinations(rows, 2) if counts(a, b)]
    same = [(a[1] == b[1], a[2] is not None and a[2] == b[2]) for a, b in pairs]
    return PairScore(sum(t for t, _ in same), sum(f for _, f in same), sum(t and f for t, f in same))


@settings(max_examples=30, deadline=None)
@given(records)
def test_overall(rows) -> None:
    assert pair_score(*_tables(rows)) == _brute(rows, lambda a, b: True)


@settings(max_examples=20, deadline=None)
@given(records)
def test_by_feeds(rows) -> None:
    found = pair_scores_by_feeds(*_tables(rows))
    for pair in (("a", "a"), ("a", "b"), ("b", "b")):
        expected = _brute(rows, lambda x, y, pair=pair: tuple(sorted((x[0], y[0]))) == pair)
        assert found.get(pair, PairScore(0, 0, 0)) == expected


@settings(max_examples=20, deadline=None)
@given(records)
def test_by_stratum(rows) -> None:
    inside = [n for n, r in enumerate(rows) if r[3]]
    strata = pa.table({"feed": pa.array([rows[n][0] for n in inside], pa.string()), "source_key": pa.array([f"k{n}" for n in inside], pa.string()),
                       "stratum": pa.array(["children"] * len(inside), pa.string())})
    found = pair_scores_by_stratum(*_tables(rows), strata)
    assert found.get("children", PairScore(0, 0, 0)) == _brute(rows, lambda a, b: a[3] or b[3])
