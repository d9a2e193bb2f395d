"""Where the windows of pre-training lie: one for every peak of every cell type of a split.

Legend: N loci (windows) of a split, P peaks of a cell type.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from quatrefoil.genomics.regions.hits import Integers
from quatrefoil.genomics.sequence.codes import UNKNOWN
from quatrefoil.genomics.sequence.fasta import Genome

if TYPE_CHECKING:  # what reads peaks is an extra
    from quatrefoil.genomics.regions.peaks import Peaks

Shares: TypeAlias = npt.NDArray[np.float32]
_C, _G = 1, 2  # codes of the bases that make GC content


class Span(NamedTuple):
    """Peaks `first` to `last` - 1 of a cell type."""

    first: int
    last: int

    @property
    def size(self) -> int:
        return max(0, self.last - self.first)


class GcOrder(NamedTuple):
    """Rows by a share of G and C, and these shares."""

    rows: Integers
    shares: Shares


@dataclass(frozen=True, eq=False)
class TypePeaks:
    """The peaks of one cell type on the chromosomes of a split; peaks elsewhere cannot be asked for.

    Attributes:
        name: of the cell type.
        start_P, end_P: of all of its peaks, in the order of the stored matrix.
        reach_P: the furthest end of the peaks of a chromosome up to each one.
        spans: chromosome -> its peaks, for those of the split that have any.
    """

    name: str
    start_P: Integers
    end_P: Integers
    reach_P: Integers
    spans: Mapping[str, Span]

    @classmethod
    def of(cls, name: str, peaks: "Peaks", chromosomes: Sequence[str]) -> Self:
        """From all peaks of a cell type, sorted by chromosome and start."""
        found, first, counts = np.unique(peaks.chromosome, return_index=True, return_counts=True)
        every = {str(c): Span(int(a), int(a + n)) for c, a, n in zip(found, first, counts, strict=True)}
        reach_P = peaks.end.copy()
        for span in every.values():
            reach_P[slice(*span)] = np.maximum.accumulate(reach_P[slice(*span)])
        return cls(name, peaks.start, peaks.end, reach_P, {c: every[c] for c in chromosomes if c in every})

    @property
    def total(self) -> int:
        """Peaks on all chromosomes of the split."""
        return sum(span.size for span in self.spans.values())

    def touching(self, chromosome: str, start: int, end: int) -> Span:
        """The peaks that share a base with a stretch, and any that lie between such; where there are none, an empty
        span at the place where one would stand."""
        span = self.spans[chromosome]
        first = span.first + int(np.searchsorted(self.reach_P[slice(*span)], start, side="right"))
        last = span.first + int(np.searchsorted(self.start_P[slice(*span)], end, side="left"))
        return Span(min(first, last), last)

    def nearest(self, chromosome: str, start: int, end: int) -> int:
        """The peak nearest to a stretch that none touches; of two as near, the first."""
        span, after = self.spans[chromosome], self.touching(chromosome, start, end).first
        beside = [after] if after < span.last else []
        if after > span.first:  # a peak that began earlier may reach further
            reach_P = self.reach_P[span.first : after]
            beside.insert(0, span.first + int(np.searchsorted(reach_P, reach_P[-1])))
        return min(beside, key=lambda peak: max(int(self.start_P[peak]) - end, start - int(self.end_P[peak])))


@dataclass(frozen=True, eq=False)
class Loci:
    """The windows of a split, by cell type, chromosome and place; columns of N.

    Attributes:
        type_N: number of the cell type in the split.
        peak_N: place of the peak among those of its cell type.
        chromosome_N: number of the chromosome in the split.
        start_N: first base of the window.
        gc_N2: share of G and C in its first and second half.
        group_N: windows that share bases, whatever their cell types, are of one group.
        dropped: reason -> how many peaks have no window.
    """

    type_N: Integers
    peak_N: Integers
    chromosome_N: Integers
    start_N: Integers
    gc_N2: Shares
    group_N: Integers
    dropped: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.start_N)

    @property
    def groups(self) -> torch.Tensor:
        return torch.from_numpy(self.group_N)

    @cached_property
    def rows_of_type(self) -> Sequence[Span]:
        """The rows of each cell type."""
        edges = np.searchsorted(self.type_N, np.arange(int(self.type_N.max(initial=-1)) + 2)).tolist()
        return [Span(a, b) for a, b in pairwise(edges)]

    @cached_property
    def by_gc(self) -> Sequence[Sequence[GcOrder]]:
        """For each half and cell type its rows, by the share of G and C in that half."""
        return [[_by_gc(span, self.gc_N2[slice(*span), half]) for span in self.rows_of_type] for half in (0, 1)]


def _by_gc(span: Span, shares: Shares) -> GcOrder:
    order = np.argsort(shares, kind="stable")
    return GcOrder(span.first + order, shares[order])


@dataclass(frozen=True)
class WindowRule:
    """Which peaks have a window: `length` bases about the middle of the peak.

    Windows that leave their chromosome, or in which more than `most_unknown` of the bases are N, are dropped and
    counted.
    """

    length: int
    most_unknown: float


def find_loci(types: Sequence[TypePeaks], chromosomes: Sequence[str], genome: Genome, rule: WindowRule) -> Loci:
    """The windows of all peaks of these cell types on these chromosomes."""
    dropped: Counter[str] = Counter({"leaves its chromosome": 0, "too many N": 0})
    numbered = enumerate(chromosomes)
    parts = [part for place in numbered for part in _on_chromosome(types, place, genome, rule, dropped)]
    empty = np.empty((0, 4), np.int64), np.empty((0, 2), np.float32)
    places_N4, gc_N2 = (np.concatenate(columns) for columns in zip(empty, *parts, strict=True))
    order = np.lexsort((places_N4[:, 1], places_N4[:, 0]))
    type_N, peak_N, chromosome_N, start_N = places_N4[order].T
    group_N = _overlapping_groups(chromosome_N, start_N, rule.length)
    return Loci(type_N, peak_N, chromosome_N, start_N, gc_N2[order], group_N, dict(dropped))


def _on_chromosome(
    types: Sequence[TypePeaks], numbered: tuple[int, str], genome: Genome, rule: WindowRule, dropped: Counter[str]
) -> Iterator[tuple[Integers, Shares]]:
    """(type, peak, chromosome, start) and GC shares of the windows of each cell type on one chromosome."""
    number, name = numbered
    present = [(place, kind) for place, kind in enumerate(types) if name in kind.spans]
    if not present:
        return
    codes = genome.fetch(name, 0, genome.length(name))
    strong, unknown, half = _running(np.isin(codes, (_C, _G))), _running(codes == UNKNOWN), rule.length // 2
    for place, kind in present:
        peak, start = _kept(kind, name, unknown, rule, dropped)
        columns = (np.full(len(peak), place), peak, np.full(len(peak), number), start)
        counts = np.diff(strong[np.stack([start, start + half, start + 2 * half], 1)])
        yield np.stack(columns, 1), (counts / half).astype(np.float32)


def _kept(
    kind: TypePeaks, chromosome: str, unknown: Integers, rule: WindowRule, dropped: Counter[str]
) -> tuple[Integers, Integers]:
    """Peaks of a chromosome that have a window, and its start; the others are counted."""
    peak = np.arange(*kind.spans[chromosome])
    start = (kind.start_P[peak] + kind.end_P[peak]) // 2 - rule.length // 2
    inside = (start >= 0) & (start + rule.length < len(unknown))
    peak, start = peak[inside], start[inside]
    known = unknown[start + rule.length] - unknown[start] <= rule.most_unknown * rule.length
    dropped["leaves its chromosome"] += int((~inside).sum())
    dropped["too many N"] += int((~known).sum())
    return peak[known], start[known]


def _running(marked_L: npt.NDArray[np.bool_]) -> Integers:
    """How many positions are marked before each one, and in all."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(marked_L)])


def _overlapping_groups(chromosome_N: Integers, start_N: Integers, length: int) -> Integers:
    """A number for each set of windows that share bases, also by way of others."""
    order = np.lexsort((start_N, chromosome_N))
    apart = (np.diff(start_N[order]) >= length) | (np.diff(chromosome_N[order]) != 0)
    group_N = np.zeros(len(order), np.int64)
    group_N[order[1:]] = np.cumsum(apart)
    return group_N
