"""The processes of a run: what was asked for is what runs, or it is an error."""

import os
from datetime import timedelta

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedDataParallelKwargs, DistributedType, InitProcessGroupKwargs

from quatrefoil.core.training import zero
from quatrefoil.core.training.settings import ZERO_STAGES, Engine, RunConfig, TrainConfig

TWO_CPU_PROCESSES = (
    "ACCELERATE_USE_CPU=true CUDA_VISIBLE_DEVICES= accelerate launch --multi_gpu --num_processes 2 --num_machines 1 "
    "-m quatrefoil.train RECIPE ..."
)
PATIENCE = timedelta(minutes=30)
"""How long ranks wait for one of them that lives and does not come; one that dies ends the others at once."""

_ENGINES: dict[DistributedType, Engine] = {
    DistributedType.NO: "plain",
    DistributedType.MULTI_CPU: "ddp",
    DistributedType.MULTI_GPU: "ddp",
}


class EngineError(ValueError):
    """The run was started with other processes, or another engine, than it was asked for."""


def start_engine(train: TrainConfig, run: RunConfig) -> Accelerator:
    """accelerate's engine for this process: the one of `run.engine`, else the one that it was launched with.

    Raises:
        EngineError: another number of processes or another engine than was asked for, an engine that cannot run here,
            or settings that it does not have.
    """
    AcceleratorState._reset_state()  # an earlier run in this process may have had another precision
    _check_sharding(run.engine)
    stage = _zero_stage(run.engine)
    kwargs = [DistributedDataParallelKwargs(gradient_as_bucket_view=True), _process_group(stage)]
    if stage is None:
        accelerator = Accelerator(mixed_precision="bf16" if train.precision == "bf16" else "no", kwargs_handlers=kwargs)
    else:
        _check_settings(train, stage)
        # Weights stay fp32: DeepSpeed's own bf16 would keep them in bf16, and be another training.
        accelerator = Accelerator(
            mixed_precision="no", kwargs_handlers=kwargs, deepspeed_plugin=zero.plugin(stage, train)
        )
    _check_processes(accelerator.num_processes, run.processes)
    _check_engine(engine_of(accelerator), run.engine, accelerator.distributed_type)
    return accelerator


def engine_of(accelerator: Accelerator) -> Engine:
    """The name of the engine that runs.

    Raises:
        EngineError: it is none of ours.
    """
    if accelerator.distributed_type == DistributedType.DEEPSPEED:
        stage: int = accelerator.state.deepspeed_plugin.zero_stage
        return ZERO_STAGES[stage]
    if accelerator.distributed_type not in _ENGINES:
        raise EngineError(
            f"a run trains in one process, with DDP or with DeepSpeed, not with {accelerator.distributed_type.value}"
        )
    return _ENGINES[accelerator.distributed_type]


def _process_group(stage: int | None) -> InitProcessGroupKwargs:
    """DeepSpeed is told the backend, as it would take the one of an accelerator that is not there."""
    backend = None if stage is None or torch.cuda.is_available() else "gloo"
    return InitProcessGroupKwargs(backend=backend, timeout=PATIENCE)


def _check_sharding(asked: Engine | None) -> None:
    """FSDP is refused before accelerate starts: without CUDA it would shard nothing and not say so."""
    if asked != "fsdp2" and os.environ.get("ACCELERATE_USE_FSDP", "false").lower() != "true":
        return
    if not torch.cuda.is_available():
        raise EngineError(
            "FSDP2 needs CUDA: on CPUs accelerate does not engage it, each process would train a model of its own; "
            "take zero2 or zero3, which shard on CPUs too"
        )
    raise EngineError("FSDP2 has not been tried on CUDA with this version, so it is refused; take zero2 or zero3")


def _zero_stage(asked: Engine | None) -> int | None:
    """The ZeRO stage of `run.engine`, else of the launcher; None for an engine without DeepSpeed."""
    launched = None
    if os.environ.get("ACCELERATE_USE_DEEPSPEED", "false").lower() == "true":
        launched = zero.launched_stage()
    if asked is None:
        return launched
    stage = ZERO_STAGES.index(asked) if asked in ZERO_STAGES else None
    if launched is not None and stage != launched:
        raise EngineError(f"run.engine={asked}, but the launcher was told {ZERO_STAGES[launched]}: let them agree")
    if stage is not None and "LOCAL_RANK" not in os.environ:
        raise EngineError(
            f"run.engine={asked} needs a launcher, even for one process: "
            f"accelerate launch --config_file configs/accelerate/{asked}_cpu.yaml -m quatrefoil.train RECIPE ..."
        )
    return stage


def _check_settings(train: TrainConfig, stage: int) -> None:
    if train.compile:
        raise EngineError("train.compile has not been tried under DeepSpeed: set train.compile=false, or take ddp")
    if stage == 3 and train.ema is not None:
        raise EngineError("train.ema needs whole weights at every step, zero3 has them in parts: take zero2")


def _check_engine(found: Engine, asked: Engine | None, distributed_type: DistributedType) -> None:
    if asked is not None and asked != found:
        raise EngineError(f"run.engine={asked}, but this run has {found} (accelerate: {distributed_type})")


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
