"""The sequence of a sample: two halves of a window, or of two windows, as k-mers, some of them masked.

Legend: L tokens, S bases of a half.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from quatrefoil.core.masking import choose_spans, corrupt
from quatrefoil.genomics.datasets.pretraining.draws import Draw, chance, pick
from quatrefoil.genomics.datasets.pretraining.loci import Loci
from quatrefoil.genomics.regions.hits import Integers
from quatrefoil.genomics.sequence.codes import LETTERS, reverse_complement
from quatrefoil.genomics.sequence.fasta import Genome
from quatrefoil.genomics.sequence.kmers import MASK, SPECIAL_TOKENS, KmerVocabulary, pair_ids


@dataclass(frozen=True, eq=False)
class SequencePairs:
    """Makes `SEQUENCE_FIELDS`: [CLS] A [SEP] B [SEP], each half made into k-mers by itself, so that none spans the cut.

    In half of the samples B follows A (`next_label` 1). Else B is the second half of another window of the same cell
    type and split that shares no base with A's, and whose own second half has a GC content within `gc_tolerance` of the
    true one's: the task is not to be solved by composition. Where no such window exists, B follows A.

    Args:
        chromosomes: of the split, as `loci` counts them.
        segment: S.
        mask_rate: share of the k-mers that are masked, in spans of k neighbours; [UNK] (an N) is never chosen.
        reverse_complement: chance that a sample is read on the other strand.
    """

    genome: Genome
    loci: Loci
    chromosomes: tuple[str, ...]
    vocabulary: KmerVocabulary
    segment: int
    mask_rate: float
    reverse_complement: float
    gc_tolerance: float

    def make(self, row: int, draw: Draw) -> dict[str, Tensor | int]:
        """The fields of one locus. Raises FastaError where the file holds what is no DNA."""
        reverse = chance(self.reverse_complement, draw("strand"))
        second = self._second(row, draw("next segment"), reverse)
        ids_L, segments_L = map(torch.tensor, pair_ids(self._half(row, 0, reverse), self._half(second, 1, reverse)))
        chosen_L = choose_spans(ids_L >= len(SPECIAL_TOKENS), draw("mask"), self.mask_rate, self.vocabulary.k)
        kmers = range(len(SPECIAL_TOKENS), self.vocabulary.size)
        masked = corrupt(ids_L, chosen_L, draw("fate of masked"), mask_id=MASK, random_ids=kmers)
        return {
            "ids": ids_L,
            "masked_ids": masked.ids_L,
            "labels": masked.labels_L,
            "token_mask": torch.ones(len(ids_L), dtype=torch.bool),
            "segments": segments_L,
            "next_label": int(second == row),
        }

    def follows(self, row: int, draw: Draw) -> bool:
        """Whether B follows A in the sample that `make` would make."""
        return self._second(row, draw("next segment"), chance(self.reverse_complement, draw("strand"))) == row

    def _second(self, row: int, generator: torch.Generator, reverse: bool) -> int:
        """The row whose second half is B: its own, if B follows A."""
        if chance(0.5, generator):
            return row
        others = self.alike(row, reverse)
        return int(others[pick(len(others), generator)]) if len(others) else row

    def alike(self, row: int, reverse: bool) -> Integers:
        """The rows that may give a false second half to this one."""
        loci, half = self.loci, int(not reverse)  # on the other strand, the first half is read last
        order, own = loci.by_gc[half][loci.type_N[row]], loci.gc_N2[row, half]
        first = np.searchsorted(order.shares, own - self.gc_tolerance, side="left")
        rows = order.rows[first : np.searchsorted(order.shares, own + self.gc_tolerance, side="right")]
        elsewhere = loci.chromosome_N[rows] != loci.chromosome_N[row]
        found: Integers = rows[elsewhere | (np.abs(loci.start_N[rows] - loci.start_N[row]) >= 2 * self.segment)]
        return found

    def has_false_second(self, row: int) -> bool:
        """Whether there is one on either strand."""
        return any(len(self.alike(row, reverse)) for reverse in (False, True))

    def _half(self, row: int, half: int, reverse: bool) -> list[int]:
        """Ids of one half of a window, in the direction of reading."""
        start = int(self.loci.start_N[row]) + self.segment * (half ^ int(reverse))
        codes = self.genome.fetch(self.chromosomes[self.loci.chromosome_N[row]], start, start + self.segment)
        letters = LETTERS[reverse_complement(codes) if reverse else codes]
        ids: list[int] = self.vocabulary.encode(letters).tolist()
        return ids
