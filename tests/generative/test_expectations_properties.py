"""Whatever a department sends (任意垃圾): no row vanishes, none costs its neighbour, order is nothing."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from expectations.verdicts import verdicts_of
from tests.conftest import TODAY, SmallBatch, SmallFeeds

SMALL = SmallFeeds()
TEXT = st.one_of(
    st.none(),
    st.text(max_size=12),
    st.sampled_from(["", " ", "\u3000", "\x00", "无", "null", "NaN", "1e309", "-1", "{", "[", '"', "9999-12-31", "0001-01-01"]),
    st.sampled_from(["11010519491231002X", "110105194912310021", "20110231", "1.30731E+17", "王芳", "13800000000", "2026-11-19T08:00:00"]),
)
CELLS = st.fixed_dictionaries({name: TEXT for name in SMALL.register.source_columns})
UNREADABLE = st.fixed_dictionaries({"_error": st.sampled_from(["row.quote", "row.nul"]), "_raw": st.text(max_size=20)})
ROWS = st.lists(st.one_of(CELLS, CELLS, st.just(SMALL.person(1)), UNREADABLE), max_size=8)
RESIDENTS = st.one_of(TEXT, st.lists(st.one_of(st.none(), st.integers(), st.dictionaries(st.sampled_from(["name", "idNo", "sex"]), TEXT)), max_size=4))
slow = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=[Phase.explicit, Phase.generate])


def judged(records: pa.Table):
    batch = SmallBatch(records, {"fetched_at": "2026-11-20T04:00:00+00:00", "period": None})
    return verdicts_of(SMALL.register, batch, today=TODAY)["small_register"]


def by_row(verdict) -> dict[int, tuple]:
    """What became of each row, by its number."""
    accepted = {row["_row"]: ("accepted", tuple(row.values())) for row in verdict.accepted.to_pylist()}
    held = {row["_row"]: ("quarantined", (row["reasons"], row["raw"])) for row in verdict.quarantined.to_pylist()}
    issues: dict[int, set] = {}
    for issue in verdict.issues.to_pylist():
        issues.setdefault(issue["_row"], set()).add(tuple(issue.values()))
    assert not accepted.keys() & held.keys()
    return {row: (*what, issues.get(row)) for row, what in {**accepted, **held}.items()}


@slow
@given(ROWS)
def test_accepted_and_quarantined_make_up_what_landed(rows):
    records = SMALL.landed(SMALL.register, rows).records()
    verdict = judged(records)
    assert sorted(by_row(verdict)) == records["_row"].to_pylist()
    assert verdict.quarantined["raw"].null_count == 0  # nothing is held without what came
    for row in verdict.accepted.to_pylist():
        assert row["record_key"] == rows[row["_row"] - 1]["RYBH"] and row["content_hash"]


@slow
@given(ROWS)
def test_a_row_is_judged_the_same_alone_and_among_any_neighbours(rows):
    records = SMALL.landed(SMALL.register, rows).records()
    together = by_row(judged(records))
    alone = {row: what for i in range(min(3, len(rows))) for row, what in by_row(judged(records.slice(i, 1))).items()}
    assert alone == {row: together[row] for row in alone}


@slow
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_is_nothing(rows, chance):
    records = SMALL.landed(SMALL.register, rows).records()
    order = list(range(len(rows)))
    chance.shuffle(order)
    assert by_row(judged(records.take(pa.array(order, pa.int64())))) == by_row(judged(records))


@slow
@given(st.lists(RESIDENTS, max_size=5))
def test_every_element_of_a_readable_list_is_accepted_or_said(lists):
    rows = [{"seq": str(n), "eventId": f"E{n}", "residents": residents} for n, residents in enumerate(lists)]
    made = verdicts_of(SMALL.visits, SMALL.landed(SMALL.visits, rows), today=TODAY)
    residents = made["small_visit_resident"]
    elements = {f"E{n}#{i}" for n, listed in enumerate(lists) if isinstance(listed, list) for i in range(len(listed))}
    accepted, held = (part["record_key"].to_pylist() for part in (residents.accepted, residents.quarantined))
    assert elements <= {*accepted, *held} and len(accepted) + len(held) == len({*accepted, *held})
    said = set(residents.issues.filter(pa.compute.equal(residents.issues["severity"], "critical"))["record_key"].to_pylist())
    assert said == set(held)
