"""Micro-batches of the papers' models have the losses, metrics and gradients of the whole batch."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch

from quatrefoil.core.objectives import Objective, Step
from quatrefoil.core.recipes import ModelConfig
from quatrefoil.video_text.recipes.table import ALL, VTC
from quatrefoil.video_text.recipes.vlsa import PRETRAINING
from tests.core.training.micro import assert_same, by_micro_batches, double, whole
from tests.video_text import small_vlsa, test_clover, test_vlsa
from tests.video_text.models import small as table

_UNMATCHED = {name: objective for name, objective in PRETRAINING.items() if not objective.recomputes}
_SAMPLES = [table.sample(0), table.sample(1, tags=5, words=7), table.sample(2, tags=0), table.sample(3, words=2)]
CASES: dict[str, tuple[ModelConfig, Mapping[str, Objective], dict[str, Any]]] = {
    "table, frames only": (table.MODELS["frames"][0], VTC, table.batch_of(*_SAMPLES)),
    "table without matching": (
        table.MODELS["table"][0],
        {name: objective for name, objective in ALL.items() if name != "vtm"},
        table.batch_of(*_SAMPLES),
    ),
    "clover": (test_clover.SMALL, test_clover.ALL, test_clover.batch_of(*test_clover.BATCH, test_clover.sample(3))),
    "vlsa without matching": (small_vlsa.SMALL, _UNMATCHED, test_vlsa.batch_of(*test_vlsa.MIXED)),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("parts", [2, 3])
def test_losses_metrics_and_gradients_are_those_of_the_whole_batch(case: Any, parts: int) -> None:
    config, objectives, samples = case
    torch.manual_seed(0)
    step, batch = double(Step(config.build().eval(), objectives), samples)
    assert_same(whole(step, batch, 1), by_micro_batches(step, batch, parts))


def test_dropout_is_that_with_which_a_micro_batch_was_encoded() -> None:
    config, objectives, samples = CASES["clover"]
    torch.manual_seed(0)
    step, batch = double(Step(config.build().train(), objectives), samples)
    assert sum(isinstance(module, torch.nn.Dropout) and module.p > 0 for module in step.modules())
    found = by_micro_batches(step, batch, 2)
    assert_same(whole(step, batch, 2), found)
    assert not torch.equal(found["logged tma_video/loss"], whole(step, batch, 1)["logged tma_video/loss"])
