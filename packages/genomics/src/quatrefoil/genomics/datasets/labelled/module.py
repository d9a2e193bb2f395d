"""Labelled sequences as data of a recipe: splits, classes, and samples of bases.

Legend: N samples, L bases.
"""

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import torch

from quatrefoil.core.config import HOW_NOT_WHAT
from quatrefoil.core.data import Sample, SampleKey
from quatrefoil.core.seeding import generator
from quatrefoil.core.wording import counted
from quatrefoil.genomics.datasets.labelled.readers import by_titles, read_labelled
from quatrefoil.genomics.datasets.labelled.records import Labelled, Record, refuse_shorter
from quatrefoil.genomics.datasets.labelled.splits import (
    Negatives,
    canonical,
    carve,
    class_order,
    is_made,
    with_negatives,
)
from quatrefoil.genomics.sequence.codes import PADDED, reverse_complement
from quatrefoil.genomics.tables import TextError, repeated

CLASSES: Final = "classes.json"
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.I)
_MANY: Final = 10
"""Fewer classes may be small by chance."""


@dataclass(frozen=True, kw_only=True)
class LabelledData:
    """A set of labelled sequences in files of any format of `readers`.

    Args:
        root: the folder from which the files' names count.
        train, validation, test: a file, or POSITIVES+NEGATIVES. Without validation, `validation_share` of train is held
            out by the rule of `carve`; without test, nothing is tested.
        negatives: how they are made from positives in sets that have no others (`with_negatives`).
        both_strands: half of the training samples, drawn anew in every epoch, are read from the other strand: for what
            has no direction, such as a binding site; not for promoters and splice sites.
    """

    root: Path = field(default=Path(), metadata=HOW_NOT_WHAT)
    train: str | None = None
    validation: str | None = None
    test: str | None = None
    validation_share: float = 0.1
    negatives: Negatives = "dinucleotide-shuffle"
    both_strands: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.validation_share < 1:
            raise ValueError(f"validation_share is a share between 0 and 1, not {self.validation_share}")

    @property
    def fields(self) -> Sequence[str]:
        """`bases`: uint8 (L,), A C G T = 0-3, unknown 4, padding 5. `label`: number of the class."""
        return "bases", "label"

    def build(self, seed: int) -> "LabelledModule":
        """Read the files. Raises TextError where one is broken, or they do not fit each other."""
        return LabelledModule(self, seed)


