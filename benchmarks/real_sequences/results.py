"""What the runs came to, from their stored predictions: scores of each, and differences between arms, with intervals.

Legend: N test sequences, K classes, R resamples.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.real_sequences.runs import (
    ARMS,
    CNN,
    ENCODER,
    ENCODER_LONGER,
    ENCODER_TWIN,
    LOGISTIC,
    MOTIF,
    PLACED,
    PRETRAINED,
    PRETRAINED_LONGER,
    PRETRAINING,
    TWIN,
    Facts,
    Run,
    facts_of,
    holds,
    key_of,
    pair_of,
    pretraining_overrides,
)
from benchmarks.real_sequences.sets import PRETRAININGS, SETS
from quatrefoil.core.evaluation.calibration import expected_calibration_error, fitted_temperature
from quatrefoil.core.evaluation.classification import (
    Predictions,
    all_log_odds,
    classification_metrics,
    read_predictions,
    weighted_area_of_pairs,
)
from quatrefoil.core.evaluation.confusion import Cells
from quatrefoil.core.evaluation.statistics import Floats, Interval, Ints, bootstrap_interval
from quatrefoil.core.runs.folder import RunFolder

RESULTS: Final = Path(__file__).parents[1] / "results" / "real_sequences.json"
_BASELINES: Final = (CNN, PLACED, MOTIF, LOGISTIC)
# Not the one with filters less the one without: where a set has few steps, these have more.
PAIRS: Final = (
    *((PRETRAINED, other) for other in (TWIN, *_BASELINES)),
    *((ENCODER, other) for other in (ENCODER_TWIN, *_BASELINES)),
    *((PRETRAINED_LONGER, other) for other in (PRETRAINED, TWIN)),
    *((ENCODER_LONGER, other) for other in (ENCODER, ENCODER_TWIN)),
)
_SEEDS: Final = range(100)


def collected(runs: Path, stored: Facts) -> dict[str, Any]:
    """All runs that have ended in this folder or are stored, and on every set what one arm has more than another.

    What is stored is not computed again: a row while it is of the run as it would be made today, or that run has not
    ended in the folder; a difference while its rows stand, unless both arms have all of its seeds in the folder, and
    more.
    """
    pretraining = [row for name in PRETRAININGS for row in _pretraining(name, runs, stored["pretraining"])]
    every = [Run(*key) for key in product(SETS, ARMS, _SEEDS)]
    known = {key_of(row): row for row in stored["runs"]}
    rows = [row for run in every for row in _row(run, runs, known, pretraining)]
    standing = _standing(stored, rows)
    return {
        "metric": "MCC x 100",
        "pretraining": pretraining,
        "runs": rows,
        "differences": [
            each for name, pair in product(SETS, PAIRS) for each in _differences(name, pair, runs, standing)
        ],
    }


def uncompared(told: Facts) -> list[tuple[str, str, str]]:
    """The sets and pairs of arms that have rows from one seed, and no difference."""
    keys = {key_of(row) for row in told["runs"]}
    both = {
        (name, of, less) for name, arm, seed in keys for of, less in PAIRS if arm == of and (name, less, seed) in keys
    }
    return sorted(both - set(map(pair_of, told["differences"])))


def _pretraining(name: str, runs: Path, stored: Sequence[Facts]) -> list[Facts]:
    folder = runs / name
    if not holds(folder, PRETRAINING, pretraining_overrides(name)):
        return [row for row in stored if row["name"] == name]
    told = RunFolder(folder).facts()["data"]
    # Rows hold counts; the fingerprint of the whole is in `facts_of`.
    pieces = {split: {what: each[what] for what in ("pieces", "bases")} for split, each in told["splits"].items()}
    return [{"name": name, **facts_of(folder), "pieces": pieces, "left_out": told["dropped"]}]


def _row(
    run: Run, runs: Path, known: Mapping[tuple[str, str, int], Facts], pretraining: Sequence[Facts]
) -> list[Facts]:
    folder, before = run.folder(runs), [known[run.key]] if run.key in known else []
    if run.is_stored(before, pretraining) or not run.has_ended(runs):
        return before
    stored = RunFolder(folder).facts()
    scores, predicted = stored["scores"], _predicted(folder)
    test = scores["test"]
    found = {
        "pretraining": run.pretraining,
        "sequences": {name: split["sequences"] for name, split in stored["data"]["splits"].items()},
        "validation": scores["val"]["metrics"]["MCC"],
        "test": test["metrics"]["MCC"],
        "test_interval": test["intervals"]["MCC"],
        "test_accuracy": test["metrics"]["accuracy"],
        "test_accuracy_interval": test["intervals"]["accuracy"],
        "test_ROC_AUC": test["metrics"]["ROC-AUC" if predicted.classes == 2 else "ROC-AUC-ovo"],
        "test_ROC_AUC_interval": area_interval(predicted),
        "test_calibration_error": [round(each, 2) for each in _calibration_errors(predicted, folder)],
    }
    return [{"set": run.set, "arm": run.arm, "seed": run.seed, **found, **facts_of(folder)}]


def _calibration_errors(predicted: Predictions, folder: Path) -> tuple[float, float]:
    """Expected calibration error on test in points, as the model gives probabilities, and as `predict` does."""
    temperature = fitted_temperature(_predicted(folder, "val"))
    return expected_calibration_error(predicted), expected_calibration_error(predicted, temperature or 1.0)


def _standing(stored: Facts, rows: Sequence[Facts]) -> list[Facts]:
    """Stored differences whose runs are, by configuration, those of the rows."""
    before, now = ({key_of(row): row["config_hash"] for row in part} for part in (stored["runs"], rows))

    def stands(difference: Facts) -> bool:
        name, *arms = pair_of(difference)
        runs = product([name], arms, difference["seeds"])
        return all(key in before and before[key] == now.get(key) for key in runs)

    return [difference for difference in stored["differences"] if stands(difference)]


def _differences(name: str, pair: tuple[str, str], runs: Path, standing: Sequence[Facts]) -> list[Facts]:
    here = [seed for seed in _SEEDS if all(Run(name, arm, seed).has_ended(runs) for arm in pair)]
    kept = [each for each in standing if pair_of(each) == (name, *pair)]
    if kept and not set(kept[0]["seeds"]) < set(here):
        return kept
    return [_difference(name, pair, here, runs)] if here else []


def _difference(name: str, pair: tuple[str, str], seeds: Sequence[int], runs: Path) -> Facts:
    pairs = [[_predicted(Run(name, arm, seed).folder(runs)) for arm in pair] for seed in seeds]
    interval = difference_interval(pairs)
    means = [np.mean([classification_metrics(each[side])["MCC"] for each in pairs]) for side in (0, 1)]
    told = {"set": name, "of": pair[0], "less": pair[1], "seeds": seeds}
    return {**told, "difference": means[0] - means[1], "interval": interval}


def _predicted(folder: Path, split: str = "test") -> Predictions:
    return read_predictions(RunFolder(folder).predictions(split, "class_logits"))


def area_interval(found: Predictions) -> Interval:
    """95 % interval of the area in percent, where the test sequences are drawn anew, copies together.

    Of more classes than two it is the mean of each against each (Hand and Till, 2001), `ROC-AUC-ovo`.
    """
    odds_NK = all_log_odds(found.scores_NK)

    def area(_: Floats, weights_RN: Ints) -> Floats:
        return 100 * weighted_area_of_pairs(odds_NK, found.targets_N, weights_RN)

    return bootstrap_interval(np.zeros(len(found.ids)), found.groups_N, area)


def difference_interval(pairs: Sequence[Sequence[Predictions]]) -> Interval:
    """95 % interval of the mean difference in MCC of pairs of runs, where the test sequences are drawn anew.

    The runs are taken as they are: the spread over seeds is not in it.
    """
    cells = [[Cells.of(found.targets_N, found.predicted_N) for found in pair] for pair in pairs]

    def statistic(_: Floats, weights_RN: Ints) -> Floats:
        apart = [a.metrics(weights_RN)["MCC"] - b.metrics(weights_RN)["MCC"] for a, b in cells]
        mean_R: Floats = np.mean(apart, axis=0)
        return mean_R

    first = pairs[0][0]
    return bootstrap_interval(np.zeros(len(first.ids)), first.groups_N, statistic)
