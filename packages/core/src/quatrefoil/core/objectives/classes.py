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
class Classification(Objective):
    """Cross-entropy of one class per sample.

    Args:
        logits: view of logits (B, K).
        label: batch field of classes (B,), 0 .. K-1.
    """

    logits: str
    label: str

    @property
    def needs(self) -> tuple[str, ...]:
        return self.logits, self.label

    def __call__(self, views: Views, step: StepKey) -> LossResult:
        return classification(views[self.logits], views[self.label])

    def terms(self, batch: Batch) -> Tensor | None:
        return torch.ones_like(batch[self.label]).sum()


@dataclass(frozen=True)
class PairClassification(Classification):
    """Cross-entropy of one class per pair of samples of a rank's batch: as many labels as there are pairs.

    Args:
        logits: view of logits (K, C) of pairs.
        label: view of their classes (K,).
    """

    recomputes: ClassVar[bool] = True

    def terms(self, batch: Batch) -> None:
        return None
