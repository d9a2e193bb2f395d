"""One run of the benchmark: what is trained on what, where it lies, and whether it has been made."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.real_sequences.sets import LONGER, ONCE, PRETRAININGS, SETS, unseen
from quatrefoil.core import recipes
from quatrefoil.core.runs.folder import RunFolder
from quatrefoil.core.runs.start import trained_as

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Arm:
    """What is compared.

    Args:
        as_fast: steps that it gets for each of the encoder's.
        least_steps: that it has, on sets that give fewer.
        start: what it starts from: the set's pre-training (`ONCE`) or that of ten times the steps (`LONGER`); None =
            random weights.
    """

    recipe: str
    as_fast: int = 1
    least_steps: int = 0
    start: str | None = None


PRETRAINED, TWIN = "pre-trained", "untrained twin"
PRETRAINED_LONGER = "pre-trained for longer"
ENCODER, ENCODER_TWIN = "encoder, pre-trained", "encoder, untrained twin"
ENCODER_LONGER = "encoder, pre-trained for longer"
CNN, PLACED, MOTIF, LOGISTIC = "one-hot CNN", "placed CNN", "motif CNN", "k-mer logistic"
_RECIPES_OWN: Final = 1500
ARMS: Final[Mapping[str, Arm]] = {
    PRETRAINED: Arm("genebert/classify", least_steps=_RECIPES_OWN, start=ONCE),
    PRETRAINED_LONGER: Arm("genebert/classify", least_steps=_RECIPES_OWN, start=LONGER),
    TWIN: Arm("genebert/classify", least_steps=_RECIPES_OWN),
    ENCODER: Arm("genebert/classify-encoder", start=ONCE),
    ENCODER_LONGER: Arm("genebert/classify-encoder", start=LONGER),
    ENCODER_TWIN: Arm("genebert/classify-encoder"),
    CNN: Arm("genebert/classify-cnn", least_steps=_RECIPES_OWN),
    PLACED: Arm("genebert/classify-placed-cnn", as_fast=2, least_steps=600),
    MOTIF: Arm("genebert/classify-motif-cnn", least_steps=_RECIPES_OWN),
    LOGISTIC: Arm("genebert/classify-kmer-logistic"),
}
"""In 300 steps, which do for the encoder, the CNN does not begin to learn; 1,500 are those of its recipe. That
with places has the encoder's compute, and no fewer steps than it takes to learn Regulome's splice sites. What has motif
filters has the CNN's steps. The rules are ours and hold on all sets."""
PRETRAINING: Final = "genebert/sequence-pretrain"
_RUNS: Final = "RUNS"
_FOLDER: Final = "run.dir="
_WHERE: Final = ("data.root=", "run.", "resume=")


@dataclass(frozen=True)
class Run:
    """An arm on a set from a seed."""

    set: str
    arm: str
    seed: int

    @property
    def recipe(self) -> str:
        return ARMS[self.arm].recipe

    @property
    def steps(self) -> int:
        """Those of the set, as often as the arm is as fast, and no fewer than the arm's least."""
        arm = ARMS[self.arm]
        return max(arm.as_fast * SETS[self.set].steps, arm.least_steps)

    @property
    def pretraining(self) -> str | None:
        """The folder, within that of the runs, of what it starts from; None = random weights."""
        start = ARMS[self.arm].start
        return None if start is None else SETS[self.set].pretraining + start

    def folder(self, runs: Path) -> Path:
        """Where it lies."""
        return runs / f"{self.set.replace('/', '-')}-{self.arm.replace(' ', '-')}-{self.seed}"

    def overrides(self, runs: Path | str) -> list[str]:
        """All that says what is trained, and nothing that says where."""
        return self._started_from(f"{runs}/{self.pretraining}" if self.pretraining else None)

    def _started_from(self, start: str | None) -> list[str]:
        begun = [f"model.pretrained={start}"] if start else []
        return [*SETS[self.set].overrides(self.steps), *begun, f"seed={self.seed}"]

    @property
    def key(self) -> tuple[str, str, int]:
        """What tells it from others, in stored rows too."""
        return self.set, self.arm, self.seed

    def is_stored(self, rows: Sequence[Facts], pretraining: Sequence[Facts]) -> bool:
        """Whether a row is of this very run, under the settings and recipes of today."""
        own = [row for row in rows if key_of(row) == self.key]
        return any(row["config_hash"] == self._hash_by(pretraining) for row in own)

    def _hash_by(self, pretraining: Sequence[Facts]) -> str | None:
        """The configuration hash of today; None where what it starts from is not among these, as it is made today."""
        start = None
        if self.pretraining:
            made = [row for row in pretraining if row["name"] == self.pretraining]
            if not made or made[0]["config_hash"] != pretraining_hash(self.pretraining):
                return None
            start = trained_as(made[0]["config_hash"], made[0]["data"])
        return config_hash(self.recipe, self._started_from(start))

    def has_ended(self, runs: Path) -> bool:
        """Whether its folder holds it, finished, under the settings and recipes of today."""
        return holds(self.folder(runs), self.recipe, self.overrides(runs))


