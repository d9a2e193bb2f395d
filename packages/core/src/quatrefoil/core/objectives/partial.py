"""Objectives that couple samples, over those rows alone that have both sides: what a row lacks is not trained on.

Every rank still computes the same views and takes part in every exchange, with as many rows as it has, none included;
means are those of the rows of all ranks that count.
"""

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

from torch.utils import _pytree as pytree

from quatrefoil.core.losses import LossResult
from quatrefoil.core.objectives.contrast import Contrastive, ExclusiveContrastive
from quatrefoil.core.objectives.matching import Matching
from quatrefoil.core.objectives.objective import Objective, StepKey
from quatrefoil.core.views import Views


@dataclass(frozen=True)
class _OfPresent(Objective):
    """What stands before an objective of two sides, among its bases, to leave out the rows that lack one.

    Args:
        present: view or batch field (B,), True for a row that has both.
    """

    present: str = field(kw_only=True)

    @property
    @abstractmethod
    def _sides(self) -> tuple[str, ...]:
        """The views whose rows are left out."""

    @property
    def needs(self) -> tuple[str, ...]:
        return *super().needs, self.present  # type: ignore[safe-super]  # that of the objective behind it

    def __call__(self, views: Views, step: StepKey) -> LossResult:
        """The loss over the same graph, where sides and groups have lost the rows that are not present."""
        rows_B, lose = views[self.present], (*self._sides, "group")
        kept = {name: pytree.tree_map(lambda value: value[rows_B], views[name]) for name in lose}
        return super().__call__(views.replace(**kept), step)  # type: ignore[safe-super]  # likewise


@dataclass(frozen=True)
class PresentContrastive(_OfPresent, Contrastive):
    """Symmetric InfoNCE among the rows that have both sides; the others are neither asked nor an answer."""

    @property
    def _sides(self) -> tuple[str, ...]:
        return self.a, self.b


@dataclass(frozen=True)
class PresentExclusiveContrastive(_OfPresent, ExclusiveContrastive):
    """An anchor against all its positives, among the rows that have all of them."""

    @property
    def _sides(self) -> tuple[str, ...]:
        return self.anchor, *self.positives


@dataclass(frozen=True)
class PresentMatching(_OfPresent, Matching):
    """Matching among the rows that have both sides; the others are in no pair, true or false."""

    @property
    def _sides(self) -> tuple[str, ...]:
        return tuple(sorted({self.a, self.b, *self.swap_a, *self.swap_b}))


@dataclass(frozen=True)
class EvenMatching(PresentMatching):
    """As many true pairs as false ones, by weight: a true pair weighs as much as both of its false ones."""

    true_weight: ClassVar[float] = 2.0
