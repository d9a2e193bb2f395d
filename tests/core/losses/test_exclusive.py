"""Exclusive contrast. Legend: B rows, D width, K kinds of positives."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from quatrefoil.core.losses import ExclusiveResult, GradientScale, contrastive, exclusive_contrastive
from tests.core.losses.worlds import SIZES, Sizes, TermsOf, Towers, assert_independent_of_world_size, mine
from tests.distributed_harness import run_ranks

GROUPS = torch.tensor([0, 1, 2, 0, 3, 1, 4, 4, 4, 5])
SCALE = torch.tensor(4.0, dtype=torch.float64)


def _codes(rows: int = 10, sides: int = 4, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    drawn = torch.randn(sides, rows, 8, generator=torch.Generator().manual_seed(rows), dtype=torch.float64)
    return [normalize(drawn[0] + side, dim=1).to(dtype) for side in drawn]


def _reference(anchor: Tensor, positives: list[Tensor], scale: float, groups: list[int]) -> tuple[float, float]:
    """Both directions as the formulas say, in plain sums."""
    rows, from_anchor, to_anchor = range(len(anchor)), 0.0, 0.0
    scores = [(scale * anchor @ positive.T).exp() for positive in positives]
    for i in rows:
        others = [j for j in rows if groups[j] != groups[i]]
        crowd = sum(float(score[i, j]) for score in scores for j in others)
        for score in scores:
            own = score[i, i]
            from_anchor += float((own + crowd).log() - own.log()) / len(anchor)
            back = own + sum(float(score[j, i]) for j in others)
            to_anchor += float(back.log() - own.log()) / (len(anchor) * len(positives))
    return from_anchor, to_anchor


def _sides(towers: Towers, sizes: Sizes) -> tuple[Tensor, list[Tensor]]:
    a_BD, b_BD = towers.codes(sizes)
    return a_BD, [b_BD, normalize(a_BD + b_BD, dim=1), normalize(b_BD.roll(1, dims=1), dim=1)]


def _plain(towers: Towers, sizes: Sizes) -> ExclusiveResult:
    return exclusive_contrastive(*_sides(towers, sizes), towers.scale)


def _grouped(towers: Towers, sizes: Sizes) -> ExclusiveResult:
    return exclusive_contrastive(*_sides(towers, sizes), towers.scale, groups_B=mine(GROUPS, sizes))


@pytest.mark.parametrize("terms", [_plain, _grouped])
def test_metrics_and_gradients_do_not_depend_on_world_size(terms: TermsOf) -> None:
    assert_independent_of_world_size(terms)


def _value_and_gradient(gradient_scale: GradientScale, sizes: Sizes) -> tuple[Tensor, Tensor]:
    towers = Towers()
    result = exclusive_contrastive(*_sides(towers, sizes), towers.scale, gradient_scale=gradient_scale)
    result.loss.backward()
    assert towers.a.grad is not None
    return result.loss.detach(), towers.a.grad


def test_the_local_convention_has_the_same_value_and_a_gradient_smaller_by_the_number_of_ranks() -> None:
    value, gradient = _value_and_gradient("exact", SIZES[1][0])
    torch.testing.assert_close(_value_and_gradient("local", SIZES[1][0]), (value, gradient), rtol=0, atol=0)
    ranks = run_ranks(2, _value_and_gradient, "local", SIZES[2][0])
    values, gradients = (torch.stack(parts).mean(0) for parts in zip(*ranks, strict=True))
    torch.testing.assert_close(values, value, rtol=1e-13, atol=0)
    torch.testing.assert_close(2 * gradients, gradient, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("groups", [list(range(10)), GROUPS.tolist(), [7] * 10])
def test_both_directions_equal_the_formulas(count: int, groups: list[int]) -> None:
    anchor, *positives = _codes(sides=count + 1)
    result = exclusive_contrastive(anchor, positives, SCALE, groups_B=torch.tensor(groups))
    from_anchor, to_anchor = _reference(anchor, positives, 4.0, groups)
    assert result.loss_from_anchor.item() == pytest.approx(from_anchor, rel=1e-13, abs=1e-15)
    assert result.loss_to_anchor.item() == pytest.approx(to_anchor, rel=1e-13, abs=1e-15)
    torch.testing.assert_close(result.loss, result.loss_from_anchor + result.loss_to_anchor, rtol=0, atol=0)


def test_one_positive_is_contrast_in_both_directions_summed() -> None:
    anchor, positive = _codes(sides=2)
    exclusive = exclusive_contrastive(anchor, [positive], SCALE, groups_B=GROUPS)
    plain = contrastive(anchor, positive, SCALE, groups_B=GROUPS)
    torch.testing.assert_close(exclusive.loss, 2 * plain.loss, rtol=1e-13, atol=0)
    assert exclusive.accuracy_from_anchor.item() == pytest.approx(plain.accuracy_a_to_b.item())
    assert exclusive.accuracy_to_anchor.item() == pytest.approx(plain.accuracy_b_to_a.item())


def test_own_positives_do_not_compete() -> None:
    """Moving one own positive leaves the terms of the others as they were."""
    anchor, *positives = _codes(rows=1)
    assert exclusive_contrastive(anchor, positives, SCALE).loss == 0
    anchor, *positives = (codes.requires_grad_() for codes in _codes())
    result = exclusive_contrastive(anchor, positives, SCALE, groups_B=torch.zeros(10))
    gradients = torch.autograd.grad(result.loss, [anchor, *positives])
    assert not any(gradient.any() for gradient in gradients)


def test_the_order_of_positives_and_of_rows_does_not_matter() -> None:
    anchor, *positives = _codes()
    order = torch.randperm(10)
    moved = [positive[order] for positive in reversed(positives)]
    shuffled = exclusive_contrastive(anchor[order], moved, SCALE, groups_B=GROUPS[order]).loss
    straight = exclusive_contrastive(anchor, positives, SCALE, groups_B=GROUPS).loss
    torch.testing.assert_close(shuffled, straight, rtol=1e-13, atol=0)


def test_equal_codes_are_not_accurate() -> None:
    codes = normalize(torch.ones(4, 3), dim=1)
    result = exclusive_contrastive(codes, [codes, codes], torch.tensor(10.0))
    assert result.accuracy_from_anchor == result.accuracy_to_anchor == 0


@pytest.mark.parametrize("autocast", [False, True])
def test_bf16_codes_give_the_fp32_loss(autocast: bool) -> None:
    anchor, *positives = _codes(16, dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        loss = exclusive_contrastive(anchor, positives, torch.tensor(20.0)).loss
    assert loss.dtype == torch.float32
    expected = sum(_reference(anchor.double(), [p.double() for p in positives], 20.0, list(range(16))))
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_an_empty_batch_gives_a_zero_that_carries_gradient() -> None:
    codes = torch.zeros(0, 4, requires_grad=True)
    loss = exclusive_contrastive(codes, [codes, codes], torch.tensor(1.0)).loss
    loss.backward()
    assert loss == 0
    assert codes.grad.shape == (0, 4)


def test_what_does_not_fit_is_an_error_that_names_it() -> None:
    anchor, scale = torch.ones(3, 4), torch.tensor(1.0)
    with pytest.raises(ValueError, match="no positives"):
        exclusive_contrastive(anchor, [], scale)
    with pytest.raises(ValueError, match="positive 1"):
        exclusive_contrastive(anchor, [anchor, anchor[:2]], scale)
    with pytest.raises(ValueError, match="scale"):
        exclusive_contrastive(anchor, [anchor], torch.ones(1))
    with pytest.raises(ValueError, match="one of exact, local, got 'mean'"):
        exclusive_contrastive(anchor, [anchor], scale, gradient_scale="mean")  # type: ignore[arg-type]
