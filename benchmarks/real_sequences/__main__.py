"""Real labelled sequences: pre-trained, from random weights, and the baselines, under one selection.

`python -m benchmarks.real_sequences GENOMICS` trains what `--arms` and `--sets` name and writes
`results/real_sequences.json`; runs whose folder or stored row is there are not made again. A row or a folder of other
settings than its run has today is told: the row stays until the run is made anew, the folder is renamed. GENOMICS is
the folder that holds `gue/`, `chipseq_deepbind/`, `cnnprom/`, `enhancer_2l/`, `splice_uci/` and `genomes/`. Every run
selects its checkpoint on the set's validation sequences; the test is scored once, at the end, and chooses nothing.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.own_process import train
from benchmarks.real_sequences.cut import lay_out
from benchmarks.real_sequences.results import RESULTS, collected, uncompared
from benchmarks.real_sequences.runs import (
    ARMS,
    PRETRAINING,
    Facts,
    Run,
    outdated,
    pretraining_overrides,
    set_aside,
)
from benchmarks.real_sequences.sets import LONGER, PRETRAININGS, SETS, WHOLE
from quatrefoil.core.files import replace_text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("genomics", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("runs/real_sequences"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(WHOLE), help="default: those whole")
    usual = [name for name, arm in ARMS.items() if arm.start != LONGER]
    parser.add_argument(
        "--arms", nargs="+", choices=ARMS, default=usual, help="default: all but those that are pre-trained for longer"
    )
    options = parser.parse_args()
    asked = [Run(name, arm, seed) for seed in options.seeds for name in options.sets for arm in options.arms]
    make(asked, options.genomics, options.runs.resolve())


def make(asked: Sequence[Run], genomics: Path, runs: Path) -> None:
    """Make the runs that are not there, each after what it starts from, and store what all came to after each."""
    stored = json.loads(RESULTS.read_text(encoding="utf-8"))
    missing = [run for run in asked if not run.is_stored(stored["runs"], stored["pretraining"])]
    _tell_outdated(stored, missing)
    lay_out(genomics, root := runs / "data", _read_by(missing))
    for run in missing:
        if run.pretraining is not None:
            _train(PRETRAINING, pretraining_overrides(run.pretraining), root, runs / run.pretraining)
        _train(run.recipe, run.overrides(runs), root, run.folder(runs))
        _store(runs)
    for name, of, less in uncompared(_store(runs)):
        print(f"{name}: {of} less {less} needs the predictions of both in {runs}; give --runs that has them")


def _train(recipe: str, overrides: Sequence[str], root: Path, folder: Path) -> None:
    """Train in a folder; what it holds of other settings, finished or not, is renamed and told."""
    if beside := set_aside(folder, recipe, overrides):
        print(f"{folder} held a run of other settings, which is {beside.name} now", flush=True)
    train(recipe, [*overrides, f"data.root={root}"], folder)


def _tell_outdated(stored: Facts, missing: Sequence[Run]) -> None:
    for run in outdated(stored):
        then = "is made anew" if run in missing else "stays until it is asked for"
        print(f"{run.set}, {run.arm}, seed {run.seed}: its row is of other settings than now, and {then}", flush=True)


def _read_by(runs: Sequence[Run]) -> list[str]:
    """The sets that these runs read, and those that what they start from must not see, each once."""
    starts = [PRETRAININGS[run.pretraining].without for run in runs if run.pretraining is not None]
    read = {run.set for run in runs}.union(*starts)
    return [name for name in SETS if name in read]


def _store(runs: Path) -> Facts:
    """What is stored now; what runs in other folders came to stays."""
    told = collected(runs, json.loads(RESULTS.read_text(encoding="utf-8")))
    replace_text(RESULTS, json.dumps(told, indent=1) + "\n")
    return told


if __name__ == "__main__":
    main()
