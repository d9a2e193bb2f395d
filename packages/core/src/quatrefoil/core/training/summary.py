"""What a run says before its first step: what is trained, on what, for how long, and where the rest is written."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from accelerate import Accelerator

from quatrefoil.core.runs.checkpoint import Json
from quatrefoil.core.runs.folder import RunFolder
from quatrefoil.core.training.engine import engine_of
from quatrefoil.core.training.settings import Engine
from quatrefoil.core.training.trainer import Trainer

_WIDTH = 13
_ENGINES: Mapping[Engine, str] = {
    "plain": "one process, nothing is exchanged",
    "ddp": "each process holds the whole model, gradients are averaged",
    "zero0": "DeepSpeed, each process holds the whole model",
    "zero1": "DeepSpeed, the optimiser's state is cut among the processes",
    "zero2": "DeepSpeed, the optimiser's state and gradients are cut among the processes",
    "zero3": "DeepSpeed, weights, gradients and the optimiser's state are cut among the processes",
    "fsdp2": "weights, gradients and the optimiser's state are cut among the processes",
}


def summary(
    described: Json, data: Mapping[str, Any], remarks: Sequence[str], trainer: Trainer, start: int, folder: RunFolder
) -> str:
    """A few lines, a name and what it is about in each.

    Args:
        described: the recipe's name, its hash and the overrides, as in the run folder.
        data: what the data module says of itself.
        remarks: what else is to be known of the data.
        start: the step from which the run goes on (0: it begins).
    """
    lines = {
        "recipe": f"{described['recipe']}, configuration {described['config_hash']}, seed {trainer.recipe.seed}",
        "settings": shlex.join(described["overrides"]) or "all as in the recipe",
        "data": f"{data['name']}, protocol {data['protocol']}, splits {', '.join(data['splits'])}",
        **({"beware": ("\n" + " " * _WIDTH).join(remarks)} if remarks else {}),
        "starts from": trainer.model.started_from,
        "parameters": _parameters(trainer),
        "optimiser": trainer.groups_text.replace("\n", "\n" + " " * _WIDTH),
        "engine": _engine(trainer.accelerator),
        "steps": _steps(trainer, start),
        "run folder": f"{folder.path} ({folder.config.name}: every setting; log.jsonl: losses)",
    }
    return "\n".join(f"{name:{_WIDTH}}{text}" for name, text in lines.items())


def _engine(accelerator: Accelerator) -> str:
    name = engine_of(accelerator)
    return f"{name}: {_ENGINES[name]} (accelerate: {accelerator.distributed_type})"


def _parameters(trainer: Trainer) -> str:
    total, trained = sum(trainer.sizes.values()), trainer.trained_size
    parts = ", ".join(dict.fromkeys(name.split(".")[0] for name in trainer.frozen))
    unreached = f"{sum(map(trainer.sizes.__getitem__, trainer.frozen)):,} in {parts}"
    why = f"; frozen, as no objective reaches them: {unreached}"
    return f"{total:,}, {'all' if trained == total else f'{trained:,}'} trained{why if trainer.frozen else ''}"


def _steps(trainer: Trainer, start: int) -> str:
    plan, config, processes = trainer.plan, trainer.config, trainer.accelerator.num_processes
    anew = "there was no checkpoint to go on from; " if trainer.recipe.resume == "auto" else ""
    since = f"from step {start:,} on to " if start else anew
    where = f"over {processes} processes" if processes > 1 else "in one process"
    left_out = f", {plan.left_over_per_epoch:,} (others each time) left out" if plan.left_over_per_epoch else ""
    epoch = f"an epoch: {plan.batches_per_epoch:,} steps over {len(plan.groups_N):,} samples{left_out}"
    return f"{since}{config.steps:,} of {config.batch_size:,} samples {where}; {epoch}"
