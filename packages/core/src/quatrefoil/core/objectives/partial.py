"""Objectives that couple samples, over those rows alone that have both sides: what a row lacks is not trained on.

Every rank still computes the same views and takes part in every exchange, with as many rows as it has, none included;
means are those of the rows of all ranks that count.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from torch.utils import _pytree as pytree

from quatrefoil.core.losses import LossResult
from quatrefoil.core.objectives.contrast import Contrastive
from quatrefoil.core.objectives.matching import Matching
from quatrefoil.core.objectives.objective import StepKey
from quatrefoil.core.views import Views


@dataclass(frozen=True)
class PresentContrastive(Contrastive):
    """Symmetric InfoNCE among the rows that have both sides; the others are neither asked nor an answer.

    Args:
        present: view or batch field (B,), True for a row that has both.
    """

    present: str = field(kw_only=True)

    @property
    def needs(self) -> tuple[str, ...]:
        return *super().needs, self.present

    def __call__(self, views: Views, step: StepKey) -> LossResult:
        return super().__call__(_rows_that_have(self.present, (self.a, self.b), views), step)


@dataclass(frozen=True)
class PresentMatching(Matching):
    """Matching among the rows that have both sides; the others are in no pair, true or false.

    Args:
        present: view or batch field (B,), True for a row that has both.
    """

    present: str = field(kw_only=True)

    @property
    def needs(self) -> tuple[str, ...]:
        return *super().needs, self.present

    def __call__(self, views: Views, step: StepKey) -> LossResult:
        sides = {self.a, self.b, *self.swap_a, *self.swap_b}
        return super().__call__(_rows_that_have(self.present, sorted(sides), views), step)


def _rows_that_have(present: str, names: Iterable[str], views: Views) -> Views:
    """The same graph, where these views and the groups have lost the rows that are not present."""
    rows_B = views[present]
    return views.replace(
        **{name: pytree.tree_map(lambda value: value[rows_B], views[name]) for name in (*names, "group")}
    )
