"""Puts samples together: padding, the budget for corrupt samples, and the loader that does both in worker processes."""

import itertools
import os
import signal
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context, parent_process
from typing import Any, NamedTuple

import torch
from torch.utils.data import DataLoader, Dataset

from quatrefoil.core.data import Batch, Sample, SampleError, SampleKey, SampleSet
from quatrefoil.core.data.sampler import BatchPlan, Cursor

Fill = Mapping[str, float | int | bool]
"""Field name -> the value of its padding; fields that are not named are padded with 0 (False)."""


class Skipped(NamedTuple):
    """Stands in a batch for a sample that could not be made."""

    id: str
    reason: str


class TooManySkipped(ValueError):
    """More samples are corrupt than the budget allows."""


class SampleFailed(RuntimeError):
    """A sample could not be made, and not because its data are bad."""


def collate(samples: Sequence[Sample | Skipped], fill: Fill) -> Batch:
    """Stacks samples into a batch; `batch["skipped"]` lists those that could not be made.

    Tensors are stacked (B first), every dimension in which they differ padded at its end to the largest of the batch;
    numbers become a tensor (B,), strings a list. Raises ValueError where no sample is left, or where samples differ
    in their fields or a field in its type or number of dimensions.
    """
    skipped = [sample for sample in samples if isinstance(sample, Skipped)]
    made = [sample for sample in samples if not isinstance(sample, Skipped)]
    if not made:
        raise ValueError(f"no sample of this batch could be made, nothing is left to train on: {_listed(skipped)}")
    _check_fields(made)
    ids = [sample["id"] for sample in made]
    batch: Batch = {name: _joined(name, [sample[name] for sample in made], fill.get(name, 0), ids) for name in made[0]}
    return {**batch, "skipped": skipped}


def _listed(skipped: Iterable[Skipped]) -> str:
    return "; ".join(f"{sample.id}: {sample.reason}" for sample in skipped) or "none"


def _check_fields(samples: Sequence[Sample]) -> None:
    expected = samples[0].keys()
    if missing := {"id", "group"} - expected:
        raise ValueError(f"a sample needs 'id' and 'group'; {sorted(missing)} not among its fields {sorted(expected)}")
    for sample in samples:
        if odd := expected ^ sample.keys():
            raise ValueError(
                f"samples {samples[0]['id']!r} and {sample['id']!r} differ in the fields {sorted(odd)}: "
                "a field that a sample lacks must be there and masked"
            )


def _joined(name: str, values: list[Any], fill: float, ids: list[str]) -> Any:
    kinds = {(v.dtype, v.ndim) if isinstance(v, torch.Tensor) else type(v) for v in values}
    if len(kinds) > 1:
        raise ValueError(f"field {name!r} differs in type or number of dimensions over the samples {ids}: {kinds}")
    if isinstance(values[0], torch.Tensor):
        return _padded(values, fill)
    if isinstance(values[0], bool | int | float):
        return torch.tensor(values)
    if isinstance(values[0], str):
        return values
    raise ValueError(
        f"field {name!r} of sample {ids[0]!r} must be a tensor, a number or a string, not {type(values[0])}"
    )


