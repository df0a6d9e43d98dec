"""The six indicators of GB/T 36344-2018 (规范性、完整性、准确性、一致性、时效性、可访问性) as shares.

Each is A ÷ B × 100 as in the standard: B elements were judged, A of them are as they should be. The
standard knows no uniqueness and no validity: they stand under 一致性 and 规范性. Cells and rows are
judged one by one, so a rule over many cells weighs more than a rule over few.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from contracts.model import Contract, Dimension, Mode

BY_RULES = tuple(
    d.value for d in (Dimension.CONFORMITY, Dimension.COMPLETENESS, Dimension.ACCURACY, Dimension.CONSISTENCY)
)
ORDER = tuple(d.value for d in Dimension)


@dataclass(frozen=True)
class Score:
    """``judged`` elements, ``broken`` of them not as they should be; ``value`` 0-100, cut (never rounded up) to
    two places, so that 100 means none is broken."""

    judged: int = 0
    broken: int = 0

    @property
    def value(self) -> float | None:
        """None where nothing was judged."""
        return math.floor(1e4 * (1 - self.broken / self.judged)) / 100 if self.judged else None

    def __add__(self, other: Score) -> Score:
        return Score(self.judged + other.judged, self.broken + other.broken)


Scores = Mapping[str, Score]  # indicator (Chinese) -> score


def overall(scores: Scores) -> float | None:
    """The mean of the indicators that could be judged."""
    values = [score.value for score in scores.values() if score.value is not None]
    return math.floor(100 * sum(values) / len(values)) / 100 if values else None


def rule_scores(contract: Contract, results: Iterable[Mapping]) -> dict[str, Score]:
    """Four indicators of a feed from its rule results (``rule_id, dimension, evaluated, unexpected``).

    A stream tells of one record several times, so that a key occurs again there is no fault.
    """
    scores = dict.fromkeys(BY_RULES, Score())
    for row in results:
        if contract.connector == "stream" and row["rule_id"].endswith(".table.key_unique"):
            continue
        if row["dimension"] in scores:
            scores[row["dimension"]] += Score(int(row["evaluated"]), int(row["unexpected"]))
    return scores


def timeliness(contract: Contract, periods: Iterable[str], late: bool, loaded: bool) -> Score:
    """Deliveries that are there ÷ deliveries due: a file feed by the months from its first to its newest file and
    the month that is missing now; any other feed by the newest delivery due."""
    known = sorted({period for period in periods if period})
    if contract.mode is Mode.INCREMENT and known and contract.freshness.every == "monthly":
        expected = _month(known[-1]) - _month(known[0]) + 1 + int(late)
        return Score(expected, expected - len(known))
    return Score(1, int(late)) if loaded or late else Score()


def accessibility(batches: int, loaded: int, landed: int, waiting: int) -> Score:
    """Rows that can be used ÷ rows delivered: a delivery refused or held counts with all its rows, else a row
    still in quarantine. Without a row, by deliveries."""
    if not batches:
        return Score()
    return Score(landed, waiting) if landed else Score(batches, batches - loaded)


def pooled(feeds: Iterable[Scores], cross: Scores) -> dict[str, Score]:
    """A department's indicators: the elements of its feeds and of the rules across feeds that ask it to check."""
    total = dict.fromkeys(ORDER, Score())
    for scores in (*feeds, cross):
        for name, score in scores.items():
            total[name] += score
    return total


def _month(period: str) -> int:
    return int(period[:4]) * 12 + int(period[4:6])
