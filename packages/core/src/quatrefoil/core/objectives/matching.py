"""Matching: which pairs belong together, told from hard negatives of the global batch.

Legend: B rows of the local batch, K pairs.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from quatrefoil.core.distributed import gather_rows
from quatrefoil.core.losses import LossResult, hard_negatives, matching
from quatrefoil.core.objectives.objective import Objective, StepKey
from quatrefoil.core.views import ViewError, ViewGraph, Views


@dataclass(frozen=True)
class Matching(Objective):
    """Tell true pairs from hard negatives, drawn across ranks by the similarity of two codes.

    Each true pair gives two negatives: the own `a` with a hard `b`, and a hard `a` with the own `b`. They are scored by
    view `scorer`, evaluated with the rows of `swap_a` and `swap_b` exchanged accordingly: 3 B pairs in one pass.

    Args:
        a, b: views of L2-normalised codes by whose similarity negatives are drawn.
        scorer: view of logits (K, 2), class 1 = match. It must depend on the batch through `swap_a` and `swap_b` alone.
        swap_a, swap_b: the views (tensors or tuples of tensors, rows first) that stand for each side in `scorer`.
    """

    a: str
    b: str
    scorer: str
    swap_a: tuple[str, ...]
    swap_b: tuple[str, ...]
    scale: str = "logit_scale"

    recomputes: ClassVar[bool] = True
    true_weight: ClassVar[float] = 1.0
    """Of a true pair, where each of its false ones weighs 1."""

    @property
    def needs(self) -> tuple[str, ...]:
        return self.a, self.b, self.scale, self.scorer

    def check(self, graph: ViewGraph) -> None:
        swapped = {*self.swap_a, *self.swap_b}
        pending = [self.scorer]
        while pending:
            for need in graph.needs.get(pending.pop(), ()):
                if need in swapped:
                    continue
                if need not in graph.needs:
                    raise ViewError(
                        f"Matching: view `{self.scorer}` reads batch field `{need}` past the exchanged views "
                        f"{sorted(swapped)}; its rows would not follow the pairs: add a view on that path to swap_a or "
                        f"swap_b"
                    )
                pending.append(need)

    def __call__(self, views: Views, step: StepKey) -> LossResult:
        a_BD, b_BD = views[self.a], views[self.b]
        negatives = hard_negatives(
            a_BD, b_BD, views[self.scale], groups_B=views["group"], generator=step.generator(f"matching/{self.scorer}")
        )
        pairs = {name: rows_of(views[name], None, None, negatives.a_for_b_B) for name in self.swap_a}
        pairs |= {name: rows_of(views[name], None, negatives.b_for_a_B, None) for name in self.swap_b}
        logits_K2 = views.replace(**pairs)[self.scorer]
        true_B = torch.ones_like(negatives.has_B)
        labels_K = torch.cat([true_B, ~true_B, ~true_B]).long()
        weights_K = torch.cat([self.true_weight * true_B, negatives.has_B, negatives.has_B]).float()
        return matching(logits_K2, labels_K, weights_K)


def rows_of(value: Any, *choices: Tensor | None) -> Any:
    """Stack the own rows (None) or chosen rows of the global batch, for a tensor or a tuple of tensors."""

    def stack(own: Tensor) -> Tensor:
        everyone = gather_rows(own, pad_trailing=True)
        width = everyone.rows.shape[1:]
        padded = own if own.shape[1:] == width else everyone.rows[everyone.start : everyone.start + len(own)]
        return torch.cat([padded if choice is None else everyone.rows[choice] for choice in choices])

    return pytree.tree_map(stack, value)
