"""In which order samples come: a pure function of (seed, epoch), cut into global batches that repeat no group.

Shapes: N samples, G groups, K batches of an epoch, B global batch.

The order is counter-based (Philox keyed by seed and epoch), so there is no generator state: whoever knows a `Cursor`
knows all that follows, at any world size. The construction is our choice. Laid out group by group in B rows of K
columns, the samples of a group stand in columns of their own as long as a group has at most K samples; a batch is
then one sample of every row. This gives as many batches as the group sizes allow, the same number in every epoch,
where filling batches greedily gives fewer and a number that varies.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Sampler

from quatrefoil.core.data import SampleKey

Indices = NDArray[np.int64]


class EpochOrder(NamedTuple):
    """The global batches of one epoch, indices long (K, B), and the samples that it leaves out, long (N - K * B,)."""

    batches: torch.Tensor
    left_over: torch.Tensor


class Cursor(NamedTuple):
    """A place in the endless stream of global batches: the next batch is number `batch` of `epoch`."""

    epoch: int = 0
    batch: int = 0

    def after(self, steps: int, batches_per_epoch: int) -> "Cursor":
        """The place `steps` global batches further on."""
        return Cursor(*divmod(self.epoch * batches_per_epoch + self.batch + steps, batches_per_epoch))


def epoch_order(groups_N: torch.Tensor, batch_size: int, *, seed: int, epoch: int) -> EpochOrder:
    """Shuffles one epoch into global batches in which no group occurs twice.

    Left over is the incomplete tail, and of a group with more samples than the epoch has batches those beyond one a
    batch. Which samples that are is drawn anew in every epoch, so over the epochs every sample comes.

    Raises ValueError where not even one batch can be filled (a batch needs `batch_size` groups), or for a negative
    seed or epoch.
    """
    if seed < 0 or epoch < 0:
        raise ValueError(f"seed and epoch must not be negative, got seed={seed}, epoch={epoch}")
    group_of_N, sizes_G = _dense_groups(groups_N)
    batches = _batch_count(sizes_G, batch_size)
    draws = np.random.Philox(key=np.array([seed, epoch], dtype=np.uint64))
    shuffled_N = _shuffled(np.arange(len(group_of_N)), draws)
    drawn_N = _drawn(group_of_N[shuffled_N], batches, batches * batch_size)
    by_group = _group_by_group(shuffled_N[drawn_N], group_of_N, len(sizes_G), draws)
    rows_BK = by_group.reshape(batch_size, batches)
    batches_KB = np.take_along_axis(rows_BK, _columns(group_of_N[rows_BK], draws), axis=1).T
    return EpochOrder(torch.from_numpy(batches_KB.copy()), torch.from_numpy(shuffled_N[~drawn_N]))


def _shuffled(values: Indices, draws: np.random.Philox) -> Indices:
    # Raw words and a stable sort, not Generator.permutation, whose stream may change between versions of numpy.
    return values[np.argsort(draws.random_raw(len(values)), kind="stable")]


def _dense_groups(groups_N: torch.Tensor) -> tuple[Indices, Indices]:
    """The group of each sample, in 0..G-1, and the sizes of the groups."""
    _, group_of_N, sizes_G = np.unique(groups_N.numpy(), return_inverse=True, return_counts=True)
    return group_of_N, sizes_G


def _batch_count(sizes_G: Indices, batch_size: int) -> int:
    """The most batches without a repeat: the largest K for which the groups, cut to K samples each, fill K batches."""
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    if batch_size > len(sizes_G):
        raise ValueError(
            f"batch_size={batch_size} is more than the {len(sizes_G)} groups that there are, so some group would "
            "occur twice in a batch: take a smaller train.batch_size"
        )
    low, high = 1, int(sizes_G.sum()) // batch_size
    while low < high:
        middle = (low + high + 1) // 2
        fits = int(np.minimum(sizes_G, middle).sum()) >= middle * batch_size
        low, high = (middle, high) if fits else (low, middle - 1)
    return low


def _drawn(groups_N: Indices, most_of_a_group: int, total: int) -> NDArray[np.bool_]:
    """Marks the first `total` samples, passing over those of a group that has given `most_of_a_group` already."""
    order = np.argsort(groups_N, kind="stable")
    sorted_groups = groups_N[order]
    earlier_N = np.empty_like(order)  # how many samples of the same group come before this one
    earlier_N[order] = np.arange(len(order)) - np.searchsorted(sorted_groups, sorted_groups)
    allowed_N = earlier_N < most_of_a_group
    return allowed_N & (np.cumsum(allowed_N) <= total)


def _group_by_group(samples: Indices, group_of_N: Indices, groups: int, draws: np.random.Philox) -> Indices:
    """The samples, one whole group after the other, the groups in random order."""
    place_of_group_G = _shuffled(np.arange(groups), draws)
    return samples[np.argsort(place_of_group_G[group_of_N[samples]], kind="stable")]


def _columns(groups_BK: Indices, draws: np.random.Philox) -> Indices:
    """Which sample of each row goes to which batch: random but for the group that a row may share with the one before.

    That group (the end of one row, the start of the next) has at most K samples, so batches without it are enough for
    the rest of it.
    """
    rows, batches = groups_BK.shape
    sample_for_batch_BK = np.empty((rows, batches), dtype=np.int64)
    taken_K = np.zeros(batches, dtype=np.bool_)  # batches that hold a sample of this row's first group
    for row, groups_K in enumerate(groups_BK):
        head = int((groups_K == groups_K[0]).sum())
        in_head_K = np.zeros(batches, dtype=np.bool_)
        in_head_K[_shuffled(np.flatnonzero(~taken_K), draws)[:head]] = True
        batch_of_sample_K = np.concatenate(
            [_shuffled(np.flatnonzero(in_head_K), draws), _shuffled(np.flatnonzero(~in_head_K), draws)]
        )
        sample_for_batch_BK[row, batch_of_sample_K] = np.arange(batches)
        if row + 1 < rows:
            taken_K = (groups_K == groups_BK[row + 1, 0])[sample_for_batch_BK[row]]
    return sample_for_batch_BK


@dataclass(frozen=True, eq=False)
class BatchPlan:
    """The endless stream of batches of one rank; a rank's batch is its contiguous slice of the global one.

    The global stream is the same at every world size, so a run may go on with another number of ranks. Slices are as
    even as can be (those of np.array_split). Nothing moves in here: where a run stands is a `Cursor` that the
    consumer keeps, because what a loader has fetched ahead has not been trained on.

    Raises ValueError for a rank outside of the world, or a batch too small to give every rank a sample.
    """

    groups_N: torch.Tensor
    batch_size: int
    seed: int
    rank: int = 0
    world_size: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.world_size:
            raise ValueError(f"rank must lie in 0..{self.world_size - 1}, got {self.rank}")
        if self.batch_size < self.world_size:
            raise ValueError(
                f"a global batch of {self.batch_size} leaves some of {self.world_size} ranks without a sample: "
                "take a larger batch or fewer ranks"
            )
        _ = self.batches_per_epoch  # computed here, so that a batch that cannot be filled is refused at once

    @cached_property
    def batches_per_epoch(self) -> int:
        """Global batches in every epoch."""
        _, sizes_G = _dense_groups(self.groups_N)
        return _batch_count(sizes_G, self.batch_size)

    @property
    def left_over_per_epoch(self) -> int:
        """Samples that every epoch leaves out (others in each epoch)."""
        return len(self.groups_N) - self.batches_per_epoch * self.batch_size

    def order(self, epoch: int) -> EpochOrder:
        """The global batches of one epoch."""
        return epoch_order(self.groups_N, self.batch_size, seed=self.seed, epoch=epoch)

    def epochs(self, epoch: int) -> Sequence[int]:
        """For each batch of an epoch the one by which its samples are drawn."""
        return [epoch] * self.batches_per_epoch

    def starting_at(self, cursor: Cursor) -> "BatchStream":
        """The local batches from `cursor` on, without an end."""
        return BatchStream(self, cursor)


@dataclass(frozen=True, eq=False)
class BatchStream(Sampler[list[SampleKey]]):
    """Iterates over the local batches of a plan from a cursor on; a `batch_sampler` of torch's DataLoader."""

    plan: BatchPlan
    start: Cursor

    def __iter__(self) -> Iterator[list[SampleKey]]:
        plan = self.plan
        epoch, first = self.start.after(0, plan.batches_per_epoch)  # a cursor at the end of an epoch begins the next
        while True:
            for batch_B, own in zip(plan.order(epoch).batches[first:], plan.epochs(epoch)[first:], strict=True):
                local = torch.tensor_split(batch_B, plan.world_size)[plan.rank]
                yield [SampleKey(own, index) for index in local.tolist()]
            epoch, first = epoch + 1, 0
