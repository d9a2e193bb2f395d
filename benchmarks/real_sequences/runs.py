"""One run of the benchmark: what is trained on what, where it lies, and whether it has been made."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.real_sequences.sets import PRETRAININGS, SETS, unseen
from quatrefoil.core.runs.folder import RunFolder

Facts = Mapping[str, Any]

PRETRAINED, TWIN, CNN, LOGISTIC = "pre-trained", "untrained twin", "one-hot CNN", "k-mer logistic"
ARMS: Final[Mapping[str, str]] = {
    PRETRAINED: "genebert/classify",
    TWIN: "genebert/classify",
    CNN: "genebert/classify-cnn",
    LOGISTIC: "genebert/classify-kmer-logistic",
}
_RUNS: Final = "RUNS"
_WHERE: Final = ("data.root=", "run.", "resume=")


@dataclass(frozen=True)
class Run:
    """An arm on a set from a seed."""

    set: str
    arm: str
    seed: int

    @property
    def recipe(self) -> str:
        return ARMS[self.arm]

    @property
    def pretraining(self) -> str | None:
        """The folder, within that of the runs, of what it starts from; None = random weights."""
        return SETS[self.set].pretraining if self.arm == PRETRAINED else None

    def folder(self, runs: Path) -> Path:
        """Where it lies."""
        return runs / f"{self.set.replace('/', '-')}-{self.arm.replace(' ', '-')}-{self.seed}"

    def overrides(self, runs: Path | str) -> list[str]:
        """All that says what is trained, and nothing that says where."""
        start = [f"model.pretrained={runs}/{self.pretraining}"] if self.pretraining else []
        return [*SETS[self.set].overrides, *start, f"seed={self.seed}"]

    @property
    def key(self) -> tuple[str, str, int]:
        """What tells it from others, in stored rows too."""
        return self.set, self.arm, self.seed

    def is_stored(self, rows: Sequence[Facts]) -> bool:
        """Whether a row is of this very run, under the settings of today."""
        told = (self.recipe, self.overrides(_RUNS))
        return any(key_of(row) == self.key and (row["recipe"], row["overrides"]) == told for row in rows)


def key_of(row: Facts) -> tuple[str, str, int]:
    """The `Run.key` of a stored row."""
    return row["set"], row["arm"], row["seed"]


def pretraining_overrides(name: str) -> list[str]:
    """The sequences of a pre-training, and all that it must not see."""
    found = PRETRAININGS[name]
    sequences, excluded = json.dumps(found.sequences), json.dumps(unseen(found.without))
    return [f"data.sequences={sequences}", f"data.exclude={excluded}", *found.settings]


def facts_of(folder: Path) -> dict[str, Any]:
    """What was trained, without where it lies; the runs' folder is called RUNS."""
    stored = RunFolder(folder).facts()
    names = ("recipe", "config_hash", "evaluated_step", "train_seconds", "parameters", "hardware")
    said = [text.replace(str(folder.parent), _RUNS) for text in stored["overrides"] if not text.startswith(_WHERE)]
    return {**{name: stored[name] for name in names}, "overrides": said}
