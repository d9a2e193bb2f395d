"""The order of samples: complete, free of repeats, the same on every machine and at every world size."""

import itertools
import time
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from quatrefoil.core.data import SampleKey
from quatrefoil.core.data.sampler import BatchPlan, Cursor, epoch_order

GROUP_LISTS = st.lists(st.integers(-3, 12), min_size=1, max_size=80)
GOLDEN = [[0, 3, 10, 7], [1, 8, 5, 6], [9, 2, 4, 11]]  # made by this code; a change breaks every run that is resumed


def fits(sizes: list[int], batch_size: int, batches: int) -> bool:
    return sum(min(size, batches) for size in sizes) >= batches * batch_size


def local_batches(plan: BatchPlan, cursor: Cursor, steps: int) -> list[list[SampleKey]]:
    return list(itertools.islice(plan.starting_at(cursor), steps))


@settings(max_examples=200, deadline=None)
@given(GROUP_LISTS, st.integers(1, 12), st.integers(0, 5), st.integers(0, 3))
def test_every_sample_is_in_one_batch_or_left_over_and_no_group_twice_in_a_batch(
    groups: list[int], batch_size: int, seed: int, epoch: int
) -> None:
    groups_N = torch.tensor(groups)
    if batch_size > len(set(groups)):
        with pytest.raises(ValueError, match=f"batch_size={batch_size} is more than the {len(set(groups))} groups"):
            epoch_order(groups_N, batch_size, seed=seed, epoch=epoch)
        return
    order = epoch_order(groups_N, batch_size, seed=seed, epoch=epoch)
    assert sorted([*order.batches.flatten().tolist(), *order.left_over.tolist()]) == list(range(len(groups)))
    assert all(len(batch.unique()) == batch_size for batch in groups_N[order.batches])


@settings(max_examples=200, deadline=None)
@given(GROUP_LISTS, st.integers(1, 12))
def test_no_order_without_repeats_has_more_batches(groups: list[int], batch_size: int) -> None:
    sizes = list(Counter(groups).values())
    if batch_size > len(sizes):
        return
    batches = len(epoch_order(torch.tensor(groups), batch_size, seed=0, epoch=0).batches)
    assert fits(sizes, batch_size, batches)
    assert not any(fits(sizes, batch_size, more) for more in range(batches + 1, len(groups) + 1))


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 60), st.integers(1, 12))
def test_of_samples_that_share_no_group_only_the_incomplete_tail_is_left_over(samples: int, batch_size: int) -> None:
    groups_N = torch.arange(samples)
    if batch_size > samples:
        with pytest.raises(ValueError, match=f"more than the {samples} groups"):
            epoch_order(groups_N, batch_size, seed=0, epoch=0)
        return
    order = epoch_order(groups_N, batch_size, seed=0, epoch=0)
    assert len(order.left_over) == samples % batch_size
    assert sorted([*order.batches.flatten().tolist(), *order.left_over.tolist()]) == list(range(samples))


def test_over_the_epochs_every_sample_is_drawn_even_of_a_group_too_large_for_one() -> None:
    groups_N = torch.tensor([0] * 12 + [1, 2, 3, 4])
    orders = [epoch_order(groups_N, 2, seed=1, epoch=epoch) for epoch in range(60)]
    assert all(len(order.batches) == 4 for order in orders)
    assert set(torch.cat([order.batches.flatten() for order in orders]).tolist()) == set(range(16))


def test_any_two_samples_of_unlike_groups_meet_about_equally_often() -> None:
    groups_N = torch.arange(24) // 2
    together = torch.zeros(24, 24)
    for epoch in range(2000):
        for batch in epoch_order(groups_N, 4, seed=0, epoch=epoch).batches:
            together[batch[:, None], batch] += 1
    expected = 2000 * 3 / 22  # a sample meets three others per epoch, of the 22 that are not of its group
    met = together[groups_N[:, None] != groups_N]
    assert float((met / expected - 1).abs().max()) < 0.3  # five standard deviations of a binomial count
    assert float(together.fill_diagonal_(0)[groups_N[:, None] == groups_N].sum()) == 0


