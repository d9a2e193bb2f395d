"""Regulome's labelled windows as data of recipes: made where they are not there yet, read as any labelled set is."""

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from quatrefoil.core.config import HOW_NOT_WHAT, nearest
from quatrefoil.genomics.datasets.labelled.module import LabelledData, LabelledModule
from quatrefoil.genomics.datasets.labelled.readers import read_labelled
from quatrefoil.genomics.datasets.regulome.make import BOUNDS, make
from quatrefoil.genomics.datasets.regulome.windows import NEGATIVES
from quatrefoil.genomics.datasets.regulome.world import CHROMOSOMES_OF, REGULOME_VERSION, SizeName

NegativesRule = Literal["genomic_matched", "dinuc_shuffle", "subst12of20"]
Reference = Mapping[str, Mapping[str, float]]
_METRICS: Final = {"auc": "ROC-AUC", "mcc": "MCC", "accuracy": "accuracy"}
_OF_SEVERAL_CLASSES: Final = {**_METRICS, "auc": "ROC-AUC-ovo"}
"""Bounds of three classes are over pairs of classes (`scores.score`), as that metric is."""


@dataclass(frozen=True, kw_only=True)
class RegulomeData:
    """Which Regulome.

    Args:
        size: tiny (seconds), default (a minute) or large.
        made_with_seed: another seed is another benchmark.
        root: folder in which benchmarks are kept; None = the cache folder.
    """

    size: SizeName = "default"
    made_with_seed: int = 0
    root: Path | None = field(default=None, metadata=HOW_NOT_WHAT)

    def folder(self) -> Path:
        """The finished benchmark, made if need be (one process at a time; the others wait)."""
        return make(self.size, self.made_with_seed, self.root)

    def facts(self, task: str, reference: Mapping[str, Reference]) -> dict[str, Any]:
        """What is said of the data beside their counts: whose they are, and the best scores by split."""
        name = f"regulome-v{REGULOME_VERSION}-{self.size}"
        return {"name": name, "protocol": f"regulome/{task}", "embedded": True, "reference": reference}


def read_bounds(folder: Path, task: str, names: Mapping[str, str]) -> Reference:
    """Metric -> who knows what -> the score in percent, under our names of the metrics."""
    found = json.loads((folder / BOUNDS).read_text(encoding="utf-8"))[task]
    return {names[key]: {who: 100 * share for who, share in scores.items()} for key, scores in found.items()}


@dataclass(frozen=True, kw_only=True)
class RegulomeWindows(RegulomeData):
    """A set of labelled windows, split by chromosome."""

    @property
    @abstractmethod
    def task(self) -> str:
        """Its folder in the benchmark."""

    @property
    def across(self) -> Mapping[str, str]:
        """Other folders whose test windows are a split each: name of the split -> folder."""
        return {}

    @property
    def both_strands(self) -> bool:
        """Whether the two strands of a window mean the same, see `LabelledData`."""
        return False

    @property
    def fields(self) -> Sequence[str]:
        return LabelledData().fields

    def build(self, seed: int) -> "RegulomeWindowsModule":
        """Raises ValueError where the benchmark has no such task."""
        return RegulomeWindowsModule(self, self.folder(), seed)


@dataclass(frozen=True, kw_only=True)
class RegulomePromoters(RegulomeWindows):
    """Promoters and what is none of the same class.

    Within and across: whatever negatives are trained on, those of all three rules are tested.

    Args:
        negatives: those of training, validation and the split `test`.
        length: 300 (-249 to +50), or the core (-34 to +35).
        promoter_class: with a TATA box, or without.
    """

    negatives: NegativesRule = "genomic_matched"
    length: Literal["300", "core"] = "300"
    promoter_class: Literal["tata", "notata"] = "tata"

    @property
    def task(self) -> str:
        return self._task(self.negatives)

    @property
    def across(self) -> Mapping[str, str]:
        return {f"test-{rule}": self._task(rule) for rule in NEGATIVES if rule != self.negatives}

    def _task(self, rule: str) -> str:
        return f"prom/{rule}/prom_{self.length}_{self.promoter_class}"


@dataclass(frozen=True, kw_only=True)
class RegulomeBinding(RegulomeWindows):
    """Windows bound by a factor and others, on either strand.

    Args:
        factor: one of those in the benchmark's folder `tfbs`.
    """

    factor: str = "MIR2"

    @property
    def task(self) -> str:
        return f"tfbs/{self.factor}"

    @property
    def both_strands(self) -> bool:
        return True


@dataclass(frozen=True, kw_only=True)
class RegulomeSplice(RegulomeWindows):
    """Acceptors, donors and neither, in the direction of the gene."""

    @property
    def task(self) -> str:
        return "splice/regulome"


class RegulomeWindowsModule(LabelledModule):
    """Labelled windows, the bounds beside them.

    Raises:
        ValueError: the benchmark has no such task (the nearest is named).
    """

    def __init__(self, config: RegulomeWindows, folder: Path, seed: int) -> None:
        self.regulome, self.folder = config, folder
        _check_task(folder, config.task)
        train, validation, test = (f"{config.task}/{split}.csv" for split in CHROMOSOMES_OF)
        strands = config.both_strands
        super().__init__(
            LabelledData(root=folder, train=train, validation=validation, test=test, both_strands=strands), seed
        )
        for split, task in config.across.items():
            self.add(split, read_labelled(folder, f"{task}/test.csv").records)

    def describe(self) -> Mapping[str, Any]:
        """As ever, and `reference`: split -> metric -> what a reader who knows that much reaches, in percent."""
        tasks = {"test": self.regulome.task, **self.regulome.across}
        names = _METRICS if len(self.classes) == 2 else _OF_SEVERAL_CLASSES
        reference = {split: read_bounds(self.folder, task, names) for split, task in tasks.items()}
        return {**super().describe(), **self.regulome.facts(self.regulome.task, reference)}


def _check_task(folder: Path, task: str) -> None:
    if not (folder / task).is_dir():
        kind = task.split("/")[0]
        there = sorted(path.name for path in (folder / kind).iterdir())
        raise ValueError(
            f"{folder.name} has no `{task}`{nearest(Path(task).name, there)}; {kind} has {', '.join(there)}"
        )
