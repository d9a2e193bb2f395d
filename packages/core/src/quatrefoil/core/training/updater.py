"""What every engine does in its own way; the trainer knows no more of it."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from torch import Tensor

from quatrefoil.core.hub import Model
from quatrefoil.core.training.microbatches import Accumulates
from quatrefoil.core.training.optimizer_state import StateDict

ModelWith = Callable[[Mapping[str, Tensor]], Model]
"""Makes a model like the trained one, with the weights that it is given."""


class Updater(Accumulates, Protocol):
    """A step, its optimiser and where their tensors lie. All ranks call each method together."""

    def clip(self) -> Tensor | None:
        """The norm of the gradients before they were limited; None where only the update tells it."""

    def update(self) -> float | None:
        """One step of the optimiser, after which gradients are gone; the norm where only now it is known."""

    def whole_model(self) -> AbstractContextManager[Model]:
        """A model with all weights on every rank."""

    def weights(self) -> dict[str, Tensor]:
        """Whole weights and buffers by name."""

    def optimizer_state(self) -> StateDict:
        """As the optimiser alone would state it over whole parameters."""

    def load(self, weights: Mapping[str, Tensor], state: StateDict) -> None:
        """Take up whole weights and the state of the whole optimiser, of whichever engine."""
