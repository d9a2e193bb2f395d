"""Probabilities that mean what they say: how far off they are, and the temperature that mends most of it.

Guo et al. (2017), "On calibration of modern neural networks", ICML, section 3 (the error) and 4.2 (the temperature).

Legend: N items, K classes.
"""

import numpy as np

from quatrefoil.core.evaluation.classification import OUTSIDE, Predictions
from quatrefoil.core.evaluation.statistics import Floats

_HALVINGS = 60  # of the interval in which the temperature lies: more than a double can tell apart


def probabilities(scores_NK: Floats, temperature: float = 1.0) -> Floats:
    """Of each class (N, K): the softmax of the scores over the temperature, which changes no order of classes."""
    return np.exp(_log_probabilities(scores_NK, temperature))


def log_loss(found: Predictions, temperature: float = 1.0) -> float:
    """Mean of -log of the probability of the right class, in nats. Raises ValueError where a target is `OUTSIDE`."""
    _refuse_outside(found)
    rows_N = np.arange(len(found.ids))
    return -float(_log_probabilities(found.scores_NK, temperature)[rows_N, found.targets_N].mean())


def expected_calibration_error(found: Predictions, temperature: float = 1.0, bins: int = 15) -> float:
    """How far, in points of percent, the probability of the predicted class lies from how often it is right.

    Items fall into bins of that probability, equally wide; of each the difference counts as often as it has items.
    """
    sure_N = probabilities(found.scores_NK, temperature).max(1)
    bin_N = np.minimum((sure_N * bins).astype(np.int64), bins - 1)
    apart = np.bincount(bin_N, sure_N - found.hits_N / 100, minlength=bins)
    return 100 * float(np.abs(apart).sum() / len(found.ids))


def fitted_temperature(found: Predictions) -> float | None:
    """The temperature of the least log loss; None where there is none.

    There is none where every item is told right, as the surest is best then, nor where the scores tell the classes
    worse than nothing, so that no temperature helps.

    Raises:
        ValueError: a target is `OUTSIDE`.
    """
    _refuse_outside(found)
    scores_NK, right_NK = found.scores_NK, np.eye(found.classes)[found.targets_N]

    def slope(probabilities_NK: Floats) -> float:
        """Of the summed log loss by 1 / temperature, in which it is convex."""
        return float(((probabilities_NK - right_NK) * scores_NK).sum())

    all_right = bool(((scores_NK * right_NK).sum(1) == scores_NK.max(1)).all())
    if all_right or slope(np.full_like(scores_NK, 1 / found.classes)) >= 0:
        return None
    low, high = 0.0, 1.0
    while slope(probabilities(scores_NK, 1 / high)) < 0:
        low, high = high, 2 * high
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(probabilities(scores_NK, 1 / middle)) < 0 else (low, middle)
    return 1 / high


def _log_probabilities(scores_NK: Floats, temperature: float) -> Floats:
    if not temperature > 0:
        raise ValueError(f"a temperature is above 0, not {temperature}")
    scaled_NK = scores_NK / temperature
    log_NK: Floats = scaled_NK - np.logaddexp.reduce(scaled_NK, axis=1, keepdims=True)
    return log_NK


def _refuse_outside(found: Predictions) -> None:
    if (found.targets_N == OUTSIDE).any():
        raise ValueError("a target that is none of the classes has no probability; leave such items out")
