"""Batches: padding that can be undone, corrupt samples counted, and loaders that agree whatever their workers."""

import itertools
import os
import signal
from multiprocessing import active_children
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quatrefoil.core.data import Batch, Sample, SampleError, SampleKey
from quatrefoil.core.data.collate import (
    Guarded,
    SampleFailed,
    SkipBudget,
    Skipped,
    TooManySkipped,
    collate,
    loader,
    to_device,
)
from quatrefoil.core.data.sampler import BatchPlan, Cursor

CORRUPT = 5
START = Cursor()


class Toy:
    """Samples of unlike lengths, random in (epoch, index); one of them corrupt."""

    def __init__(self, samples: int = 24) -> None:
        self.groups_N = torch.arange(samples) // 2

    def __len__(self) -> int:
        return len(self.groups_N)

    def __getitem__(self, key: SampleKey) -> Sample:
        if key.index == CORRUPT:
            raise SampleError("file 5 is cut off")
        draws = torch.Generator().manual_seed(1000 * key.epoch + key.index)
        return {
            "id": f"s{key.index}",
            "group": key.index // 2,
            "values": torch.rand(1 + key.index % 4, generator=draws),
            "threads": torch.get_num_threads(),
            "process": os.getpid(),
        }


class Broken(Toy):
    """Fails for a reason that is not in the data."""

    def __getitem__(self, key: SampleKey) -> Sample:
        raise ValueError("a mistake of ours")


def sample(name: str, **fields: Any) -> Sample:
    return {"id": name, "group": 0, **fields}


def batches(workers: int, cursor: Cursor = START, steps: int = 8, seed: int = 0) -> list[Batch]:
    plan = BatchPlan(Toy().groups_N, 4, seed)
    return list(itertools.islice(loader(Toy(), plan, cursor, workers=workers, fill={"values": -1.0}), steps))


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=5), st.sampled_from([0.0, -7.5]))
def test_padding_keeps_every_value_and_fills_the_rest(sizes: list[tuple[int, int]], fill: float) -> None:
    tensors = [torch.rand(size) + 1 for size in sizes]
    batch = collate([sample(str(n), x=tensor) for n, tensor in enumerate(tensors)], {"x": fill})
    assert batch["x"].shape == (len(sizes), max(a for a, _ in sizes), max(b for _, b in sizes))
    rest = batch["x"].clone()
    for row, (tensor, (height, width)) in enumerate(zip(tensors, sizes, strict=True)):
        assert torch.equal(batch["x"][row, :height, :width], tensor)
        rest[row, :height, :width] = fill
    assert torch.equal(rest, torch.full_like(rest, fill))


def test_padding_is_zero_and_false_unless_said_otherwise() -> None:
    short, long = torch.ones(1, dtype=torch.bool), torch.ones(3, dtype=torch.bool)
    batch = collate([sample("a", mask=short, n=short.long()), sample("b", mask=long, n=long.long())], {})
    assert batch["mask"].tolist() == [[True, False, False], [True, True, True]]
    assert batch["n"].tolist() == [[1, 0, 0], [1, 1, 1]]


def test_ids_stay_strings_and_numbers_become_tensors() -> None:
    batch = collate([sample("a", score=0.5, text="x"), sample("b", score=1.5, text="y")], {})
    assert batch["id"] == ["a", "b"]
    assert batch["text"] == ["x", "y"]
    assert torch.equal(batch["group"], torch.tensor([0, 0]))
    assert batch["group"].dtype == torch.long
    assert batch["score"].tolist() == [0.5, 1.5]


def test_skipped_samples_are_listed_and_leave_the_others_unchanged() -> None:
    bad = Skipped("c", "cut off")
    assert collate([bad, sample("a"), sample("b")], {})["skipped"] == [bad]
    assert collate([bad, sample("a"), sample("b")], {})["id"] == ["a", "b"]


