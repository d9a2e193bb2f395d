"""Classification of samples.

Legend: B rows of the local batch, K classes.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from quatrefoil.core.data import Batch
from quatrefoil.core.losses import LossResult, classification
from quatrefoil.core.objectives.objective import Objective, StepKey
from quatrefoil.core.views import Views


@dataclass(frozen=True)
class _CrossEntropy(Objective):
    logits: str
    label: str

    @property
    def needs(self) -> tuple[str, ...]:
        return self.logits, self.label

    def __call__(self, views: Views, step: StepKey) -> LossResult:
        return classification(views[self.logits], views[self.label])


@dataclass(frozen=True)
class Classification(_CrossEntropy):
    """Cross-entropy of one class per sample.

    Args:
        logits: view of logits (B, K).
        label: batch field of classes (B,), 0 .. K-1.
    """

    def terms(self, batch: Batch) -> Tensor:
        return torch.ones_like(batch[self.label]).sum()


@dataclass(frozen=True)
class PairClassification(_CrossEntropy):
    """Cross-entropy of one class per pair of samples, the mean over the pairs of all ranks; pairs are those within a
    rank's batch, so that more ranks with smaller ones are another loss.

    Args:
        logits: view of logits (N, K) of pairs.
        label: view of their classes (N,).
    """

    recomputes: ClassVar[bool] = True  # pairs across micro-batches would be missed
