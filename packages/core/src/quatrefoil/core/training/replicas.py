"""One process, or DDP: every rank holds all weights and all of the optimiser's state."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.optim import Optimizer

from quatrefoil.core.hub import Model, load_weights
from quatrefoil.core.objectives import Step
from quatrefoil.core.training.optimizer_state import StateDict


class Replicas:
    """The step on one rank or several that are alike. All ranks call each method together."""

    def __init__(
        self,
        accelerator: Accelerator,
        model: Model,
        step: Step,
        optimizer: Optimizer,
        clip_norm: float,
        compiled: bool,
    ) -> None:
        self._accelerator, self._model, self._clip_norm = accelerator, model, clip_norm
        prepared, self._optimizer = accelerator.prepare(step, optimizer)
        self.module: Any = torch.compile(prepared) if compiled else prepared

    def accumulating(self) -> AbstractContextManager[Any]:
        """Within it ranks keep their gradients to themselves."""
        context: AbstractContextManager[Any] = self._accelerator.no_sync(self.module)
        return context

    def backward(self, loss: Tensor) -> None:
        """Adds to the gradients, which are averaged over ranks."""
        self._accelerator.backward(loss)

    def clip(self) -> Tensor:
        """Limits the gradients' norm; what it was."""
        return torch.as_tensor(self._accelerator.clip_grad_norm_(self.module.parameters(), self._clip_norm))

    def update(self) -> None:
        """One step of the optimiser; the gradients are gone after it."""
        self._optimizer.step()
        self._optimizer.zero_grad()

    @contextmanager
    def whole_model(self) -> Iterator[Model]:
        """The model itself."""
        yield self._model

    def weights(self) -> dict[str, Tensor]:
        """Weights and buffers by name."""
        return dict(self._model.state_dict())

    def optimizer_state(self) -> StateDict:
        """The optimiser's own statement."""
        return dict(self._optimizer.optimizer.state_dict())

    def load(self, weights: Mapping[str, Tensor], state: StateDict) -> None:
        """Take up weights and optimiser state."""
        load_weights(self._model, weights)
        self._optimizer.optimizer.load_state_dict(state)
