"""What the runner of GUE computes itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.gue import roc_auc_interval, weighted_areas
from quatrefoil.core.evaluation.classification import Predictions, roc_auc


def predictions(margins: list[int], targets: list[int]) -> Predictions:
    scores_NK = np.stack([np.zeros(len(margins)), np.array(margins, float)], axis=1)
    names = [str(place) for place in range(len(margins))]
    return Predictions(names, np.array(names), np.array(targets), scores_NK)


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 1), st.integers(0, 4)), min_size=2, max_size=20))
def test_a_weight_is_a_sequence_that_is_there_as_often(rows: list[tuple[int, int, int]]) -> None:
    rows = [*rows, (0, 0, 1), (1, 1, 1)]  # both classes are there
    margins, targets, weights = (list(column) for column in zip(*rows, strict=True))
    found, weights_N = predictions(margins, targets), np.array(weights)
    by_hand = roc_auc(np.repeat(np.array(margins, float), weights_N), np.repeat(found.targets_N == 1, weights_N))
    assert weighted_areas(found, weights_N[None]) == pytest.approx(100 * by_hand)


def test_the_interval_holds_the_area_and_turns_with_the_scores() -> None:
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, 200)
    margins = (2 * targets + rng.integers(-3, 4, 200)).tolist()
    low, high = roc_auc_interval(found := predictions(margins, targets.tolist()))
    assert low < 100 * roc_auc(np.array(margins, float), found.targets_N == 1) < high
    turned = roc_auc_interval(predictions([-margin for margin in margins], targets.tolist()))
    assert (100 - high, 100 - low) == pytest.approx(turned)
