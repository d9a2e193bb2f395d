"""Matching, and the draw of hard negatives. Legend: B rows of a rank, N of all, K scored pairs."""

import pytest
import torch
from scipy.stats import chisquare
from torch import Tensor
from torch.nn.functional import normalize

from quatrefoil.core.losses import HardNegatives, MatchingResult, hard_negatives, matching
from tests.core.losses.worlds import ROWS, SIZES, Sizes, TermsOf, Towers, assert_independent_of_world_size, mine
from tests.distributed_harness import run_ranks

GROUPS = torch.tensor([0, 1, 2, 0, 3, 1, 4, 4, 4, 5])
DRAWS = 10


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _plain(towers: Towers, sizes: Sizes) -> MatchingResult:
    return matching(towers.codes(sizes)[0][:, :2] * towers.scale, mine(towers.labels % 2, sizes))


def _weighted(towers: Towers, sizes: Sizes) -> MatchingResult:
    logits, labels = towers.codes(sizes)[0][:, :2] * towers.scale, towers.labels % 2
    return matching(logits, mine(labels, sizes), mine(towers.weights, sizes))


@pytest.mark.parametrize("terms", [_plain, _weighted])
def test_metrics_and_gradients_do_not_depend_on_world_size(terms: TermsOf) -> None:
    assert_independent_of_world_size(terms)


def test_value_equals_the_plain_reference() -> None:
    logits_K2, labels_K = torch.randn(12, 2, dtype=torch.float64), torch.arange(12) % 2
    weights_K = torch.rand(12, dtype=torch.float64)
    margins_K = (logits_K2[:, 1] - logits_K2[:, 0]) * (2 * labels_K - 1)
    result = matching(logits_K2, labels_K, weights_K)
    expected = (weights_K * (1 + (-margins_K).exp()).log()).sum() / weights_K.sum()
    torch.testing.assert_close(result.loss, expected, rtol=1e-13, atol=0)
    accuracy = (weights_K * (margins_K > 0)).sum() / weights_K.sum()
    torch.testing.assert_close(result.accuracy, accuracy, rtol=1e-13, atol=0)


def test_pairs_of_weight_zero_count_for_nothing() -> None:
    logits_K2, labels_K = torch.randn(6, 2, requires_grad=True), torch.arange(6) % 2
    result = matching(logits_K2, labels_K, torch.tensor([1.0, 1, 1, 0, 0, 0]))
    result.loss.backward()
    torch.testing.assert_close(result.loss, matching(logits_K2[:3], labels_K[:3]).loss)
    assert not logits_K2.grad[3:].any()


def _columns(drawn: HardNegatives) -> Tensor:
    return torch.stack([drawn.b_for_a_B, drawn.a_for_b_B, drawn.has_B.long()], dim=1)


def _draw_all(all_sizes: list[Sizes]) -> list[Tensor]:
    """(draws, B, 3) for each way to cut the batch."""
    towers = Towers()

    def draw(sizes: Sizes, groups: Tensor, seed: int) -> Tensor:
        groups_B = mine(groups, sizes)
        return _columns(
            hard_negatives(*towers.codes(sizes), towers.scale, groups_B=groups_B, generator=_generator(seed))
        )

    keys = [(groups, seed) for groups in (torch.arange(ROWS), GROUPS) for seed in range(DRAWS)]
    return [torch.stack([draw(sizes, *key) for key in keys]) for sizes in all_sizes]


def test_draws_do_not_depend_on_world_size() -> None:
    (alone,) = _draw_all(SIZES[1])
    for world_size in (2, 4):
        for cut in zip(*run_ranks(world_size, _draw_all, SIZES[world_size]), strict=True):
            assert torch.equal(torch.cat(cut, dim=1), alone)


@pytest.mark.parametrize("direction", ["b_for_a_B", "a_for_b_B"])
def test_negatives_are_drawn_by_softmax_of_similarity_over_other_groups(direction: str) -> None:
    rows, repeats, scale = 5, 2000, 2.0
    a, b = normalize(torch.randn(2, rows, 3, generator=_generator(1), dtype=torch.float64), dim=2)
    groups = torch.tensor([0, 1, 2, 0, 3])
    generator, scale_ = _generator(2), torch.tensor(scale)
    draws = [hard_negatives(a, b, scale_, groups_B=groups, generator=generator) for _ in range(repeats)]
    drawn = torch.stack([getattr(draw, direction) for draw in draws])
    logits = scale * (a @ b.T if direction == "b_for_a_B" else b @ a.T)
    for row in range(rows):
        others = groups != groups[row]
        counts = drawn[:, row].bincount(minlength=rows)
        assert not counts[~others].any()
        assert chisquare(counts[others], repeats * logits[row, others].softmax(0)).pvalue > 1e-3


def test_a_row_without_negatives_gets_itself_and_is_marked() -> None:
    codes = normalize(torch.randn(3, 4), dim=1)
    drawn = hard_negatives(codes, codes, torch.tensor(1.0), groups_B=torch.zeros(3), generator=_generator(0))
    assert drawn.b_for_a_B.tolist() == drawn.a_for_b_B.tolist() == [0, 1, 2]
    assert not drawn.has_B.any()


def test_draws_carry_no_gradient_and_work_in_bf16_and_on_nothing() -> None:
    codes = normalize(torch.randn(3, 4), dim=1).bfloat16().requires_grad_()
    for rows in (3, 0):
        drawn = hard_negatives(
            codes[:rows], codes[:rows], torch.tensor(1.0), groups_B=torch.arange(rows), generator=_generator(0)
        )
        assert drawn.b_for_a_B.dtype == torch.int64
        assert drawn.b_for_a_B.shape == (rows,)
        assert (drawn.b_for_a_B != torch.arange(rows)).all()


def test_codes_that_are_not_finite_are_an_error() -> None:
    codes = torch.tensor([[1.0, 0.0], [torch.nan, 0.0]])
    with pytest.raises(ValueError, match="nan or infinity"):
        hard_negatives(codes, codes, torch.tensor(1.0), groups_B=torch.arange(2), generator=_generator(0))


@pytest.mark.parametrize(("logits", "labels"), [((3, 3), (3,)), ((3, 2), (2,))])
def test_shapes_that_do_not_fit_are_errors(logits: tuple[int, ...], labels: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected shape"):
        matching(torch.zeros(logits), torch.zeros(labels, dtype=torch.int64))
