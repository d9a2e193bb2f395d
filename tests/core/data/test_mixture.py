"""Parts of a mixture take turns: by whole batches, each in an order of its own, at any world size, from any step."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from quatrefoil.core.data import Sample, SampleKey
from quatrefoil.core.data.mixture import Mixture, TurnsPlan, plan_of
from quatrefoil.core.data.sampler import BatchPlan, Cursor


class Part:
    """Samples of groups of two."""

    def __init__(self, size: int, name: str = "") -> None:
        self.size, self.name = size, name

    @property
    def groups_N(self) -> torch.Tensor:
        return torch.arange(self.size) // 2

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, key: SampleKey) -> Sample:
        return {"id": f"{self.name}{key.index}", "group": key.index // 2, "epoch": key.epoch}


def turns(sizes: tuple[int, ...], batch_size: int, rank: int = 0, world_size: int = 1) -> TurnsPlan:
    plan = plan_of(Mixture([Part(size) for size in sizes], in_turn=True), batch_size, 3, rank, world_size)
    assert isinstance(plan, TurnsPlan)
    return plan


def stream(plan: BatchPlan, batches: int, start: int = 0) -> list[list[SampleKey]]:
    cursor = Cursor().after(start, plan.batches_per_epoch)
    return list(itertools.islice(plan.starting_at(cursor), batches))


few = settings(deadline=None, max_examples=20)
parts = st.lists(st.integers(4, 30), min_size=2, max_size=3).map(tuple)


@few
@given(sizes=parts, batch_size=st.integers(1, 2))
def test_each_batch_is_the_next_one_of_the_part_whose_turn_it_is(sizes: tuple[int, ...], batch_size: int) -> None:
    plan = turns(sizes, batch_size)
    starts = list(itertools.accumulate(sizes[:-1], initial=0))
    count = 2 * plan.batches_per_epoch + 1
    mixed = stream(plan, count)
    for part, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        own = BatchPlan(plan.groups_N[start : start + size], batch_size, 3)
        given = [[SampleKey(key.epoch, key.index - start) for key in batch] for batch in mixed[part :: len(sizes)]]
        assert given == stream(own, len(given))


@few
@given(sizes=parts)
def test_an_epoch_goes_through_the_longest_part_once_and_leaves_out_no_more_than_it_says(
    sizes: tuple[int, ...],
) -> None:
    plan = turns(sizes, 2)
    batches, left_over = plan.order(0)
    assert len(batches) == plan.batches_per_epoch == len(sizes) * plan.turns
    assert len(left_over) <= plan.left_over_per_epoch == sum(part.left_over_per_epoch for part in plan.parts)
    assert not set(batches.flatten().tolist()) & set(left_over.tolist())
    longest = max(range(len(sizes)), key=lambda part: plan.parts[part].batches_per_epoch)
    assert len(batches[longest :: len(sizes)].unique()) == 2 * plan.turns


def test_a_part_that_starts_again_is_drawn_anew() -> None:
    keys = [key for batch in stream(turns((4, 24), 2), 24)[::2] for key in batch]
    assert len(set(keys)) == len(keys)
    assert {key.epoch for key in keys} == set(range(6))


@few
@given(sizes=parts, start=st.integers(0, 50))
def test_the_stream_from_any_step_is_the_stream_from_the_start(sizes: tuple[int, ...], start: int) -> None:
    plan = turns(sizes, 2)
    assert stream(plan, 5, start) == stream(plan, start + 5)[start:]


def test_the_global_stream_does_not_depend_on_the_world_size() -> None:
    alone = stream(turns((12, 20), 4), 15)
    ranks = [stream(turns((12, 20), 4, rank, 3), 15) for rank in range(3)]
    assert alone == [[key for part in batch for key in part] for batch in zip(*ranks, strict=True)]


def test_ids_and_groups_tell_the_parts_apart() -> None:
    mixture = Mixture([Part(6, "a"), Part(4, "b")], in_turn=False)
    samples = [mixture[SampleKey(2, index)] for index in range(len(mixture))]
    assert [sample["group"] for sample in samples] == mixture.groups_N.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert [sample["id"] for sample in samples] == [f"0/a{n}" for n in range(6)] + [f"1/b{n}" for n in range(4)]
    assert {sample["epoch"] for sample in samples} == {2}


def test_a_mixed_shuffle_puts_parts_into_one_batch() -> None:
    plan = plan_of(Mixture([Part(20), Part(20)], in_turn=False), 8, 0)
    assert any({key.index < 20 for key in batch} == {True, False} for batch in stream(plan, 4))


def test_a_batch_that_a_part_cannot_fill_is_refused() -> None:
    with pytest.raises(ValueError, match="more than the 2 groups"):
        turns((4, 20), 3)
