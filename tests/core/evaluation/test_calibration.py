"""The temperature is that of the least log loss, and changes no order; the error is of the predicted class."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quatrefoil.core.evaluation.calibration import (
    expected_calibration_error,
    fitted_temperature,
    log_loss,
    probabilities,
)
from quatrefoil.core.evaluation.classification import OUTSIDE, Predictions
from quatrefoil.core.evaluation.statistics import Floats, Ints

metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is what the log loss is compared with")


def said(scores_NK: Floats, targets_N: Ints) -> Predictions:
    names = [str(row) for row in range(len(targets_N))]
    return Predictions(names, names, targets_N, scores_NK)


def drawn(seed: int, items: int, classes: int) -> Predictions:
    """Scores that tell the classes somewhat, and some items wrongly."""
    rng = np.random.default_rng(seed)
    targets_N = rng.integers(0, classes, items)
    scores_NK = rng.normal(size=(items, classes)) + 1.0 * np.eye(classes)[targets_N]
    return said(scores_NK, targets_N)


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(2, 5), st.floats(0.05, 20.0))
def test_the_log_loss_is_scikit_learns_and_least_at_the_fitted_temperature(
    seed: int, classes: int, factor: float
) -> None:
    found = drawn(seed, 200, classes)
    # Not of the scores times a factor: scikit-learn cuts off small probabilities.
    theirs = metrics.log_loss(found.targets_N, probabilities(found.scores_NK), labels=range(classes))
    assert log_loss(found) == pytest.approx(theirs, rel=1e-6)
    found = said(factor * found.scores_NK, found.targets_N)
    temperature = fitted_temperature(found)
    assert temperature is not None
    about = [log_loss(found, temperature * step) for step in (0.5, 0.9, 0.999, 1.001, 1.1, 2.0)]
    assert min(about) > log_loss(found, temperature)


@given(st.integers(0, 10_000), st.floats(0.05, 20.0))
def test_scores_times_a_factor_have_that_factor_in_their_temperature(seed: int, factor: float) -> None:
    found = drawn(seed, 100, 3)
    once, more = fitted_temperature(found), fitted_temperature(said(factor * found.scores_NK, found.targets_N))
    assert once is not None
    assert more == pytest.approx(factor * once, rel=1e-6)


def test_outcomes_that_are_drawn_by_their_probabilities_have_a_temperature_of_one_and_no_error() -> None:
    rng = np.random.default_rng(0)
    scores_NK = rng.normal(size=(200_000, 3))
    targets_N = (rng.random((200_000, 1)) > probabilities(scores_NK).cumsum(1)).sum(1)
    found = said(scores_NK, targets_N)
    assert fitted_temperature(found) == pytest.approx(1.0, abs=0.02)
    assert expected_calibration_error(found) < 0.5
    assert expected_calibration_error(found, 0.2) > 20


def test_the_error_is_how_far_sureness_lies_from_being_right_bin_by_bin() -> None:
    sure, less = math.log(0.9 / 0.1), math.log(0.6 / 0.4)
    scores_NK = np.array([[sure, 0], [sure, 0], [sure, 0], [sure, 0], [0, less], [0, less]])
    found = said(scores_NK, np.array([0, 0, 0, 1, 1, 1]))
    assert expected_calibration_error(found, bins=10) == pytest.approx(100 * (4 * 0.15 + 2 * 0.4) / 6)


@pytest.mark.parametrize("turned", [1.0, -1.0])
def test_what_is_all_right_or_worse_than_chance_has_no_temperature(turned: float) -> None:
    targets_N = np.array([0, 1, 1, 0])
    scores_NK = np.stack([1.0 - targets_N, 1.0 * targets_N], axis=1)
    assert fitted_temperature(said(turned * scores_NK, targets_N)) is None


def test_no_temperature_of_zero_and_no_target_outside_the_classes() -> None:
    found = drawn(0, 10, 2)
    with pytest.raises(ValueError, match="a temperature is above 0, not 0"):
        log_loss(found, 0.0)
    outside = said(found.scores_NK, np.where(found.targets_N == 0, OUTSIDE, 1))
    for ask in (log_loss, fitted_temperature):
        with pytest.raises(ValueError, match="none of the classes has no probability"):
            ask(outside)
