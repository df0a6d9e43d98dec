"""Calibration and thresholds: numbers worked out by hand, and curves that a known distortion must give back."""

from __future__ import annotations

import numpy as np
import pytest

from linkage.calibration import Calibration, brier, calibrate, reliability, threshold, thresholds
from linkage.model import load_model


@pytest.mark.parametrize(("cost", "upper"), [(1, 0.5), (3, 0.75), (65, 0.985), (999, 0.999)])
def test_the_threshold_is_where_the_expected_costs_are_even(cost, upper):
    assert threshold(cost) == upper


def test_the_model_file_says_the_threshold_of_its_own_cost_ratio():
    model = load_model()
    assert model.setting("upper") == threshold(model.setting("cost_ratio"))
    assert thresholds(model.settings, Calibration()) == {"upper": model.setting("upper"), "lower": model.setting("lower")}


def test_a_model_that_says_too_much_must_say_more_and_one_that_says_too_little_no_less():
    boastful, modest = Calibration(slope=0.5, pairs=900, fitted=True), Calibration(slope=2.0, pairs=900, fitted=True)
    assert threshold(65, boastful) == 0.9998  # log odds of 65/66 doubled: 1/(1 + 65**-2) = 0.99976…
    assert threshold(65, modest) == threshold(65)
    assert boastful.of(np.array([boastful.said(0.9)]))[0] == pytest.approx(0.9)


@pytest.mark.parametrize("cost", [0, -1, float("nan")])
def test_a_cost_must_be_a_cost(cost):
    with pytest.raises(ValueError, match="above 0"):
        threshold(cost)


def test_a_known_distortion_is_found_again():
    rng = np.random.default_rng(5)
    odds = rng.normal(0, 3, 20000)
    true = rng.random(20000) < 1 / (1 + np.exp(-(0.6 * odds - 0.5)))
    fitted = calibrate(1 / (1 + np.exp(-odds)), true)
    assert fitted.fitted and fitted.slope == pytest.approx(0.6, abs=0.03) and fitted.intercept == pytest.approx(-0.5, abs=0.08)
    assert brier(fitted.of(1 / (1 + np.exp(-odds))), true) < brier(1 / (1 + np.exp(-odds)), true)


def test_few_pairs_or_few_of_one_kind_change_nothing():
    assert calibrate(np.full(100, 0.9), np.ones(100, bool)) == Calibration(pairs=100)
    assert calibrate(np.full(5000, 0.9), np.arange(5000) > 40) == Calibration(pairs=5000)


def test_a_model_that_says_the_opposite_is_not_taken_for_calibrated():
    said = np.repeat([0.1, 0.9], 1000)
    assert not calibrate(said, said < 0.5).fitted


def test_the_reliability_table_counts_each_pair_once_and_says_where_pairs_are_few():
    said = np.array([0.0, 0.05, 0.97] + [0.9999] * 40 + [1.0])
    true = np.array([False, True, True] + [True] * 39 + [False, True])
    rows = reliability(said, true)
    assert [(r["low"], r["high"], r["pairs"], r["few"]) for r in rows] == [(0.0, 0.1, 2, True), (0.95, 0.985, 1, True), (0.999, 1.0, 41, False)]
    assert rows[0]["true"] == 0.5 and rows[2]["true"] == round(40 / 41, 4)
    assert reliability(np.array([]), np.array([], bool)) == [] and brier(np.array([]), np.array([], bool)) is None
