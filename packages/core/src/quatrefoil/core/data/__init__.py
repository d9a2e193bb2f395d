"""From samples to batches: what a sample is, in which order samples come, how they are put together."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch

Sample = Mapping[str, Any]
"""One sample: field name -> tensor, plus `id` (str) and `group` (int)."""

Batch = dict[str, Any]
"""A batch: field name -> stacked tensor (B first), plus `id` (list of str), `group` (long B) and `skipped`."""


class SampleError(ValueError):
    """A sample that cannot be made because its data are bad (a file that is cut off, say); data modules raise it.

    Training skips such a sample and counts it. Anything else that is raised while a sample is made is taken for a
    mistake of the code or the set-up, and stops the run.
    """


class SampleKey(NamedTuple):
    """Names one draw of one sample; everything random about it is a function of (seed, epoch, index)."""

    epoch: int
    index: int  # type: ignore[assignment]  # hides tuple.index, which no one needs here


class SampleSet(Protocol):
    """A map-style set of samples with the group of each one (samples of one group are no negatives of each other)."""

    @property
    def groups_N(self) -> torch.Tensor: ...

    def __len__(self) -> int: ...

    def __getitem__(self, key: SampleKey) -> Sample: ...


class DataModule(Protocol):
    """Samples for training and evaluation, made from a corpus on disk."""

    @property
    def splits(self) -> Sequence[str]:
        """The splits that can be evaluated, e.g. `("val", "test")`."""

    @property
    def fill(self) -> Mapping[str, float | int | bool]:
        """Field -> padding value, where it is not 0 or False."""

    def train(self, fields: Iterable[str]) -> SampleSet: ...

    def items(self, split: str, unit: str, fields: Iterable[str]) -> SampleSet: ...

    def describe(self) -> Mapping[str, Any]:
        """JSON-ready facts for the results: name, protocol, fingerprint, counts, reference scores."""

    def assets(self) -> Mapping[str, str]:
        """Text files that a model trained on these data needs to be used alone: name -> content."""


@runtime_checkable
class HasRemarks(Protocol):
    """Data that may be read wrongly, or score too well: what whoever trains on them is to know."""

    def remarks(self) -> Sequence[str]:
        """Sentences, none where there is nothing to say."""


class DataConfig(Protocol):
    """A frozen dataclass that opens a corpus."""

    @property
    def fields(self) -> Sequence[str]: ...

    def build(self, seed: int) -> DataModule: ...
