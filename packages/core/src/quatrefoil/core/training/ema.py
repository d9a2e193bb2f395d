"""An exponential moving average of a model's parameters."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import nn


class Ema:
    """Keeps, for each parameter, `average <- average + (1 - decay) * (parameter - average)`, beginning with its value.

    Buffers are copied, not averaged. Averages of half-precision parameters are kept in float32, where small changes
    are not rounded away. Tensors that the model ties have one average. Give the bare model, not its data-parallel
    wrapper.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay must lie in 0..1 (1 excluded, it would never learn), got {decay}")
        self.decay = decay
        self._averages: dict[str, torch.Tensor] = {}
        first: dict[int, str] = {}
        for name, source in _state(model).items():
            twin = first.setdefault(id(source), name)
            self._averages[name] = self._averages[twin] if twin != name else _start(source)

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Takes one step towards the parameters of `model`; call it after each update of the optimiser."""
        for average, source in self._pairs(model):
            if isinstance(source, nn.Parameter) and source.is_floating_point():
                average.lerp_(source.to(average.dtype), 1 - self.decay)
            else:
                average.copy_(source)

    def tensors(self) -> dict[str, torch.Tensor]:
        """The averages under the names of the model's state dict: the state, to be saved as it is."""
        return dict(self._averages)

    @torch.no_grad()
    def load(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Takes up what `tensors()` gave. Raises ValueError where names differ."""
        if odd := self._averages.keys() ^ tensors.keys():
            raise ValueError(f"these averages are of another model, names that only one of them has: {sorted(odd)}")
        for name, average in self._averages.items():
            average.copy_(tensors[name])

    @contextmanager
    def swapped(self, model: nn.Module) -> Iterator[None]:
        """Within it the model holds the averages; after it, whatever happens, exactly what it held before."""
        held = [(source, source.detach().clone()) for _, source in self._pairs(model)]
        try:
            with torch.no_grad():
                for average, source in self._pairs(model):
                    source.copy_(average)
            yield
        finally:
            with torch.no_grad():
                for source, before in held:
                    source.copy_(before)

    def _pairs(self, model: nn.Module) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """(average, tensor of the model), tied ones once."""
        unique = {id(source): (self._averages[name], source) for name, source in _state(model).items()}
        return iter(unique.values())


def _state(model: nn.Module) -> dict[str, torch.Tensor]:
    return model.state_dict(keep_vars=True)


def _start(source: torch.Tensor) -> torch.Tensor:
    half = source.dtype in (torch.float16, torch.bfloat16) and isinstance(source, nn.Parameter)
    return source.detach().clone().float() if half else source.detach().clone()
