"""What an objective is: a weighted loss bound to the views that it reads.

Legend: B rows of the local batch.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from quatrefoil.core.data import Batch
from quatrefoil.core.losses import LossResult
from quatrefoil.core.seeding import generator
from quatrefoil.core.views import ViewGraph, Views


@dataclass(frozen=True)
class StepKey:
    """Names one optimisation step; what is random in it is drawn from `generator` alone, on every rank alike."""

    seed: int
    step: int

    def generator(self, purpose: str) -> torch.Generator:
        return generator(self.seed, self.step, purpose)


@dataclass(frozen=True)
class Objective(ABC):
    """A weighted loss over named views."""

    weight: float = field(default=1.0, kw_only=True)

    recomputes: ClassVar[bool] = False
    """Whether the loss has views computed for rows that no sample holds, beyond the values of `needs`."""

    @property
    @abstractmethod
    def needs(self) -> tuple[str, ...]:
        """The views and batch fields that the loss reads."""

    @abstractmethod
    def __call__(self, views: Views, step: StepKey) -> LossResult: ...

    def terms(self, batch: Batch) -> Tensor | None:
        """The number of terms that the loss averages, where the batch alone tells it; None where samples are coupled.

        Objectives that can count are accumulated over micro-batches. A loss that couples the samples of a batch
        (contrast) would be another loss on smaller ones: it is evaluated on the views of all of them, which it must not
        have computed anew (`recomputes`).
        """
        return None

    def check(self, graph: ViewGraph) -> None:  # noqa: B027 - most objectives say all in `needs`
        """Raise `ViewError` where the graph cannot serve this objective in a way that `needs` does not say."""


def rows_with(weights: str | None, batch: Batch) -> Tensor | None:
    """The rows that count, or their weight; None where a view gives it, which is not known yet."""
    if weights is None:
        return torch.ones_like(batch["group"]).sum()
    return batch[weights].sum() if weights in batch else None
