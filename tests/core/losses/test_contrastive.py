"""Symmetric InfoNCE. Legend: B rows, D width."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from quatrefoil.core.losses import ContrastiveResult, contrastive
from tests.core.losses.worlds import Sizes, TermsOf, Towers, assert_independent_of_world_size, mine

GROUPS = torch.tensor([0, 1, 2, 0, 3, 1, 4, 4, 4, 5])
NAMES = {"loss", "loss_a_to_b", "loss_b_to_a", "accuracy_a_to_b", "accuracy_b_to_a"}


def _codes(rows: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    seed = torch.Generator().manual_seed(rows)
    a, b = torch.randn(2, rows, 8, generator=seed, dtype=torch.float64)
    return normalize(a, dim=1).to(dtype), normalize(b + a, dim=1).to(dtype)


def _reference(a: Tensor, b: Tensor, scale: float, groups: list[int]) -> float:
    """Row by row, in plain sums."""
    total = 0.0
    for query, key in ((a, b), (b, a)):
        for i in range(len(a)):
            kept = [j for j in range(len(a)) if j == i or groups[i] != groups[j]]
            scores = torch.stack([scale * (query[i] * key[j]).sum() for j in kept])
            total += float(scores.exp().sum().log() - scores[kept.index(i)]) / (2 * len(a))
    return total


def _plain(towers: Towers, sizes: Sizes) -> ContrastiveResult:
    return contrastive(*towers.codes(sizes), towers.scale)


def _grouped(towers: Towers, sizes: Sizes) -> ContrastiveResult:
    return contrastive(*towers.codes(sizes), towers.scale, groups_B=mine(GROUPS, sizes))


@pytest.mark.parametrize("terms", [_plain, _grouped])
def test_metrics_and_gradients_do_not_depend_on_world_size(terms: TermsOf) -> None:
    assert_independent_of_world_size(terms)


@pytest.mark.parametrize("groups", [list(range(10)), GROUPS.tolist(), [7] * 10])
def test_value_equals_the_plain_reference(groups: list[int]) -> None:
    a, b = _codes(10)
    result = contrastive(a, b, torch.tensor(4.0, dtype=torch.float64), groups_B=torch.tensor(groups))
    assert result.loss.item() == pytest.approx(_reference(a, b, 4.0, groups), rel=1e-13, abs=1e-15)
    assert set(result.metrics()) == NAMES


def test_no_groups_means_a_group_for_every_pair() -> None:
    codes, scale = _codes(9), torch.tensor(5.0)
    with_groups = contrastive(*codes, scale, groups_B=torch.arange(9) * 3)
    assert torch.equal(contrastive(*codes, scale).loss, with_groups.loss)


def test_pairs_of_one_group_get_no_gradient_from_one_another() -> None:
    a, b = (codes.requires_grad_() for codes in _codes(4))
    contrastive(a[:2], b[:2], torch.tensor(5.0), groups_B=torch.zeros(2)).loss.backward()
    assert not a.grad.any()
    assert not b.grad.any()


def test_loss_is_invariant_to_the_order_of_pairs() -> None:
    a, b = _codes(10)
    order, scale = torch.randperm(10), torch.tensor(5.0)
    shuffled = contrastive(a[order], b[order], scale, groups_B=GROUPS[order]).loss
    torch.testing.assert_close(shuffled, contrastive(a, b, scale, groups_B=GROUPS).loss, rtol=1e-13, atol=0)


def test_equal_codes_are_not_accurate() -> None:
    codes = normalize(torch.ones(4, 3), dim=1)
    result = contrastive(codes, codes, torch.tensor(10.0))
    assert result.accuracy_a_to_b == result.accuracy_b_to_a == 0
    assert result.loss.item() == pytest.approx(torch.tensor(4.0).log().item(), rel=1e-6)


@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize(("dtype", "computed_in"), [(torch.bfloat16, torch.float32), (torch.float64, torch.float64)])
def test_loss_is_computed_in_fp32_at_least(dtype: torch.dtype, computed_in: torch.dtype, autocast: bool) -> None:
    a, b = _codes(16, dtype)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        result = contrastive(a, b, torch.tensor(20.0, dtype=dtype))
    assert {value.dtype for value in result.metrics().values()} <= {computed_in, torch.float32}
    assert result.loss.dtype == computed_in
    expected = _reference(a.double(), b.double(), 20.0, list(range(16)))
    assert result.loss.item() == pytest.approx(expected, rel=1e-6 if dtype == torch.bfloat16 else 1e-13)


def test_an_empty_batch_gives_a_zero_that_carries_gradient() -> None:
    a = torch.zeros(0, 4, requires_grad=True)
    loss = contrastive(a, a, torch.tensor(1.0)).loss
    loss.backward()
    assert loss == 0
    assert a.grad.shape == (0, 4)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(3, 4), (3, 5), (), (3,)], "side b"),
        ([(3, 4), (3, 4), (1,), (3,)], "scale"),
        ([(3, 4), (3, 4), (), (2,)], "groups"),
    ],
)
def test_shapes_that_do_not_fit_are_errors(shapes: list[tuple[int, ...]], message: str) -> None:
    a, b, scale, groups = (torch.ones(shape) for shape in shapes)
    with pytest.raises(ValueError, match=message):
        contrastive(a, b, scale, groups_B=groups)
