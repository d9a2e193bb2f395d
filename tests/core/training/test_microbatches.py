"""Micro-batches have the loss and the gradient of the batch, also where its samples are compared with one another."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from quatrefoil.core.distributed import rank
from quatrefoil.core.losses import LossResult
from quatrefoil.core.objectives import Contrastive, Objective, Ranking, Step
from quatrefoil.core.objectives.objective import StepKey
from quatrefoil.core.training.microbatches import MicroBatches, split
from quatrefoil.core.views import ViewError, Views, view
from tests.core.toy import OBJECTIVES, Toy, ToyConfig, toy_batch
from tests.core.training.micro import Bare, assert_same, by_micro_batches, chosen, counted_calls, double, whole
from tests.distributed_harness import run_ranks

BOTH = chosen(OBJECTIVES, ["contrast", "tokens"])
ROWS = 11


class DropsOut(Toy):
    """A toy whose views are random, one of them of no gradient."""

    @view
    def left_state(self, left: Tensor) -> Tensor:
        return nn.functional.dropout(self.left_encoder(left), 0.4, self.training)

    @view
    def right_state(self, right: Tensor) -> Tensor:
        return nn.functional.dropout(self.right_encoder(right).mean(1), 0.2, self.training)

    @view
    def drawn_weights(self, left: Tensor) -> Tensor:
        return torch.rand(len(left), dtype=left.dtype)

    @view
    def mean_code(self, left_code: Tensor) -> Tensor:
        return left_code.mean()


RANDOM = {
    **BOTH,
    "rank": Ranking("left_code", "right_code", "left_code", "logit_scale", 0.5, weights="drawn_weights"),
    "back": Contrastive("right_code", "left_code", 3.0, weight=0.3),
}


def made(objectives: dict[str, Objective], model: type[Toy] = Toy) -> tuple[Step, dict[str, Any]]:
    torch.manual_seed(0)
    return double(Step(model(ToyConfig()), objectives, seed=5), toy_batch(ROWS))


@pytest.mark.parametrize("parts", [2, 3, ROWS])
def test_losses_metrics_and_gradients_are_those_of_the_whole_batch(parts: int) -> None:
    step, batch = made(BOTH)
    found = by_micro_batches(step, batch, parts)
    assert_same(whole(step, batch, 1), found)


@pytest.mark.parametrize("parts", [2, 3, ROWS])
def test_random_numbers_are_those_with_which_a_micro_batch_was_encoded(parts: int) -> None:
    step, batch = made(RANDOM, DropsOut)
    found = by_micro_batches(step, batch, parts)
    assert_same(whole(step, batch, parts), found)
    assert not torch.equal(found["logged contrast/loss"], whole(step, batch, 1)["logged contrast/loss"])


def test_each_micro_batch_is_encoded_once_without_a_graph_and_once_with_it() -> None:
    step, batch = made(BOTH)
    assert isinstance(step.model, Toy)
    with counted_calls(step.model.left_encoder) as compared, counted_calls(step.model.token_head) as counted:
        cut = MicroBatches(step, 4, "plain", bf16=False, probe=batch)
        compared.clear()
        cut.backward(Bare(step), batch, 0)
    assert compared == [False] * 4 + [True] * 4
    assert counted == [True] * 4  # what is not compared is encoded once


def test_what_counts_its_terms_alone_is_encoded_once() -> None:
    step, batch = made(chosen(OBJECTIVES, ["tokens"]))
    assert isinstance(step.model, Toy)
    with counted_calls(step.model.left_encoder) as calls:
        by_micro_batches(step, batch, 4)
    assert calls == [True] * 4


def _on_ranks(cuts: list[list[int]], parts: int) -> list[tuple[dict[str, Tensor], int]]:
    return [_on_rank(sizes, parts) for sizes in cuts]


def _on_rank(sizes: list[int], parts: int) -> tuple[dict[str, Tensor], int]:
    step, batch = made(BOTH)
    start = sum(sizes[: rank()])
    own = {name: value[start : start + sizes[rank()]] for name, value in batch.items() if name != "skipped"}
    step.model.get_submodule("pair_head").requires_grad_(False)  # unreached: DDP would wait for its gradients
    updater = Bare(step, len(sizes))
    return by_micro_batches(step, own, parts, updater), updater.exchanges


@pytest.mark.parametrize("cuts", [[[6, 5], [9, 2]], pytest.param([[3, 4, 4], [2, 7, 2]], marks=pytest.mark.slow)])
def test_ranks_have_the_gradient_of_one_process_and_exchange_it_once(cuts: list[list[int]]) -> None:
    step, batch = made(BOTH)
    alone = whole(step, batch, 1)
    for ranks in zip(*run_ranks(len(cuts[0]), _on_ranks, cuts, 2), strict=True):
        logged = [name for name in alone if name.startswith("logged")]
        means = {name: torch.stack([numbers[name] for numbers, _ in ranks]).mean(0) for name in logged}
        for numbers, exchanges in ranks:
            assert_same(alone, numbers | means)
            assert exchanges == 1


def test_matching_is_refused_with_the_reason() -> None:
    step, batch = made(dict(OBJECTIVES))
    with pytest.raises(ValueError, match="match compute views of pairs that lie in no micro-batch"):
        MicroBatches(step, 2, "plain", bf16=False, probe=batch)


@pytest.mark.parametrize("engine", ["zero2", "zero3"])
def test_engines_that_cut_gradients_are_refused_where_samples_are_compared(engine: Any) -> None:
    step, batch = made(BOTH)
    with pytest.raises(ValueError, match=f"contrast compare the samples .* {engine} cuts them at each: take zero1"):
        MicroBatches(step, 2, engine, bf16=False, probe=batch)
    tokens, _ = made(chosen(OBJECTIVES, ["tokens"]))
    MicroBatches(tokens, 2, engine, bf16=False, probe=batch)


def test_a_view_that_is_no_row_for_each_sample_is_refused() -> None:
    step, batch = made(
        {"rank": Ranking("left_code", "right_code", "left_code", "mean_code", 0.1, "mean_code")}, DropsOut
    )
    with pytest.raises(ValueError, match="view `mean_code` is one number of a whole batch"):
        MicroBatches(step, 2, "plain", bf16=False, probe=batch)


class _Unsaid(Contrastive):
    def __call__(self, views: Views, step: StepKey) -> LossResult:
        assert views["left_state"] is not None  # it is not in `needs`
        return super().__call__(views, step)


def test_what_an_objective_reads_beyond_its_needs_is_an_error_and_not_computed_of_all_samples() -> None:
    step, batch = made({"unsaid": _Unsaid("left_code", "right_code")})
    with pytest.raises(ViewError, match="left_state"):
        by_micro_batches(step, batch, 2)


def test_a_batch_is_cut_into_all_its_rows() -> None:
    batch = toy_batch(7)
    parts = split(batch, 3)
    assert [len(part["id"]) for part in parts] == [2, 2, 3]
    assert torch.equal(torch.cat([part["left"] for part in parts]), batch["left"])
    with pytest.raises(ValueError, match="only 7 samples"):
        split(batch, 8)
