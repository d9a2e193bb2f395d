"""Small recipes on the engines, each on ranks that were started once for all of them."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import torch
from accelerate.state import AcceleratorState
from torch import nn

from quatrefoil.core.nn.attention import Attention
from quatrefoil.core.training.engine import start_engine
from quatrefoil.core.training.run import Run
from tests.models.small import small

ZERO = ("zero0", "zero1", "zero2", "zero3")
SETTINGS = ("train.steps=20", "train.batch_size=7")  # 4 and 3 samples on two ranks
LEFT_BY_ENGINES = ("ACCELERATE_USE_DEEPSPEED", "ACCELERATE_DEEPSPEED_CONFIG_FILE", "ACCELERATE_USE_CPU")


def trained(name: str, engines: Sequence[str], folder: Path) -> list[str]:
    """Train a recipe with each engine into FOLDER/ENGINE, on a rank; accelerate's word for each engine."""
    rank, ranks = torch.distributed.get_rank(), torch.distributed.get_world_size()
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(ranks), "OMP_NUM_THREADS": "1"}
    os.environ |= {"MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}
    return [trained_with(name, engine, folder / engine) for engine in engines]


def trained_with(name: str, engine: str, folder: Path) -> str:
    """Train without dropout, which ranks draw each for itself; accelerate's word for the engine."""
    for left in LEFT_BY_ENGINES:
        os.environ.pop(left, None)
    AcceleratorState._reset_state(reset_partial_state=True)
    os.environ["ACCELERATE_USE_CPU"] = "true"
    if engine == "zero3":
        _cut_the_smallest_weights_too(folder)
    recipe = small(name, [f"run.dir={folder}", f"run.engine={engine}", *SETTINGS])
    run = Run("small", recipe, [], start_engine(recipe.train, recipe.run))
    for module in run.trainer.model.modules():
        if isinstance(module, nn.Dropout | Attention):
            setattr(module, "p" if isinstance(module, nn.Dropout) else "dropout", 0.0)
    run.fit()
    return str(run.accelerator.distributed_type)


def _cut_the_smallest_weights_too(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "deepspeed.json"
    file.write_text(json.dumps({"zero_optimization": {"stage": 3, "stage3_param_persistence_threshold": 0}}))
    os.environ |= {"ACCELERATE_USE_DEEPSPEED": "true", "ACCELERATE_DEEPSPEED_CONFIG_FILE": str(file)}
