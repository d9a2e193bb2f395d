"""One run of the benchmark: what is trained on what, where it lies, and whether it has been made."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.real_sequences.sets import PRETRAININGS, SETS, unseen
from quatrefoil.core import recipes
from quatrefoil.core.runs.folder import RunFolder
from quatrefoil.core.runs.start import trained_as

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Arm:
    """What is compared.

    Args:
        as_fast: steps that it makes in the time of one of the others; it gets as many for each of theirs.
        least_steps: that it has, on sets that give fewer.
    """

    recipe: str
    as_fast: int = 1
    least_steps: int = 0


PRETRAINED, TWIN, CNN, LOGISTIC = "pre-trained", "untrained twin", "one-hot CNN", "k-mer logistic"
ARMS: Final[Mapping[str, Arm]] = {
    PRETRAINED: Arm("genebert/classify"),
    TWIN: Arm("genebert/classify"),
    CNN: Arm("genebert/classify-cnn", as_fast=2, least_steps=600),
    LOGISTIC: Arm("genebert/classify-kmer-logistic"),
}
"""As much compute for the CNN as for the encoder, and no less than the steps in which it learns Regulome's splice
sites. The rule is ours and holds on all sets."""
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
        return SETS[self.set].pretraining if self.arm == PRETRAINED else None

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

    def is_stored(self, stored: Facts) -> bool:
        """Whether a row is of this very run, under the settings and recipes of today."""
        rows = [row for row in stored["runs"] if key_of(row) == self.key]
        return any(row["config_hash"] == self._hash_by(stored["pretraining"]) for row in rows)

    def _hash_by(self, pretraining: Sequence[Facts]) -> str | None:
        """The configuration hash of today; None where what it starts from is not among these, as it is made today."""
        start = None
        if self.pretraining:
            made = [row for row in pretraining if row["name"] == self.pretraining]
            if not made or made[0]["config_hash"] != pretraining_hash(self.pretraining):
                return None
            start = trained_as(made[0]["config_hash"], made[0]["data"])
        return self._hash(self._started_from(start))

    def config_hash(self, runs: Path) -> str:
        """The configuration hash of today, where it starts from what lies in this folder."""
        return self._hash(self.overrides(runs))

    def _hash(self, overrides: Sequence[str]) -> str:
        return recipes.load(self.recipe, overrides).config_hash

    def has_ended(self, runs: Path) -> bool:
        """Whether its folder holds it, finished, under the settings and recipes of today."""
        found = RunFolder(self.folder(runs))
        return found.finished and _begun(found) == self.config_hash(runs)

    def set_aside(self, runs: Path) -> Path | None:
        """Rename its folder where that holds a run of other settings, finished or not, and say to what."""
        found = RunFolder(self.folder(runs))
        if not found.config.exists() or (begun := _begun(found)) == self.config_hash(runs):
            return None
        return found.path.rename(found.path.with_name(f"{found.path.name}-was-{begun}"))


def key_of(row: Facts) -> tuple[str, str, int]:
    """The `Run.key` of a stored row."""
    return row["set"], row["arm"], row["seed"]


def outdated(stored: Facts) -> list[Run]:
    """The runs whose row here was made under other settings, or another recipe, than they have today."""
    return [run for run in (Run(*key_of(row)) for row in stored["runs"]) if not run.is_stored(stored)]


def pretraining_hash(name: str) -> str:
    """The configuration hash that a pre-training has today."""
    return recipes.load(PRETRAINING, pretraining_overrides(name)).config_hash


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


def _begun(folder: RunFolder) -> str:
    """The configuration hash of a run that has begun."""
    return str(json.loads(folder.config.read_text(encoding="utf-8"))["config_hash"])


def _said(overrides: Sequence[str]) -> list[str]:
    """As the run named its own folder, which may have been moved since."""
    (folder,) = (text.removeprefix(_FOLDER) for text in overrides if text.startswith(_FOLDER))
    where = str(Path(folder).parent)
    return [text.replace(where, _RUNS) for text in overrides if not text.startswith(_WHERE)]
