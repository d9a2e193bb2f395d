"""TABLE's objectives on a batch that can be learned by heart: what stays at chance there does not reach its input."""

import math
from statistics import fmean

import pytest
import torch

from quatrefoil.core.objectives import Step
from quatrefoil.video_text.recipes.table import ALL
from tests.video_text.models.small import MODELS, batch_of, sample

TRIVIAL_MATCHING = -(math.log(1 / 3) + 2 * math.log(2 / 3)) / 3
"""Of a scorer that knows only that one pair in three is true."""


@pytest.fixture(scope="module")
def curves() -> dict[str, list[float]]:
    """Objective -> losses of 150 steps on one batch of eight samples, with the pooling of random weights."""
    torch.manual_seed(0)
    step = Step(MODELS["table-mean"][0].build(), ALL)
    optimizer = torch.optim.AdamW(step.parameters(), lr=3e-3)
    batch = batch_of(*(sample(number, tags=number % 4, words=3 + number % 4) for number in range(8)))
    losses: dict[str, list[float]] = {name: [] for name in ALL}
    for number in range(150):
        values = step(batch, number)
        optimizer.zero_grad()
        values["loss"].backward()
        torch.nn.utils.clip_grad_norm_(step.parameters(), 1.0)
        optimizer.step()
        for name, curve in losses.items():
            curve.append(values[f"{name}/loss"].item())
    return losses


def test_matching_learns_a_batch_by_heart(curves: dict[str, list[float]]) -> None:
    assert fmean(curves["vtm"][-10:]) < 0.25 * TRIVIAL_MATCHING


def test_masked_words_of_a_batch_are_learned_by_heart(curves: dict[str, list[float]]) -> None:
    assert curves["mlm"][0] > 0.9 * math.log(40)
    assert curves["mlm"][-1] < 0.05 * math.log(40)


def test_contrast_learns_a_batch_by_heart(curves: dict[str, list[float]]) -> None:
    assert curves["vtc"][-1] < 0.05 * curves["vtc"][0]
