"""The graph of views: on demand, once, and errors before anything runs."""

from collections import Counter

import pytest
import torch
from torch import Tensor, nn

from quatrefoil.core.objectives import Matching, Step
from quatrefoil.core.views import Tokens, ViewError, ViewGraph, Views, view
from tests.core.toy import OBJECTIVES, Toy, ToyConfig, toy_batch


def forward_calls(step: Step) -> Counter[str]:
    calls: Counter[str] = Counter()
    for name, module in step.model.named_modules():
        module.register_forward_hook(lambda *_, name=name: calls.update([name]))
    step(toy_batch(), 0)
    return calls


def test_every_view_is_computed_once_however_many_objectives_read_it() -> None:
    calls = forward_calls(Step(Toy(ToyConfig()), OBJECTIVES))
    assert calls["left_encoder"] == 1
    assert calls["right_encoder"] == 2  # the whole tokens, and their masked copy
    assert calls["pair_head"] == 1


@pytest.mark.parametrize(("removed", "silent"), [("match", "pair_head"), ("tokens", "token_head"), ("contrast", None)])
def test_an_objective_removed_removes_the_calls_that_only_it_needed(removed: str, silent: str | None) -> None:
    kept = {name: objective for name, objective in OBJECTIVES.items() if name != removed}
    calls = forward_calls(Step(Toy(ToyConfig()), kept))
    everything = forward_calls(Step(Toy(ToyConfig()), OBJECTIVES))
    only_it = set(everything) - set(calls)
    assert only_it == ({silent} if silent else set())
    if removed == "tokens":
        assert calls["right_encoder"] == everything["right_encoder"] - 1


def test_replaced_views_change_what_depends_on_them_and_nothing_else() -> None:
    model, batch = Toy(ToyConfig()), toy_batch()
    views = Views(model, batch)
    other = views.replace(left_state=views["left_state"].flip(0))
    assert torch.equal(other["left_code"], views["left_code"].flip(0))
    assert other["right_state"] is views["right_state"]
    assert not torch.equal(other["match"], views["match"])
    again = views.replace(left_state=views["left_state"])
    assert torch.equal(again["match"], views["match"])


def test_views_that_need_each_other_are_an_error_when_the_graph_is_made() -> None:
    class Circle(nn.Module):
        @view
        def one(self, two: Tensor) -> Tensor:
            return two

        @view
        def two(self, one: Tensor) -> Tensor:
            return one

    with pytest.raises(ViewError, match="one -> two -> one"):
        ViewGraph(Circle)


def test_a_need_that_nothing_offers_names_who_asks_and_the_nearest_name() -> None:
    graph = ViewGraph(Toy)
    with pytest.raises(ViewError, match=r"objective `contrast`.*did you mean `left_code`"):
        graph.check({"objective `contrast`": ["left_cod"]}, ["left", "right"])
    with pytest.raises(ViewError, match=r"`right_masked` \(needed by view `token_logits`\)"):
        graph.check({"objective `tokens`": ["token_logits"]}, ["left", "right", "right_labels"])


def test_fields_are_those_that_the_asked_views_read() -> None:
    graph = ViewGraph(Toy)
    assert graph.fields(["left_code"]) == {"left"}
    assert graph.fields(["match", "group"]) == {"left", "right", "group"}


def test_an_overridden_view_replaces_the_inherited_one() -> None:
    class Other(Toy):
        @view
        def left_code(self, left: Tensor) -> Tensor:
            return left

    assert ViewGraph(Other).needs["left_code"] == ("left",)
    assert ViewGraph(Toy).needs["left_code"] == ("left_state",)


def test_a_scorer_that_reads_the_batch_past_the_exchanged_views_is_refused() -> None:
    with pytest.raises(ViewError, match="right"):
        Step(Toy(ToyConfig()), {"match": Matching("left_code", "right_code", "match", ("left_state",), ("left_code",))})


def test_the_mean_of_tokens_is_that_of_the_real_ones_and_zero_with_zero_gradient_where_there_are_none() -> None:
    states_BTD = torch.randn(3, 4, 5, requires_grad=True)
    mask_BT = torch.tensor([[True] * 4, [True, False, True, False], [False] * 4])
    mean_BD = Tokens(states_BTD, mask_BT).mean()
    torch.testing.assert_close(mean_BD[:2], torch.stack([states_BTD[0].mean(0), states_BTD[1, ::2].mean(0)]))
    assert not mean_BD[2].any()
    mean_BD.square().sum().backward()
    assert states_BTD.grad is not None
    assert not states_BTD.grad[2].any()
    assert states_BTD.grad.isfinite().all()
