"""Objectives that compare codes: contrast of two views or several, and ranking.

Legend: B rows of the local batch, D width of codes.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from quatrefoil.core.data import Batch
from quatrefoil.core.losses import GradientScale, LossResult, contrastive, exclusive_contrastive, ranking
from quatrefoil.core.losses.common import widen
from quatrefoil.core.objectives.objective import Objective, StepKey, rows_with
from quatrefoil.core.views import Views

Scale = str | float
"""What multiplies the cosine, the inverse of a temperature: the view of a learned scale, or a fixed number."""


@dataclass(frozen=True)
class Contrastive(Objective):
    """Symmetric InfoNCE between two views of L2-normalised codes (B, D)."""

    a: str
    b: str
    scale: Scale = "logit_scale"

    @property
    def needs(self) -> tuple[str, ...]:
        return self.a, self.b, *scale_views(self.scale)

    def __call__(self, views: Views, step: StepKey) -> LossResult:
        a_BD = views[self.a]
        return contrastive(a_BD, views[self.b], scale_value(self.scale, views, a_BD), groups_B=views["group"])


@dataclass(frozen=True)
class ExclusiveContrastive(Objective):
    """An anchor against all its positives at once (Clover's tri-modal alignment; see `exclusive_contrastive`).

    Args:
        anchor, positives: views of L2-normalised codes (B, D).
    """

    anchor: str
    positives: tuple[str, ...]
    scale: Scale
    gradient_scale: GradientScale = "exact"

    @property
    def needs(self) -> tuple[str, ...]:
        return self.anchor, *self.positives, *scale_views(self.scale)

    def __call__(self, views: Views, step: StepKey) -> LossResult:
        anchor_BD = views[self.anchor]
        return exclusive_contrastive(
            anchor_BD,
            [views[name] for name in self.positives],
            scale_value(self.scale, views, anchor_BD),
            groups_B=views["group"],
            gradient_scale=self.gradient_scale,
        )


@dataclass(frozen=True)
class Ranking(Objective):
    """The anchor is to be nearer to the better code than to the worse one, by a margin (see `ranking`).

    Args:
        anchor, better, worse: views of L2-normalised codes (B, D).
        margin: in units of scaled similarity.
        weights: view or batch field of one weight per row, 0 where better and worse are the same; None: all 1.
    """

    anchor: str
    better: str
    worse: str
    scale: Scale
    margin: float
    weights: str | None = None
    gradient_scale: GradientScale = "exact"

    @property
    def needs(self) -> tuple[str, ...]:
        return self.anchor, self.better, self.worse, *scale_views(self.scale), *([self.weights] if self.weights else [])

    def __call__(self, views: Views, step: StepKey) -> LossResult:
        anchor_BD = views[self.anchor]
        return ranking(
            anchor_BD,
            views[self.better],
            views[self.worse],
            scale_value(self.scale, views, anchor_BD),
            self.margin,
            weights_B=None if self.weights is None else widen(views[self.weights]),
            gradient_scale=self.gradient_scale,
        )

    def terms(self, batch: Batch) -> Tensor | None:
        return rows_with(self.weights, batch)


def scale_views(scale: Scale) -> tuple[str, ...]:
    """The view that a scale is, if it is one."""
    return (scale,) if isinstance(scale, str) else ()


def scale_value(scale: Scale, views: Views, codes_BD: Tensor) -> Tensor:
    """The scale as a scalar tensor; a number is put where the codes lie, without waiting for the device."""
    if isinstance(scale, str):
        value: Tensor = views[scale]
        return value
    return torch.full((), scale, dtype=widen(codes_BD).dtype, device=codes_BD.device)
