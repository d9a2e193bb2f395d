"""Classification as an evaluation: each item once, by its id, whatever the number of ranks, and kept on disk."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from quatrefoil.core.evaluation.classification import classification_metrics, read_predictions
from quatrefoil.core.evaluation.encode import EncodingRun
from quatrefoil.core.evaluation.tasks import Classification, Scores, metric_names, score_splits
from quatrefoil.core.runs.folder import RunFolder
from tests.core.toy import Toy, ToyConfig, ToyModule, ToySamples
from tests.distributed_harness import run_ranks

TASK = Classification("left_state", "item")
ITEMS = 13


class _Labelled(ToySamples):
    @property
    def ids(self) -> Sequence[str]:
        return [f"sample{row}" for row in range(self.count)]

    @property
    def labels_N(self) -> Tensor:
        return torch.arange(self.count) % 3


class _Choices(_Labelled):
    among_candidates = True


class _Module(ToyModule):
    kind: type[_Labelled] = _Labelled

    def items(self, split: str, unit: str, fields: Iterable[str]) -> _Labelled:
        assert (unit, set(fields)) == ("item", {"left"})
        return self.kind(ITEMS)


class _ChoiceModule(_Module):
    kind = _Choices


def _scores(module: type[_Module] = _Module) -> Scores:
    torch.manual_seed(0)
    model = Toy(ToyConfig(width=3))
    return score_splits(model, module(ITEMS), {"classes": TASK}, ["test"], EncodingRun(torch.device("cpu")))["test"]


def _plain() -> tuple[dict[str, float], list[str], Tensor]:
    scores = _scores()
    found = scores.predictions["left_state"]
    return dict(scores.metrics), list(found.ids), torch.from_numpy(found.scores_NK)


def test_every_item_is_scored_once_at_any_number_of_ranks() -> None:
    metrics, ids, scores_NK = _plain()
    assert ids == [f"sample{row}" for row in range(ITEMS)]
    for their_metrics, their_ids, their_scores_NK in run_ranks(3, _plain):
        assert their_metrics == pytest.approx(metrics)
        assert their_ids == ids
        torch.testing.assert_close(their_scores_NK, scores_NK)


def test_what_is_given_is_named_before_and_what_only_some_classes_have_is_said_to_be_that() -> None:
    scores, of_two_alone = _scores(), {"precision", "recall", "F1"}
    assert set(scores.metrics) == set(metric_names({"classes": TASK})) - of_two_alone
    assert set(scores.intervals) < set(scores.metrics)


def test_places_among_candidates_are_no_classes_and_have_an_accuracy_alone() -> None:
    as_classes, as_places = _scores(), _scores(_ChoiceModule)
    assert as_places.metrics == {"accuracy": as_classes.metrics["accuracy"]}
    assert as_places.intervals == {"accuracy": as_classes.intervals["accuracy"]}


def test_stored_predictions_give_the_metrics_again(tmp_path: Path) -> None:
    scores = _scores()
    RunFolder(tmp_path).write_predictions({"test": scores})
    found = read_predictions(tmp_path / "predictions" / "test" / "left_state.jsonl")
    assert classification_metrics(found) == scores.metrics
