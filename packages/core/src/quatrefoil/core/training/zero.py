"""DeepSpeed's ZeRO under accelerate, in fp32, on CPUs and GPUs.

It updates, limits gradients and shards; weights, schedule and checkpoints are those of every other engine: a checkpoint
holds whole tensors by name, so a run may go on with another engine or number of ranks, and nothing of it is a pickle.
"""

import itertools
import logging
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Final

import torch
from accelerate import Accelerator
from accelerate.utils import DeepSpeedPlugin
from torch import Tensor, nn
from torch.optim import Optimizer

from quatrefoil.core.distributed import rank, world_size
from quatrefoil.core.hub import Model, load_weights
from quatrefoil.core.objectives import Step
from quatrefoil.core.training.optimizer import Group
from quatrefoil.core.training.optimizer_state import StateDict
from quatrefoil.core.training.settings import TrainConfig
from quatrefoil.core.training.updater import ModelWith

STEPS: Final = "step"
"""The entry of an optimiser's state that is one number for all of a parameter."""


def launched_stage() -> int:
    """The stage that `accelerate launch`, or its configuration file, asks for."""
    return int(DeepSpeedPlugin().zero_stage)


def plugin(stage: int, train: TrainConfig) -> DeepSpeedPlugin:
    """The settings of DeepSpeed for this run; where states are offloaded to is the launcher's word.

    Raises:
        ValueError: DeepSpeed is not installed, or the launcher says CPU and GPUs are to be seen.
    """
    _settle_device()
    found = DeepSpeedPlugin(zero_stage=stage, zero3_init_flag=False)
    found.deepspeed_config |= {  # over what a file of the launcher says: these are the recipe's
        "gradient_accumulation_steps": 1,
        "gradient_clipping": (train.optimizer.clip_norm or 0.0) if stage else 0.0,  # of whole gradients we do it
        "train_micro_batch_size_per_gpu": 1,  # it only counts samples with it
        "zero_force_ds_cpu_optimizer": False,  # with offload too the optimiser is the run's own
        "torch_autocast": _autocast(train),
    }
    return found


def _autocast(train: TrainConfig) -> dict[str, Any]:
    """As accelerate does it: bf16 where autocast says so, gradients and sums between ranks in fp32."""
    return {"enabled": train.bf16, "dtype": "bfloat16", "lower_precision_safe_modules": []}


def _settle_device() -> None:
    if find_spec("deepspeed") is None:
        raise ValueError('ZeRO needs DeepSpeed: pip install "quatrefoil-core[deepspeed]", or take ddp')
    logging.getLogger("DeepSpeed").setLevel(logging.WARNING)
    if os.environ.pop("ACCELERATE_USE_CPU", "false").lower() == "true" and torch.cuda.is_available():
        raise ValueError("ZeRO on CPUs where there are GPUs: hide them with CUDA_VISIBLE_DEVICES=")
    if not torch.cuda.is_available():
        # With ACCELERATE_USE_CPU accelerate would leave DeepSpeed out and run DDP, without a word.
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
    import deepspeed

    # An operation for inference alone, which would be compiled first: a compiler and two minutes.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False


