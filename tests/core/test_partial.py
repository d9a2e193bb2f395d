"""Objectives over the rows that have both sides: as if the others were not in the batch, on every rank alike."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from quatrefoil.core.distributed import rank
from quatrefoil.core.objectives import (
    Contrastive,
    EvenMatching,
    ExclusiveContrastive,
    MaskedPatches,
    Matching,
    Objective,
    PresentContrastive,
    PresentExclusiveContrastive,
    PresentMatching,
    StepKey,
)
from quatrefoil.core.views import Views, view
from tests.distributed_harness import run_ranks

KEY = StepKey(0, 0)
PAIRS: Mapping[str, tuple[Objective, Objective]] = {
    "contrast": (Contrastive("left", "right"), PresentContrastive("left", "right", present="has_right")),
    "exclusive": (
        ExclusiveContrastive("left", ("right", "right"), 7.0),
        PresentExclusiveContrastive("left", ("right", "right"), 7.0, present="has_right"),
    ),
    "matching": (
        Matching("left", "right", "match", ("left",), ("right",)),
        PresentMatching("left", "right", "match", ("left",), ("right",), present="has_right"),
    ),
    "patches": (
        MaskedPatches("guess", "truth"),
        MaskedPatches("guess", "truth", present="has_right"),
    ),
}
every_pair = pytest.mark.parametrize("name", PAIRS)
HAS = torch.tensor([True, False, True, True, False, False, True, True])


class Pair(nn.Module):
    """Two codes, a scorer of their product, and patches."""

    def __init__(self) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(0)
        self.map = nn.Parameter(torch.randn(6, 6, generator=draw, dtype=torch.float64))
        self.head = nn.Parameter(torch.randn(6, 2, generator=draw, dtype=torch.float64))

    @view
    def left(self, raw: Tensor) -> Tensor:
        return normalize(raw[:, 0] @ self.map, dim=-1)

    @view
    def right(self, raw: Tensor) -> Tensor:
        return normalize(raw[:, 1] @ self.map, dim=-1)

    @view
    def match(self, left: Tensor, right: Tensor) -> Tensor:
        return (left * right) @ self.head

    @view
    def guess(self, raw: Tensor) -> Tensor:
        return (raw[:, 0] @ self.map).view(-1, 2, 3)

    @view
    def truth(self, raw: Tensor) -> Tensor:
        return raw[:, 1].view(-1, 2, 3)

    @view
    def logit_scale(self) -> Tensor:
        return torch.tensor(5.0)


def batch_of(rows: Tensor | slice) -> dict[str, Any]:
    raw = torch.randn(8, 2, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return {"raw": raw[rows], "group": torch.tensor([0, 0, 1, 2, 3, 4, 5, 2])[rows], "has_right": HAS[rows]}


def numbers(objective: Objective, batch: dict[str, Any]) -> dict[str, Tensor]:
    model = Pair()
    result = objective(Views(model, batch), KEY)
    result.loss.backward()
    gradients = {name: value.grad for name, value in model.named_parameters() if value.grad is not None}
    return {**gradients, **result.metrics()}


@every_pair
def test_absent_rows_change_nothing(name: str) -> None:
    plain, partial = PAIRS[name]
    expected, got = numbers(plain, batch_of(HAS)), numbers(partial, batch_of(slice(None)))
    assert got.keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(got[key], value, rtol=1e-12, atol=1e-15)


@every_pair
def test_what_an_absent_row_holds_changes_nothing(name: str) -> None:
    whole, other = batch_of(slice(None)), batch_of(slice(None))
    other["raw"][:, 1][~HAS] = 7.0
    for key, value in numbers(PAIRS[name][1], whole).items():
        assert torch.equal(numbers(PAIRS[name][1], other)[key], value)


def _on_this_rank(name: str, sizes: list[int]) -> dict[str, Tensor]:
    start = sum(sizes[: rank()])
    return numbers(PAIRS[name][1], batch_of(slice(start, start + sizes[rank()])))


@every_pair
@pytest.mark.parametrize("sizes", [[4, 4], [1, 7]])
def test_the_mean_over_ranks_is_that_of_the_rows_that_are_present(name: str, sizes: list[int]) -> None:
    alone = numbers(PAIRS[name][1], batch_of(slice(None)))
    ranks = run_ranks(2, _on_this_rank, name, sizes)
    for key, value in alone.items():
        torch.testing.assert_close(torch.stack([r[key] for r in ranks]).mean(0), value, rtol=1e-12, atol=1e-15)


@every_pair
def test_a_rank_of_which_no_row_is_present_takes_part(name: str) -> None:
    alone = numbers(PAIRS[name][1], batch_of(slice(None, 6)))
    ranks = run_ranks(2, _on_this_rank, name, [4, 2])  # rows 4 and 5 are absent
    for key, value in alone.items():
        torch.testing.assert_close(torch.stack([r[key] for r in ranks]).mean(0), value, rtol=1e-12, atol=1e-15)


@every_pair
def test_no_row_at_all_gives_a_zero_that_carries_gradient(name: str) -> None:
    batch = {**batch_of(slice(None)), "has_right": torch.zeros(8, dtype=torch.bool)}
    got = numbers(PAIRS[name][1], batch)
    assert got["loss"] == 0
    assert "map" in got
    assert not any(value.any() for value in got.values())


@every_pair
def test_presence_is_a_need(name: str) -> None:
    plain, partial = PAIRS[name]
    assert partial.needs == (*plain.needs, "has_right")


class Sure(Pair):
    """Takes every pair for true, or every one for false."""

    def __init__(self, true: bool) -> None:
        super().__init__()
        self.logits = torch.tensor([0.0, 50.0] if true else [50.0, 0.0], dtype=torch.float64)

    @view
    def match(self, left: Tensor, right: Tensor) -> Tensor:
        return self.logits.expand(len(left), 2)


@pytest.mark.parametrize("true", [True, False])
def test_true_and_false_pairs_weigh_the_same_in_even_matching(true: bool) -> None:
    even = EvenMatching("left", "right", "match", ("left",), ("right",), present="has_right")
    loss, thirds = (each(Views(Sure(true), batch_of(slice(None))), KEY).loss for each in (even, PAIRS["matching"][1]))
    assert loss.item() == pytest.approx(50 / 2)
    assert thirds.item() == pytest.approx(50 * (2 / 3 if true else 1 / 3))


def test_patches_are_counted_by_the_rows_that_have_them() -> None:
    batch = batch_of(slice(None))
    assert MaskedPatches("guess", "truth").terms(batch) == 8
    assert MaskedPatches("guess", "truth", present="has_right").terms(batch) == 5
    assert MaskedPatches("guess", "truth", present="a_view").terms(batch) is None
