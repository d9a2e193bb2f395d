"""How far a value may be from a golden one: an error per comparison, in the unit of its tolerance."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

GRADIENT_NORM_FLOOR = 1e-6


@dataclass(frozen=True)
class Check:
    """One comparison; an error that is not a number never passes."""

    name: str
    error: float
    tolerance: float

    @property
    def passed(self) -> bool:
        return self.error <= self.tolerance

    @property
    def badness(self) -> tuple[bool, float, float]:
        """Orders checks from harmless to worst."""
        return not self.passed, math.inf if math.isnan(self.error) else self.error, -self.tolerance


def activation(name: str, got: Tensor, want: Tensor) -> Check:
    """Largest difference over max(1, largest reference), at most 1e-4."""
    if got.shape != want.shape or not len(want.flatten()):
        return Check(f"{name} (shape {tuple(got.shape)} for {tuple(want.shape)})", math.inf, 1e-4)
    difference = (got.double() - want.double()).abs().max().item()
    return Check(name, difference / max(1.0, want.double().abs().max().item()), 1e-4)


def scalar(name: str, got: float | Tensor, want: float | Tensor) -> Check:
    """Relative error of a loss or a metric, at most 1e-5."""
    return Check(name, _relative(float(got), float(want)), 1e-5)


def gradient_norms(prefix: str, got: Mapping[str, float], want: Mapping[str, float]) -> list[Check]:
    """Relative errors, at most 1e-3, of the norms above 1e-6; smaller ones are rounding noise of the origin."""
    judged = {name: norm for name, norm in want.items() if norm > GRADIENT_NORM_FLOOR}
    return [Check(prefix + name, _relative(got.get(name, math.nan), norm), 1e-3) for name, norm in judged.items()]


def exact(name: str, got: object, want: object) -> Check:
    """Equal or not: the error is 0 or infinite."""
    return Check(name, 0.0 if got == want else math.inf, 0.0)


def integers(name: str, got: Sequence[int], want: Sequence[int]) -> Check:
    """Largest difference of integers, which must be 0."""
    if len(got) != len(want):
        return Check(f"{name} ({len(got)} numbers for {len(want)})", math.inf, 0.0)
    return Check(name, float((torch.tensor(got) - torch.tensor(want)).abs().max()) if len(want) else 0.0, 0.0)


def _relative(got: float, want: float) -> float:
    if got == want:
        return 0.0
    return abs(got - want) / abs(want) if want else math.inf
