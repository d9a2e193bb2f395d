"""One suite for every model: what holds of a small recipe's step on a batch of real data, whichever model it is."""

import dataclasses
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as nnf
from torch import Tensor

from quatrefoil.core import recipes
from quatrefoil.core.data.collate import collate
from quatrefoil.core.hub import Model
from quatrefoil.core.objectives import Step
from quatrefoil.core.training.trainer import freeze_unreached
from quatrefoil.core.views import Views
from tests.models.conftest import Case
from tests.models.small import OTHERS, RECIPES, everywhere

Cases = Callable[[str], Case]
every_model = pytest.mark.parametrize("name", [*RECIPES, *OTHERS])
attending = pytest.mark.parametrize("name", [*RECIPES, *(name for name in OTHERS if not name.endswith("cnn"))])

UNREACHED: dict[str, list[str]] = {
    # The paper's comparison matches video and text (`vlsa/stage-pretrain-vtm`), by the same model.
    "vlsa/stage-pretrain": ["match_heads.video_text.linear.weight", "match_heads.video_text.linear.bias"],
}
"""Recipe -> parameters that no objective reaches."""


def build(case: Case, change: Callable[[Any], Any] = lambda config: config) -> Model:
    torch.manual_seed(0)
    model: Model = change(case.recipe.model_for(case.data)).build()
    model.assets |= case.data.assets()
    model.check_assets()
    for parameter in model.parameters():  # nothing stays at a start of zero, which could hide a dependence
        parameter.data += 0.05 * torch.randn_like(parameter)
    return model


def gradients(case: Case, model: Model, *, bf16: bool = False) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of the batch, and its gradients by parameter; random draws are the same in every call."""
    torch.manual_seed(1)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        loss = Step(model, case.recipe.objectives)(case.batch, 0)["loss"]
    loss.backward()
    return loss.detach(), {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


def shown(case: Case) -> list[str]:
    """The views that evaluation reads."""
    return [view for task in case.recipe.evaluate.values() for view in task.needs]


def measured(what: str, value: float) -> float:
    """The value, shown by `pytest -s`, so that bounds can be seen beside what they bound."""
    print(f"{what}: {value:.2e}")
    return value


def far(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    """How far all gradients together are from others, in units of their length."""
    assert one.keys() == other.keys()
    error = torch.stack([(one[name] - other[name]).norm() for name in one]).norm()
    return float(error / torch.stack([value.norm() for value in other.values()]).norm())


@every_model
def test_a_saved_model_comes_back_with_its_weights_assets_and_codes_to_the_bit(
    cases: Cases, name: str, tmp_path: Path
) -> None:
    case = cases(name)
    model = build(case).eval()
    model.save_pretrained(tmp_path)
    again = type(model).from_pretrained(tmp_path).eval()
    assert again.assets == model.assets
    own = model.state_dict()
    assert all(torch.equal(value, own[key]) for key, value in again.state_dict().items())
    with torch.no_grad():
        for view in shown(case):
            assert torch.equal(Views(again, case.batch)[view], Views(model, case.batch)[view])


@every_model
@torch.no_grad()
def test_what_is_said_of_a_sample_depends_neither_on_its_batch_nor_on_padding(cases: Cases, name: str) -> None:
    case = cases(name)
    model = build(case).eval()
    together = Views(model, case.batch)
    for row, sample in enumerate(case.samples):
        alone = Views(model, collate([sample], case.data.fill))
        for view in shown(case):
            torch.testing.assert_close(together[view][row : row + 1], alone[view], rtol=1e-4, atol=1e-4)


@every_model
def test_every_parameter_gets_a_gradient_or_is_listed(cases: Cases, name: str) -> None:
    case = cases(name)
    assert freeze_unreached(Step(build(case), case.recipe.objectives), case.batch) == UNREACHED.get(name, [])


@every_model
def test_under_bfloat16_a_step_is_the_same_but_for_its_rounding(cases: Cases, name: str) -> None:
    """bf16 keeps 8 bits, so each product is wrong by up to 2^-9 = 0.2 %.

    No value passes more than 50 of them one after another (two stacks of two blocks, heads and a loss kept in fp32);
    independent errors add up to sqrt(50) * 0.2 % = 1.4 % of a value. Gradients pass twice as many, and are small sums
    of large terms: a tenth of their length is what is allowed.
    """
    case = cases(name)
    loss, whole = gradients(case, build(case).eval())
    rounded_loss, rounded = gradients(case, build(case).eval(), bf16=True)
    assert measured("loss", float(abs(rounded_loss / loss - 1))) <= 0.014
    assert measured("gradients", far(rounded, whole)) <= 0.1


def plain_attention(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dropout: float = 0.0, causal: bool = False
) -> Tensor:
    """softmax(q k' / sqrt(d) + mask) v, as it is written in the paper, in fp64."""
    assert dropout == 0
    scores = q.double() @ k.double().transpose(-1, -2) * q.shape[-1] ** -0.5
    if causal:
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else scores + mask
    values: Tensor = (scores.softmax(-1) @ v.double()).to(q.dtype)
    return values


@attending
def test_fused_attention_has_the_values_and_gradients_of_the_formula(
    cases: Cases, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = cases(name)
    loss, fused = gradients(case, build(case).eval())
    calls = []

    def counted(*given: Any) -> Tensor:
        calls.append(given)
        return plain_attention(*given)

    monkeypatch.setattr(nnf, "scaled_dot_product_attention", counted)
    plain_loss, plain = gradients(case, build(case).eval())
    assert calls
    assert measured("loss", float(abs(plain_loss / loss - 1))) <= 1e-5
    assert measured("gradients", far(fused, plain)) <= 1e-4


@attending
def test_recomputed_activations_change_no_gradient_by_a_bit(cases: Cases, name: str) -> None:
    """In training mode: dropout is drawn again as it was."""
    case = cases(name)
    loss, kept = gradients(case, build(case).train())
    again, recomputed = gradients(case, build(case, partial(everywhere, checkpoint=True)).train())
    assert loss == again
    assert kept.keys() == recomputed.keys()
    assert all(torch.equal(value, recomputed[key]) for key, value in kept.items())


@pytest.mark.slow
@every_model
def test_a_compiled_step_trains_as_an_eager_one(cases: Cases, name: str) -> None:
    case = cases(name)
    model = build(case).eval()
    loss, eager = gradients(case, model)
    eager = {key: value.clone() for key, value in eager.items()}
    model.zero_grad()
    compiled = torch.compile(Step(model, case.recipe.objectives))(case.batch, 0)["loss"]
    compiled.backward()
    assert abs(compiled - loss) <= 1e-5 * abs(loss)
    assert far({key: p.grad for key, p in model.named_parameters() if p.grad is not None}, eager) <= 1e-4


@cache
def devices_of(config: Any) -> set[str]:
    """Where the weights of a model lie that is built on the meta device; many recipes have the same."""
    with torch.device("meta"):
        model = config.model_type(config)
    return {value.device.type for value in model.state_dict().values()}


@pytest.mark.parametrize("name", recipes.names())
def test_the_model_of_every_recipe_builds_on_the_meta_device(name: str) -> None:
    config: Any = recipes.load(name).model
    if getattr(config, "classes", 0) is None:  # left to the data
        config = dataclasses.replace(config, classes=2)
    assert devices_of(config) == {"meta"}
