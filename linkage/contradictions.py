"""Whether decisions about pairs can all be true: same is transitive, and nobody is different from himself (自相矛盾的决定).

Pure. The number of decisions grows with the minutes people spend on them, not with the county, so plain dictionaries do.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from typing import NamedTuple

Record = tuple[str, str]  # feed, record_key


class Said(NamedTuple):
    """One decision that stands. ``verdict``: same | different."""

    decision_id: int
    left: Record
    right: Record
    verdict: str


def contradicting(standing: Iterable[Said], left: Record, right: Record, verdict: str) -> tuple[int, ...]:
    """The ids of the fewest standing decisions that a further one can't stand beside, ascending; empty if it can.

    ``different`` contradicts a chain of ``same`` between the two; ``same`` contradicts a ``different`` whose ends
    are chained to the two.
    """
    standing = list(standing)
    from_left, from_right = _reached(standing, left), _reached(standing, right)
    if verdict == "different":
        return tuple(sorted(from_left[right])) if right in from_left else ()
    found = []
    for said in standing:
        if said.verdict == "different":
            for one, other in ((said.left, said.right), (said.right, said.left)):
                if one in from_left and other in from_right:
                    found.append(tuple(sorted({*from_left[one], *from_right[other], said.decision_id})))
    return min(found, key=lambda ids: (len(ids), ids), default=())


def together(standing: Iterable[Said], *records: Record) -> set[Record]:
    """All records that decisions put into one person with any of ``records``, those included."""
    standing = list(standing)
    return set().union(*(_reached(standing, record) for record in records))


def _reached(standing: list[Said], start: Record) -> dict[Record, tuple[int, ...]]:
    """Record → the decisions of a shortest chain of ``same`` that leads there from ``start``."""
    beside: dict[Record, list[tuple[Record, int]]] = defaultdict(list)
    for said in standing:
        if said.verdict == "same":
            beside[said.left].append((said.right, said.decision_id))
            beside[said.right].append((said.left, said.decision_id))
    chains: dict[Record, tuple[int, ...]] = {start: ()}
    waiting = deque([start])
    while waiting:
        record = waiting.popleft()
        for other, decision_id in beside[record]:
            if other not in chains:
                chains[other] = (*chains[record], decision_id)
                waiting.append(other)
    return chains
