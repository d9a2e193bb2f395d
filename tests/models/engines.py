"""Small recipes on the engines, each on ranks that were started once for all of them."""

from collections.abc import Sequence
from pathlib import Path

from torch import nn

from quatrefoil.core.nn.attention import Attention
from quatrefoil.core.training.engine import start_engine
from quatrefoil.core.training.run import Run
from tests.core.training.in_turn import as_a_launcher_does, make_way
from tests.models.small import small

OF_TWO = {"ddp": "MULTI_CPU", **{f"zero{stage}": "DEEPSPEED" for stage in range(4)}, "fsdp2": "MULTI_CPU"}
"""The engines of several processes, and what accelerate says of each; FSDP2 is torch's, and not seen by it."""
SETTINGS = ("train.steps=20", "train.batch_size=7")  # 4 and 3 samples on two ranks


def trained(name: str, engines: Sequence[str], folder: Path) -> list[str]:
    """Train a recipe with each engine into FOLDER/ENGINE, on a rank; accelerate's word for each engine."""
    as_a_launcher_does()
    return [trained_with(name, engine, folder / engine) for engine in engines]


def trained_with(name: str, engine: str, folder: Path) -> str:
    """Train without dropout, which ranks draw each for itself; accelerate's word for the engine."""
    make_way(engine, folder)
    recipe = small(name, [f"run.dir={folder}", f"run.engine={engine}", *SETTINGS])
    run = Run("small", recipe, [], start_engine(recipe.train, recipe.run))
    for module in run.trainer.model.modules():
        if isinstance(module, nn.Dropout | Attention):
            setattr(module, "p" if isinstance(module, nn.Dropout) else "dropout", 0.0)
    run.fit()
    return str(run.accelerator.distributed_type.value)