def config_hash(recipe: str, overrides: Sequence[str]) -> str:
    """The configuration hash of today."""
    return recipes.load(recipe, overrides).config_hash


def holds(folder: Path, recipe: str, overrides: Sequence[str]) -> bool:
    """Whether a finished run of these settings, as they are today, lies there."""
    return RunFolder(folder).finished and _begun(folder) == config_hash(recipe, overrides)


def set_aside(folder: Path, recipe: str, overrides: Sequence[str]) -> Path | None:
    """Rename a folder that holds a run of other settings, finished or not, and say to what."""
    if not RunFolder(folder).config.exists() or (begun := _begun(folder)) == config_hash(recipe, overrides):
        return None
    return folder.rename(folder.with_name(f"{folder.name}-was-{begun}"))


def key_of(row: Facts) -> tuple[str, str, int]:
    """The `Run.key` of a stored row."""
    return row["set"], row["arm"], row["seed"]


def pair_of(difference: Facts) -> tuple[str, str, str]:
    """Set and arms of a stored difference."""
    return difference["set"], difference["of"], difference["less"]


def outdated(stored: Facts) -> list[Run]:
    """The runs whose row here was made under other settings, or another recipe, than they have today."""
    runs = [Run(*key_of(row)) for row in stored["runs"]]
    return [run for run in runs if not run.is_stored(stored["runs"], stored["pretraining"])]


def pretraining_hash(name: str) -> str:
    """The configuration hash that a pre-training has today."""
    return config_hash(PRETRAINING, pretraining_overrides(name))


def pretraining_overrides(name: str) -> list[str]:
    """The sequences of a pre-training, and all that it must not see."""
    found = PRETRAININGS[name]
    sequences, excluded = json.dumps(found.sequences), json.dumps(unseen(found.without))
    return [f"data.sequences={sequences}", f"data.exclude={excluded}", *found.settings]


def facts_of(folder: Path) -> dict[str, Any]:
    """What was trained, on what, without where it lies; the runs' folder is called RUNS."""
    stored = RunFolder(folder).facts()
    names = ("recipe", "config_hash", "evaluated_step", "train_seconds", "parameters", "hardware", "versions")
    facts = {name: stored[name] for name in names}
    return {**facts, "data": stored["data"]["fingerprint"], "overrides": _said(stored["overrides"])}


def _begun(folder: Path) -> str:
    """The configuration hash of the run in a folder."""
    return str(json.loads(RunFolder(folder).config.read_text(encoding="utf-8"))["config_hash"])


def _said(overrides: Sequence[str]) -> list[str]:
    """As the run named its own folder, which may have been moved since."""
    (folder,) = (text.removeprefix(_FOLDER) for text in overrides if text.startswith(_FOLDER))
    where = str(Path(folder).parent)
    return [text.replace(where, _RUNS) for text in overrides if not text.startswith(_WHERE)]
