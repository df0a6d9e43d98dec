"""Counts of people as they may be shown (小数抑制): nothing from 1 to 4, and nothing that could be worked out from its neighbours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence

LEAST = 5  # domain rules, section 7: cells below it are suppressed
SMALL = "<5"
HIDDEN = "※"  # not small itself; shown, it would give its neighbour away


def shown(counts: Sequence[int], groups: Iterable[Hashable]) -> list[int | str]:
    """Counts as they may be shown. ``groups``: rows of one group add up to a number shown elsewhere; where just
    one of them is small, the next larger one is hidden too, so that no subtraction finds it."""
    answer: list[int | str] = [SMALL if 0 < count < LEAST else count for count in counts]
    members: dict[Hashable, list[int]] = defaultdict(list)
    for place, group in enumerate(groups):
        members[group].append(place)
    for places in members.values():
        small = [place for place in places if answer[place] == SMALL]
        others = [place for place in places if answer[place] != SMALL and counts[place] > 0]
        if len(small) == 1 and others:
            answer[min(others, key=lambda place: counts[place])] = HIDDEN
    return answer


def share(part: int, whole: int) -> float | None:
    """``part`` ÷ ``whole`` in per cent; None where the whole is too small, or the share would tell a small part."""
    if whole < LEAST or 0 < part < LEAST or 0 < whole - part < LEAST:
        return None
    return round(100 * part / whole, 1)
