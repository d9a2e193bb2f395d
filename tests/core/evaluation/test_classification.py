"""Classification: equal to scikit-learn, ties and outsiders against the model, predictions kept by id."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from quatrefoil.core.evaluation.classification import (
    OUTSIDE,
    Predictions,
    average_precision,
    classification_intervals,
    classification_metrics,
    read_predictions,
    roc_auc,
    roc_auc_interval,
    weighted_roc_auc,
)
from quatrefoil.core.evaluation.statistics import bootstrap_interval

sklearn = pytest.importorskip("sklearn.metrics", reason="scikit-learn is what the metrics are compared with")


def _draw(seed: int, items: int, classes: int, outside: bool = False) -> Predictions:
    rng = np.random.default_rng(seed)
    targets = np.concatenate([np.arange(classes), rng.integers(OUTSIDE if outside else 0, classes, items)])
    scores = rng.normal(size=(len(targets), classes)) + 1.5 * (targets[:, None] == np.arange(classes))
    return Predictions(
        [f"q{i}" for i in range(len(targets))], [f"g{i // 3}" for i in range(len(targets))], targets, scores
    )


def _theirs(found: Predictions) -> dict[str, float]:
    target, predicted = found.targets_N, found.scores_NK.argmax(1)
    macro: dict[str, Any] = {"average": "macro", "zero_division": 0}
    metrics = {
        "accuracy": sklearn.accuracy_score(target, predicted),
        "macro-precision": sklearn.precision_score(target, predicted, **macro),
        "macro-recall": sklearn.recall_score(target, predicted, **macro),
        "macro-F1": sklearn.f1_score(target, predicted, **macro),
        "MCC": sklearn.matthews_corrcoef(target, predicted),
    }
    if found.classes == 2:
        positive: dict[str, Any] = {"labels": [1], "average": "macro", "zero_division": 0}
        metrics["precision"] = sklearn.precision_score(target, predicted, **positive)
        metrics["recall"] = sklearn.recall_score(target, predicted, **positive)
        metrics["F1"] = sklearn.f1_score(target, predicted, **positive)
    return {name: 100 * float(value) for name, value in metrics.items()}


def _their_areas(found: Predictions) -> dict[str, float]:
    softmax = torch.tensor(found.scores_NK).softmax(1).numpy()
    if found.classes == 2:
        areas = (
            sklearn.roc_auc_score(found.targets_N, softmax[:, 1]),
            sklearn.average_precision_score(found.targets_N, softmax[:, 1]),
        )
    else:
        areas = (
            sklearn.roc_auc_score(found.targets_N, softmax, multi_class="ovr"),
            sklearn.average_precision_score(np.eye(found.classes)[found.targets_N], softmax),
        )
    if found.classes > 2:
        areas += (sklearn.roc_auc_score(found.targets_N, softmax, multi_class="ovo"),)
    return {name: 100 * float(area) for name, area in zip(("ROC-AUC", "AUPR", "ROC-AUC-ovo"), areas, strict=False)}


def test_pairs_of_very_many_classes_are_not_formed() -> None:
    assert "ROC-AUC-ovo" in classification_metrics(_draw(0, 200, 10))
    assert "ROC-AUC-ovo" not in classification_metrics(_draw(0, 200, 11))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(2, 6))
def test_every_metric_equals_scikit_learn(seed: int, items: int, classes: int) -> None:
    found = _draw(seed, items, classes)
    assert classification_metrics(found) == pytest.approx(_theirs(found) | _their_areas(found), abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(5, 60), st.integers(2, 6))
def test_targets_outside_are_a_class_that_no_one_finds(seed: int, items: int, classes: int) -> None:
    found = _draw(seed, items, classes, outside=True)
    ours = classification_metrics(found)
    assert ours == pytest.approx(_theirs(found) | ({} if OUTSIDE in found.targets_N else _their_areas(found)), abs=1e-9)
    assert not found.hits_N[found.targets_N == OUTSIDE].any()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2).filter(
        lambda rows: len({p for _, p in rows}) == 2
    )
)
def test_areas_equal_scikit_learn_under_ties(rows: list[tuple[int, bool]]) -> None:
    scores, positive = np.array([float(s) for s, _ in rows]), np.array([p for _, p in rows])
    assert roc_auc(scores, positive) == pytest.approx(sklearn.roc_auc_score(positive, scores))
    assert average_precision(scores, positive) == pytest.approx(sklearn.average_precision_score(positive, scores))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.floats(-1e3, 1e3), st.floats(0.1, 40))
def test_metrics_do_not_depend_on_shift_or_scale_of_two_logits(seed: int, shift: float, scale: float) -> None:
    found = _draw(seed, 30, 2)
    moved = Predictions(found.ids, found.groups_N, found.targets_N, scale * found.scores_NK + shift)
    assert classification_metrics(moved) == pytest.approx(classification_metrics(found))


def test_a_model_that_says_the_same_of_all_classes_is_always_wrong() -> None:
    found = Predictions(list("abc"), list("abc"), np.array([0, 1, 2]), np.zeros((3, 3)))
    assert found.hits_N.tolist() == [0, 0, 0]
    assert classification_metrics(found)["ROC-AUC"] == 50


def test_a_right_prediction_of_everything_is_100_everywhere() -> None:
    found = Predictions(list("abcd"), list("abcd"), np.array([0, 1, 2, 1]), np.eye(3)[[0, 1, 2, 1]])
    assert set(classification_metrics(found).values()) == {100.0}


def test_intervals_draw_groups_not_items() -> None:
    targets, scores = np.zeros(40, np.int64), np.repeat([[1.0, 0.0], [0.0, 1.0]], 20, axis=0)
    ids = [str(i) for i in range(40)]
    alone = classification_intervals(Predictions(ids, ids, targets, scores))["accuracy"]
    together = classification_intervals(Predictions(ids, ["a"] * 20 + ["b"] * 20, targets, scores))["accuracy"]
    assert together == (0.0, 100.0)
    assert 20 < alone.low < 50 < alone.high < 80


def test_predictions_come_back_as_they_were_written(tmp_path: Path) -> None:
    found, path = _draw(0, 10, 3, outside=True), tmp_path / "predictions.jsonl"
    found.write(path, scores=True)
    back = read_predictions(path)
    assert (back.ids, back.groups_N) == (found.ids, found.groups_N)
    assert classification_metrics(back) == classification_metrics(found)
    assert back.predicted_N.tolist() == found.predicted_N.tolist()
    found.write(path, scores=False)
    assert path.read_text().splitlines()[0] == '{"id": "q0", "group": "g0", "target": 0, "predicted": 0}'
    with pytest.raises(ValueError, match="written without scores"):
        read_predictions(path)


def test_tensors_of_any_precision_are_taken() -> None:
    scores = torch.tensor([[0.5, 1.0], [2.0, -1.0]], dtype=torch.bfloat16, requires_grad=True)
    assert Predictions.of(["a", "b"], ["a", "b"], torch.tensor([1, 0]), scores).hits_N.tolist() == [100, 100]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ids": ["a", "a"]}, "1 ids repeat"),
        ({"groups_N": ["a"]}, "2 ids, 1 groups"),
        ({"targets_N": np.array([0, 2])}, "no class: b"),
        ({"targets_N": np.array([-2, 1])}, "no class: a"),
        ({"scores_NK": np.array([[0, 1], [np.nan, 0]])}, "not finite: b"),
        ({"scores_NK": np.zeros((2, 1))}, "two or more classes"),
    ],
)
def test_what_is_no_prediction_is_refused(change: dict[str, Any], message: str) -> None:
    whole = {"ids": ["a", "b"], "groups_N": ["a", "b"], "targets_N": np.array([0, 1]), "scores_NK": np.eye(2)}
    with pytest.raises(ValueError, match=message):
        Predictions(**(whole | change))


def test_a_curve_of_one_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="only one kind"):
        roc_auc(np.zeros(2), np.array([True, True]))
    with pytest.raises(ValueError, match="only one kind"):
        roc_auc_interval(np.zeros(2), np.array([False, False]))


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans(), st.integers(0, 4)), max_size=20))
def test_a_weight_is_an_item_that_is_there_as_often(rows: list[tuple[int, bool, int]]) -> None:
    scores, positive, weights = map(np.array, zip(*rows, (0, False, 1), (1, True, 1), strict=True))
    scores_N, positive_N = scores.astype(float), positive.astype(bool)
    by_hand = roc_auc(np.repeat(scores_N, weights), np.repeat(positive_N, weights))
    assert weighted_roc_auc(scores_N, positive_N, weights[None]) == pytest.approx(by_hand)


def test_the_interval_of_an_area_covers_the_true_one_about_as_often_as_it_says() -> None:
    rng, positive_N, shift = np.random.default_rng(0), np.arange(80) < 20, 1.0
    true = 0.5 * (1 + math.erf(shift / 2))  # of two normals a standard deviation apart
    intervals = [
        roc_auc_interval(rng.normal(size=80) + shift * positive_N, positive_N, resamples=400) for _ in range(200)
    ]
    assert 0.89 < np.mean([low <= true <= high for low, high in intervals]) < 0.99


def test_intervals_are_those_of_whole_groups_drawn_and_scored_anew() -> None:
    found = _draw(3, 90, 3)
    intervals = classification_intervals(found, resamples=300, seed=5)
    plain = bootstrap_interval(found.hits_N, found.groups_N, resamples=300, seed=5)
    assert intervals["accuracy"] == pytest.approx(plain)
    group_N, rng = np.unique(found.groups_N, return_inverse=True)[1], np.random.default_rng(5)
    drawn = rng.integers(0, group_N.max() + 1, (300, group_N.max() + 1))
    rows = [np.concatenate([np.flatnonzero(group_N == group) for group in groups]) for groups in drawn]
    mcc = [100 * sklearn.matthews_corrcoef(found.targets_N[row], found.predicted_N[row]) for row in rows]
    assert intervals["MCC"] == pytest.approx(np.quantile(mcc, [0.025, 0.975]))
    assert all(low <= classification_metrics(found)[name] <= high for name, (low, high) in intervals.items())


def test_one_group_has_no_interval() -> None:
    alone = Predictions(["a", "b"], ["g", "g"], np.array([0, 1]), np.eye(2))
    assert classification_intervals(alone) == {}
