"""Regions with their sequence and the peaks about them, as data of a recipe.

Legend: N regions by cell types, M motifs, R peaks.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from quatrefoil.core.config import nearest
from quatrefoil.core.data import Sample, SampleKey
from quatrefoil.core.losses import IGNORE
from quatrefoil.core.seeding import generator
from quatrefoil.genomics.datasets.openness.config import (
    ALL,
    PAIRED,
    REGIONS,
    SEQUENCE,
    VARYING,
    OpennessData,
    OpennessSizes,
)
from quatrefoil.genomics.datasets.openness.table import Regions, read_regions
from quatrefoil.genomics.datasets.pretraining.draws import chance, pick
from quatrefoil.genomics.datasets.pretraining.fields import assets_of
from quatrefoil.genomics.datasets.pretraining.loci import Span, TypePeaks
from quatrefoil.genomics.regions.hits import Integers
from quatrefoil.genomics.regions.store import RegionMatrix
from quatrefoil.genomics.sequence.codes import LETTERS, Codes, reverse_complement
from quatrefoil.genomics.sequence.fasta import Genome
from quatrefoil.genomics.sequence.kmers import KmerVocabulary, pair_ids


class OpennessModule:
    """The splits of the tables.

    Raises:
        ValueError: a cell type that the matrix lacks (the nearest is named), a chromosome that the genome lacks, a cell
            type without a peak beside a region, or a matrix of another genome, or one scaled by cell types or
            chromosomes that are only tested.
    """

    fill: Mapping[str, float | int | bool] = {}

    def __init__(self, sizes: OpennessSizes, files: OpennessData, seed: int, facts: Mapping[str, Any]) -> None:
        self.sizes, self.seed, self.facts = sizes, seed, facts
        self.reader = RegionReader(Genome.open(files.genome), RegionMatrix.open(files.matrix), sizes)
        self.reader.matrix.refuse_other_genome(self.reader.genome)
        tables = {"train": files.train, "val": files.validation, "test": files.test}
        given = {split: path for split, path in tables.items() if path is not None}
        self._regions = {split: read_regions(path) for split, path in given.items()}
        for regions in self._regions.values():
            self.reader.check(regions)
        self._check_apart()
        self._check_scale()

    def _check_apart(self) -> None:
        training, matrix = self._regions["train"], self.reader.matrix
        if held := [name for name in training.cell_types if name in matrix.held_out]:
            raise ValueError(f"{', '.join(held)} is held out by {matrix.path}, and stands in data.train; take it out")
        if "test" in self._regions and (shared := training.rows & self._regions["test"].rows):
            chromosome, start, end, cell_type = min(shared)
            raise ValueError(
                f"{cell_type}, {chromosome}:{start}-{end} is in data.train and in data.test ({len(shared):,} such "
                f"regions); test on others"
            )

    def _check_scale(self) -> None:
        matrix, known = self.reader.matrix, self._regions["train"]
        for split in self.splits:
            tested = self._regions[split]
            chromosomes = {*tested.chromosomes} - {*known.chromosomes}
            cell_types = {*tested.cell_types} - {*known.cell_types}
            matrix.refuse_scaled_by(chromosomes, cell_types, f"which {split} holds and training does not")

    @property
    def splits(self) -> Sequence[str]:
        return [split for split in self._regions if split != "train"]

    def train(self, fields: Iterable[str]) -> "RegionSamples":
        """The training samples, with the named fields."""
        regions = self._regions["train"]
        rows = regions.rows_of(varying=self.sizes.only_varying)
        if not len(rows):
            raise ValueError("no region of the training table varies; set data.only_varying=false")
        return RegionSamples(self.reader, regions, rows, frozenset(fields), self.seed)

    def items(self, split: str, unit: str, fields: Iterable[str]) -> "RegionSamples":
        """The regions of a split, in order: all, or those alone that vary (`config.ALL`, `config.VARYING`).

        Raises:
            ValueError: none does.
        """
        assert unit in (ALL, VARYING), unit
        regions = self._regions[split]
        rows = regions.rows_of(varying=unit == VARYING)
        if not len(rows):
            raise ValueError(
                f"no region of {split} is open in some of its cell types and closed in others "
                f"({', '.join(regions.cell_types)}): test in two cell types or more, or set "
                f"evaluate.openness-varying=off"
            )
        return RegionSamples(self.reader, regions, rows, frozenset(fields))

    def describe(self) -> Mapping[str, Any]:
        """What is known of the data, a fingerprint, and of every split its counts and cell types; `on_trained_bases`
        are the samples that read a base that some sample of training may read, in whatever cell type."""
        splits = {split: _summary(regions) for split, regions in self._regions.items()}
        fingerprint = hashlib.sha256(
            (self.reader.matrix.stored_facts + json.dumps(splits, sort_keys=True)).encode()
        ).hexdigest()
        for split in self.splits:
            splits[split]["on_trained_bases"] = self._on_trained_bases(split)
        return {**self.facts, "fingerprint": fingerprint, "splits": splits}

    def _on_trained_bases(self, split: str) -> int:
        import bioframe  # brings matplotlib with it

        known = bioframe.merge(self._regions["train"].windows(self.sizes.segment + self.sizes.shift))
        return int(
            (bioframe.count_overlaps(self._regions[split].windows(self.sizes.segment), known)["count"] > 0).sum()
        )

    def assets(self) -> Mapping[str, str]:
        """What a model must know to read other regions; the same as of pre-training."""
        sizes = self.sizes
        return assets_of(self.reader.matrix, k=sizes.k, segment=sizes.segment, regions=sizes.regions)


@dataclass(frozen=True, eq=False)
class RegionReader:
    """Makes the fields of a place in a cell type: its sequence, as in pre-training, and what is open about it."""

    genome: Genome
    matrix: RegionMatrix
    sizes: OpennessSizes

    def check(self, regions: Regions) -> None:
        """Raise `ValueError` for what the genome or the matrix does not have, with its line."""
        types = self.matrix.cell_types
        for name in regions.cell_types:
            if name not in types:
                where = regions.where[int(np.argmax(regions.cell_type_N == name))]
                raise ValueError(f"{where}: {self.matrix.path} has no cell type `{name}`{nearest(name, types)}")
        for name in regions.chromosomes:
            try:
                length = self.genome.length(name)
            except ValueError as error:
                where = regions.where[int(np.argmax(regions.chromosome_N == name))]
                raise ValueError(f"{where}: {error}") from error
            beyond_N = (regions.chromosome_N == name) & (regions.end_N > length)
            if beyond_N.any():
                row = int(np.argmax(beyond_N))
                place = f"{name}:{regions.start_N[row]}-{regions.end_N[row]}"
                raise ValueError(
                    f"{regions.where[row]}: {place} leaves its chromosome of {length} bases; is it of another assembly?"
                )

    @cached_property
    def _peaks(self) -> Mapping[str, TypePeaks]:
        chromosomes = list(self.genome.lengths)
        return {name: TypePeaks.of(name, self.matrix.peaks(name), chromosomes) for name in self.matrix.cell_types}

    def window(self, chromosome: str, start: int, end: int) -> Codes:
        """The bases (2 x segment,) about the middle of a region; N beyond the ends of its chromosome."""
        first = (start + end) // 2 - self.sizes.segment
        return self.genome.fetch(chromosome, first, first + 2 * self.sizes.segment, outside="N")

    def sequence_fields(self, codes: Codes) -> dict[str, torch.Tensor]:
        """`ids`, `token_mask` and `segments` of a window: [CLS] A [SEP] B [SEP]."""
        vocabulary = KmerVocabulary(self.sizes.k)
        first, second = (vocabulary.encode(LETTERS[half]).tolist() for half in np.split(codes, 2))
        ids_L, segments_L = map(torch.tensor, pair_ids(first, second))
        return {"ids": ids_L, "token_mask": torch.ones(len(ids_L), dtype=torch.bool), "segments": segments_L}

    def region_fields(
        self, cell_type: str, chromosome: str, start: int, end: int, draw: torch.Generator | None = None
    ) -> dict[str, torch.Tensor]:
        """`matrix` (M, R) and `region_mask` (R,): the nearest peaks, as many on either side as there are; with `draw`
        as many on one side as it says.

        Peaks that touch the window or the region are not among them, nor is a gap where they would be: whether the
        region itself has a peak is what is asked. Where none touches, the nearest one stands for the region; in either
        case what touches a window about those peaks is left out. Else closed regions between the same two peaks would
        all read one matrix, and open ones each another: a model that knows a matrix again would know that the region
        is closed.
        """
        wide, own = self._about(cell_type, chromosome, start, end, draw)
        matrix_MR = self.matrix.window(cell_type, wide.first, wide.size)
        kept = np.delete(matrix_MR, np.arange(own.first - wide.first, own.last - wide.first), axis=1)
        return {"matrix": torch.from_numpy(kept), "region_mask": torch.ones(kept.shape[1], dtype=torch.bool)}

    def _stretch(self, start: int, end: int) -> tuple[int, int]:
        """What window and region cover."""
        middle = (start + end) // 2
        return min(start, middle - self.sizes.segment), max(end, middle + self.sizes.segment)

    def _about(
        self, cell_type: str, chromosome: str, start: int, end: int, draw: torch.Generator | None
    ) -> tuple[Span, Span]:
        """The peaks about a region, and those among them that are not to be read."""
        peaks = self._peaks[cell_type]
        if chromosome not in peaks.spans:
            raise ValueError(
                f"{cell_type} has no peak on {chromosome}, so nothing tells what is open there; leave it out"
            )
        span, stretch = peaks.spans[chromosome], self._stretch(start, end)
        if not peaks.touching(chromosome, *stretch).size:
            nearest = peaks.nearest(chromosome, *stretch)
            stretch = self._stretch(int(peaks.start_P[nearest]), int(peaks.end_P[nearest]))
        touching = slice(*peaks.touching(chromosome, *stretch))
        covered = int(peaks.start_P[touching].min()), int(peaks.end_P[touching].max())
        own = peaks.touching(chromosome, *self._stretch(*covered))
        size = min(self.sizes.regions, span.size - own.size)
        if not size:
            raise ValueError(f"{cell_type} has no peak on {chromosome} beside {start}-{end}; leave this region out")
        wanted = size // 2 if draw is None else pick(size + 1, draw)
        left = min(max(wanted, size - (span.last - own.last)), own.first - span.first)
        first = own.first - left
        return Span(first, first + own.size + size), own


@dataclass(frozen=True, eq=False)
class RegionSamples:
    """A `LabelledSet`; in evaluation the cell types of a place are one group, in training each is its own.

    What is random in training follows from (seed, epoch, cell type and place) alone.
    """

    reader: RegionReader
    regions: Regions
    rows_N: Integers
    wanted: frozenset[str]
    seed: int | None = None  # of training; None = evaluation

    def __len__(self) -> int:
        return len(self.rows_N)

    @property
    def ids(self) -> Sequence[str]:
        """Cell type and place of each."""
        return [self._id(row) for row in self.rows_N.tolist()]

    @property
    def labels_N(self) -> torch.Tensor:
        """1 = open."""
        return torch.from_numpy(self.regions.open_N[self.rows_N]).long()

    @property
    def groups_N(self) -> torch.Tensor:
        evaluated = self.seed is None
        return torch.from_numpy(self.regions.place_N[self.rows_N] if evaluated else np.arange(len(self.rows_N)))

    def __getitem__(self, key: SampleKey) -> Sample:
        """Raises FastaError where the genome holds what is no DNA."""
        row, reader = int(self.rows_N[key.index]), self.reader
        cell_type, chromosome, start, end = self._place(row)
        made: dict[str, Any] = {"label": int(self.regions.open_N[row])}
        if self.wanted.intersection(PAIRED):
            made |= self._paired(row)
        if self.wanted.intersection(SEQUENCE):
            shift, reverse = self._view(row, key.epoch)
            codes = reader.window(chromosome, start + shift, end + shift)
            made |= reader.sequence_fields(reverse_complement(codes) if reverse else codes)
        if self.wanted.intersection(REGIONS):
            drawn = None if self.seed is None else generator(self.seed, key.epoch, self._id(row), "regions")
            made |= reader.region_fields(cell_type, chromosome, start, end, drawn)
        values = {name: value for name, value in made.items() if name in self.wanted}
        return {"id": self._id(row), "group": int(self.groups_N[key.index]), **values}

    def _paired(self, row: int) -> dict[str, Any]:
        """`open_in` (C,), for all cell types of the table: 1 = open, 0 = closed, `IGNORE` = not in the table; numbers
        of the place, its chromosome and the cell type."""
        place = int(self.regions.place_N[row])
        type_N, chromosome_N = self._numbers
        return {
            "open_in": torch.from_numpy(self._open_in_PC[place]).long(),
            "place": place,
            "cell_type": int(type_N[row]),
            "chromosome": int(chromosome_N[row]),
        }

    @cached_property
    def _numbers(self) -> tuple[Integers, Integers]:
        columns = self.regions.cell_type_N, self.regions.chromosome_N
        types, chromosomes = (np.unique(column_N, return_inverse=True)[1] for column_N in columns)
        return types, chromosomes

    @cached_property
    def _open_in_PC(self) -> npt.NDArray[np.int8]:
        type_N, place_N = self._numbers[0], self.regions.place_N
        shape = place_N.max() + 1, len(self.regions.cell_types)
        open_in_PC = np.full(shape, IGNORE, np.int8)  # of many places and types a large table
        open_in_PC[place_N, type_N] = self.regions.open_N
        return open_in_PC

    def _view(self, row: int, epoch: int) -> tuple[int, bool]:
        """How far off its middle a region is read in this epoch, and whether on the other strand."""
        if self.seed is None:
            return 0, False
        sizes, draw = self.reader.sizes, partial(generator, self.seed, epoch, self._id(row))
        shift = pick(2 * sizes.shift + 1, draw("shift")) - sizes.shift
        return shift, chance(sizes.reverse_complement, draw("strand"))

    def _place(self, row: int) -> tuple[str, str, int, int]:
        r = self.regions
        return str(r.cell_type_N[row]), str(r.chromosome_N[row]), int(r.start_N[row]), int(r.end_N[row])

    def _id(self, row: int) -> str:
        cell_type, chromosome, start, end = self._place(row)
        return f"{cell_type}/{chromosome}:{start}-{end}"


def _summary(regions: Regions) -> dict[str, Any]:
    columns = (np.char.encode(regions.chromosome_N), regions.start_N, regions.end_N)
    digest = hashlib.sha256(b"|".join(column.tobytes() for column in (*columns, regions.open_N)))
    return {
        "regions": len(regions.start_N),
        "open": int(regions.open_N.sum()),
        "varying": int(regions.varies_N.sum()),
        "cell_types": list(regions.cell_types),
        "chromosomes": list(regions.chromosomes),
        "fingerprint": digest.hexdigest(),
    }
