"""The state of an optimiser through tensors and JSON: the same bits, the same run, and only for the same parameters."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from quatrefoil.core.runs.checkpoint import CheckpointError, load, save
from quatrefoil.core.training.optimizer import OptimizerConfig, adamw, names, parameter_groups
from quatrefoil.core.training.optimizer_state import flatten, unflatten

CONFIG = OptimizerConfig(lr=0.1, multipliers=(("0", 1 / 3),))


def model_and_optimizer(width: int = 4) -> tuple[nn.Module, torch.optim.AdamW]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, width), nn.LayerNorm(width), nn.Linear(width, 2))
    return model, adamw(parameter_groups(model, CONFIG), CONFIG)


def train(model: nn.Module, optimizer: torch.optim.Optimizer, steps: range) -> None:
    for step in steps:
        optimizer.zero_grad()
        model(torch.randn(5, 3, generator=torch.Generator().manual_seed(step))).square().mean().backward()
        optimizer.step()


def named(optimizer: torch.optim.Optimizer) -> list[list[str]]:
    return [group["param_names"] for group in optimizer.state_dict()["param_groups"]]


def equal(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(equal, a, b))
    return type(a) is type(b) and bool(a == b)


@pytest.mark.parametrize("steps", [0, 3])
def test_state_dict_comes_back_bit_by_bit_types_included(steps: int) -> None:
    model, optimizer = model_and_optimizer()
    train(model, optimizer, range(steps))
    tensors, state = flatten(optimizer.state_dict())
    assert equal(unflatten(tensors, json.loads(json.dumps(state)), named(optimizer)), optimizer.state_dict())


@pytest.mark.parametrize("make", [torch.optim.SGD, torch.optim.Adagrad, torch.optim.RAdam])
def test_other_optimisers_of_torch_come_back_too(make: type[torch.optim.Optimizer]) -> None:
    model, _ = model_and_optimizer()
    optimizer = make(model.named_parameters(), lr=0.1)  # type: ignore[call-arg]
    train(model, optimizer, range(2))
    tensors, state = flatten(optimizer.state_dict())
    assert equal(unflatten(tensors, json.loads(json.dumps(state)), named(optimizer)), optimizer.state_dict())


def test_a_run_that_goes_on_from_a_checkpoint_equals_one_that_was_not_stopped(tmp_path: Path) -> None:
    model, optimizer = model_and_optimizer()
    train(model, optimizer, range(5))
    tensors, state = flatten(optimizer.state_dict())
    path = save(tmp_path, 5, tensors={"model": model.state_dict(), "optimizer": tensors}, state=state, config={})
    train(model, optimizer, range(5, 10))

    resumed, resumed_optimizer = model_and_optimizer()
    found = load(path)
    resumed.load_state_dict(found.tensors["model"])
    resumed_optimizer.load_state_dict(unflatten(found.tensors["optimizer"], found.state, named(resumed_optimizer)))
    train(resumed, resumed_optimizer, range(5, 10))
    assert equal(dict(resumed.state_dict()), dict(model.state_dict()))
    assert equal(resumed_optimizer.state_dict(), optimizer.state_dict())


def test_the_state_of_other_parameters_is_refused_naming_them() -> None:
    _, optimizer = model_and_optimizer()
    tensors, state = flatten(optimizer.state_dict())
    other = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2, bias=False))
    with pytest.raises(CheckpointError, match=r"only one of them has \['2.bias'\]"):
        unflatten(tensors, state, names(parameter_groups(other, CONFIG)))


def test_the_state_of_parameters_in_another_order_is_refused() -> None:
    model, optimizer = model_and_optimizer()
    tensors, state = flatten(optimizer.state_dict())
    with pytest.raises(CheckpointError, match="grouped or ordered otherwise"):
        unflatten(tensors, state, names(parameter_groups(model, CONFIG)[::-1]))


def test_what_json_cannot_hold_is_refused_by_name() -> None:
    model, _ = model_and_optimizer()
    optimizer = torch.optim.AdamW(model.parameters(), lr=torch.tensor(0.1))
    with pytest.raises(ValueError, match="lr of the optimiser is a Tensor"):
        flatten(optimizer.state_dict())