class LabelledModule:
    """The splits of a `LabelledData`, read; the classes are those of training."""

    fill: Mapping[str, float | int | bool] = {"bases": PADDED}

    def __init__(self, config: LabelledData, seed: int) -> None:
        self.config, self.seed = config, seed
        self._records = _read_splits(config)
        self.classes = class_order(record.label for record in self._records["train"])
        if len(self.classes) < 2:
            raise TextError(
                f"{config.train}: all sequences are of class {self.classes[0]!r}; training needs two or more classes"
            )
        for split in self.splits:
            self._check(split)

    def add(self, split: str, records: Sequence[Record]) -> None:
        """One more split to evaluate. Raises TextError where it has a class that training has not, or one id twice."""
        self._records[split] = list(records)
        self._check(split)

    def refuse_shorter(self, least: int) -> None:
        """Raise `TextError` for a sequence of any split with fewer bases, before it would end a training."""
        for records in self._records.values():
            refuse_shorter(records, least)

    def _check(self, split: str) -> None:
        records = self._records[split]
        if again := repeated(_id(record.where) for record in records):
            before, here = (records[row].where for row in again)
            raise TextError(
                f"{here}: is {_id(here)} among the predictions, and so is {before}; rename one of the files, or "
                f"its folder"
            )
        for record in records:
            if record.label not in self.classes:
                raise TextError(
                    f"{record.where}: class {record.label!r} is not among those of training "
                    f"({', '.join(self.classes)}); correct the label or add the class to training"
                )

    @property
    def splits(self) -> Sequence[str]:
        """`val`, and `test` where there is one."""
        return [name for name in self._records if name != "train"]

    def train(self, fields: Iterable[str]) -> "LabelledSamples":
        """The training samples, with the named fields."""
        return self._samples("train", frozenset(fields))

    def items(self, split: str, unit: str, fields: Iterable[str]) -> "LabelledSamples":
        """The sequences of a split, in the order of its files. There is one unit, `sequence`."""
        assert unit == "sequence", unit
        return self._samples(split, frozenset(fields))

    def _samples(self, split: str, wanted: frozenset[str]) -> "LabelledSamples":
        flips = self.config.both_strands and split == "train"
        return LabelledSamples(self._records[split], self.classes, wanted, self.seed, flips, split == "train")

    def describe(self) -> Mapping[str, Any]:
        """Name, protocol, fingerprint, classes, and of every split its counts, and how many sequences training has."""
        config = self.config
        validation = "given" if config.validation else f"carved-{config.validation_share:g}"
        made = f"/negatives-{config.negatives}" if any(map(is_made, self._records["train"])) else ""
        seen = {canonical(record.codes) for record in self._records["train"]}
        splits = {name: _summary(records, seen) for name, records in self._records.items()}
        prints = hashlib.sha256("".join(split["fingerprint"] for split in splits.values()).encode()).hexdigest()
        protocol = f"labelled-sequences/validation-{validation}{made}"
        names = {"name": config.train, "protocol": protocol, "fingerprint": prints}
        return {**names, "classes": self.classes, "both_strands": config.both_strands, "splits": splits}

    def remarks(self) -> Sequence[str]:
        """What of other splits stands in training too, what there has several labels, and which classes are small there
        or absent elsewhere."""
        labels: dict[bytes, set[str]] = defaultdict(set)
        for record in self._records["train"]:
            labels[canonical(record.codes)].add(record.label)
        said = [
            f"{counted(shared, 'sequence')} of {len(records):,} of {split} also in training, on either strand: scores "
            f"are of what was seen; `quatrefoil overlap` names them"
            for split, records in self._records.items()
            if split != "train" and (shared := sum(canonical(record.codes) in labels for record in records))
        ]
        if torn := [each for each in self._records["train"] if len(labels[canonical(each.codes)]) > 1]:
            own = f"{counted(len(torn), 'sequence')} of {len(self._records['train']):,} of training"
            said.append(f"{own} under several labels, on either strand (the first at {torn[0].where})")
        if made := sum(map(is_made, torn)):
            said.append(f"{made} of these are made negatives: shuffling leaves repeats as they are")
        return [*said, *self._of_made(), *self._of_classes()]

    def _of_made(self) -> Iterator[str]:
        for split, records in self._records.items():
            if made := sum(map(is_made, records)):
                by = f"data.negatives={self.config.negatives}"
                yield f"{split}: {counted(made, 'negative')}, all made of its positives ({by})"

    def _of_classes(self) -> Iterator[str]:
        present = {split: Counter(record.label for record in records) for split, records in self._records.items()}
        for name in self.classes:
            if (few := present["train"][name]) < _MANY:
                yield f"class {name} has {counted(few, 'sequence')} in training"
        for split in self.splits:
            if absent := [name for name in self.classes if not present[split][name]]:
                yield f"{split} has no sequence of class {', '.join(absent)}: there is no ROC-AUC and no AUPR of it"

    def assets(self) -> Mapping[str, str]:
        """The names of the classes, which a model needs to say what it found."""
        return {CLASSES: json.dumps(self.classes) + "\n"}


def _read_splits(config: LabelledData) -> dict[str, list[Record]]:
    """Negatives are made after validation is held out, so that no positive has its negative on the other side."""
    if config.train is None:
        raise TextError("no training set; say data.train=FILE, or data.train=POSITIVES+NEGATIVES")
    train = read_labelled(config.root, config.train)
    _refuse_measurements(train.records)
    if config.validation is not None:
        splits = {"train": train, "val": read_labelled(config.root, config.validation)}
    else:
        kept, held = carve(train.records, config.validation_share)
        splits = {"train": train._replace(records=kept), "val": train._replace(records=held)}
    if config.test is not None:
        splits["test"] = read_labelled(config.root, config.test)
    return {name: _completed(name, found, config, train) for name, found in splits.items()}


