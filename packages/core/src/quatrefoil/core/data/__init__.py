"""From samples to batches: what a sample is, in which order samples come, how they are put together."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import torch

Sample = Mapping[str, Any]
"""One sample: field name -> tensor, plus `id` (str) and `group` (int)."""

Batch = dict[str, Any]
"""A batch: field name -> stacked tensor (B first), plus `id` (list of str), `group` (long B) and `skipped`."""


class SampleKey(NamedTuple):
    """Names one draw of one sample; everything random about it is a function of (seed, epoch, index)."""

    epoch: int
    index: int


class SampleSet(Protocol):
    """A map-style set of samples with the group of each one (samples of one group are no negatives of each other)."""

    @property
    def groups_N(self) -> torch.Tensor: ...

    def __len__(self) -> int: ...

    def __getitem__(self, key: SampleKey) -> Sample: ...
