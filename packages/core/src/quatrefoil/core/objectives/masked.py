"""Objectives that restore what was masked.

Legend: B rows of the local batch, L tokens, K masked positions, V words, M masked patches, P numbers of a patch.
"""

from dataclasses import dataclass, field

from torch import Tensor

from quatrefoil.core.data import Batch
from quatrefoil.core.losses import IGNORE, LossResult, masked_patches, masked_tokens
from quatrefoil.core.losses.common import widen
from quatrefoil.core.objectives.objective import Objective, StepKey, rows_with
from quatrefoil.core.views import Views


@dataclass(frozen=True)
class MaskedTokens(Objective):
    """Cross-entropy at masked positions.

    Args:
        logits: view of logits (K, V) at the positions where field `labels` (B, L) is not -100, in row-major order.
    """

    logits: str
    labels: str

    @property
    def needs(self) -> tuple[str, ...]:
        return self.logits, self.labels

    def __call__(self, views: Views, step: StepKey) -> LossResult:
        labels_BL = views[self.labels]
        return masked_tokens(views[self.logits], labels_BL[labels_BL != IGNORE])

    def terms(self, batch: Batch) -> Tensor:
        count: Tensor = (batch[self.labels] != IGNORE).sum()
        return count


@dataclass(frozen=True)
class FocalMaskedTokens(MaskedTokens):
    """Masked tokens where those that are predicted well count less: (1 - p)^gamma * cross-entropy.

    Args:
        gamma: at least 0 (Clover: 2).
    """

    gamma: float = field(kw_only=True)

    def __call__(self, views: Views, step: StepKey) -> LossResult:
        labels_BL = views[self.labels]
        return masked_tokens(views[self.logits], labels_BL[labels_BL != IGNORE], focal_gamma=self.gamma)


@dataclass(frozen=True)
class MaskedPatches(Objective):
    """Regression of masked patches (see `masked_patches`).

    Args:
        predicted, target: views of the masked patches (B, M, P).
        present: view or batch field (B,), False for a row that lacks what is masked; None: every row has it.
        normalised: the target is each patch less its mean, over its deviation.
    """

    predicted: str
    target: str
    present: str | None = None
    normalised: bool = False

    @property
    def needs(self) -> tuple[str, ...]:
        return self.predicted, self.target, *([self.present] if self.present else [])

    def __call__(self, views: Views, step: StepKey) -> LossResult:
        return masked_patches(
            views[self.predicted],
            views[self.target],
            weights_B=None if self.present is None else widen(views[self.present]),
            normalised=self.normalised,
        )

    def terms(self, batch: Batch) -> Tensor | None:
        return rows_with(self.present, batch)
