"""Ranking. Legend: B rows, D width."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from quatrefoil.core.losses import GradientScale, RankingResult, ranking
from tests.core.losses.worlds import SIZES, Sizes, TermsOf, Towers, assert_independent_of_world_size, mine
from tests.distributed_harness import run_ranks

MARGIN = 5.0


def _codes(dtype: torch.dtype = torch.float64) -> list[Tensor]:
    drawn = torch.randn(3, 12, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return [normalize(side, dim=1).to(dtype) for side in drawn]


def _sides(towers: Towers, sizes: Sizes) -> tuple[Tensor, Tensor, Tensor]:
    a_BD, b_BD = towers.codes(sizes)
    return a_BD, b_BD, normalize(a_BD - b_BD, dim=1)


def _plain(towers: Towers, sizes: Sizes) -> RankingResult:
    return ranking(*_sides(towers, sizes), towers.scale, 1.0)


def _weighted(towers: Towers, sizes: Sizes) -> RankingResult:
    return ranking(*_sides(towers, sizes), towers.scale, 1.0, weights_B=mine(towers.weights, sizes))


@pytest.mark.parametrize("terms", [_plain, _weighted])
def test_metrics_and_gradients_do_not_depend_on_world_size(terms: TermsOf) -> None:
    assert_independent_of_world_size(terms)


def _gradient(gradient_scale: GradientScale, sizes: Sizes) -> Tensor:
    towers = Towers()
    ranking(*_sides(towers, sizes), towers.scale, 1.0, gradient_scale=gradient_scale).loss.backward()
    assert towers.a.grad is not None
    return towers.a.grad


def test_the_local_convention_has_a_gradient_smaller_by_the_number_of_ranks() -> None:
    gradients = torch.stack(run_ranks(2, _gradient, "local", SIZES[2][0]))
    torch.testing.assert_close(2 * gradients.mean(0), _gradient("exact", SIZES[1][0]), rtol=1e-12, atol=1e-15)


def test_value_equals_the_formula_row_by_row() -> None:
    anchor, better, worse = _codes()
    weights_B = torch.rand(12, dtype=torch.float64)
    result = ranking(anchor, better, worse, torch.tensor(20.0), MARGIN, weights_B=weights_B)
    gaps = [20 * float(a @ b - a @ w) for a, b, w in zip(anchor, better, worse, strict=True)]
    total = sum(weight * max(0.0, MARGIN - gap) for weight, gap in zip(weights_B.tolist(), gaps, strict=True))
    assert result.loss.item() == pytest.approx(total / float(weights_B.sum()), rel=1e-13)
    ahead = sum(weight for weight, gap in zip(weights_B.tolist(), gaps, strict=True) if gap > 0)
    assert result.accuracy.item() == pytest.approx(ahead / float(weights_B.sum()), rel=1e-13)


def test_rows_beyond_the_margin_get_no_gradient() -> None:
    anchor = torch.eye(4, requires_grad=True)
    loss = ranking(anchor, torch.eye(4), -torch.eye(4), torch.tensor(20.0), MARGIN).loss
    loss.backward()
    assert loss == 0
    assert not anchor.grad.any()


def test_equal_codes_cost_the_margin_unless_their_weight_is_zero() -> None:
    anchor, better, worse = (codes.requires_grad_() for codes in _codes())
    same = torch.arange(12) < 5
    worse_or_same = torch.where(same[:, None], better, worse)
    free = ranking(anchor, better, worse_or_same, torch.tensor(20.0), MARGIN, weights_B=(~same).double())
    apart = ranking(anchor[5:], better[5:], worse[5:], torch.tensor(20.0), MARGIN)
    torch.testing.assert_close(free.loss, apart.loss, rtol=1e-13, atol=0)
    free.loss.backward()
    assert not anchor.grad[:5].any()
    tied = ranking(anchor, better, better, torch.tensor(20.0), MARGIN)
    assert tied.loss == MARGIN
    assert tied.accuracy == 0


def test_weights_that_are_all_zero_give_a_zero_that_carries_gradient() -> None:
    anchor, better, worse = (codes.requires_grad_() for codes in _codes())
    loss = ranking(anchor, better, worse, torch.tensor(20.0), MARGIN, weights_B=torch.zeros(12)).loss
    loss.backward()
    assert loss == 0
    assert not anchor.grad.any()


@pytest.mark.parametrize("autocast", [False, True])
def test_bf16_codes_give_the_fp32_loss(autocast: bool) -> None:
    codes = _codes(torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        loss = ranking(*codes, torch.tensor(20.0), MARGIN).loss
    assert loss.dtype == torch.float32
    expected = ranking(*(side.double() for side in codes), torch.tensor(20.0), MARGIN).loss
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize("margin", [-1.0, float("nan")])
def test_a_margin_below_zero_is_an_error(margin: float) -> None:
    with pytest.raises(ValueError, match="margin must be at least 0"):
        ranking(*_codes(), torch.tensor(20.0), margin)


def test_shapes_that_do_not_fit_are_errors() -> None:
    anchor, better, worse = _codes()
    with pytest.raises(ValueError, match="worse_BD"):
        ranking(anchor, better, worse[:3], torch.tensor(20.0), MARGIN)
    with pytest.raises(ValueError, match="weights"):
        ranking(anchor, better, worse, torch.tensor(20.0), MARGIN, weights_B=torch.ones(3))
