"""A split is scored the same by one rank, and by two or three among which its items do not divide."""

import torch

from quatrefoil.core.evaluation.encode import EncodingRun
from quatrefoil.core.evaluation.tasks import score_splits
from tests.core.toy import Toy, ToyConfig, ToyModule, toy_recipe
from tests.distributed_harness import run_ranks

ITEMS = {"val": 30, "test": 31}


def _scored() -> dict[str, dict[str, float]]:
    torch.manual_seed(0)
    model, recipe = Toy(ToyConfig()), toy_recipe(["evaluate.retrieval.batch_size=4"])
    scores = score_splits(model, ToyModule(64), recipe.evaluate, list(ITEMS), EncodingRun(torch.device("cpu")))
    return {split: dict(score.metrics) for split, score in scores.items()}


def test_metrics_are_identical_on_one_two_and_three_ranks() -> None:
    data = ToyModule(64)
    assert {split: len(data.items(split, "item", ["left"])) for split in ITEMS} == ITEMS
    assert ITEMS["test"] % 2 != 0 != ITEMS["test"] % 3
    alone = _scored()
    assert {len(scores) for scores in alone.values()} == {10}
    for ranks in (2, 3):
        assert run_ranks(ranks, _scored) == [alone] * ranks
