"""Model and objectives as one module."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from quatrefoil.core.data import Batch
from quatrefoil.core.objectives.objective import Objective, StepKey
from quatrefoil.core.views import Views, graph_of


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

    def forward(self, batch: Batch, step: int, shares: Mapping[str, float] | None = None) -> dict[str, Tensor]:
        """Losses and metrics of one batch.

        Args:
            batch: the local rows of the global batch.
            step: number of the optimisation step; names the random draws of objectives.
            shares: objective -> share of its terms that this micro-batch holds, under gradient accumulation.

        Returns:
            `loss` (weighted sum, to be minimised) and `<objective>/<metric>` (detached), all scalars.
        """
        views, key = Views(self.model, batch), StepKey(self.seed, step)
        results = {name: objective(views, key) for name, objective in self.objectives.items()}
        share = shares or dict.fromkeys(results, 1.0)
        weighted = [self.objectives[name].weight * share[name] * result.loss for name, result in results.items()]
        logged = {f"{name}/{metric}": v for name, result in results.items() for metric, v in result.metrics().items()}
        return {"loss": torch.stack(weighted).sum(), **logged}
