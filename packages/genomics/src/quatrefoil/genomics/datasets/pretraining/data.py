"""Pre-training data as a recipe names them; what opens them is imported when they are opened."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from quatrefoil.genomics.datasets.pretraining.config import PretrainingPlan
from quatrefoil.genomics.extras import extras

if TYPE_CHECKING:
    from quatrefoil.genomics.datasets.pretraining.module import PretrainingModule


@dataclass(frozen=True, kw_only=True)
class PretrainingData(PretrainingPlan):
    """The windows of a plan, about a genome and a matrix on disk."""

    def build(self, seed: int) -> "PretrainingModule":
        """Opens genome and matrix.

        Raises:
            ValueError: what reads the matrix is not installed, or see `PretrainingModule`.
        """
        return module_type()(self, seed, name=self.matrix.stem, embedded=False)


def module_type() -> "type[PretrainingModule]":
    """The class that opens such data; ValueError where what it needs is not installed."""
    with extras():
        from quatrefoil.genomics.datasets.pretraining.module import PretrainingModule
    return PretrainingModule
