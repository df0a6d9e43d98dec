"""Clusters that obey the world: edges join records to persons, the weakest edge gives way where that can't be.

Never in one person: two valid IDs of two people, two who are named side by side in one record (a couple, a mother
and her child, the residents of one visit), two living rows of the register, birth dates that can't be one's, and
whatever a person decided to be different. Components without such a contradiction are taken whole; only the others are
built edge by edge, strongest first, so the time grows with the contradictions and not with the county.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

REASONS = ("", "two_valid_ids", "same_record", "same_feed", "two_birth_dates", "decided_different")


def _empty() -> np.ndarray:
    return np.empty((0, 2), dtype=np.int64)


@dataclass(frozen=True)
class Constraints:
    """What keeps nodes apart. All arrays are pairs (node, value); a node may have several rows."""

    ids: np.ndarray = field(default_factory=_empty)  # one value a person: another value is another person
    instances: np.ndarray = field(default_factory=_empty)  # a value may stand once in a person (named side by side)
    registers: np.ndarray = field(default_factory=_empty)  # living register rows: one value a person
    births: np.ndarray = field(default_factory=_empty)  # yyyymmdd; values of a person must be near each other
    different: np.ndarray = field(default_factory=_empty)  # pairs of nodes decided to be two people


@dataclass(frozen=True)
class Clusters:
    """``label[node]``: the smallest node of its cluster. ``refused[edge]``: index into REASONS, 0 = used or idle."""

    label: np.ndarray
    refused: np.ndarray


def cluster(nodes: int, left: np.ndarray, right: np.ndarray, weight: np.ndarray, constraints: Constraints) -> Clusters:
    """Join ``nodes`` (0 … n-1) by edges in the order of weight, ties by (left, right); the order of the arrays does not matter."""
    left, right = np.asarray(left, dtype=np.int64), np.asarray(right, dtype=np.int64)
    component = _components(nodes, left, right)
    troubled = _troubled(component, constraints)
    label = _smallest(component)
    refused = np.zeros(len(left), dtype=np.int8)
    hard = np.flatnonzero(troubled[component[left]]) if len(left) else np.empty(0, dtype=np.int64)
    if len(hard):
        order = hard[np.lexsort((np.maximum(left[hard], right[hard]), np.minimum(left[hard], right[hard]), -weight[hard]))]
        members = np.flatnonzero(troubled[component])
        builder = _Builder(members, constraints)
        for edge in order.tolist():
            refused[edge] = builder.join(int(left[edge]), int(right[edge]))
        label[members] = [builder.find(m) for m in members.tolist()]
    return Clusters(label, refused)


def _components(nodes: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(nodes, nodes))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def _smallest(component: np.ndarray) -> np.ndarray:
    first = np.full(component.max() + 1 if len(component) else 0, len(component), dtype=np.int64)
    np.minimum.at(first, component, np.arange(len(component)))
    return first[component]


def _troubled(component: np.ndarray, constraints: Constraints) -> np.ndarray:
    """Which components hold a contradiction."""
    found = np.zeros(component.max() + 1 if len(component) else 0, dtype=bool)
    for one_a_person in (constraints.ids, constraints.registers, constraints.births):
        owner, value = component[one_a_person[:, 0]], one_a_person[:, 1]
        least, most = np.full(len(found), np.iinfo(np.int64).max), np.full(len(found), np.iinfo(np.int64).min)
        np.minimum.at(least, owner, value)
        np.maximum.at(most, owner, value)
        found |= least < most  # two values; of an owner without any, least > most
    node, value = constraints.instances[:, 0], constraints.instances[:, 1]
    owner = component[node]
    order = np.lexsort((node, value, owner))
    node, value, owner = node[order], value[order], owner[order]
    # a node may itself be named twice in one place
    twice = (owner[1:] == owner[:-1]) & (value[1:] == value[:-1]) & (node[1:] != node[:-1])
    found[owner[1:][twice]] = True
    apart = constraints.different
    same = component[apart[:, 0]] == component[apart[:, 1]]
    found[component[apart[same, 0]]] = True
    return found


def births_compatible(a: int, b: int) -> bool:
    """Whether two dates yyyymmdd can be one person's: equal, in one month or on one day of two years, one digit off, two
    neighbours or day and month swapped, one by the old calendar (17 to 52 days), or 1 January (only the year was known)."""
    if a == b:
        return True
    (ya, ma, da), (yb, mb, db) = (a // 10000, a // 100 % 100, a % 100), (b // 10000, b // 100 % 100, b % 100)
    if (ma, da) == (mb, db) or (ya, ma) == (yb, mb):
        return True
    if ya == yb and ((ma, da) == (db, mb) or (1, 1) in ((ma, da), (mb, db))):
        return True
    apart = abs((date(ya, ma, da) - date(yb, mb, db)).days)
    if 17 <= apart <= 52 and min(ya, yb) < 1985 or 364 <= apart <= 366:
        return True
    x, y = str(a), str(b)
    differing = [k for k in range(len(x)) if x[k] != y[k]] if len(x) == len(y) else [0, 0, 0]
    if len(differing) == 1:
        return True
    return (len(differing) == 2 and differing[1] == differing[0] + 1
            and x[differing[0]] == y[differing[1]] and x[differing[1]] == y[differing[0]])


class _Builder:
    """Union of nodes that keeps, for each cluster, what it may not share with another."""

    def __init__(self, members: np.ndarray, constraints: Constraints) -> None:
        self._parent = {int(m): int(m) for m in members}
        self._ids = _by_node(members, constraints.ids)
        self._instances = _by_node(members, constraints.instances)
        self._registers = _by_node(members, constraints.registers)
        self._births = _by_node(members, constraints.births)
        both = np.concatenate((constraints.different, constraints.different[:, ::-1]))
        self._different = _by_node(members, both)

    def find(self, node: int) -> int:
        root = node
        while self._parent[root] != root:
            root = self._parent[root]
        while self._parent[node] != root:
            self._parent[node], node = root, self._parent[node]
        return root

    def join(self, a: int, b: int) -> int:
        """0 if joined (or already one), else the index of the reason against it."""
        a, b = sorted((self.find(a), self.find(b)))
        if a == b:
            return 0
        if reason := self._against(a, b):
            return reason
        self._parent[b] = a
        for held in (self._ids, self._instances, self._registers, self._births, self._different):
            if b in held:
                held.setdefault(a, set()).update(held.pop(b))
        return 0

    def _against(self, a: int, b: int) -> int:
        nothing: set[int] = set()
        if any(self.find(d) == b for d in self._different.get(a, nothing) if d in self._parent):
            return 5
        if len(self._ids.get(a, nothing) | self._ids.get(b, nothing)) > 1:
            return 1
        if self._instances.get(a, nothing) & self._instances.get(b, nothing):
            return 2
        if len(self._registers.get(a, nothing) | self._registers.get(b, nothing)) > 1:
            return 3
        if not all(births_compatible(x, y) for x in self._births.get(a, nothing) for y in self._births.get(b, nothing)):
            return 4
        return 0


def _by_node(members: np.ndarray, pairs: np.ndarray) -> dict[int, set[int]]:
    held: dict[int, set[int]] = {}
    if len(pairs):
        for node, value in pairs[np.isin(pairs[:, 0], members)].tolist():
            held.setdefault(node, set()).add(value)
    return held
