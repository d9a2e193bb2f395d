"""Windows as sets of samples; all that is random about one follows from (seed, epoch, id).

Legend: N samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import torch
from torch import Tensor

from quatrefoil.core.data import Sample, SampleKey
from quatrefoil.core.seeding import generator
from quatrefoil.genomics.datasets.pretraining.draws import Draw
from quatrefoil.genomics.datasets.pretraining.fields import REGION_FIELDS, SEQUENCE_FIELDS, Unit
from quatrefoil.genomics.datasets.pretraining.loci import Loci
from quatrefoil.genomics.datasets.pretraining.region_pairs import RegionPairs
from quatrefoil.genomics.datasets.pretraining.sequence_pairs import SequencePairs


@dataclass(frozen=True, eq=False)
class LocusSamples:
    """A `SampleSet` over the rows `rows_N` of `loci`, with those of the wanted fields that it is asked for."""

    rows_N: Tensor
    loci: Loci
    sequence: SequencePairs
    regions: RegionPairs
    wanted: frozenset[str]
    seed: int

    @property
    def groups_N(self) -> Tensor:
        """Samples of one group share bases, long (N,)."""
        return self.loci.groups[self.rows_N]

    def __len__(self) -> int:
        return len(self.rows_N)

    def __getitem__(self, key: SampleKey) -> Sample:
        """Raises FastaError where the genome holds what is no DNA."""
        row = int(self.rows_N[key.index])
        draw, made = self._draw(row, key.epoch), dict[str, Tensor | int]()
        if self.wanted.intersection(SEQUENCE_FIELDS):
            made |= self.sequence.make(row, draw)
        if self.wanted.intersection(REGION_FIELDS):
            made |= self.regions.make(row, draw)
        if "own_column" in self.wanted:  # a read of the store that few ask for
            made["own_column"] = self.regions.own_column(row)
        values = {name: value for name, value in made.items() if name in self.wanted}
        return {"id": self.id_of(row), "group": int(self.loci.group_N[row]), **values}

    def id_of(self, row: int) -> str:
        """Cell type, chromosome and first base of a row's window."""
        loci = self.loci
        cell_type = self.regions.types[loci.type_N[row]].name
        return f"{cell_type}/{self.regions.chromosomes[loci.chromosome_N[row]]}:{loci.start_N[row]}"

    def _draw(self, row: int, epoch: int) -> Draw:
        return partial(generator, self.seed, epoch, self.id_of(row))


@dataclass(frozen=True, eq=False)
class EvaluatedSamples(LocusSamples):
    """A `LabelledSet`: the labels of one task are drawn without making the samples."""

    judged: Unit = field(kw_only=True)

    @cached_property
    def ids(self) -> Sequence[str]:
        return [self.id_of(row) for row in self.rows_N.tolist()]

    @cached_property
    def labels_N(self) -> Tensor:
        """1: B follows A, or A belongs to the regions."""
        if self.judged == "next_segment":
            return torch.tensor([self.sequence.follows(row, self._draw(row, 0)) for row in self.rows_N.tolist()]).long()
        return (self.kinds_N == 0).long()

    @cached_property
    def kinds_N(self) -> Tensor:
        """Of the regions, see `MATCH_KINDS`."""
        return torch.tensor([self.regions.window(row, self._draw(row, 0)).kind for row in self.rows_N.tolist()])
