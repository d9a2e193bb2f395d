"""FSDP2: weights, gradients and optimiser state cut among ranks, by torch's own `fully_shard`, on GPUs and CPUs.

accelerate starts the processes and has no other part in it: on CPUs it would shard nothing and not say so, and on GPUs
its bf16 would cast the weights. Weights stay fp32 here, bf16 is autocast, as with every engine; checkpoints hold whole
tensors by name.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.optim import Optimizer
from torch.utils import _pytree as pytree

from quatrefoil.core.hub import Model, load_weights
from quatrefoil.core.nn.swin import SwinBlock
from quatrefoil.core.nn.transformer import Block
from quatrefoil.core.objectives import Step
from quatrefoil.core.training.optimizer_state import StateDict
from quatrefoil.core.training.updater import ModelWith

UNITS: tuple[type[nn.Module], ...] = (Block, SwinBlock)
"""What is gathered on its own when it is called; all other weights are gathered for a step as a whole."""


class ShardingAccelerator(Accelerator):  # type: ignore[misc]  # accelerate has no types
    """The processes of a run whose weights are to be cut among them."""


class Sharded:
    """A step whose weights, gradients and optimiser state are cut among ranks. All ranks call each method together.

    Args:
        optimizer: of the whole parameters, before its first step; it then has the parts.
        bf16: whether the step runs under autocast.
        model_with: makes a model of the same configuration with given weights, for evaluation.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        model: Model,
        step: Step,
        optimizer: Optimizer,
        clip_norm: float,
        bf16: bool,
        model_with: ModelWith,
    ) -> None:
        self._model, self._optimizer, self._clip_norm = model, optimizer, clip_norm
        self._model_with = model_with
        if bf16:
            step.forward = torch.autocast(accelerator.device.type, torch.bfloat16)(step.forward)  # type: ignore[method-assign]
        self.module: Any = _cut(step, accelerator)
        parts = dict(model.named_parameters())
        for group in optimizer.param_groups:
            group["params"] = [parts[name] for name in group["param_names"]]

    @contextmanager
    def accumulating(self) -> Iterator[None]:
        """Within it ranks keep their gradients, which are whole there, to themselves."""
        self.module.set_requires_gradient_sync(False)
        yield
        self.module.set_requires_gradient_sync(True)

    def backward(self, loss: Tensor) -> None:
        """Adds to the gradients, which are averaged over ranks."""
        torch.autograd.backward(loss)

    def clip(self) -> Tensor:
        """Limits the gradients' norm; what it was."""
        norm: Tensor = _whole(torch.nn.utils.clip_grad_norm_(self._model.parameters(), self._clip_norm))
        return norm

    def update(self) -> None:
        """One step of the optimiser; the gradients are gone after it."""
        self._optimizer.step()
        self._optimizer.zero_grad()

    @contextmanager
    def whole_model(self) -> Iterator[Model]:
        """A copy with all weights: modules in parts call the other ranks, which may encode more batches or fewer."""
        yield self._model_with(self.weights())

    def weights(self) -> dict[str, Tensor]:
        """Whole weights and buffers by name; of cut ones a copy on the CPU."""
        return {name: _whole(tensor) for name, tensor in self._model.state_dict().items()}

    def optimizer_state(self) -> StateDict:
        """As the optimiser would state it over whole parameters."""
        state: StateDict = pytree.tree_map(_whole, self._optimizer.state_dict())
        return state

    def load(self, weights: Mapping[str, Tensor], state: StateDict) -> None:
        """Take up whole weights and the state of the whole optimiser, of whichever engine."""
        own = self._model.state_dict()
        load_weights(self._model, {name: _cut_as(own.get(name), value) for name, value in weights.items()})
        parameters = [parameter for group in self._optimizer.param_groups for parameter in group["params"]]
        cut = {n: {k: _cut_as(parameters[n], v) for k, v in of.items()} for n, of in state["state"].items()}
        self._optimizer.load_state_dict({**state, "state": cut})


def _cut(step: Step, accelerator: Accelerator) -> FSDPModule:
    mesh = init_device_mesh(accelerator.device.type, (accelerator.num_processes,))
    for module in [module for module in step.modules() if isinstance(module, UNITS)]:
        fully_shard(module, mesh=mesh)
    cut: FSDPModule = fully_shard(step, mesh=mesh)
    register_fsdp_forward_method(step, "encode")
    return cut


def _whole(value: Any) -> Any:
    return value.full_tensor().cpu() if isinstance(value, DTensor) else value


def _cut_as(own: Tensor | None, value: Tensor) -> Tensor:
    """`value`, which all ranks hold, cut as `own` is; what is of another shape, as a count of steps, stays."""
    if not isinstance(own, DTensor) or own.shape != value.shape:
        return value
    whole = value.to(own.device)
    return distribute_tensor(whole, own.device_mesh, own.placements, src_data_rank=None)
