"""Masked patches. Legend: B rows, M masked patches, P numbers of a patch."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from quatrefoil.core.losses import LossResult, masked_patches
from tests.core.losses.worlds import Sizes, TermsOf, Towers, assert_independent_of_world_size, mine

ABSENT = torch.arange(10) % 3 == 0


def _sides(towers: Towers, sizes: Sizes) -> tuple[Tensor, Tensor]:
    a_BD, b_BD = towers.codes(sizes)
    return a_BD.unflatten(1, (2, 3)), b_BD.unflatten(1, (2, 3))


def _plain(towers: Towers, sizes: Sizes) -> LossResult:
    return masked_patches(*_sides(towers, sizes))


def _present(towers: Towers, sizes: Sizes) -> LossResult:
    return masked_patches(*_sides(towers, sizes), weights_B=mine((~ABSENT).double(), sizes), normalised=True)


@pytest.mark.parametrize("terms", [_plain, _present])
def test_metrics_and_gradients_do_not_depend_on_world_size(terms: TermsOf) -> None:
    assert_independent_of_world_size(terms)


def _patches(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    drawn = torch.randn(2, 10, 5, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return drawn[0].to(dtype), drawn[1].to(dtype)


def test_value_equals_the_plain_reference() -> None:
    predicted, target = _patches()
    expected = sum(
        float(((p - t) ** 2).mean()) for p, t in zip(predicted.flatten(0, 1), target.flatten(0, 1), strict=True)
    )
    assert masked_patches(predicted, target).loss.item() == pytest.approx(expected / 50, rel=1e-13)


def test_rows_of_weight_zero_are_as_if_they_were_not_there() -> None:
    predicted, target = _patches()
    predicted.requires_grad_()
    made_up = torch.where(ABSENT[:, None, None], torch.full_like(target, 1e6), target)
    loss = masked_patches(predicted, made_up, weights_B=(~ABSENT).float()).loss
    torch.testing.assert_close(loss, masked_patches(predicted[~ABSENT], target[~ABSENT]).loss, rtol=1e-13, atol=0)
    loss.backward()
    assert not predicted.grad[ABSENT].any()
    assert predicted.grad[~ABSENT].all()


@pytest.mark.parametrize(
    "change", [lambda x: 3 * x, lambda x: x + 5, lambda x: x * (torch.rand(10, 5, 1).double() + 1) + 1]
)
def test_normalised_targets_do_not_depend_on_the_level_or_contrast_of_a_patch(
    change: Callable[[Tensor], Tensor],
) -> None:
    predicted, target = _patches()
    expected = masked_patches(predicted, target, normalised=True).loss
    changed = masked_patches(predicted, change(target), normalised=True).loss
    torch.testing.assert_close(changed, expected, rtol=1e-3, atol=0)
    assert not torch.allclose(masked_patches(predicted, change(target)).loss, masked_patches(predicted, target).loss)


@pytest.mark.parametrize("rows", [0, 3])
def test_nothing_to_predict_gives_a_zero_that_carries_gradient(rows: int) -> None:
    predicted = torch.randn(rows, 5, 12, requires_grad=True)
    loss = masked_patches(predicted, torch.randn(rows, 5, 12), weights_B=torch.zeros(rows)).loss
    loss.backward()
    assert loss == 0
    assert not predicted.grad.any()


def test_bf16_patches_give_an_fp32_loss() -> None:
    predicted, target = _patches(torch.bfloat16)
    loss = masked_patches(predicted, target).loss
    assert loss.dtype == torch.float32
    assert torch.equal(loss, masked_patches(predicted.float(), target.float()).loss)


def test_shapes_that_do_not_fit_are_named() -> None:
    predicted, target = _patches()
    with pytest.raises(ValueError, match=r"target_BMP: expected shape \(10, 5, 12\), got \(10, 4, 12\)"):
        masked_patches(predicted, target[:, 1:])
    with pytest.raises(ValueError, match=r"weights_B: expected shape \(10\), got \(10, 5\)"):
        masked_patches(predicted, target, weights_B=torch.ones(10, 5))
