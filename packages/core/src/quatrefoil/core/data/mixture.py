"""Several sample sets as one: mixed in every batch, or batch by batch in turn.

Shapes: N samples of all parts, n of one part, B global batch.
"""

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from quatrefoil.core.data import Sample, SampleKey, SampleSet
from quatrefoil.core.data.sampler import BatchPlan, EpochOrder


@dataclass(frozen=True)
class Mixture:
    """The samples of all `parts`, one part after the other; no group is shared between parts.

    Args:
        in_turn: every batch is of one part, the parts take turns; else a batch may hold samples of all parts.
    """

    parts: Sequence[SampleSet]
    in_turn: bool

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """The index of the first sample of each part."""
        return tuple(itertools.accumulate((len(part) for part in self.parts[:-1]), initial=0))

    @property
    def groups_N(self) -> torch.Tensor:
        """Long (N,)."""
        return torch.cat([part.groups_N + first for part, first in zip(self.parts, self._first_groups, strict=True)])

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    def __getitem__(self, key: SampleKey) -> Sample:
        """The sample, its id marked by the number of its part, its group by that of `groups_N`."""
        part = bisect.bisect_right(self.starts, key.index) - 1
        sample = self.parts[part][SampleKey(key.epoch, key.index - self.starts[part])]
        return {**sample, "id": f"{part}/{sample['id']}", "group": sample["group"] + self._first_groups[part]}

    @cached_property
    def _first_groups(self) -> tuple[int, ...]:
        tops = (int(part.groups_N.max()) + 1 for part in self.parts[:-1])
        return tuple(itertools.accumulate(tops, initial=0))


@dataclass(frozen=True, eq=False)
class TurnsPlan(BatchPlan):
    """Batches of several parts in turn: global batch n is of part n mod S of the S parts.

    Guaranteed, at any world size: a batch is of one part and repeats no group; every part has every S-th batch; in an
    epoch each part gives as many batches as the longest has, so the longest is gone through once and shorter ones start
    again, each time in a new order and with new draws; a place in the stream is plain arithmetic, so a run resumes.

    Args:
        sizes: of the parts, in the order of `groups_N`.
    """

    sizes: tuple[int, ...] = ()

    @cached_property
    def parts(self) -> tuple[BatchPlan, ...]:
        """The plan of each part on its own, over its own indices."""
        ends = itertools.accumulate(self.sizes)
        groups = (self.groups_N[end - size : end] for size, end in zip(self.sizes, ends, strict=True))
        others = self.batch_size, self.seed, self.rank, self.world_size
        return tuple(BatchPlan(groups_n, *others) for groups_n in groups)

    @cached_property
    def turns(self) -> int:
        """Batches of each part in an epoch."""
        return max(part.batches_per_epoch for part in self.parts)

    @cached_property
    def batches_per_epoch(self) -> int:
        """Global batches in every epoch, of all parts."""
        return self.turns * len(self.parts)

    @property
    def left_over_per_epoch(self) -> int:
        """Samples that one pass over each part leaves out (others in each pass)."""
        return sum(part.left_over_per_epoch for part in self.parts)

    def epochs(self, epoch: int) -> Sequence[int]:
        """The own epoch of the part of each batch."""
        counts = [part.batches_per_epoch for part in self.parts]
        return [turn // count for turn in self._turns(epoch) for count in counts]

    def order(self, epoch: int) -> EpochOrder:
        """The global batches of one epoch; left over is what no batch of it holds."""
        starts = itertools.accumulate(self.sizes[:-1], initial=0)
        streams = [self._batches(part, epoch) + start for part, start in zip(self.parts, starts, strict=True)]
        batches = torch.stack(streams, 1).flatten(0, 1)
        unseen_N = torch.ones(len(self.groups_N), dtype=torch.bool)
        unseen_N[batches.flatten()] = False
        return EpochOrder(batches, unseen_N.nonzero()[:, 0])

    def _turns(self, epoch: int) -> range:
        return range(epoch * self.turns, (epoch + 1) * self.turns)

    def _batches(self, part: BatchPlan, epoch: int) -> torch.Tensor:
        """The batches that a part gives in an epoch of the whole, (turns, B)."""
        count, turns = part.batches_per_epoch, self._turns(epoch)
        own = range(turns.start // count, turns[-1] // count + 1)
        stream = torch.cat([part.order(number).batches for number in own])
        first = turns.start - own.start * count
        return stream[first : first + self.turns]


def plan_of(samples: SampleSet, batch_size: int, seed: int, rank: int = 0, world_size: int = 1) -> BatchPlan:
    """The batches of a sample set, parts in turn where it says so. Raises ValueError as `BatchPlan`."""
    groups_N = samples.groups_N
    if not isinstance(samples, Mixture) or not samples.in_turn:
        return BatchPlan(groups_N, batch_size, seed, rank, world_size)
    sizes = tuple(len(part) for part in samples.parts)
    return TurnsPlan(groups_N, batch_size, seed, rank, world_size, sizes=sizes)
