"""Classification: the metrics that the field prints, each prediction kept by its id.

Legend: N items, K classes, D distinct scores, R resamples.

A target of `OUTSIDE` is none of the classes: whatever is predicted for it is wrong.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from pathlib import Path
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from quatrefoil.core.evaluation import confusion
from quatrefoil.core.evaluation.confusion import Cells
from quatrefoil.core.evaluation.statistics import Floats, Interval, Ints, bootstrap_interval
from quatrefoil.core.files import replace_text
from quatrefoil.core.wording import first_few

OUTSIDE = -1
AREAS = ("ROC-AUC", "AUPR", "ROC-AUC-ovo")
Bools: TypeAlias = npt.NDArray[np.bool_]

_MOST_PAIRED = 10  # pairs grow with the square, and answers to questions are thousands


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model said of each item of a split.

    Args:
        ids: of the items, each once.
        groups_N: items of one group are not independent; intervals resample groups. A name each.
        targets_N: the right class of each, from 0, or `OUTSIDE`.
        scores_NK: logits; of two classes the second is the positive one.

    Raises:
        ValueError: sizes that differ, ids that repeat, targets that are no class, scores that are not finite.
    """

    ids: Sequence[str]
    groups_N: Sequence[str]
    targets_N: Ints
    scores_NK: Floats

    def __post_init__(self) -> None:
        items = len(self.ids)
        if self.scores_NK.ndim != 2 or self.scores_NK.shape[1] < 2 or not items:
            raise ValueError(f"scores {self.scores_NK.shape} must be a row for every item and two or more classes")
        if {len(self.groups_N), len(self.targets_N), len(self.scores_NK)} != {items}:
            sizes = f"{len(self.groups_N)} groups, {len(self.targets_N)} targets, {len(self.scores_NK)} rows of scores"
            raise ValueError(f"{items} ids, {sizes}: give one of each for every item")
        if len(set(self.ids)) != items:
            raise ValueError(f"{items - len(set(self.ids))} ids repeat; name every item once")
        self._refuse("targets that are no class", ~np.isin(self.targets_N, np.arange(OUTSIDE, self.classes)))
        self._refuse("scores that are not finite", ~np.all(np.isfinite(self.scores_NK), axis=1))

    @classmethod
    def of(cls, ids: Sequence[str], groups: Sequence[str], targets_N: torch.Tensor, scores_NK: torch.Tensor) -> Self:
        """From tensors on any device, of any precision."""
        return cls(ids, groups, targets_N.cpu().numpy().astype(np.int64), scores_NK.detach().double().cpu().numpy())

    def _refuse(self, what: str, wrong_N: Bools) -> None:
        if wrong_N.any():
            culprits = first_few(self.ids[row] for row in np.flatnonzero(wrong_N).tolist())
            raise ValueError(f"{int(wrong_N.sum())} items have {what}: {culprits}")

    @property
    def classes(self) -> int:
        return int(self.scores_NK.shape[1])

    @cached_property
    def predicted_N(self) -> Ints:
        """The class of the highest score. A tie with the right class counts against the model."""
        best_N1 = self.scores_NK.max(1, keepdims=True)
        tied_NK = self.scores_NK == best_N1
        rivals_NK = tied_NK & (np.arange(self.classes) != self.targets_N[:, None])
        predicted_N: Ints = np.where(rivals_NK.any(1), rivals_NK.argmax(1), tied_NK.argmax(1))
        return predicted_N

    @property
    def hits_N(self) -> Floats:
        """100 where the prediction is right, else 0."""
        hits_N: Floats = 100.0 * (self.predicted_N == self.targets_N)
        return hits_N

    def write(self, path: Path, *, scores: bool) -> None:
        """One JSON line for each item: id, group, target, predicted, and its `scores` where they are wanted."""
        rows = zip(self.ids, self.groups_N, self.targets_N.tolist(), self.predicted_N.tolist(), strict=True)
        lines = [dict(zip(("id", "group", "target", "predicted"), row, strict=True)) for row in rows]
        kept = [{"scores": row} for row in self.scores_NK.tolist()] if scores else [{}] * len(lines)
        replace_text(path, "".join(json.dumps(line | more) + "\n" for line, more in zip(lines, kept, strict=True)))


