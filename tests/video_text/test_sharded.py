"""FSDP2 on the papers' models: the gradients of one process, while every rank holds a part of the weights."""

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributed.fsdp import FSDPModule
from torch.distributed.tensor import DTensor

from quatrefoil.core.distributed import rank
from quatrefoil.core.objectives import Step
from quatrefoil.core.training.microbatches import MicroBatches
from quatrefoil.core.training.optimizer import OptimizerConfig, adamw, parameter_groups
from quatrefoil.core.training.sharded import UNITS, Sharded
from quatrefoil.core.training.trainer import freeze_unreached
from tests.core.training.micro import assert_same, by_micro_batches, double
from tests.distributed_harness import run_ranks
from tests.video_text.test_microbatches import CASES

pytestmark = pytest.mark.slow


def _made(name: str) -> tuple[Step, dict[str, Any]]:
    config, objectives, samples = CASES[name]
    torch.manual_seed(0)
    step, batch = double(Step(config.build().eval(), objectives), samples)
    freeze_unreached(step, batch)
    return step, batch


def _sharded(step: Step) -> Sharded:
    model: Any = step.model
    optimizer = adamw(parameter_groups(model, OptimizerConfig()), OptimizerConfig())
    processes: Any = SimpleNamespace(device=torch.device("cpu"), num_processes=2)
    return Sharded(processes, model, step, optimizer, math.inf, bf16=False, model_with=lambda _: model)


def _on_rank(names: list[str], parts: int) -> list[dict[str, Tensor]]:
    return [_gradients(name, parts) for name in names]


def _gradients(name: str, parts: int) -> dict[str, Tensor]:
    step, batch = _made(name)
    sizes = {name: p.numel() for name, p in step.named_parameters()}
    own = {field: value[2 * rank() : 2 * rank() + 2] for field, value in batch.items() if field != "skipped"}
    cut = MicroBatches(step, parts, "fsdp2", bf16=False, probe=own)
    sharded = _sharded(step)
    assert all(isinstance(module, FSDPModule) for module in step.modules() if isinstance(module, UNITS))
    held = sum(p.to_local().numel() for p in step.parameters() if isinstance(p, DTensor))
    assert held <= 0.6 * sum(sizes.values())  # parts of what has an odd number of rows are not equal
    logged = {f"logged {key}": value for key, value in cut.backward(sharded, own, 3).items()}
    gradients = {key: p.grad.full_tensor() for key, p in step.named_parameters() if isinstance(p.grad, DTensor)}
    return {**gradients, **logged}


@pytest.mark.parametrize("parts", [1, 2])
def test_gradients_are_those_of_one_process(parts: int) -> None:
    names = list(CASES)
    one, other = run_ranks(2, _on_rank, names, parts, timeout_s=300)
    for name, a, b in zip(names, one, other, strict=True):
        alone = by_micro_batches(*_made(name), parts=1)
        logged = {key: (a[key] + b[key]) / 2 for key in alone if key.startswith("logged")}
        assert_same(alone, a | logged)
        assert_same(a | logged, b | logged)
