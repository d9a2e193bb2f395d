"""Who is decayed and with which learning rate, and an update that follows the formula."""

import pytest
import torch
from torch import nn

from quatrefoil.core.training.optimizer import OptimizerConfig, adamw, describe, parameter_groups


class Model(nn.Module):
    """One of each kind of parameter, and a head tied to the embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(5, 4)
        self.encoder = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4))
        self.encoder_two = nn.Linear(4, 4)
        self.head = nn.Linear(4, 5, bias=False)
        self.head.weight = self.words.weight
        self.log_scale = nn.Parameter(torch.tensor(1.0))


def grouped(config: OptimizerConfig, model: nn.Module | None = None) -> dict[str, tuple[float, float]]:
    """Parameter name -> (learning rate, weight decay)."""
    groups = parameter_groups(model or Model(), config)
    return {name: (group["lr"], group["weight_decay"]) for group in groups for name, _ in group["params"]}


def test_every_trainable_parameter_is_in_exactly_one_group() -> None:
    model = Model()
    model.encoder_two.requires_grad_(False)
    groups = parameter_groups(model, OptimizerConfig(multipliers=(("encoder", 0.1),)))
    found = [id(parameter) for group in groups for _, parameter in group["params"]]
    assert sorted(found) == sorted(id(parameter) for parameter in model.parameters() if parameter.requires_grad)


def test_only_matrices_that_multiply_are_decayed() -> None:
    decayed = {name for name, (_, decay) in grouped(OptimizerConfig(weight_decay=0.3)).items() if decay == 0.3}
    spared = {name for name, (_, decay) in grouped(OptimizerConfig(weight_decay=0.3)).items() if decay == 0}
    assert decayed == {"encoder.0.weight", "encoder_two.weight"}
    assert spared == {
        *("words.weight", "log_scale", "encoder.0.bias", "encoder.1.weight", "encoder.1.bias", "encoder_two.bias")
    }


def test_the_longest_prefix_counts_and_prefixes_end_at_dots() -> None:
    config = OptimizerConfig(lr=1.0, multipliers=(("encoder", 0.5), ("encoder.1", 0.25), ("log_scale", 2.0)))
    rates = {name: rate for name, (rate, _) in grouped(config).items()}
    assert (rates["encoder.0.weight"], rates["encoder.1.weight"], rates["log_scale"]) == (0.5, 0.25, 2.0)
    assert (rates["encoder_two.weight"], rates["words.weight"]) == (1.0, 1.0)


def test_a_prefix_that_fits_nothing_names_the_nearest_module() -> None:
    with pytest.raises(ValueError, match=r"'encodr' fits no parameter.*did you mean `encoder`"):
        parameter_groups(Model(), OptimizerConfig(multipliers=(("encodr", 0.1),)))


def test_a_prefix_of_a_frozen_module_is_no_mistake() -> None:
    model = Model()
    model.encoder_two.requires_grad_(False)
    assert "encoder_two.weight" not in grouped(OptimizerConfig(multipliers=(("encoder_two", 0.1),)), model)


def test_a_model_without_trainable_parameters_is_refused() -> None:
    with pytest.raises(ValueError, match="no trainable parameter"):
        parameter_groups(Model().requires_grad_(False), OptimizerConfig())


@pytest.mark.parametrize(
    "wrong",
    [
        {"lr": 0.0},
        {"weight_decay": -1.0},
        {"betas": (0.9, 1.0)},
        {"clip_norm": 0.0},
        {"multipliers": (("a", 1.0), ("a", 2.0))},
        {"multipliers": (("a", 0.0),)},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong)).replace("multipliers", "multiplier")):
        OptimizerConfig(**wrong)  # type: ignore[arg-type]


def test_the_printed_groups_account_for_every_value() -> None:
    text = describe(parameter_groups(Model(), OptimizerConfig(lr=0.5, multipliers=(("encoder", 0.1),))))
    counts = [int(line.rsplit(", ", 1)[1].removesuffix(" values")) for line in text.splitlines()]
    assert sum(counts) == sum(parameter.numel() for parameter in Model().parameters())
    assert "encoder with decay: lr 0.05, weight decay 0.01, 1 tensor, 16 values" in text.splitlines()


def test_one_update_is_that_of_the_paper() -> None:
    model = nn.Linear(3, 2).double()
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    config = OptimizerConfig(lr=0.1, weight_decay=0.2, betas=(0.8, 0.9), eps=1e-3)
    optimizer = adamw(parameter_groups(model, config), config)
    model(torch.randn(4, 3, dtype=torch.double, generator=torch.Generator().manual_seed(0))).square().sum().backward()
    optimizer.step()
    for name, parameter in model.named_parameters():
        decay = 0.2 if name == "weight" else 0.0
        gradient = parameter.grad
        assert gradient is not None
        # The first step: both bias-corrected moments are those of the gradient itself.
        expected = before[name] * (1 - 0.1 * decay) - 0.1 * gradient / (gradient.abs() + 1e-3)
        torch.testing.assert_close(parameter.detach(), expected, rtol=1e-12, atol=1e-14)
