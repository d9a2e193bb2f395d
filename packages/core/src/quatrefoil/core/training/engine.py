"""The processes of a run: what was asked for is what runs, or it is an error."""

import os

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedDataParallelKwargs, DistributedType

from quatrefoil.core.training.settings import RunConfig, TrainConfig

TWO_CPU_PROCESSES = (
    "ACCELERATE_USE_CPU=true CUDA_VISIBLE_DEVICES= accelerate launch --multi_gpu --num_processes 2 --num_machines 1 "
    "-m quatrefoil.train RECIPE ..."
)
_PLAIN_OR_DDP = (DistributedType.NO, DistributedType.MULTI_CPU, DistributedType.MULTI_GPU)


class EngineError(ValueError):
    """The run was started with other processes, or another engine, than it was asked for."""


def start_engine(train: TrainConfig, run: RunConfig) -> Accelerator:
    """accelerate's engine for this process.

    Raises:
        EngineError: another number of processes than was asked for, or an engine that this version cannot train with.
    """
    AcceleratorState._reset_state()  # an earlier run in this process may have had another precision
    accelerator = Accelerator(
        mixed_precision="bf16" if train.precision == "bf16" else "no",
        kwargs_handlers=[DistributedDataParallelKwargs(gradient_as_bucket_view=True)],
    )
    _check_processes(accelerator.num_processes, run.processes)
    if accelerator.distributed_type not in _PLAIN_OR_DDP:
        raise EngineError(
            f"this version trains in one process or with DDP, not with {accelerator.distributed_type.value}; "
            f"launch without --use_deepspeed / --use_fsdp"
        )
    return accelerator


def _check_processes(found: int, asked: int | None) -> None:
    # `accelerate launch --cpu --num_processes 2` sets MASTER_ADDR for two processes, then starts one, without a word.
    launcher_wanted_more = "MASTER_ADDR" in os.environ and "WORLD_SIZE" not in os.environ and found == 1
    if asked is not None and asked != found:
        raise EngineError(f"run.processes={asked}, but this run has {found}; on CPUs launch with: {TWO_CPU_PROCESSES}")
    if launcher_wanted_more and asked is None:
        raise EngineError(
            f"the launcher was asked for several processes and started one (accelerate does so with --cpu); "
            f"launch with: {TWO_CPU_PROCESSES}, or say run.processes=1"
        )


def hardware(device: torch.device) -> str:
    """The machine in words, for results."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}"
    return f"{os.cpu_count()} CPU cores, {torch.get_num_threads()} threads"
