"""Model and objectives as one module."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from quatrefoil.core.data import Batch
from quatrefoil.core.losses.common import widen
from quatrefoil.core.objectives.objective import Objective, StepKey
from quatrefoil.core.views import Views, graph_of

Values = dict[str, Any]
"""Views by name, or what belongs to them: a tensor for each, or tuples of tensors."""


class Step(nn.Module):
    """Model and objectives as one module: the unit that data-parallel engines wrap, so that all work is in `forward`.

    Args:
        model: a module with `@view` methods.
        objectives: name -> objective; evaluated in this order on every rank, in every step.

    Raises:
        ValueError: no objectives; ViewError: one that the model's graph cannot serve.
    """

    def __init__(self, model: nn.Module, objectives: Mapping[str, Objective], seed: int = 0) -> None:
        super().__init__()
        if not objectives:
            raise ValueError("nothing to train: the recipe has no objectives (were they all switched off?)")
        for objective in objectives.values():
            objective.check(graph_of(model))
        self.model, self.objectives, self.seed = model, dict(objectives), seed

    def forward(
        self,
        batch: Batch,
        step: int,
        shares: Mapping[str, float] | None = None,
        gradients: Values | None = None,
    ) -> dict[str, Tensor]:
        """Losses and metrics of one batch.

        Args:
            batch: the local rows of the global batch.
            step: number of the optimisation step; names the random draws of objectives.
            shares: objective -> share of its terms that this micro-batch holds; others are not evaluated. None: all of
                them, on a whole batch.
            gradients: of views, from losses that were evaluated elsewhere (`training/cached.py`), to be led on.

        Returns:
            `loss` (weighted sum, to be minimised) and `<objective>/<metric>` (detached), all scalars.
        """
        views = Views(self.model, batch)
        # First, as when they were encoded: the random numbers are then the same.
        led_back = [term for name, gradient in (gradients or {}).items() for term in _led_back(views[name], gradient)]
        return self.losses(views, step, shares, led_back)

    def encode(self, batch: Batch, names: Sequence[str]) -> Values:
        """These views of a batch, computed in this order."""
        views = Views(self.model, batch)
        return {name: views[name] for name in names}

    def losses(
        self, views: Views, step: int, shares: Mapping[str, float] | None = None, others: Sequence[Tensor] = ()
    ) -> dict[str, Tensor]:
        """As `forward`, of views that are at hand; `others` are added to the loss."""
        key, share = StepKey(self.seed, step), dict.fromkeys(self.objectives, 1.0) if shares is None else shares
        results = {name: objective(views, key) for name, objective in self.objectives.items() if name in share}
        weighted = [self.objectives[name].weight * share[name] * result.loss for name, result in results.items()]
        logged = {f"{name}/{metric}": v for name, result in results.items() for metric, v in result.metrics().items()}
        return {"loss": torch.stack([*weighted, *others]).sum(), **logged}


def _led_back(value: Any, gradient: Any) -> list[Tensor]:
    """Zeros with this gradient: what the view adds to the loss was added where the view was known of all samples."""
    pairs = zip(pytree.tree_leaves(value), pytree.tree_leaves(gradient), strict=True)
    return [(widen(leaf - leaf.detach()) * of).sum() for leaf, of in pairs if leaf.requires_grad]
