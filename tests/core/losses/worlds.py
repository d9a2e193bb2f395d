"""One global batch cut over ranks in many ways, and small towers whose gradients must not depend on the cut.

Legend: N rows of all ranks, D width, V classes.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from quatrefoil.core.distributed import rank
from quatrefoil.core.losses import LossResult
from tests.distributed_harness import run_ranks

Sizes = Sequence[int]
TermsOf = Callable[["Towers", Sizes], LossResult]
ROWS = 10
SIZES = {1: [(10,)], 2: [(7, 3), (10, 0)], 4: [(5, 1, 3, 1), (4, 0, 3, 3), (0, 0, 10, 0)]}


class Towers(nn.Module):
    """Two linear encoders and a scale in fp64, the same on every rank, fed the same global batch."""

    def __init__(self, classes: int = 6) -> None:
        super().__init__()
        seed = torch.Generator().manual_seed(0)

        def draw(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=seed, dtype=torch.float64)

        self.a, self.b = nn.Parameter(draw(5, classes)), nn.Parameter(draw(7, classes))
        self.scale = nn.Parameter(torch.tensor(3.0, dtype=torch.float64))
        self.inputs_a, self.inputs_b, self.weights = draw(ROWS, 5), draw(ROWS, 7), draw(ROWS).abs()
        self.labels = torch.arange(ROWS) % classes

    def codes(self, sizes: Sizes) -> tuple[Tensor, Tensor]:
        """This rank's rows of both sides, normalised."""
        a, b = mine(self.inputs_a, sizes) @ self.a, mine(self.inputs_b, sizes) @ self.b
        return nn.functional.normalize(a, dim=1), nn.functional.normalize(b, dim=1)


def mine(rows: Tensor, sizes: Sizes) -> Tensor:
    """The rows of this rank."""
    return rows.split(list(sizes))[rank()]


def _numbers(terms_of: TermsOf, all_sizes: Sequence[Sizes]) -> list[dict[str, Tensor]]:
    """Metrics and parameter gradients, for every way to cut the batch."""
    numbers = []
    for sizes in all_sizes:
        towers = Towers()
        result = terms_of(towers, sizes)
        result.loss.backward()
        grads = {name: value.grad for name, value in towers.named_parameters() if value.grad is not None}
        numbers.append({**grads, **{f"metric {name}": value for name, value in result.metrics().items()}})
    return numbers


def assert_independent_of_world_size(terms_of: TermsOf) -> None:
    """The mean over ranks of metrics and gradients is that of one process, to 1e-12 in fp64."""
    (alone,) = _numbers(terms_of, SIZES[1])
    for world_size in (2, 4):
        for cut in zip(*run_ranks(world_size, _numbers, terms_of, SIZES[world_size]), strict=True):
            for name, value in alone.items():
                over_ranks = torch.stack([numbers[name] for numbers in cut]).mean(0)
                error = (over_ranks - value).norm() / value.norm().clamp(min=1e-30)
                assert error <= 1e-12 or torch.equal(over_ranks, value), f"{name} at {world_size} ranks: {error}"
