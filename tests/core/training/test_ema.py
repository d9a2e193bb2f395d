"""The moving average: its rule, its state, and a model that comes back unharmed."""

import copy

import pytest
import torch
from torch import nn

from quatrefoil.core.training.ema import Ema


class Model(nn.Module):
    """Parameters, a tied pair, and buffers of both kinds."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.layer, self.norm, self.tied = nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Linear(3, 3, bias=False)
        self.tied.weight = self.layer.weight

    def wander(self) -> None:
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.add_(torch.randn_like(parameter))
        self.norm(torch.randn(8, 3, dtype=self.layer.weight.dtype))


def snapshot(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_averages_are_the_weighted_sum_of_all_values_so_far() -> None:
    model, decay, steps = Model().double(), 0.9, 6
    ema, seen = Ema(model, decay), [snapshot(model)]
    for _ in range(steps):
        model.wander()
        ema.update(model)
        seen.append(snapshot(model))
    for name, _ in model.named_parameters():
        weights = [decay**steps] + [(1 - decay) * decay ** (steps - n) for n in range(1, steps + 1)]
        expected = sum(weight * values[name] for weight, values in zip(weights, seen, strict=True))
        torch.testing.assert_close(ema.tensors()[name], expected, rtol=1e-12, atol=1e-14)


def test_buffers_are_copied_and_tied_tensors_stay_one() -> None:
    model = Model()
    ema = Ema(model, 0.9)
    model.wander()
    ema.update(model)
    assert all(torch.equal(ema.tensors()[name], buffer) for name, buffer in model.named_buffers())
    assert ema.tensors()["tied.weight"] is ema.tensors()["layer.weight"]
    assert ema.tensors().keys() == model.state_dict().keys()


def test_the_model_holds_the_averages_within_and_its_own_values_after() -> None:
    model = Model()
    ema = Ema(model, 0.5)
    model.wander()
    ema.update(model)
    before = snapshot(model)
    with ema.swapped(model):
        assert same(snapshot(model), ema.tensors())
        assert not same(snapshot(model), before)
    assert same(snapshot(model), before)
    with pytest.raises(KeyError), ema.swapped(model):
        raise KeyError
    assert same(snapshot(model), before)


def test_an_average_taken_up_again_goes_on_bit_by_bit() -> None:
    model = Model()
    whole = Ema(model, 0.9)
    model.wander()
    whole.update(model)
    resumed = Ema(Model(seed=1), 0.9)
    resumed.load(copy.deepcopy(whole.tensors()))
    model.wander()
    whole.update(model)
    resumed.update(model)
    assert same(whole.tensors(), resumed.tensors())


def test_small_changes_of_half_precision_parameters_are_not_rounded_away() -> None:
    model = nn.Linear(2, 2).bfloat16()
    with torch.no_grad():
        model.weight.fill_(1.0)
    ema = Ema(model, 0.999)
    with torch.no_grad():
        model.weight.fill_(1.5)
    ema.update(model)
    torch.testing.assert_close(ema.tensors()["weight"], torch.full((2, 2), 1.0005), rtol=1e-6, atol=0)
    with ema.swapped(model):
        assert model.weight.dtype == torch.bfloat16


def test_updating_does_not_enter_the_graph_of_gradients() -> None:
    model = Model()
    ema = Ema(model, 0.9)
    ema.update(model)
    assert not any(tensor.requires_grad for tensor in ema.tensors().values())
    with ema.swapped(model):
        pass
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_averages_of_another_model_and_impossible_decays_are_refused() -> None:
    with pytest.raises(ValueError, match=r"another model.*'norm.bias'"):
        Ema(Model(), 0.9).load({"layer.weight": torch.zeros(3, 3)})
    for decay in (-0.1, 1.0):
        with pytest.raises(ValueError, match="decay must lie"):
            Ema(Model(), decay)
