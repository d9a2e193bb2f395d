"""Masking. Legend: L positions, n that may be masked."""

import math
from collections import Counter
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest
from torch import Tensor

from quatrefoil.core import masking
from quatrefoil.core.losses import IGNORE

Draw = Callable[[torch.Generator], Tensor]
seeds = st.integers(0, 2**32)
rates = st.floats(0.01, 1.0)
maskables = st.lists(st.booleans(), max_size=60).map(lambda flags: torch.tensor(flags, dtype=torch.bool))
quick = settings(max_examples=60, deadline=None)


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _count(units: float, rate: float) -> int:
    return max(1, round(rate * units)) if units else 0


def _runs(flags: Tensor) -> list[int]:
    return [len(run) for run in "".join("x" if flag else " " for flag in flags.tolist()).split()]


@quick
@given(maskables, seeds, rates)
def test_tokens_are_chosen_in_exact_number_and_never_where_forbidden(maskable: Tensor, seed: int, rate: float) -> None:
    chosen = masking.choose_tokens(maskable, _generator(seed), rate)
    assert chosen.shape == maskable.shape
    assert not (chosen & ~maskable).any()
    assert chosen.sum() == _count(int(maskable.sum()), rate)


@quick
@given(st.lists(st.integers(-1, 9), max_size=40), seeds, rates)
def test_words_are_masked_whole_and_in_exact_number(words: list[int], seed: int, rate: float) -> None:
    word_of_token = torch.tensor(words, dtype=torch.int64)
    chosen = masking.choose_whole_words(word_of_token, _generator(seed), rate)
    picked = set(word_of_token[chosen].tolist())
    assert picked.isdisjoint(word_of_token[~chosen].tolist())
    assert -1 not in picked
    assert len(picked) == _count(len({*words} - {-1}), rate)


