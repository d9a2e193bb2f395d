"""Engines one after another, on ranks that were started once for all of them."""

import json
import os
from pathlib import Path

import torch
from accelerate.state import AcceleratorState

LEFT_BY_ENGINES = ("ACCELERATE_USE_DEEPSPEED", "ACCELERATE_DEEPSPEED_CONFIG_FILE", "ACCELERATE_USE_CPU")


def as_a_launcher_does() -> int:
    """Set what a launcher sets in a rank's environment; the rank."""
    rank, size = torch.distributed.get_rank(), torch.distributed.get_world_size()
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(size), "OMP_NUM_THREADS": "1"}
    # Read, and not spoken at: the ranks have met already.
    os.environ |= {"MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}
    return rank


def make_way(engine: str, folder: Path) -> None:
    """Have this process, which may have trained with others, ready for an engine whose run is kept in `folder`."""
    for left in LEFT_BY_ENGINES:
        os.environ.pop(left, None)
    AcceleratorState._reset_state(reset_partial_state=True)
    os.environ["ACCELERATE_USE_CPU"] = "true"
    if engine == "zero3":
        _cut_the_smallest_weights_too(folder)


def _cut_the_smallest_weights_too(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"deepspeed-rank{torch.distributed.get_rank()}.json"  # one for each: the other may be reading
    file.write_text(json.dumps({"zero_optimization": {"stage": 3, "stage3_param_persistence_threshold": 0}}))
    os.environ |= {"ACCELERATE_USE_DEEPSPEED": "true", "ACCELERATE_DEEPSPEED_CONFIG_FILE": str(file)}
