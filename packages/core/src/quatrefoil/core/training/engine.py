"""The processes of a run: what was asked for is what runs, or it is an error."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedDataParallelKwargs, DistributedType, InitProcessGroupKwargs

from quatrefoil.core.training import zero
from quatrefoil.core.training.settings import ZERO_STAGES, Engine, RunConfig, TrainConfig
from quatrefoil.core.training.sharded import ShardingAccelerator

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
    asked: Engine | None = "fsdp2" if _sharding(run.engine) else run.engine
    stage = _zero_stage(asked)
    _check_settings(train, asked if stage is None else ZERO_STAGES[stage])
    kwargs = [DistributedDataParallelKwargs(gradient_as_bucket_view=True), _process_group(stage)]
    precision = "bf16" if train.bf16 else "no"
    if asked == "fsdp2":
        with _without_fsdp():
            accelerator = ShardingAccelerator(mixed_precision=precision, kwargs_handlers=kwargs)
    elif stage is None:
        accelerator = Accelerator(mixed_precision=precision, kwargs_handlers=kwargs)
    else:
        # Weights stay fp32: DeepSpeed's own bf16 would keep them in bf16, and be another training.
        accelerator = Accelerator(
            mixed_precision="no", kwargs_handlers=kwargs, deepspeed_plugin=zero.plugin(stage, train)
        )
    _check_processes(accelerator.num_processes, run.processes)
    _check_engine(engine_of(accelerator), asked, accelerator.distributed_type)
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
            f"a run trains in one process, with DDP, FSDP2 or DeepSpeed, not with {accelerator.distributed_type.value}"
        )
    found = _ENGINES[accelerator.distributed_type]
    return "fsdp2" if found == "ddp" and isinstance(accelerator, ShardingAccelerator) else found


def _process_group(stage: int | None) -> InitProcessGroupKwargs:
    """DeepSpeed is told the backend, as it would take the one of an accelerator that is not there."""
    backend = None if stage is None or torch.cuda.is_available() else "gloo"
    return InitProcessGroupKwargs(backend=backend, timeout=PATIENCE)


def _sharding(asked: Engine | None) -> bool:
    """Whether weights are to be cut by FSDP2: the word of `run.engine`, else of the launcher."""
    if os.environ.get("ACCELERATE_USE_FSDP", "false").lower() != "true":
        return asked == "fsdp2"
    if asked not in (None, "fsdp2"):
        raise EngineError(f"run.engine={asked}, but the launcher was told FSDP: let them agree")
    if os.environ.get("FSDP_VERSION", "1") != "2" or os.environ.get("FSDP_OFFLOAD_PARAMS", "false").lower() == "true":
        raise EngineError(
            "of FSDP there is version 2, without offload: set fsdp_version: 2 and fsdp_offload_params: false in the "
            "launcher's file, as configs/accelerate/fsdp2.yaml has it"
        )
    return True


@contextmanager
def _without_fsdp() -> Iterator[None]:
    """Within it accelerate hears of no FSDP: on CPUs it would shard nothing and not say so, on GPUs cast weights."""
    told = {"ACCELERATE_USE_FSDP": "false"} | ({} if torch.cuda.is_available() else {"ACCELERATE_USE_CPU": "true"})
    before = {name: os.environ.pop(name, None) for name in told}
    os.environ |= told
    try:
        yield
    finally:
        for name in told:
            del os.environ[name]
        os.environ |= {name: value for name, value in before.items() if value is not None}


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


def _check_settings(train: TrainConfig, engine: Engine | None) -> None:
    if train.compile and engine in (*ZERO_STAGES, "fsdp2"):
        raise EngineError(f"train.compile has not been tried under {engine}: set train.compile=false, or take ddp")
    if train.ema is not None and engine in ("zero3", "fsdp2"):
        raise EngineError(f"train.ema needs whole weights at every step, {engine} has them in parts: take zero2")


def _check_engine(found: Engine, asked: Engine | None, distributed_type: DistributedType) -> None:
    if asked is not None and asked != found:
        several = f"; on CPUs launch with: {TWO_CPU_PROCESSES}" if found == "plain" else ""
        raise EngineError(f"run.engine={asked}, but this run has {found} (accelerate: {distributed_type}){several}")


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
