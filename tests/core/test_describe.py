"""A recipe in words: the work of a step is what a hand counts."""

from dataclasses import replace

import pytest
import torch.nn.functional as nnf
from torch import Tensor

from quatrefoil.core import recipes
from quatrefoil.core.describe import count_flops, describe
from quatrefoil.core.views import view
from tests.core.toy import Toy, ToyConfig, toy_recipe


@pytest.mark.parametrize("rows", [2, 4])
def test_flops_are_two_for_every_multiplication_of_the_forward_and_backward_pass(rows: int) -> None:
    width, vocabulary = ToyConfig().width, ToyConfig().vocabulary
    found = count_flops(toy_recipe(["objectives.contrast=off", "objectives.match=off"]), rows)
    left = rows * 5 * width  # multiplications; the input needs no gradient, so backward is one product, not two
    head = rows * width * vocabulary  # one masked token a sample
    assert found.rows == rows
    assert found.forward == {"left_encoder": 2 * left, "token_head": 2 * head}
    assert found.total == 2 * (2 * left) + 3 * (2 * head)


def test_an_objective_that_is_off_is_no_work() -> None:
    whole, less = count_flops(toy_recipe(), 4), count_flops(toy_recipe(["objectives.match=off"]), 4)
    assert "pair_head" in whole.forward
    assert "pair_head" not in less.forward
    assert less.total < whole.total


class Attending(Toy):
    """The toy with an attention (of one position to itself), which CPUs compute in a fused form."""

    @view
    def left_state(self, left: Tensor) -> Tensor:
        state_B1D = self.left_encoder(left)[:, None]
        return nnf.scaled_dot_product_attention(state_B1D, state_B1D, state_B1D)[:, 0]


def test_attention_is_counted() -> None:
    class Config(ToyConfig):
        @property
        def model_type(self) -> type[Toy]:
            return Attending

    plain = toy_recipe(["objectives.match=off", "objectives.contrast=off"])
    attending = replace(plain, model=Config())
    assert count_flops(attending, 4).total - count_flops(plain, 4).total == 3 * 2 * 2 * 4 * ToyConfig().width


def test_the_description_says_on_which_batch_it_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "load", lambda name, overrides: toy_recipe(overrides))
    assert "FLOPs" not in describe("toy")
    text = describe("toy", ["train.batch_size=16"], flops=True)
    assert "on a batch of 4" in text
    assert "on a batch of 16, by proportion" in text
