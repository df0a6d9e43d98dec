"""Whether probabilities mean what they say (校准), and from which one on to link.

The rule: a pair links where a missed link would cost more than a false merge is expected to. With a false merge
``cost_ratio`` times as dear as a missed link that is p · 1 > (1 - p) · cost_ratio, so p ≥ cost_ratio / (1 + cost_ratio), where p is
the *calibrated* probability (decision theory for two actions: Fellegi and Sunter 1969 bound error rates, this bounds their cost).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

# Edges of the reliability table: fine where decisions fall, for a bin of 0.9 to 1 would hide everything.
BINS = (0.0, 0.1, 0.3, 0.6, 0.8, 0.9, 0.95, 0.985, 0.995, 0.999, 1.0)
FEW = 30  # below it a share is off by ten points or more (binomial, half a confidence interval at 0.9)
ENOUGH = 500  # labelled pairs needed for a curve of two parameters …
EACH = 50  # … with this many on either side: at 20 one mistyped name more moves the threshold by half a point
_PLACES = (3, 4, 5, 6)  # decimals a threshold is rounded to, up, the fewest that stay below 1: the written 0.985 is 65/66


@dataclass(frozen=True)
class Calibration:
    """True log odds as ``intercept + slope · said log odds`` (Platt 1999). Identity where there were too few labelled pairs."""

    slope: float = 1.0
    intercept: float = 0.0
    pairs: int = 0
    fitted: bool = False

    def of(self, probability: np.ndarray) -> np.ndarray:
        """Calibrated probabilities."""
        return 1 / (1 + np.exp(-(self.intercept + self.slope * _log_odds(probability))))

    def said(self, probability: float) -> float:
        """The probability that the model says where ``probability`` is true."""
        return 1 / (1 + math.exp(-(math.log(probability / (1 - probability)) - self.intercept) / self.slope))

    def as_figures(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"slope": round(self.slope, 4), "intercept": round(self.intercept, 4), "pairs": self.pairs, "fitted": self.fitted}


def threshold(cost_ratio: float, calibration: Calibration | None = None) -> float:
    """The probability from which on to link, if a false merge costs ``cost_ratio`` (> 0) missed links.

    Rounded up to three decimals (to more where that would be 1). A calibration moves it up where the model says too much; it never moves it down: what is
    labelled is easier than what is not, so good news is believed less than bad. ValueError if ``cost_ratio`` is not above 0.
    """
    if not cost_ratio > 0:
        raise ValueError("the cost of a false merge against a missed link must be above 0")
    wanted = cost_ratio / (1 + cost_ratio)
    said = max(wanted, calibration.said(wanted)) if calibration and calibration.fitted else wanted
    rounded = (math.ceil(round(said * 10**places, 6)) / 10**places for places in _PLACES)
    return next((value for value in rounded if value < 1), 1 - 10.0 ** -_PLACES[-1])


def calibrate(probability: np.ndarray, true: np.ndarray) -> Calibration:
    """Fit to pairs whose answer is known (``true``: bool). Too few of either kind leave the model's own word standing."""
    true = np.asarray(true, dtype=bool)
    if len(true) < ENOUGH or min(true.sum(), (~true).sum()) < EACH:
        return Calibration(pairs=len(true))
    x = _log_odds(np.asarray(probability, dtype=float))
    # Platt's targets keep the fit finite where the two kinds do not overlap.
    goal = np.where(true, (true.sum() + 1) / (true.sum() + 2), 1 / ((~true).sum() + 2))
    slope, intercept = 1.0, 0.0
    for _ in range(50):
        p = 1 / (1 + np.exp(-(intercept + slope * x)))
        w = np.maximum(p * (1 - p), 1e-9)
        design = np.column_stack((x, np.ones_like(x)))
        step = np.linalg.solve((design * w[:, None]).T @ design + 1e-6 * np.eye(2), design.T @ (goal - p))
        slope, intercept = slope + step[0], intercept + step[1]
        if np.abs(step).max() < 1e-8:
            break
    if not (np.isfinite((slope, intercept)).all() and slope > 0.1):  # a model that says the opposite is not calibrated but wrong
        return Calibration(pairs=len(true))
    return Calibration(float(slope), float(intercept), len(true), True)


def reliability(probability: np.ndarray, true: np.ndarray) -> list[dict[str, Any]]:
    """A row a bin of said probability: low, high, pairs, said (mean), true (share), and whether the pairs are ``few``.

    Bins without a pair are left out.
    """
    probability, true = np.asarray(probability, dtype=float), np.asarray(true, dtype=bool)
    place = np.clip(np.digitize(probability, BINS) - 1, 0, len(BINS) - 2)
    rows = []
    for k in range(len(BINS) - 1):
        inside = place == k
        count = int(inside.sum())
        if count:
            rows.append({"low": BINS[k], "high": BINS[k + 1], "pairs": count, "said": round(float(probability[inside].mean()), 4),
                         "true": round(float(true[inside].mean()), 4), "few": count < FEW})
    return rows


def brier(probability: np.ndarray, true: np.ndarray) -> float | None:
    """Mean squared error of the probabilities (Brier 1950); None without a pair."""
    if not len(true):
        return None
    return round(float(((np.asarray(probability, dtype=float) - np.asarray(true, dtype=float)) ** 2).mean()), 5)


def thresholds(settings: Mapping[str, Any], calibration: Calibration) -> dict[str, float]:
    """``upper`` by the rule above from the model file's ``cost_ratio``, ``lower`` as the file says it."""
    return {"upper": threshold(settings["cost_ratio"], calibration), "lower": settings["lower"]}


def _log_odds(probability: np.ndarray) -> np.ndarray:
    held = np.clip(probability, 1e-12, 1 - 1e-12)
    return np.log(held) - np.log1p(-held)
