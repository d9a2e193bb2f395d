"""Matching with negatives of several kinds, each of which has another part of the true pair exchanged.

Legend: B rows of the local batch, K = (1 + kinds) B pairs.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from quatrefoil.core.losses import LossResult, hard_negatives, matching
from quatrefoil.core.objectives.contrast import Scale, scale_value, scale_views
from quatrefoil.core.objectives.matching import rows_of
from quatrefoil.core.objectives.objective import Objective, StepKey
from quatrefoil.core.views import ViewError, ViewGraph, Views


@dataclass(frozen=True)
class NegativeKind:
    """What makes a pair a false one.

    Args:
        name: of the kind, for random draws and messages.
        swap: the views that come from another row.
        scale: by which that row is drawn: as likely as softmax(scale * similarity) makes it; at 0 all are alike.
    """

    name: str
    swap: tuple[str, ...]
    scale: Scale


@dataclass(frozen=True)
class MatchingOfKinds(Objective):
    """Tell true pairs from one negative of each kind; true pairs weigh as much as all negatives together.

    As GeneBERT's matching, where false regions differ in the place, in its surroundings or in the cell type (its data
    draw them); here they are rows of the global batch, of other groups. A row without one has no negatives.

    Args:
        a, b: views of L2-normalised codes by whose similarity rows are drawn.
        scorer: view of logits (B, 2), class 1 = match.
        kinds: at least one.
    """

    a: str
    b: str
    scorer: str
    kinds: tuple[NegativeKind, ...]

    recomputes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not self.kinds:
            raise ValueError("matching of kinds needs one kind of negatives at least")

    @property
    def needs(self) -> tuple[str, ...]:
        return self.a, self.b, self.scorer, *dict.fromkeys(v for kind in self.kinds for v in scale_views(kind.scale))

    def check(self, graph: ViewGraph) -> None:
        for kind in self.kinds:
            for name in kind.swap:
                if self.scorer not in graph.depending_on([name]):
                    raise ViewError(
                        f"kind `{kind.name}` exchanges `{name}`, on which view `{self.scorer}` of {graph.model_name} "
                        f"does not depend: its negatives would be the true pairs"
                    )

    def __call__(self, views: Views, step: StepKey) -> LossResult:
        drawn = [self._negatives(kind, views, step) for kind in self.kinds]
        logits_K2 = torch.cat([views[self.scorer], *(logits_B2 for logits_B2, _ in drawn)])
        true_B = torch.ones_like(drawn[0][1])
        labels_K = torch.cat([true_B, *(~true_B for _ in drawn)]).long()
        weights_K = torch.cat([true_B.float(), *(has_B / len(drawn) for _, has_B in drawn)])
        return matching(logits_K2, labels_K, weights_K)

    def _negatives(self, kind: NegativeKind, views: Views, step: StepKey) -> tuple[Tensor, Tensor]:
        """Logits (B, 2) of the pairs with another row's views, and whether there is one (B,)."""
        a_BD, b_BD = views[self.a], views[self.b]
        generator = step.generator(f"matching/{self.scorer}/{kind.name}")
        found = hard_negatives(
            a_BD, b_BD, scale_value(kind.scale, views, a_BD), groups_B=views["group"], generator=generator
        )
        exchanged = {name: rows_of(views[name], found.b_for_a_B) for name in kind.swap}
        return views.replace(**exchanged)[self.scorer], found.has_B
