"""Metrics of confusion matrices, many matrices at once: one of a split, or one of each of its resamples.

Legend: N items, R resamples, L classes that are a target or predicted, C = L * L cells of the matrix.
"""

from dataclasses import dataclass
from typing import Final, Self, TypeVar

import numpy as np

from quatrefoil.core.evaluation.statistics import Floats, Ints

METRICS: Final[tuple[str, ...]] = ("accuracy", "macro-precision", "macro-recall", "macro-F1", "MCC")
OF_POSITIVES: Final = ("precision", "recall", "F1")
Counts = TypeVar("Counts", float, Floats)
"""Of one class, or of all of them in many matrices."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Where each item stands in the confusion matrix of the classes that occur, and how many of those there are."""

    cell_N: Floats
    classes: int

    @classmethod
    def of(cls, targets_N: Ints, predicted_N: Ints) -> Self:
        labels_L, places = np.unique(np.concatenate([targets_N, predicted_N]), return_inverse=True)
        target_N, predicted_N = np.split(places, 2)
        return cls((target_N * len(labels_L) + predicted_N).astype(np.float64), len(labels_L))

    def metrics(self, weights_RN: Ints) -> dict[str, Floats]:
        """Each of `METRICS` (R,), times 100, of items that stand weights-many times in each resample."""
        cell_NC = np.arange(self.classes**2) == self.cell_N[:, None]
        counts_RC = weights_RN.astype(np.float64) @ cell_NC.astype(np.float64)
        return _metrics(counts_RC.reshape(-1, self.classes, self.classes))


def of_class(targets_N: Ints, predicted_N: Ints, which: int) -> dict[str, float]:
    """Precision, recall and F1 of one class, times 100; 0 where nothing is predicted to be it, or nothing is."""
    hits = int(((predicted_N == which) & (targets_N == which)).sum())
    predicted, targets = int((predicted_N == which).sum()), int((targets_N == which).sum())
    return {name: 100 * hits / count if count else 0.0 for name, count in _shared_by(predicted, targets).items()}


def _shared_by(predicted: Counts, targets: Counts) -> dict[str, Counts]:
    """Of what each of `OF_POSITIVES` is the share of hits."""
    return dict(zip(OF_POSITIVES, (predicted, targets, (predicted + targets) / 2), strict=True))


def _metrics(confusion_RLL: Floats) -> dict[str, Floats]:
    """Of counts by target (rows) and prediction; MCC is 0 where either is always the same (Gorodkin 2004)."""
    hits_RL = confusion_RLL.diagonal(axis1=1, axis2=2)
    predicted_RL, targets_RL, total_R = confusion_RLL.sum(1), confusion_RLL.sum(2), confusion_RLL.sum((1, 2))
    # A class that is never predicted, or never a target, has no hits: 0 / 0.5 stands for its 0 / 0.
    shares = {name: hits_RL / np.maximum(n_RL, 0.5) for name, n_RL in _shared_by(predicted_RL, targets_RL).items()}
    macro = {f"macro-{name}": 100 * share_RL.mean(1) for name, share_RL in shares.items()}
    shared_R = hits_RL.sum(1) * total_R - (predicted_RL * targets_RL).sum(1)
    spread_R = np.sqrt((total_R**2 - (predicted_RL**2).sum(1)) * (total_R**2 - (targets_RL**2).sum(1)))
    matthews_R = np.divide(shared_R, spread_R, out=np.zeros_like(shared_R), where=spread_R > 0)
    return {"accuracy": 100 * hits_RL.sum(1) / total_R, **macro, "MCC": 100 * matthews_R}