def test_order_is_a_function_of_seed_and_epoch_alone() -> None:
    groups_N = torch.arange(60) // 3
    before = torch.get_rng_state()
    first, torch_state = epoch_order(groups_N, 4, seed=7, epoch=2), torch.get_rng_state()
    np.random.seed(0)
    torch.manual_seed(1)
    assert torch.equal(first.batches, epoch_order(groups_N, 4, seed=7, epoch=2).batches)
    assert torch.equal(before, torch_state)
    assert not torch.equal(first.batches, epoch_order(groups_N, 4, seed=7, epoch=3).batches)
    assert not torch.equal(first.batches, epoch_order(groups_N, 4, seed=8, epoch=2).batches)


def test_order_is_the_same_on_every_machine_and_version() -> None:
    order = epoch_order(torch.arange(12) // 2, 4, seed=3, epoch=1)
    assert order.batches.tolist() == GOLDEN


@pytest.mark.parametrize(("seed", "epoch"), [(-1, 0), (0, -1)])
def test_negative_seeds_and_epochs_are_refused(seed: int, epoch: int) -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        epoch_order(torch.arange(4), 2, seed=seed, epoch=epoch)


@pytest.mark.parametrize("world_size", [1, 2, 3, 4])
def test_global_stream_does_not_depend_on_the_world_size(world_size: int) -> None:
    groups_N = torch.arange(40) // 2
    alone = local_batches(BatchPlan(groups_N, 7, seed=5), Cursor(), 13)
    ranks = [BatchPlan(groups_N, 7, 5, rank, world_size) for rank in range(world_size)]
    shares = [local_batches(plan, Cursor(), 13) for plan in ranks]
    assert [list(itertools.chain(*parts)) for parts in zip(*shares, strict=True)] == alone
    sizes = {len(batch) for share in shares for batch in share}
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("steps", [0, 1, 4, 5, 6, 11, 23])
def test_a_run_resumed_at_any_step_goes_on_with_the_same_stream(steps: int) -> None:
    plan = BatchPlan(torch.arange(40) // 2, 7, seed=5)
    assert plan.batches_per_epoch == 5
    cursor = Cursor().after(steps, plan.batches_per_epoch)
    assert local_batches(plan, cursor, 7) == local_batches(plan, Cursor(), steps + 7)[steps:]


@given(st.integers(0, 5), st.integers(0, 30), st.integers(0, 30), st.integers(1, 9))
def test_cursor_steps_add_up(epoch: int, first: int, second: int, batches: int) -> None:
    start = Cursor(epoch, 0)
    assert start.after(first, batches).after(second, batches) == start.after(first + second, batches)
    assert start.after(batches, batches) == Cursor(epoch + 1, 0)


def test_a_cursor_at_the_end_of_an_epoch_begins_the_next() -> None:
    plan = BatchPlan(torch.arange(40) // 2, 7, seed=5)
    assert local_batches(plan, Cursor(0, 5), 3) == local_batches(plan, Cursor(1, 0), 3)


def test_what_an_epoch_leaves_out_is_counted() -> None:
    plan = BatchPlan(torch.tensor([0] * 10 + [1, 2, 3]), 2, seed=0)
    assert plan.left_over_per_epoch == len(plan.order(0).left_over) == len(plan.order(9).left_over) == 7


@pytest.mark.parametrize(
    ("batch_size", "rank", "world_size", "message"),
    [
        (4, 2, 2, "rank must lie in 0..1"),
        (2, 0, 3, "without a sample"),
        (9, 0, 1, "take a smaller train.batch_size"),
        (0, 0, 1, "without a sample"),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused_at_once(
    batch_size: int, rank: int, world_size: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        BatchPlan(torch.arange(16) // 2, batch_size, 0, rank, world_size)


def test_a_large_epoch_is_ordered_in_less_than_a_second() -> None:
    groups_N = torch.arange(180_000) % 9_000
    began = time.process_time()
    order = epoch_order(groups_N, 128, seed=0, epoch=0)
    assert time.process_time() - began < 1
    assert order.batches.shape == (1406, 128)
