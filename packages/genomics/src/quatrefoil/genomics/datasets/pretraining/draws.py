"""Random choices of a sample, each from a generator of its own."""

from collections.abc import Callable

import torch
from torch import Tensor

Draw = Callable[[str], torch.Generator]
"""A fresh generator for each named choice of one draw of one sample."""


def chance(probability: float, generator: torch.Generator) -> bool:
    """True with this probability."""
    return float(torch.rand((), generator=generator, dtype=torch.float64)) < probability


def pick(count: int, generator: torch.Generator) -> int:
    """A number of 0 .. count - 1."""
    return int(torch.randint(count, (), generator=generator))


def pick_weighted(weights_N: Tensor, generator: torch.Generator) -> int:
    """A number of 0 .. N - 1, in proportion to the weights."""
    return int(torch.multinomial(weights_N.double(), 1, generator=generator))
