"""Profiles by chance: survivorship against brute force, and assembly whatever order the records came in."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from profiles import rules
from profiles.survivorship import surviving_values
from tests.residence_world import at, registered, said, together, visit, world

FEEDS = [
    "psb_register",
    "psb_permit",
    "health_record",
    "edu_enrolment",
    "grid_visit",
    "civil_marriage",
    "a_seventeenth_feed",
]
record = st.builds(
    dict,
    person_id=st.sampled_from(["p", "q"]),
    feed=st.sampled_from(FEEDS),
    name=st.sampled_from([None, "王芳", "王方", "王 芳"]),
    phone=st.sampled_from([None, "13900000001", "13900000002"]),
    source_time=st.sampled_from([None, at("2024-01-01"), at("2025-01-01"), at("2026-01-01")]),
    own=st.booleans(),
    ended=st.booleans(),
)


def by_hand(rows: list[dict], attribute: str) -> dict[str, tuple]:
    """Survivorship as its rules read, record by record: person → (value, feed, confidence, differing)."""
    rule = rules.survivorship()[attribute]
    step = {
        feed: place
        for place, feeds in enumerate(rule["order"])
        for feed in ([feeds] if isinstance(feeds, str) else feeds)
    }
    found = {}
    for person in {row["person_id"] for row in rows}:
        mine = [r for r in rows if r["person_id"] == person and r[attribute] is not None]
        if not mine:
            continue
        oldest = at("1900-01-01")
        best = min(
            mine,
            key=lambda r: (
                (not r["own"]) + 2 * r["ended"],
                step.get(r["feed"], rules.LAST),
                -((r["source_time"] or oldest) - oldest).total_seconds(),
                r["feed"],
                r["record_key"],
            ),
        )
        others = {r["feed"] for r in mine if r[attribute] != best[attribute] and r["own"] and not r["ended"]}
        agreeing = len({r["feed"] for r in mine if r[attribute] == best[attribute]})
        sure = round(agreeing / (agreeing + len(others) + 0.25), 2)
        found[person] = (best[attribute], best["feed"], sure, len(others))
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.lists(record, min_size=1, max_size=14))
@pytest.mark.parametrize("attribute", ["name", "phone"])
def test_the_surviving_value_is_the_one_the_rules_name(attribute: str, rows: list[dict]):
    rows = [row | {"record_key": f"k{place:02}"} for place, row in enumerate(rows)]
    con = world([said(row["person_id"], row["feed"], None, "2026-01-01") | row for row in rows])
    surviving_values(con)
    found = con.execute(
        f"""SELECT person_id, {attribute}, feed, {attribute}_confidence, {attribute}_differing, json_extract('{{' || told || '}}', '$.{attribute}')
            FROM provenance JOIN chosen USING (person_id) WHERE {attribute} IS NOT NULL"""
    ).fetchall()
    expected = by_hand(rows, attribute)
    assert {person: tuple(rest) for person, *rest, _ in found} == expected
    assert {person: json.loads(told) for person, *_, told in found} == {p: [value, sure, others] for p, (value, _, sure, others) in expected.items()}
    disputed = con.execute("SELECT person_id, differing FROM dispute WHERE attribute = ?", [attribute]).fetchall()
    assert dict(disputed) == {person: others for person, (*_, others) in expected.items() if others}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_who_lives_with_whom_does_not_depend_on_the_order_of_records(data: st.DataObject):
    people = [f"p{i}" for i in range(8)]
    homes = ["B1-1-101", "B1-1-102", "B2-1-201"]
    days = ["2023-05-01", "2025-05-01", "2026-05-01", "2026-10-01"]
    facts, events = [], []
    for place in range(data.draw(st.integers(1, 3), "visits")):
        met = data.draw(st.lists(st.sampled_from(people), min_size=1, max_size=4, unique=True), "met")
        rows, event = visit(f"e{place}", data.draw(st.sampled_from(homes)), data.draw(st.sampled_from(days)), met)
        facts += [row | {"record_key": f"e{place}#{at}"} for at, row in enumerate(rows)]
        events.append(event)
    for person in people:
        for feed in data.draw(
            st.lists(st.sampled_from(["health_record", "psb_permit", "edu_enrolment"]), max_size=3, unique=True)
        ):
            facts.append(said(person, feed, data.draw(st.sampled_from(homes)), data.draw(st.sampled_from(days))))
    book, rows = registered(
        "S|1", homes[0], *((p, "02" if p == "p0" else "12" if p == "p1" else "21", None) for p in people[:4])
    )
    facts += book
    first = together(world(facts, visit=events, register=rows))
    shuffled = list(facts)
    random.Random(data.draw(st.integers(0, 999))).shuffle(shuffled)
    assert together(world(shuffled, visit=events, register=rows)) == first
    assert sum(len(home) for home in first) == len(set().union(*first, set())), "nobody lives twice"
