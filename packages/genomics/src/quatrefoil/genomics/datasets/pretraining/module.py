"""Opens the data of pre-training.

Legend: N samples, M motifs.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final, cast

import torch

from quatrefoil.core.config import nearest
from quatrefoil.core.losses import IGNORE
from quatrefoil.core.seeding import generator
from quatrefoil.genomics.datasets.pretraining.config import PretrainingPlan
from quatrefoil.genomics.datasets.pretraining.fields import FIELDS, MATCH_KINDS, SplitName, Unit, assets_of
from quatrefoil.genomics.datasets.pretraining.loci import Loci, TypePeaks, WindowRule, find_loci
from quatrefoil.genomics.datasets.pretraining.region_pairs import RegionPairs
from quatrefoil.genomics.datasets.pretraining.samples import EvaluatedSamples, LocusSamples
from quatrefoil.genomics.datasets.pretraining.sequence_pairs import SequencePairs
from quatrefoil.genomics.regions.store import RegionMatrix
from quatrefoil.genomics.sequence.fasta import Genome
from quatrefoil.genomics.sequence.kmers import KmerVocabulary

EVALUATED_SPLITS: Final[tuple[SplitName, ...]] = ("val", "test", "unseen")
_DROP_OWN: Final[Mapping[Unit, float]] = {"next_segment": 0.0, "match": 0.0, "match_without_own": 1.0}
_EVALUATION_SEED: Final = 0  # evaluations of runs with other seeds are of the same samples


class PretrainingModule:
    """A `DataModule` over a genome and a stored matrix.

    Args:
        name: of the data, for results.
        embedded: this project made them itself.

    Raises:
        ValueError: cell types or chromosomes that the matrix lacks (the nearest is named), a matrix of
            another genome, or scaled by chromosomes or cell types that are held out, or no window to train on.
    """

    def __init__(self, config: PretrainingPlan, seed: int, name: str, *, embedded: bool) -> None:
        self.config, self.seed, self.name, self.embedded = config, seed, name, embedded
        self.genome = Genome.open(config.genome)
        self.matrix = RegionMatrix.open(config.matrix, config.accessibility)
        self._peaks = {name: self.matrix.peaks(name) for name in self.matrix.cell_types}
        present = {str(name) for peaks in self._peaks.values() for name in set(peaks.chromosome.tolist())}
        self._present = tuple(name for name in self.genome.lengths if name in present)
        self._check(present)

    def _check(self, present: set[str]) -> None:
        config, types = self.config, self.matrix.cell_types
        for name in config.held_out_cell_types:
            if name not in types:
                raise ValueError(f"{config.matrix} has no cell type `{name}`{nearest(name, types)} to hold out")
        held_out = (*config.validation_chromosomes, *config.test_chromosomes)
        for name in held_out:
            if name not in present:
                raise ValueError(f"{config.matrix} has no peak on `{name}`{nearest(name, present)} to hold out")
        if lost := sorted(present - set(self.genome.lengths)):
            raise ValueError(
                f"{config.genome} has no {', '.join(lost)}, where {config.matrix} has peaks; another assembly?"
            )
        self.matrix.refuse_other_genome(self.genome)
        self.matrix.refuse_scaled_by(held_out, config.held_out_cell_types, "held out here")
        if not len(self.loci("train")):
            raise ValueError(f"no window to train on: {self.loci('train').dropped}; hold out less")

    def chromosomes(self, split: SplitName) -> tuple[str, ...]:
        """The chromosomes of a split."""
        config = self.config
        if split != "train":
            return config.validation_chromosomes if split == "val" else config.test_chromosomes
        apart = {*config.validation_chromosomes, *config.test_chromosomes, *config.excluded_chromosomes}
        return tuple(name for name in self._present if name not in apart)

    @cache  # noqa: B019 - the module lives as long as the run
    def types(self, split: SplitName) -> Sequence[TypePeaks]:
        """The cell types of a split, with their peaks on its chromosomes."""
        unseen, held_out = split == "unseen", self.config.held_out_cell_types
        names = [name for name in self.matrix.cell_types if (name in held_out) == unseen]
        return [TypePeaks.of(name, self._peaks[name], self.chromosomes(split)) for name in names]

    @cache  # noqa: B019
    def loci(self, split: SplitName) -> Loci:
        """The windows of a split."""
        rule = WindowRule(2 * self.config.segment, self.config.most_unknown)
        return find_loci(self.types(split), self.chromosomes(split), self.genome, rule)

    @property
    def splits(self) -> Sequence[str]:
        """The splits other than train that have a window."""
        return [split for split in EVALUATED_SPLITS if len(self.loci(split))]

    @property
    def fill(self) -> Mapping[str, float | int | bool]:
        """Padding other than 0 and False: windows of all samples are equally long, those of regions need not be."""
        return {"labels": IGNORE}

    def train(self, fields: Iterable[str]) -> LocusSamples:
        """The training samples, with the named fields.

        Raises:
            ValueError: an unknown field, or a label of which these data can make one class alone.
        """
        loci, wanted = self.loci("train"), _checked(fields)
        self._refuse_one_class(wanted)
        reverse = self.config.reverse_complement
        sequence, regions = self._sequence("train", reverse), self._regions("train", self.config.drop_own_column)
        return LocusSamples(torch.arange(len(loci)), loci, sequence, regions, wanted, self.seed)

    def _refuse_one_class(self, wanted: frozenset[str]) -> None:
        rows = range(len(self.loci("train")))
        sequence, regions = self._sequence("train", 0.0), self._regions("train", 0.0)
        for label, has_negative, mend in (
            ("match_label", regions.has_negative, "more cell types, chromosomes or peaks"),
            ("next_label", sequence.has_false_second, "more peaks, or a wider data.gc_tolerance"),
        ):
            if label in wanted and not any(map(has_negative, rows)):  # the first row has one, but in toys
                raise ValueError(
                    f"{self.config.matrix}: of {len(rows):,} training windows none can have a negative for `{label}`, "
                    f"so that there is nothing to tell apart; give {mend}, or leave its objective out"
                )

    @cache  # noqa: B019
    def lacking(self, split: SplitName) -> Mapping[str, int]:
        """Of the windows that are evaluated (of `train`: as many), how many cannot have each kind of negative.

        Their share goes to the other kinds; where there is none, the sample is a positive.
        """
        if not len(self.loci(split)):
            return {}
        rows = self._evaluated(split).tolist()
        sequence, regions = self._sequence(split, 0.0), self._regions(split, 0.0)
        lacked = [regions.lacking(row) for row in rows]
        by_kind = {name: sum(kind in each for each in lacked) for kind, name in enumerate(MATCH_KINDS) if kind}
        return {
            "of": len(rows),
            **by_kind,
            "any": sum(len(each) == len(by_kind) for each in lacked),
            "false_second_half": sum(not sequence.has_false_second(row) for row in rows),
        }

    @cache  # noqa: B019
    def _items(self, split: SplitName, unit: Unit, wanted: frozenset[str]) -> EvaluatedSamples:
        loci = self.loci(split)
        sequence, regions = self._sequence(split, 0.0), self._regions(split, _DROP_OWN[unit])
        return EvaluatedSamples(self._evaluated(split), loci, sequence, regions, wanted, _EVALUATION_SEED, judged=unit)

    def items(self, split: str, unit: str, fields: Iterable[str]) -> EvaluatedSamples:
        """Windows of a split, in order. Every `fields.Unit` has the same windows, masks, pairs and regions."""
        return self._items(cast(SplitName, split), cast(Unit, unit), _checked(fields))

    def _evaluated(self, split: SplitName) -> torch.Tensor:
        drawn_N = torch.randperm(len(self.loci(split)), generator=generator(_EVALUATION_SEED, "evaluated", split))
        return drawn_N[: self.config.evaluated].sort().values

    def _sequence(self, split: SplitName, reverse_complement: float) -> SequencePairs:
        config, vocabulary = self.config, KmerVocabulary(self.config.k)
        return SequencePairs(
            self.genome,
            self.loci(split),
            self.chromosomes(split),
            vocabulary,
            segment=config.segment,
            mask_rate=config.mask_rate,
            reverse_complement=reverse_complement,
            gc_tolerance=config.gc_tolerance,
        )

    def _regions(self, split: SplitName, drop_own: float) -> RegionPairs:
        return RegionPairs(
            self.matrix,
            self.loci(split),
            self.types(split),
            self.chromosomes(split),
            length=2 * self.config.segment,
            count=self.config.regions,
            drop_own=drop_own,
            hidden=self.config.hidden,
        )

    def describe(self) -> Mapping[str, Any]:
        """Name, protocol, fingerprint; for every split its windows, those evaluated, those dropped, by reason, and what
        negatives they lack."""
        splits = {split: self._summary(split) for split in ("train", *EVALUATED_SPLITS)}
        parts = [self.matrix.stored_facts, json.dumps(splits, sort_keys=True)]
        fingerprint = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        return {
            "name": self.name,
            "protocol": "pretraining",
            "embedded": self.embedded,
            "fingerprint": fingerprint,
            "splits": {split: {**found, "lacking": dict(self.lacking(split))} for split, found in splits.items()},
        }

    def _summary(self, split: SplitName) -> dict[str, Any]:
        loci, types = self.loci(split), self.types(split)
        columns = (loci.type_N, loci.peak_N, loci.chromosome_N, loci.start_N, loci.gc_N2)
        digest = hashlib.sha256(b"|".join(column.tobytes() for column in columns)).hexdigest()
        return {
            "windows": len(loci),
            "evaluated": 0 if split == "train" else min(len(loci), self.config.evaluated),
            "dropped": dict(loci.dropped),
            "cell_types": [kind.name for kind in types],
            "chromosomes": list(self.chromosomes(split)),
            "fingerprint": digest,
        }

    def assets(self) -> Mapping[str, str]:
        """What a model must know to read other sequences and regions: k, the rows of the matrix, their usual
        values, and how hits are scored."""
        config = self.config
        return assets_of(self.matrix, k=config.k, segment=config.segment, regions=config.regions)


def _checked(fields: Iterable[str]) -> frozenset[str]:
    wanted = frozenset(fields)
    if unknown := wanted - {*FIELDS, "id", "group"}:
        raise ValueError(f"pre-training data have no fields {sorted(unknown)}; they have {', '.join(FIELDS)}")
    return wanted
