"""GUE's human promoters and binding sites: pre-trained, from random weights, and the baselines, under one selection.

`python -m benchmarks.gue GENOMICS` trains what `--arms` and `--sets` name and writes `results/genomics_gue.json`; runs
that are there are not made again. GENOMICS is the folder that holds `gue/`. Every run selects its checkpoint on the
set's dev.csv; test.csv is scored once, at the end, and chooses nothing.
"""

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from quatrefoil.core.evaluation.classification import (
    Predictions,
    classification_metrics,
    read_predictions,
    weighted_roc_auc,
)
from quatrefoil.core.evaluation.confusion import Cells
from quatrefoil.core.evaluation.statistics import Floats, Interval, Ints, bootstrap_interval
from quatrefoil.core.runs.folder import RunFolder

RESULTS: Final = Path(__file__).parent / "results" / "genomics_gue.json"
SETS: Final[Mapping[str, tuple[str, ...]]] = {
    "prom/prom_core_tata": ("train.steps=600", "train.evaluate_every=60"),
    # A binding site has no direction; a promoter has one.
    "tf/2": ("data.both_strands=true", "train.steps=2000", "train.evaluate_every=200"),
    "prom/prom_300_tata": ("train.steps=600", "train.evaluate_every=60"),
}
PRETRAINING: Final = ("train.steps=1500", "train.evaluate_every=250", "train.checkpoint_every=250")
CORPUS: Final = (
    *(f"gue/prom/prom_{name}/train.csv" for name in ("core_tata", "300_tata", "core_notata")),
    *(f"gue/tf/{number}/train.csv" for number in (0, 2, 4)),
    "genomes/human_1mb_z.fa",
    "genomes/hg19_chr8_11496144_11627216.fa",
)
PRETRAINED, TWIN, CNN = "pre-trained", "untrained twin", "one-hot CNN"
ARMS: Final[Mapping[str, str]] = {
    PRETRAINED: "genebert/classify",
    TWIN: "genebert/classify",
    CNN: "genebert/classify-cnn",
    "k-mer logistic": "genebert/classify-kmer-logistic",
}
_WHERE: Final = ("data.root=", "run.", "resume=")
AGAINST: Final = (CNN, TWIN)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("genomics", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("runs/gue"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    options = parser.parse_args()
    start = options.runs / "pretrained"
    if PRETRAINED in options.arms:
        train("genebert/sequence-pretrain", [*corpus(), *PRETRAINING], options.genomics, start)
    for seed in options.seeds:
        for name in options.sets:
            for arm in options.arms:
                more = [f"model.pretrained={start}"] if arm == PRETRAINED else []
                train(
                    ARMS[arm],
                    [*labelled(name), *more, f"seed={seed}"],
                    options.genomics,
                    run_of(options.runs, name, arm, seed),
                )
                RESULTS.write_text(json.dumps(collected(options.runs), indent=1) + "\n", encoding="utf-8")


def corpus() -> list[str]:
    """The pre-training's sequences, and all sequences that select or test."""
    unseen = [f"gue/{name}/{split}.csv" for name in SETS for split in ("dev", "test")]
    return [f"data.sequences={json.dumps(CORPUS)}", f"data.exclude={json.dumps(unseen)}"]


def labelled(name: str) -> list[str]:
    """Overrides that say which files train, select and test."""
    files = {"train": "train", "validation": "dev", "test": "test"}
    return [*(f"data.{split}=gue/{name}/{file}.csv" for split, file in files.items()), *SETS[name]]


def run_of(runs: Path, name: str, arm: str, seed: int) -> Path:
    return runs / f"{name.replace('/', '-')}-{arm.replace(' ', '-')}-{seed}"


def train(recipe: str, overrides: Sequence[str], genomics: Path, folder: Path) -> None:
    """Train in a process of its own, or go on with what was begun."""
    if RunFolder(folder).metrics.exists():
        return
    settings = [
        *overrides,
        f"data.root={genomics}",
        f"run.dir={folder}",
        "run.progress=false",
        "run.workers=0",
        "resume=auto",
    ]
    command = [sys.executable, "-m", "quatrefoil.train", recipe, *settings]
    print(shlex.join(command), flush=True)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def collected(runs: Path) -> dict[str, Any]:
    """All finished runs, and on every set the pre-trained model less the others, over the seeds that both have."""
    rows = [row for name in SETS for arm in ARMS for seed in range(100) for row in _row(runs, name, arm, seed)]
    differences = [
        _difference(runs, name, other, sorted(seeds))
        for name in SETS
        for other in AGAINST
        if (seeds := _seeds(rows, name, PRETRAINED) & _seeds(rows, name, other))
    ]
    pretraining = [_facts(runs / "pretrained")] if RunFolder(runs / "pretrained").metrics.exists() else []
    return {"metric": "MCC x 100", "pretraining": pretraining, "runs": rows, "differences": differences}


def _row(runs: Path, name: str, arm: str, seed: int) -> list[dict[str, Any]]:
    folder = run_of(runs, name, arm, seed)
    if not RunFolder(folder).metrics.exists():
        return []
    scores = RunFolder(folder).facts()["scores"]
    found = {
        "validation": scores["val"]["metrics"]["MCC"],
        "test": scores["test"]["metrics"]["MCC"],
        "test_interval": scores["test"]["intervals"]["MCC"],
        "test_ROC_AUC": scores["test"]["metrics"]["ROC-AUC"],
        "test_ROC_AUC_interval": roc_auc_interval(_predicted(folder)),
    }
    return [{"set": name, "arm": arm, "seed": seed, **found, **_facts(folder)}]


def _facts(folder: Path) -> dict[str, Any]:
    """What was trained, without where it lies; the runs' folder is called RUNS."""
    stored = RunFolder(folder).facts()
    names = ("recipe", "config_hash", "evaluated_step", "train_seconds", "parameters", "hardware")
    said = [text.replace(str(folder.parent), "RUNS") for text in stored["overrides"] if not text.startswith(_WHERE)]
    return {**{name: stored[name] for name in names}, "overrides": said}


def _seeds(rows: Sequence[Mapping[str, Any]], name: str, arm: str) -> set[int]:
    return {row["seed"] for row in rows if (row["set"], row["arm"]) == (name, arm)}


def _difference(runs: Path, name: str, other: str, seeds: Sequence[int]) -> dict[str, Any]:
    pairs = [[_predicted(run_of(runs, name, arm, seed)) for arm in (PRETRAINED, other)] for seed in seeds]
    interval = difference_interval(pairs)
    means = [np.mean([classification_metrics(pair[side])["MCC"] for pair in pairs]) for side in (0, 1)]
    return {"set": name, "less": other, "seeds": seeds, "difference": means[0] - means[1], "interval": interval}


def _predicted(folder: Path) -> Predictions:
    return read_predictions(folder / "predictions" / "test" / "class_logits.jsonl")


def roc_auc_interval(found: Predictions) -> Interval:
    """95 % interval of the area of two classes in percent, where the test sequences are drawn anew."""

    def statistic(_: Floats, weights_RN: Ints) -> Floats:
        return weighted_areas(found, weights_RN)

    return bootstrap_interval(np.zeros(len(found.ids)), found.groups_N, statistic)


def weighted_areas(found: Predictions, weights_RN: Ints) -> Floats:
    """Areas (R,) in percent where each sequence counts as often as its weight says; ties count half."""
    margin_N: Floats = found.scores_NK[:, 1] - found.scores_NK[:, 0]
    return 100 * weighted_roc_auc(margin_N, found.targets_N == 1, weights_RN)


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


if __name__ == "__main__":
    main()