@quick
@given(maskables, seeds, rates, st.integers(1, 7))
def test_spans_are_whole_disjoint_and_never_where_forbidden(
    maskable: Tensor, seed: int, rate: float, length: int
) -> None:
    chosen = masking.choose_spans(maskable, _generator(seed), rate, length)
    fitting = sum(size // length for size in _runs(maskable))
    assert chosen.shape == maskable.shape
    assert not (chosen & ~maskable).any()
    assert all(size % length == 0 for size in _runs(chosen))
    assert chosen.sum() == length * min(fitting, _count(int(maskable.sum()) / length, rate))


@quick
@given(st.lists(st.integers(1, 6), min_size=1, max_size=3), seeds, rates, st.integers(1, 8), st.floats(1, 4))
def test_blocks_fill_the_grid_to_the_exact_number(
    grid: list[int], seed: int, rate: float, least: int, aspect: float
) -> None:
    chosen = masking.choose_blocks(grid, _generator(seed), rate, least_cells=least, largest_aspect=aspect)
    assert chosen.shape == tuple(grid)
    assert chosen.sum() == _count(chosen.numel(), rate)


def test_blocks_hold_together_more_than_single_cells_do() -> None:
    def touching(chosen: Tensor) -> int:
        return int((chosen[1:] & chosen[:-1]).sum() + (chosen[:, 1:] & chosen[:, :-1]).sum())

    generator = _generator(0)
    blocks = [masking.choose_blocks((7, 7), generator, 0.2, least_cells=4, largest_aspect=3.3) for _ in range(50)]
    cells = [masking.choose_patches(49, generator, 0.2).view(7, 7) for _ in range(50)]
    assert sum(map(touching, blocks)) > 2 * sum(map(touching, cells))


@pytest.mark.parametrize("axes", [2, 3])
def test_the_most_unequal_sides_of_a_block_differ_by_a_log_uniform_ratio(axes: int) -> None:
    generator, grid = _generator(0), (4000,) * axes
    boxes = [masking._box(grid, (2000,) * axes, 200**axes, 1 / 0.3, generator) for _ in range(1000)]
    sides = torch.tensor([[part.stop - part.start for part in box] for box in boxes]).double()
    ratios = (sides.amax(1) / sides.amin(1)).log() / math.log(1 / 0.3)
    assert kstest(ratios, "uniform").pvalue > 1e-3
    assert sides.log().sum(1).sub(axes * math.log(200)).abs().max() < 0.02
    assert (sides[:, 0] - sides[:, -1]).sign().mean().abs() < 5 / 1000**0.5


@quick
@given(st.integers(0, 300), seeds, rates)
def test_patches_are_chosen_in_exact_number(count: int, seed: int, rate: float) -> None:
    chosen = masking.choose_patches(count, _generator(seed), rate)
    assert chosen.shape == (count,)
    assert chosen.sum() == _count(count, rate)


EVERYWHERE = torch.ones(12, dtype=torch.bool)
DRAWS: list[Draw] = [
    lambda generator: masking.choose_tokens(EVERYWHERE, generator, 0.25),
    lambda generator: masking.choose_whole_words(torch.arange(12), generator, 0.25),
    lambda generator: masking.choose_spans(EVERYWHERE, generator, 0.25, 1),
    lambda generator: masking.choose_patches(12, generator, 0.25),
]


@pytest.mark.parametrize("draw", DRAWS, ids=["tokens", "words", "spans", "patches"])
def test_every_position_is_as_likely_as_any_other(draw: Draw) -> None:
    generator, repeats = _generator(3), 2000
    share = torch.stack([draw(generator) for _ in range(repeats)]).double().mean(0)
    assert (share - 0.25).abs().max() < 5 * (0.25 * 0.75 / repeats) ** 0.5


@pytest.mark.parametrize("draw", DRAWS, ids=["tokens", "words", "spans", "patches"])
def test_a_draw_is_a_function_of_the_generator_alone(draw: Draw) -> None:
    first = draw(_generator(5))
    torch.manual_seed(99)
    assert torch.equal(draw(_generator(5)), first)
    assert any(not torch.equal(draw(_generator(seed)), first) for seed in range(6, 16))


def test_placements_of_spans_in_a_run_are_equally_likely() -> None:
    run, generator, repeats = torch.ones(7, dtype=torch.bool), _generator(4), 2000
    seen = Counter(tuple(masking.choose_spans(run, generator, 0.6, 2).tolist()) for _ in range(repeats))
    # Two spans of 2 in 7 positions: as many placements as of 2 single ones in 5.
    assert len(seen) == 10
    assert max(abs(count / repeats - 0.1) for count in seen.values()) < 5 * (0.1 * 0.9 / repeats) ** 0.5


@quick
@given(maskables, seeds)
def test_labels_are_the_true_ids_where_chosen_and_other_ids_stay(chosen: Tensor, seed: int) -> None:
    ids = torch.arange(len(chosen)) + 100
    masked = masking.corrupt(ids, chosen, _generator(seed), mask_id=1, random_ids=range(50, 60, 3))
    assert torch.equal(masked.labels_L[chosen], ids[chosen])
    assert (masked.labels_L[~chosen] == IGNORE).all()
    assert torch.equal(masked.ids_L[~chosen], ids[~chosen])
    assert torch.isin(masked.ids_L[chosen & (masked.ids_L < 100)], torch.tensor([1, 50, 53, 56, 59])).all()


@pytest.mark.parametrize("random_ids", [range(10, 20), torch.arange(10, 20)])
def test_ids_are_masked_replaced_and_kept_in_the_stated_shares(random_ids: range | Tensor) -> None:
    count = 20000
    ids, chosen = torch.full((count,), 5), torch.ones(count, dtype=torch.bool)
    masked = masking.corrupt(ids, chosen, _generator(0), mask_id=1, random_ids=random_ids).ids_L
    for share, expected in [((masked == 1), 0.8), ((masked >= 10), 0.1), ((masked == 5), 0.1)]:
        assert abs(share.double().mean().item() - expected) < 0.01
    assert set(masked.unique().tolist()) == {1, 5, *range(10, 20)}


@pytest.mark.parametrize(("mask_share", "random_share", "left"), [(1.0, 0.0, 1), (0.0, 0.0, 5), (0.0, 1.0, 9)])
def test_extreme_shares_are_exact(mask_share: float, random_share: float, left: int) -> None:
    ids, chosen = torch.full((200,), 5), torch.ones(200, dtype=torch.bool)
    shares = {"mask_share": mask_share, "random_share": random_share}
    masked = masking.corrupt(ids, chosen, _generator(0), mask_id=1, random_ids=range(9, 10), **shares)
    assert (masked.ids_L == left).all()


@pytest.mark.parametrize("rate", [0.0, -0.1, 1.1, float("nan")])
def test_a_rate_outside_its_range_is_an_error(rate: float) -> None:
    with pytest.raises(ValueError, match="rate must be above 0 and at most 1"):
        masking.choose_tokens(EVERYWHERE, _generator(0), rate)


def test_impossible_settings_are_errors() -> None:
    with pytest.raises(ValueError, match="length must be at least 1"):
        masking.choose_spans(EVERYWHERE, _generator(0), 0.5, 0)
    with pytest.raises(ValueError, match="least_cells and largest_aspect"):
        masking.choose_blocks((3, 3), _generator(0), 0.5, least_cells=0, largest_aspect=2)
    with pytest.raises(ValueError, match="sum to <= 1"):
        masking.corrupt(EVERYWHERE.long(), EVERYWHERE, _generator(0), mask_id=1, random_ids=range(5), mask_share=0.95)
    with pytest.raises(ValueError, match="random_ids is empty"):
        masking.corrupt(EVERYWHERE.long(), EVERYWHERE, _generator(0), mask_id=1, random_ids=range(0))