class Zero:
    """A step whose optimiser state (stage 1), gradients (2) and weights (3) are cut among ranks; the whole thing is 0.

    Args:
        groups: the parameters of `optimizer`, named, in its order.
        model_with: makes a model of the same configuration with given weights, for evaluation where weights are cut.

    Raises:
        ValueError: from `prepare`, what DeepSpeed refuses.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        model: Model,
        step: Step,
        optimizer: Optimizer,
        groups: list[Group],
        clip_norm: float,
        model_with: ModelWith,
    ) -> None:
        self.stage: int = accelerator.state.deepspeed_plugin.zero_stage
        self.device, self.model, self.optimizer = accelerator.device, model, optimizer
        self._named = [list(group["params"]) for group in groups]
        self._clip_norm, self._model_with = clip_norm, model_with
        if self.stage == 3:
            _let_step_fetch(step)
        self._engine, _ = accelerator.prepare(step, optimizer)
        self.module: nn.Module = self._engine

    @contextmanager
    def accumulating(self) -> Iterator[None]:
        """Within it gradients are not yet those of the step."""
        self._engine.set_gradient_accumulation_boundary(False)
        yield
        self._engine.set_gradient_accumulation_boundary(True)

    def backward(self, loss: Tensor) -> None:
        """Adds to the gradients; DeepSpeed averages them over ranks where a step ends."""
        self._engine.backward(loss)

    def clip(self) -> Tensor | None:
        """The gradient norm before it was limited; None where DeepSpeed limits it within its update."""
        if self.stage:
            return None
        return torch.nn.utils.clip_grad_norm_(self.model.parameters(), self._clip_norm)

    def update(self) -> float | None:
        """One step of the optimiser; the gradient norm where only now it is known, infinite where it was not finite.

        DeepSpeed updates nothing in that case.
        """
        self._engine.step()
        if self.stage == 0:
            return None
        return float(self._engine.get_global_grad_norm()) if self._engine.was_step_applied() else math.inf

    @contextmanager
    def whole_model(self) -> Iterator[Model]:
        """A model with all weights on every rank.

        A copy where DeepSpeed has laid hands on the weights: those in one buffer cannot be saved, and modules in parts
        (stage 3) call the other ranks, which may encode more batches or fewer.
        """
        if self.stage == 0:
            yield self.model
            return
        yield self._model_with(self.weights())

    def weights(self) -> dict[str, Tensor]:
        """Whole weights and buffers by name; of cut ones a copy on the CPU. All ranks call it together."""
        if self.stage < 3:
            return dict(self.model.state_dict())
        whole = {id(parameter): _gathered(parameter) for parameter in self.model.parameters()}
        return {name: whole.get(id(t), t) for name, t in self.model.state_dict(keep_vars=True).items()}

    def optimizer_state(self) -> StateDict:
        """As the optimiser alone would state it over the whole parameters. All ranks call it together."""
        if self.stage == 0:
            return dict(self.optimizer.state_dict())
        self._link()
        options = [{k: v for k, v in group.items() if k != "params"} for group in self.optimizer.param_groups]
        counts = itertools.count()
        numbers = [[next(counts) for _ in named] for named in self._named]
        names = [[name for name, _ in named] for named in self._named]
        groups = [
            {**option, "params": n, "param_names": m} for option, n, m in zip(options, numbers, names, strict=True)
        ]
        return {"state": dict(enumerate(map(self._state_of, self._parameters))), "param_groups": groups}

    def load(self, weights: Mapping[str, Tensor], state: StateDict) -> None:
        """Take up whole weights and the state of the whole optimiser, of whichever engine."""
        from deepspeed import zero

        cut = list(self.model.parameters()) if self.stage == 3 else []
        with zero.GatheredParameters(cut, modifier_rank=0, enabled=bool(cut)):
            load_weights(self.model, weights)
        if self.stage == 0:
            self.optimizer.load_state_dict(state)
            return
        self._engine.optimizer.refresh_fp32_params()
        for group, saved in zip(self.optimizer.param_groups, state["param_groups"], strict=True):
            group |= {name: value for name, value in saved.items() if name not in ("params", "param_names")}
        if state["state"]:
            self._load_moments(state["state"])

    @property
    def _parameters(self) -> list[nn.Parameter]:
        return [parameter for named in self._named for _, parameter in named]

    @property
    def _parts(self) -> list[Tensor]:
        """What the optimiser sees as its parameters: this rank's parts, group by group, each in one piece."""
        sharded = self._engine.optimizer
        parts: list[Tensor] = (
            sharded.fp32_partitioned_groups_flat if self.stage == 3 else sharded.single_partition_of_fp32_groups
        )
        return parts

    def _state_of(self, parameter: nn.Parameter) -> dict[str, Tensor]:
        from deepspeed.utils import safe_get_full_optimizer_state

        first = self.optimizer.state[self._parts[0]]
        whole = {key: safe_get_full_optimizer_state(parameter, key) for key in first if key != STEPS}
        # A count of its own for each: of one that is shared every other engine would count a step once per parameter.
        return {STEPS: first[STEPS].clone(), **{key: value.cpu() for key, value in whole.items()}}

    def _load_moments(self, state: Mapping[int, Mapping[str, Tensor]]) -> None:
        self._make_room(state[0])
        for number, parameter in enumerate(self._parameters):
            for key, value in state[number].items():
                if key != STEPS:
                    _set_state(parameter, key, value.to(self.device))

    def _make_room(self, example: Mapping[str, Tensor]) -> None:
        """Optimisers make their state in their first step; one that goes on has to have it before."""
        for part in self._parts:
            own = self.optimizer.state[part]
            for key, value in example.items():
                own[key] = value.clone() if key == STEPS else own.get(key, torch.zeros_like(part))
        self._link()

    def _link(self) -> None:
        """Have each parameter know its place in the state; DeepSpeed 0.19 does so too early, after the first group."""
        from deepspeed.utils.mixed_precision_linkage import lazy_init_hp_params_optimizer_state

        if self.stage < 3:
            for parameters, part in zip(self._engine.optimizer.bit16_groups, self._parts, strict=True):
                lazy_init_hp_params_optimizer_state(parameters, part, self.optimizer.state)


def _let_step_fetch(step: Step) -> None:
    """Have parameters that no module's own `forward` reads gathered for the step as a whole.

    Views are methods, which ZeRO does not see; those of modules are fetched when these are called.
    """
    from deepspeed import zero

    for module in step.modules():
        if type(module).forward is nn.Module.forward:
            for parameter in module.parameters(recurse=False):
                zero.register_external_parameter(step, parameter)


def _gathered(parameter: nn.Parameter) -> Tensor:
    from deepspeed import zero

    with zero.GatheredParameters([parameter]):
        return parameter.detach().cpu().clone()


def _set_state(parameter: nn.Parameter, key: str, value: Tensor) -> None:
    """Cut `value` as the parameter is cut; of what is cut unevenly the last part ends in zeros."""
    from deepspeed.utils import safe_get_local_optimizer_state, safe_set_full_optimizer_state
    from deepspeed.utils import safe_set_local_optimizer_state as set_local

    if not hasattr(parameter, "ds_id"):
        safe_set_full_optimizer_state(parameter, value, key)
        return
    size = safe_get_local_optimizer_state(parameter, key).numel()
    padded = nn.functional.pad(value.flatten(), (0, size * world_size() - value.numel()))
    set_local(parameter, padded[rank() * size : (rank() + 1) * size], key)