def read_predictions(path: Path) -> Predictions:
    """What `Predictions.write` wrote with scores. Raises ValueError where there are none."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if not all("scores" in row for row in rows):
        raise ValueError(f"{path}: written without scores, which all metrics are made from; write it with scores=True")
    ids, groups, targets, scores = ([row[key] for row in rows] for key in ("id", "group", "target", "scores"))
    return Predictions(ids, groups, np.array(targets, np.int64), np.array(scores, np.float64))


def classification_metrics(found: Predictions) -> dict[str, float]:
    """Accuracy, macro precision, recall and F1, MCC, and where they exist ROC-AUC and AUPR; all times 100.

    Of two classes also precision, recall and F1 of the second, the positive one; of three to ten also the area of one
    class against one other, the mean over all pairs (Hand and Till, 2001), as `ROC-AUC-ovo`.

    Each equals scikit-learn's where no scores tie for the best (tested). Macro metrics are means over the classes that
    are a target or predicted, a class without a hit counting 0; `OUTSIDE` is such a class where it is a target. The
    areas are of the positive class of two, or means over all classes, each against the rest by its odds; they exist
    only where every class is a target and `OUTSIDE` is none, and are not in the result otherwise.
    """
    once_1N = np.ones((1, len(found.ids)), np.int64)
    cells = Cells.of(found.targets_N, found.predicted_N)
    metrics = {name: float(value_1[0]) for name, value_1 in cells.metrics(once_1N).items()}
    if found.classes == 2:
        metrics |= confusion.of_class(found.targets_N, found.predicted_N, 1)
    if set(found.targets_N.tolist()) == set(range(found.classes)):
        odds_NK = all_log_odds(found.scores_NK)
        classes = [1] if found.classes == 2 else range(found.classes)
        sides = [(odds_NK[:, k], found.targets_N == k) for k in classes]
        metrics["ROC-AUC"] = 100 * float(np.mean([roc_auc(*side) for side in sides]))
        metrics["AUPR"] = 100 * float(np.mean([average_precision(*side) for side in sides]))
        if 2 < found.classes <= _MOST_PAIRED:
            metrics["ROC-AUC-ovo"] = 100 * float(weighted_area_of_pairs(odds_NK, found.targets_N, once_1N)[0])
    return metrics


def classification_intervals(
    found: Predictions,
    names: Sequence[str] = confusion.METRICS,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> dict[str, Interval]:
    """`bootstrap_interval` over groups of these of `confusion.METRICS`; nothing where there is one group only.

    The areas have none: a resample that lacks a class has no area. Macro metrics are means over the classes of the
    whole split in every resample.
    """
    if len(set(found.groups_N)) < 2:
        return {}
    cells = Cells.of(found.targets_N, found.predicted_N)

    def interval(name: str) -> Interval:
        def statistic(_: Floats, weights_RN: Ints) -> Floats:
            return cells.metrics(weights_RN)[name]

        groups = found.groups_N
        return bootstrap_interval(cells.cell_N, groups, statistic, level=level, resamples=resamples, seed=seed)

    return {name: interval(name) for name in names}


def roc_auc(scores_N: Floats, positive_N: Bools) -> float:
    """The share of pairs of a positive and a negative item in which the positive one scores higher; ties count half.

    Raises:
        ValueError: there are no positive or no negative items.
    """
    _refuse_one_kind(positive_N)
    return float(weighted_roc_auc(scores_N, positive_N, np.ones((1, len(scores_N)), np.int64))[0])


def weighted_roc_auc(scores_N: Floats, positive_N: Bools, weights_RN: Ints) -> Floats:
    """`roc_auc` (R,) of items that stand weights-many times in each resample; NaN where one has items of one kind."""
    hits_RD, misses_RD = _by_score(scores_N, positive_N, weights_RN)
    hits_R, misses_R = hits_RD.sum(1), misses_RD.sum(1)
    higher_RD = hits_R[:, None] - hits_RD.cumsum(1)
    area_R: Floats = (misses_RD * (higher_RD + hits_RD / 2)).sum(1) / (hits_R * misses_R)
    return area_R


def resamples_of_two_kinds(positive_N: Bools, resamples: int, rng: np.random.Generator) -> Ints:
    """How often each item stands in each bootstrap resample (R, N); either kind is drawn apart, an area needs both."""
    weights_RN = np.empty((resamples, len(positive_N)), np.int64)
    for kind_N in (positive_N, ~positive_N):
        items = int(kind_N.sum())
        weights_RN[:, kind_N] = rng.multinomial(items, np.full(items, 1 / items), resamples)
    return weights_RN


def roc_auc_interval(scores_N: Floats, positive_N: Bools, *, resamples: int = 2000, seed: int = 0) -> Interval:
    """95 % percentile bootstrap interval of `roc_auc`, over `resamples_of_two_kinds`.

    Raises:
        ValueError: there are no positive or no negative items.
    """
    _refuse_one_kind(positive_N)
    weights_RN = resamples_of_two_kinds(positive_N, resamples, np.random.default_rng(seed))
    return Interval(*np.quantile(weighted_roc_auc(scores_N, positive_N, weights_RN), (0.025, 0.975)).tolist())


def average_precision(scores_N: Floats, positive_N: Bools) -> float:
    """Area under the precision-recall curve as a sum of steps, without interpolation; equal scores are one step.

    Raises:
        ValueError: there are no positive or no negative items.
    """
    _refuse_one_kind(positive_N)
    once_1N = np.ones((1, len(scores_N)), np.int64)
    hits_D, misses_D = (counts_1D[0, ::-1] for counts_1D in _by_score(scores_N, positive_N, once_1N))
    found_D, taken_D = hits_D.cumsum(), (hits_D + misses_D).cumsum()
    return float((hits_D * found_D / taken_D).sum() / hits_D.sum())


def weighted_area_of_pairs(odds_NK: Floats, targets_N: Ints, weights_RN: Ints) -> Floats:
    """The area (R,) of every class against every other one, by the log odds of the first, the mean over these pairs
    (Hand and Till, 2001); of two classes it is the area. NaN where a resample has no item of a class."""
    areas = []
    for first, second in permutations(range(odds_NK.shape[1]), 2):
        both_N = np.isin(targets_N, (first, second))
        areas.append(weighted_roc_auc(odds_NK[both_N, first], targets_N[both_N] == first, weights_RN[:, both_N]))
    mean_R: Floats = np.mean(areas, axis=0)
    return mean_R


def _refuse_one_kind(positive_N: Bools) -> None:
    if positive_N.all() or not positive_N.any():
        raise ValueError("a curve needs items of the class and items of others; there is only one kind here")


def _by_score(scores_N: Floats, positive_N: Bools, weights_RN: Ints) -> tuple[Ints, Ints]:
    """How many positive and negative items (R, D) have each distinct score, lowest first."""
    order = np.argsort(scores_N, kind="stable")
    first_D = np.flatnonzero(np.append(True, np.diff(scores_N[order]) > 0))
    hits_RD, misses_RD = (
        np.add.reduceat((weights_RN * kind_N)[:, order], first_D, axis=1) for kind_N in (positive_N, ~positive_N)
    )
    return hits_RD, misses_RD


def log_odds(scores_NK: Floats, k: int) -> Floats:
    """Of class k against the rest (N,): ordered as its probability under softmax, but never rounded to 0 or 1."""
    odds_N: Floats = scores_NK[:, k] - np.logaddexp.reduce(np.delete(scores_NK, k, axis=1), axis=1)
    return odds_N


def all_log_odds(scores_NK: Floats) -> Floats:
    """Of each class against the rest, (N, K)."""
    return np.stack([log_odds(scores_NK, k) for k in range(scores_NK.shape[1])], axis=1)
