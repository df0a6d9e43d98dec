"""Whatever people decide in whatever order, what is accepted can all be true, and what is refused could not."""

from __future__ import annotations

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.contradictions import Said, contradicting

RECORDS = [("f", str(number)) for number in range(6)]
DECISIONS = st.lists(st.tuples(st.sampled_from(RECORDS), st.sampled_from(RECORDS), st.sampled_from(["same", "different"])), max_size=25)


def possible(decisions: list[Said]) -> bool:
    """By networkx: no pair decided to be different stands in one component of the same."""
    same = nx.Graph([(d.left, d.right) for d in decisions if d.verdict == "same"])
    same.add_nodes_from(RECORDS)
    return not any(nx.has_path(same, d.left, d.right) for d in decisions if d.verdict == "different")


@settings(max_examples=150, deadline=None)
@given(DECISIONS)
def test_what_is_accepted_can_all_be_true_and_the_named_ones_are_the_reason(proposed) -> None:
    standing: list[Said] = []
    for number, (left, right, verdict) in enumerate(proposed, 1):
        if left == right:
            continue
        further = Said(number, left, right, verdict)
        against = contradicting(standing, left, right, verdict)
        assert bool(against) == (not possible([*standing, further]))
        if against:
            named = [d for d in standing if d.decision_id in against]
            assert not possible([*named, further])
            assert all(possible([*(d for d in named if d is not left_out), further]) for left_out in named)
        else:
            standing.append(further)