def _padded(tensors: Sequence[torch.Tensor], fill: float) -> torch.Tensor:
    if len({tensor.shape for tensor in tensors}) == 1:
        return torch.stack(list(tensors))
    largest = [max(sizes) for sizes in zip(*(tensor.shape for tensor in tensors), strict=True)]
    stacked = tensors[0].new_full((len(tensors), *largest), fill)
    for row, tensor in zip(stacked, tensors, strict=True):
        row[tuple(slice(size) for size in tensor.shape)] = tensor
    return stacked


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch with its tensors on `device`; copies from pinned memory overlap with the work that follows."""
    return {k: v.to(device, non_blocking=True) if isinstance(v, torch.Tensor) else v for k, v in batch.items()}


class Guarded(Dataset[Sample | Skipped]):
    """A sample set in which a sample that raises `SampleError` (a corrupt file, say) is a `Skipped` marker.

    Any other exception is no fault of the data: it stops the run as a `SampleFailed` that names the sample.
    """

    def __init__(self, samples: SampleSet) -> None:
        self.samples = samples

    @property
    def groups_N(self) -> torch.Tensor:
        """The group of each sample, long (N,)."""
        return self.samples.groups_N

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, key: SampleKey) -> Sample | Skipped:
        try:
            return self.samples[key]
        except SampleError as error:
            return Skipped(f"index {key.index}", str(error))
        except Exception as error:  # some exceptions cannot be rebuilt across processes; this one can
            raise SampleFailed(
                f"sample {key.index} of epoch {key.epoch}: {type(error).__name__}: {error}; data modules raise "
                f"SampleError for bad data, so this is a mistake in the code or the set-up"
            ) from error


def first_batch(samples: SampleSet, plan: BatchPlan, fill: Fill, rows: int) -> Batch:
    """The first batch of a plan, cut to the first `rows` of its samples that can be made."""
    keys = next(iter(plan.starting_at(Cursor())))
    drawn = (Guarded(samples)[key] for key in keys)
    made = itertools.islice((sample for sample in drawn if not isinstance(sample, Skipped)), rows)
    return collate(list(made), fill)


@dataclass
class SkipBudget:
    """Counts the corrupt samples of all ranks and stops a run that meets too many.

    Allowed is the larger of `minimum` samples and `share` of all samples seen. Every rank adds the same counts of the
    same global batches, so that all of them stop at the same step.

    Attributes:
        seen, skipped: samples of all ranks so far; the whole state.
        named: those that this rank skipped since it started, for the message.
    """

    share: float = 0.01
    minimum: int = 10
    seen: int = 0
    skipped: int = 0
    named: list[Skipped] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1 or self.minimum < 0:
            raise ValueError(f"share must lie in 0..1 and minimum be at least 0, got {self.share} and {self.minimum}")

    def add(self, seen: int, skipped: int, named: Iterable[Skipped]) -> None:
        """Count one global batch: how many samples it was to have, how many are corrupt, and which of them are ours.

        Raises:
            TooManySkipped: the budget is spent; with the ids and reasons that this rank knows.
        """
        self.seen += seen
        self.skipped += skipped
        self.named += named
        if self.skipped > max(self.minimum, self.share * self.seen):
            raise TooManySkipped(
                f"{self.skipped} of {self.seen} samples could not be made, more than {self.minimum} and more than "
                f"{self.share:.2%}: mend the data or raise train.skip_budget. This process met: {_listed(self.named)}"
            )


def loader(
    samples: SampleSet,
    plan: BatchPlan,
    cursor: Cursor,
    *,
    workers: int,
    fill: Fill,
    prefetch: int = 2,
    pin_memory: bool = False,
    timeout_s: float = 0,
) -> DataLoader[Sample | Skipped]:
    """Loads the batches of `plan` from `cursor` on, without an end, in `workers` processes (0: in this one).

    Each worker holds `prefetch` batches ready. A batch that takes longer than `timeout_s` seconds is a RuntimeError
    (0: wait for ever). Samples must be picklable where there are workers: they come from a fork server, a clean
    process started once, because after a plain fork workers share file handles (their offsets too), CUDA and thread
    pools with the trainer, and read wrong data or hang. torch gives each worker one thread.
    """
    parallel = workers > 0
    return DataLoader(
        Guarded(samples),
        batch_sampler=plan.starting_at(cursor),
        collate_fn=partial(collate, fill=dict(fill)),
        num_workers=workers,
        multiprocessing_context=worker_context() if parallel else None,
        worker_init_fn=end_with_parent,
        persistent_workers=parallel,
        prefetch_factor=prefetch if parallel else None,
        timeout=timeout_s if parallel else 0,
        pin_memory=pin_memory,
        generator=torch.Generator(),  # of its own: by default the loader draws from, and so moves, the global one
    )


def end_with_parent(worker: int) -> None:
    """Let a worker end when the process that asked for it dies, even by SIGKILL, and not before, by Ctrl-C.

    torch's own watchdog looks at the parent process id, which under a fork server is the server's; both would live on.
    """
    parent = parent_process()
    assert parent is not None, "workers have a parent"

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to workers too, which the last steps still need


def worker_context() -> Any:
    """How loader workers start: from a fork server, so that no handle of this process is shared with them."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["torch.utils.data", __name__])  # imported once, not once a worker
    return context
