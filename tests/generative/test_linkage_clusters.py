"""Clusters against networkx and against brute force, on random graphs."""

from __future__ import annotations

import networkx as nx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.clusters import Constraints, births_compatible, cluster

NODES = 12
edges = st.lists(st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1), st.integers(1, 9)), max_size=30)
marks = st.lists(st.tuples(st.integers(0, NODES - 1), st.integers(0, 3)), max_size=8)
dates = st.lists(st.tuples(st.integers(0, NODES - 1), st.sampled_from([19800101, 19800512, 19801205, 19900512, 20010909])), max_size=8)


def _pairs(values) -> np.ndarray:
    return np.array(values, dtype=np.int64).reshape(-1, 2)


def _cluster(edge_list, **constraints):
    table = np.array(edge_list, dtype=np.int64).reshape(-1, 3)
    return cluster(NODES, table[:, 0], table[:, 1], table[:, 2].astype(float), Constraints(**{k: _pairs(v) for k, v in constraints.items()}))


@given(edges)
def test_without_contradictions_clusters_are_the_connected_components(edge_list) -> None:
    graph = nx.Graph([(a, b) for a, b, _ in edge_list])
    graph.add_nodes_from(range(NODES))
    label = _cluster(edge_list).label
    expected = {node: min(part) for part in nx.connected_components(graph) for node in part}
    assert label.tolist() == [expected[n] for n in range(NODES)]


@settings(max_examples=200)
@given(edges, marks, marks, dates, st.lists(st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1)), max_size=4))
def test_no_cluster_holds_what_can_not_be_and_every_refusal_had_a_reason(edge_list, ids, instances, births, different) -> None:
    ids = list(dict(ids).items())  # one number a node, as a mention has
    births = list(dict(births).items())
    different = [(a, b) for a, b in different if a != b]
    found = _cluster(edge_list, ids=ids, instances=instances, births=births, different=different)
    for part in np.unique(found.label):
        members = set(np.flatnonzero(found.label == part).tolist())
        assert len({v for n, v in ids if n in members}) <= 1
        named = [pair for pair in set(instances) if pair[0] in members]
        assert len({v for _, v in named}) == len(named) or len(members) == 1
        held = [v for n, v in births if n in members]
        assert all(births_compatible(a, b) for a in held for b in held)
        assert not any(a in members and b in members for a, b in different)
    for (a, b, _), refused in zip(edge_list, found.refused.tolist(), strict=True):
        assert (found.label[a] == found.label[b]) or refused > 0


@given(edges, marks, st.randoms(use_true_random=False))
def test_the_order_of_edges_does_not_matter(edge_list, ids, random) -> None:
    ids = list(dict(ids).items())
    shuffled = list(edge_list)
    random.shuffle(shuffled)
    assert _cluster(edge_list, ids=ids).label.tolist() == _cluster(shuffled, ids=ids).label.tolist()


@given(st.lists(st.tuples(st.integers(0, NODES - 1), st.integers(0, 2)), min_size=2, max_size=6))
def test_the_weakest_edge_gives_way(ids) -> None:
    ids = list(dict(ids).items())
    chain = [(k, k + 1, 9 - k % 5) for k in range(NODES - 1)]
    found = _cluster(chain, ids=ids)
    for edge in np.flatnonzero(found.refused > 0).tolist():
        left, right = (set(np.flatnonzero(found.label == found.label[n]).tolist()) for n in chain[edge][:2])
        assert len({v for n, v in ids if n in left | right}) > 1