def test_a_batch_without_any_sample_is_refused_with_ids_and_reasons() -> None:
    with pytest.raises(ValueError, match="c: cut off; d: empty"):
        collate([Skipped("c", "cut off"), Skipped("d", "empty")], {})


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (sample("b"), r"'a' and 'b' differ in the fields \['x'\]"),
        (sample("b", x=torch.zeros(2, 2)), "'x' differs in type or number of dimensions"),
        (sample("b", x=torch.zeros(2, dtype=torch.long)), "'x' differs in type"),
        (sample("b", x=1.0), "'x' differs in type"),
    ],
)
def test_samples_that_do_not_go_together_are_refused_by_field(second: Sample, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        collate([sample("a", x=torch.zeros(2)), second], {})


def test_samples_without_id_or_of_unknown_types_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\['group'\] not among its fields \['id'\]"):
        collate([{"id": "a"}], {})
    with pytest.raises(ValueError, match="'x' of sample 'a' must be a tensor, a number or a string"):
        collate([sample("a", x=None)], {})


def test_only_sample_errors_are_taken_for_corrupt_samples() -> None:
    guarded = Guarded(Toy())
    assert guarded[SampleKey(0, CORRUPT)] == Skipped(f"index {CORRUPT}", "file 5 is cut off")
    assert len(guarded) == 24
    assert torch.equal(guarded.groups_N, Toy().groups_N)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_mistake_in_making_a_sample_stops_the_loader_and_names_the_sample(workers: int) -> None:
    plan = BatchPlan(Broken().groups_N, 1, seed=0)
    index = int(plan.order(0).batches[0, 0])
    with pytest.raises(SampleFailed, match=f"sample {index} of epoch 0: ValueError: a mistake of ours"):
        next(iter(loader(Broken(), plan, START, workers=workers, fill={})))


def bad(count: int) -> list[Skipped]:
    return [Skipped(f"bad{n}", "empty") for n in range(count)]


def test_budget_is_spent_exactly_where_the_share_is_exceeded() -> None:
    budget = SkipBudget(share=0.1, minimum=0)
    for _ in range(5):
        budget.add(10, 1, bad(1))
    with pytest.raises(TooManySkipped, match=r"6 of 51 samples.*10.00%.*bad0: empty"):
        budget.add(1, 1, bad(1))


def test_a_rank_without_corrupt_samples_stops_with_the_others() -> None:
    budget = SkipBudget(share=0.1, minimum=0)
    with pytest.raises(TooManySkipped, match=r"2 of 10 samples.*This process met: none"):
        budget.add(10, 2, [])


def test_budget_lets_a_few_early_losses_pass_and_then_says_all_of_them() -> None:
    budget = SkipBudget(share=0.01, minimum=3)
    budget.add(4, 3, bad(3))
    with pytest.raises(TooManySkipped, match="4 of 6 samples"):
        budget.add(2, 1, bad(1))
    assert [entry.id for entry in budget.named] == ["bad0", "bad1", "bad2", "bad0"]


@pytest.mark.parametrize(("share", "minimum"), [(-0.1, 0), (1.1, 0), (0.1, -1)])
def test_budgets_that_make_no_sense_are_refused(share: float, minimum: int) -> None:
    with pytest.raises(ValueError, match="share must lie in"):
        SkipBudget(share, minimum)


def test_samples_do_not_depend_on_the_number_of_workers() -> None:
    alone, spread = batches(workers=0, steps=12), batches(workers=2, steps=12)  # two epochs and a bit
    for one, other in zip(alone, spread, strict=True):
        assert one["id"] == other["id"]
        assert one["skipped"] == other["skipped"]
        assert torch.equal(one["values"], other["values"])
    assert sum(len(batch["skipped"]) for batch in alone) >= 1
    assert {int(p) for batch in spread for p in batch["process"]}.isdisjoint({os.getpid()})
    assert {int(threads) for batch in spread for threads in batch["threads"]} == {1}


def test_workers_leave_ctrl_c_to_the_process_that_they_work_for() -> None:
    others = active_children()
    plan = BatchPlan(Toy().groups_N, 4, 0)
    coming = iter(loader(Toy(), plan, START, workers=1, fill={"values": -1.0}))
    next(coming)
    (worker,) = [child for child in active_children() if child not in others]
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGINT)
    found = list(itertools.islice(coming, 6))  # more than a worker has ready
    assert {int(made) for batch in found for made in batch["process"]} == {worker.pid}


def test_a_loader_that_starts_later_gives_the_same_batches() -> None:
    whole, rest = batches(workers=0, steps=9), batches(workers=0, cursor=Cursor().after(4, 6), steps=5)
    assert [batch["id"] for batch in whole[4:]] == [batch["id"] for batch in rest]
    assert all(torch.equal(a["values"], b["values"]) for a, b in zip(whole[4:], rest, strict=True))


def test_loading_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    batches(workers=0)
    assert torch.equal(before, torch.get_rng_state())


def test_to_device_moves_tensors_and_keeps_the_rest() -> None:
    batch = collate([sample("a", x=torch.zeros(2)), Skipped("b", "empty")], {})
    moved = to_device(batch, torch.device("meta"))
    assert moved["x"].is_meta
    assert moved["group"].is_meta
    assert (moved["id"], moved["skipped"]) == (["a"], [Skipped("b", "empty")])