def _refuse_measurements(records: Sequence[Record]) -> None:
    """Raise `TextError` where most labels are numbers that stand at one sequence alone."""
    count = Counter(record.label for record in records)
    lone = [label for label, times in count.items() if times == 1 and _NUMBER.fullmatch(label)]
    if len(count) >= _MANY and 2 * len(lone) > len(count):
        raise TextError(
            f"{records[0].where}: {len(lone)} of {len(count)} labels stand at one sequence each "
            f"({', '.join(lone[:3])}, ...); these are measurements: make classes of them"
        )


def _completed(split: str, found: Labelled, config: LabelledData, train: Labelled) -> list[Record]:
    if not found.only_positives:
        return list(found.records)
    if not train.only_positives:
        # A small file, or one of a single class, does not tell by itself that its titles end in labels.
        labelled = by_titles(found.records)
        if labelled and {record.label for record in labelled} <= {record.label for record in train.records}:
            return labelled
        where = found.records[0].where
        raise TextError(
            f"{where}: the {split} set has positives only, but training has negatives of its own; give "
            f"data.{'validation' if split == 'val' else split}=POSITIVES+NEGATIVES"
        )
    return with_negatives(found.records, config.negatives)


def _summary(records: Sequence[Record], trained: frozenset[bytes] | set[bytes]) -> dict[str, Any]:
    keys = [canonical(record.codes) for record in records]
    content = hashlib.sha256()
    for record in records:
        content.update(f"{record.label}\t{len(record.codes)}\t".encode() + record.codes.tobytes())
    return {
        "sequences": len(records),
        "bases": [extreme(len(record.codes) for record in records) for extreme in (min, max)],
        "of_class": dict(sorted(Counter(record.label for record in records).items())),
        "distinct": len(set(keys)),
        "also_in_training": sum(key in trained for key in keys),
        "fingerprint": content.hexdigest(),
    }


@dataclass(frozen=True)
class LabelledSamples:
    """A `LabelledSet` of sequences; which strand is read follows from (seed, epoch, id).

    In evaluation, copies (on either strand) are one group: they say the same thing, so intervals draw them together.
    In training every sample is its own, as nothing there compares samples.
    """

    records: Sequence[Record]
    classes: Sequence[str]
    wanted: frozenset[str]
    seed: int
    flips: bool
    training: bool

    @cached_property
    def ids(self) -> Sequence[str]:
        """Folder, file and line of each, with the kind of a made negative."""
        return [_id(record.where) for record in self.records]

    @cached_property
    def labels_N(self) -> torch.Tensor:
        """The number of each one's class, long (N,)."""
        number = {name: place for place, name in enumerate(self.classes)}
        return torch.tensor([number[record.label] for record in self.records])

    @cached_property
    def groups_N(self) -> torch.Tensor:
        """Long (N,)."""
        if self.training:
            return torch.arange(len(self.records))
        first: dict[bytes, int] = {}
        keys = (canonical(record.codes) for record in self.records)
        return torch.tensor([first.setdefault(key, len(first)) for key in keys])

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, key: SampleKey) -> Sample:
        row = key.index
        codes, id = self.records[row].codes, self.ids[row]
        if self.flips and bool(torch.randint(2, (), generator=generator(self.seed, key.epoch, id, "strand"))):
            codes = reverse_complement(codes)
        values = {"bases": torch.tensor(codes), "label": int(self.labels_N[row])}
        return {"id": id, "group": int(self.groups_N[row]), **{k: v for k, v in values.items() if k in self.wanted}}


def _id(where: str) -> str:
    """The last two names of a path tell files of one run apart, wherever they lie."""
    return "/".join(where.split("/")[-2:])
