"""Out of memory: what a run may change, by what it costs."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from quatrefoil.core.recipes import Recipe
from quatrefoil.core.training.settings import Engine

_OF_CPUS = "can't allocate memory"


class OutOfMemory(ValueError):
    """A step needs more memory than its device has."""


@contextmanager
def advised(recipe: Recipe, engine: Engine, processes: int, step: int) -> Iterator[None]:
    """Within it, running out of memory on a GPU or a CPU says what to change.

    Raises:
        OutOfMemory: in place of what torch raised.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not isinstance(error, torch.OutOfMemoryError | MemoryError) and _OF_CPUS not in str(error):
            raise
        train = recipe.train
        rows = -(-train.batch_size // (processes * train.accumulate))
        raise OutOfMemory(
            f"step {step}: out of memory with micro-batches of {rows} samples ({processes} processes, "
            f"train.accumulate={train.accumulate}, {train.precision}, {engine}). What helps, beginning with what "
            f"changes no result: {'; '.join(_advice(recipe, engine, processes))}. ({str(error).splitlines()[0]})"
        ) from error


def _advice(recipe: Recipe, engine: Engine, processes: int) -> Iterator[str]:
    train, whole = recipe.train, [name for name, o in recipe.objectives.items() if o.recomputes]
    most = train.batch_size // processes  # micro-batches of one sample each
    if not whole and train.accumulate < most:
        yield f"train.accumulate={min(2 * train.accumulate, most)} (slower)"
    refused = f" (train.accumulate is refused for {', '.join(whole)})" if whole else ""
    yield f"more processes, each with fewer samples{refused}"
    if engine in ("plain", "ddp", "zero0"):
        yield "run.engine=fsdp2 or zero3 on several processes (weights, gradients and optimiser in parts)"
    if train.precision == "fp32":
        yield "train.precision=bf16"
    yield f"train.batch_size below {train.batch_size}, or a smaller model"
