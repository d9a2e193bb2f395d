"""Variants with a class in their windows: splits by chromosome.

Legend: N variants, L bases.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from quatrefoil.core.config import nearest
from quatrefoil.core.data import Sample, SampleKey
from quatrefoil.core.evaluation.classification import roc_auc
from quatrefoil.genomics.datasets.labelled.module import CLASSES
from quatrefoil.genomics.datasets.labelled.splits import class_order
from quatrefoil.genomics.datasets.regulome.cohort import breaking_odds
from quatrefoil.genomics.datasets.regulome.grammar import draw_grammar
from quatrefoil.genomics.datasets.regulome.motifs import draw_motifs
from quatrefoil.genomics.datasets.variants.config import RegulomeVariants, VariantData
from quatrefoil.genomics.sequence.codes import PADDED
from quatrefoil.genomics.sequence.fasta import Genome
from quatrefoil.genomics.tables import TextError, read_table
from quatrefoil.genomics.variants.vcf import Variant, read_vcf
from quatrefoil.genomics.variants.windows import Alleles, windows


@dataclass(frozen=True, eq=False)
class Labelled:
    """A variant with its window and the number of its class."""

    variant: Variant
    alleles: Alleles
    label: int


class VariantModule:
    """All windows are read, and every reference allele is checked, when the data are opened.

    Raises:
        ValueError: a broken table or VCF, a label of a variant that the VCF lacks, a chromosome to hold out without a
            variant, or fewer than two classes in training.
    """

    fill: Mapping[str, float | int | bool] = {"bases": PADDED, "alternative": PADDED}

    def __init__(self, config: VariantData, facts: Mapping[str, Any]) -> None:
        self.config, self.facts = config, facts
        genotypes, labels = read_vcf(config.vcf), _labels(config.labels, config.label)
        known = {variant.name for variant in genotypes.variants}
        if lost := [name for name in labels if name not in known]:
            raise TextError(f"{config.labels}: {config.vcf} has no variant {lost[0]}{nearest(lost[0], known)}")
        chosen = [variant for variant in genotypes.variants if variant.name in labels]
        self.unlabelled = len(genotypes.variants) - len(chosen)
        self._check_chromosomes({variant.chromosome for variant in chosen})
        places = {v.name: self._split(v) for v in chosen}
        self.classes = class_order(labels[v.name] for v in chosen if places[v.name] == "train")
        if unknown := sorted({labels[v.name] for v in chosen} - set(self.classes)):
            raise TextError(f"{config.labels}: class {unknown[0]!r} has no training variant; hold out less")
        if len(self.classes) < 2:
            raise TextError(f"{config.labels}: one class in training, {self.classes[0]!r}; two or more are needed")
        found = windows(Genome.open(config.genome), chosen, config.length)
        self._variants: dict[str, list[Labelled]] = {"train": [], "val": [], "test": []}
        for variant, pair in zip(chosen, found, strict=True):
            label = self.classes.index(labels[variant.name])
            self._variants[places[variant.name]].append(Labelled(variant, pair, label))

    def _split(self, variant: Variant) -> str:
        config = self.config
        held_out = {"val": config.validation_chromosomes, "test": config.test_chromosomes}
        return next((split for split, names in held_out.items() if variant.chromosome in names), "train")

    def _check_chromosomes(self, present: set[str]) -> None:
        for name in (*self.config.validation_chromosomes, *self.config.test_chromosomes):
            if name not in present:
                raise TextError(f"{self.config.vcf}: no labelled variant on {name}{nearest(name, present)} to hold out")

    @property
    def splits(self) -> Sequence[str]:
        return [split for split, found in self._variants.items() if found and split != "train"]

    def train(self, fields: Iterable[str]) -> "VariantSamples":
        """The training samples, with the named fields."""
        return VariantSamples(self._variants["train"], frozenset(fields))

    def items(self, split: str, unit: str, fields: Iterable[str]) -> "VariantSamples":
        """The variants of a split, in the order of the VCF; there is one unit, `variant`."""
        assert unit == "variant", unit
        return VariantSamples(self._variants[split], frozenset(fields))

    def describe(self) -> Mapping[str, Any]:
        """What is known of the data, a fingerprint, the classes and their counts by split, and variants left out."""
        splits = {split: _summary(found) for split, found in self._variants.items()}
        fingerprint = hashlib.sha256(json.dumps(splits, sort_keys=True).encode()).hexdigest()
        more = {"fingerprint": fingerprint, "classes": self.classes, "unlabelled": self.unlabelled}
        return {**self.facts, **more, "splits": splits}

    def assets(self) -> Mapping[str, str]:
        """The names of the classes."""
        return {CLASSES: json.dumps(self.classes) + "\n"}


class RegulomeVariantModule(VariantModule):
    """Regulome's variants of the class `breaking`, the bounds beside them."""

    def __init__(self, config: VariantData, regulome: RegulomeVariants) -> None:
        super().__init__(config, {})
        self.regulome = regulome

    def describe(self) -> Mapping[str, Any]:
        """As ever, and `reference`: what a reader who knows that much reaches on `test`, in percent."""
        bounds = {"test": {"ROC-AUC": {"true_motifs": 100 * self._area_of_motifs, "chance": 50.0}}}
        return {**super().describe(), **self.regulome.facts("variants/breaking", bounds)}

    @cached_property
    def _area_of_motifs(self) -> float:
        """Under the ROC curve, of who knows the matrices and what is active in the cell type of the disease."""
        tested, seed = self._variants["test"], self.regulome.made_with_seed
        before_NL, after_NL = (np.stack(windows) for windows in zip(*(one.alleles for one in tested), strict=True))
        odds_N = breaking_odds(before_NL, after_NL, draw_grammar(seed), draw_motifs(seed))
        return roc_auc(odds_N, np.array([one.label == 1 for one in tested]))


@dataclass(frozen=True, eq=False)
class VariantSamples:
    """A `LabelledSet`; every variant is its own group."""

    variants: Sequence[Labelled]
    wanted: frozenset[str]

    @property
    def ids(self) -> Sequence[str]:
        return [found.variant.name for found in self.variants]

    @property
    def labels_N(self) -> torch.Tensor:
        """Numbers of the classes, long (N,)."""
        return torch.tensor([found.label for found in self.variants])

    @property
    def groups_N(self) -> torch.Tensor:
        return torch.arange(len(self.variants))

    def __len__(self) -> int:
        return len(self.variants)

    def __getitem__(self, key: SampleKey) -> Sample:
        found = self.variants[key.index]
        bases, alternative = map(torch.from_numpy, found.alleles)
        values = {"bases": bases, "alternative": alternative, "label": found.label}
        chosen = {name: value for name, value in values.items() if name in self.wanted}
        return {"id": found.variant.name, "group": key.index, **chosen}


def _labels(path: Path, column: str) -> dict[str, str]:
    """Variant -> class."""
    table = read_table(path, ("variant", column))
    table.refuse_twice("variant", "give each variant one line")
    return dict(zip(table["variant"], table[column], strict=True))


def _summary(found: Sequence[Labelled]) -> dict[str, Any]:
    content = hashlib.sha256()
    for one in found:
        content.update(f"{one.variant[:-1]} {one.label}\n".encode() + one.alleles.reference.tobytes())
    counts = Counter(one.label for one in found)
    return {"variants": len(found), "of_class": dict(sorted(counts.items())), "fingerprint": content.hexdigest()}
