"""The loss and the gradient of a batch in the memory of a micro-batch, at any number of ranks.

Losses whose terms can be counted are accumulated, each micro-batch weighted by its share of the terms; losses that
couple samples are cached (`training/cached.py`). Ranks exchange gradients once, with the last micro-batch.
"""

import itertools
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor

from quatrefoil.core.data import Batch
from quatrefoil.core.distributed import gather_rows, global_sum
from quatrefoil.core.objectives import Step
from quatrefoil.core.objectives.step import Values
from quatrefoil.core.training.cached import CachedObjectives, seed_part
from quatrefoil.core.training.settings import Engine

_CUT_GRADIENTS: tuple[Engine, ...] = ("zero2", "zero3")


class Accumulates(Protocol):
    """What has gradients added; `module` is the step as it is to be called."""

    module: Any

    def accumulating(self) -> AbstractContextManager[Any]: ...

    def backward(self, loss: Tensor) -> None: ...


class MicroBatches:
    """Cuts batches, and has the gradient of the whole of them.

    Args:
        step: model and objectives, before an engine wraps them; what no objective reaches is frozen.
        parts: micro-batches in a batch.
        engine: under which the step will run.
        bf16: whether it will run under autocast.
        probe: some samples, to see what objectives count and views give.

    Raises:
        ValueError: objectives, or an engine, with which a batch cannot be cut.
    """

    def __init__(self, step: Step, parts: int, engine: Engine, bf16: bool, probe: Batch) -> None:
        self._step, self._parts = step, parts
        # A batch that is whole needs no putting together.
        coupled = [name for name, o in step.objectives.items() if parts > 1 and o.terms(probe) is None]
        self._counted = [name for name in step.objectives if name not in coupled]
        if coupled and engine in _CUT_GRADIENTS:
            raise ValueError(
                f"train.accumulate={parts}: {', '.join(coupled)} compare the samples of a batch, which takes gradients "
                f"that wait for the last micro-batch, and {engine} cuts them at each: take zero1, zero0 or ddp"
            )
        self._cached = CachedObjectives(step, coupled, bf16, probe) if coupled else None

    def backward(self, updater: Accumulates, batch: Batch, step: int) -> dict[str, Tensor]:
        """Adds the gradients of a batch to those of the parameters; its losses and metrics (those of this rank)."""
        parts = split(batch, self._to_be_had(batch))
        logged: dict[str, Tensor] = {}
        gradients: Sequence[Values | None] = [None] * len(parts)
        if self._cached:
            logged, gradients = self._cached.evaluate(batch, parts, step)
        for number, (part, shares, known) in enumerate(zip(parts, self._shares(parts), gradients, strict=True)):
            if self._parts > 1:
                seed_part(self._step.seed, step, number)
            more_to_come = number < len(parts) - 1
            with updater.accumulating() if more_to_come else nullcontext():
                result = updater.module(part, step, shares, known)
                updater.backward(result["loss"])
            for name, value in result.items():
                share = shares.get(name.split("/")[0], 1.0)  # `loss` holds its shares already
                logged[name] = share * value.detach() + logged.get(name, 0.0)
        return logged

    def _to_be_had(self, batch: Batch) -> int:
        """The number of parts, or where samples were skipped as many as the rank with the fewest has samples."""
        if self._parts == 1:
            return 1
        rows = torch.tensor([len(batch["id"])], device=batch["group"].device)
        return min(self._parts, int(gather_rows(rows).rows.min()))

    def _shares(self, parts: Sequence[Batch]) -> list[dict[str, float]]:
        """For each micro-batch, objective that counts -> its share of the terms of the global batch."""
        if len(parts) == 1:
            return [dict.fromkeys(self._counted, 1.0)]
        terms = {name: [self._step.objectives[name].terms(part) for part in parts] for name in self._counted}
        counts = {
            name: global_sum(torch.stack([c for c in values if c is not None]).double())
            for name, values in terms.items()
        }
        # A batch may hold no term of an objective at all, e.g. no masked token: its loss is zero, whatever its share.
        totals = {name: c.sum().clamp(min=1) for name, c in counts.items()}
        return [{name: float(c[number] / totals[name]) for name, c in counts.items()} for number in range(len(parts))]


def split(batch: Batch, parts: int) -> list[Batch]:
    """Cut a batch into micro-batches of (nearly) equal numbers of rows.

    Raises:
        ValueError: fewer rows than parts.
    """
    rows = len(batch["id"])
    if rows < parts:
        raise ValueError(f"train.accumulate={parts}: this process has only {rows} samples of the batch")
    if parts == 1:
        return [batch]
    edges = [rows * part // parts for part in range(parts + 1)]
    per_row = {name: value for name, value in batch.items() if name != "skipped"}
    return [{name: value[a:b] for name, value in per_row.items()} for a, b in itertools.pairwise(edges)]
