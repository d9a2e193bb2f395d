"""The regions of a sample: a window of consecutive peaks to which its sequence belongs, or one of three other kinds.

Legend: M motifs, R regions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from quatrefoil.core.masking import choose_patches
from quatrefoil.genomics.datasets.pretraining.config import HiddenCells
from quatrefoil.genomics.datasets.pretraining.draws import Draw, chance, pick, pick_weighted
from quatrefoil.genomics.datasets.pretraining.fields import MATCH_KINDS
from quatrefoil.genomics.datasets.pretraining.loci import Loci, Span, TypePeaks

if TYPE_CHECKING:  # its store is an extra
    from quatrefoil.genomics.regions.store import RegionMatrix

OTHER_CHROMOSOME, ELSEWHERE, OTHER_CELL_TYPE = range(1, len(MATCH_KINDS))


class Window(NamedTuple):
    """Consecutive peaks of the cell type with this number, and what they are to the sequence (see `MATCH_KINDS`)."""

    kind: int
    type: int
    peaks: Span


class Locus(NamedTuple):
    """The peak of a sequence: its cell type, and the peaks of that type that touch its window (its own among them)."""

    type: int
    peak: int
    chromosome: str
    start: int
    end: int
    touching: Span


@dataclass(frozen=True, eq=False)
class RegionPairs:
    """Makes `REGION_FIELDS`. In half of the samples the window holds the sequence's own peak (`match_label` 1).

    Else, in equal parts, it is one of the same cell type on another chromosome; one of the same cell type and
    chromosome without any peak that touches the sequence; or one of another cell type about the same place, in which
    nothing touches the sequence: it is closed there. A kind that a peak cannot have (it is open in every cell type,
    say) gives its share to the others; a peak that can have none is always positive (`lacking` tells which, the module
    counts them). All come from one split.

    Regions alone, without the sequence, should say little of the label: negatives are drawn about an anchor, as
    positives are about their peak, and other cell types in proportion to their peaks. A column that is taken out leaves
    a hole, so negatives get holes as often and as wide.

    Args:
        types: cell types of the split.
        count: R; fewer where a chromosome has fewer peaks.
        drop_own: chance that the columns of the peaks that touch the sequence are set to zero, so that it cannot be
            matched by counting motifs.
        hidden: cells that are hidden for those objectives that restore them, if any.
    """

    matrix: "RegionMatrix"
    loci: Loci
    types: Sequence[TypePeaks]
    chromosomes: tuple[str, ...]
    length: int
    count: int
    drop_own: float
    hidden: HiddenCells | None

    def make(self, row: int, draw: Draw) -> dict[str, Tensor | int]:
        """The fields of one locus but `own_column`: `matrix` (M, R) in [0, 1], `region_mask` (R,), `hidden_cells` of
        the plan's grid."""
        window = self.window(row, draw)
        matrix_MR = self.matrix.window(self.types[window.type].name, window.peaks.first, window.peaks.size)
        if chance(self.drop_own, draw("own column")):
            matrix_MR[:, slice(*self._hole(self.locus(row), window, draw("hole")))] = 0.0
        return {
            "matrix": torch.from_numpy(matrix_MR),
            "region_mask": torch.ones(window.peaks.size, dtype=torch.bool),
            "match_label": int(window.kind == 0),
            "match_kind": window.kind,
            **({} if self.hidden is None else {"hidden_cells": hide(self.hidden, draw("hidden cells"))}),
        }

    def own_column(self, row: int) -> Tensor:
        """The column (M,) of the sequence's own peak, whatever window stands beside it."""
        locus = self.locus(row)
        own_M1 = self.matrix.window(self.types[locus.type].name, locus.peak, 1)
        return torch.from_numpy(own_M1[:, 0])

    def locus(self, row: int) -> Locus:
        """The peak of a row; its stretch covers window and peak."""
        loci = self.loci
        columns = loci.type_N, loci.peak_N, loci.chromosome_N, loci.start_N
        number, peak, place, start = (int(column_N[row]) for column_N in columns)
        own, chromosome = self.types[number], self.chromosomes[place]
        stretch = min(start, int(own.start_P[peak])), max(start + self.length, int(own.end_P[peak]))
        return Locus(number, peak, chromosome, *stretch, own.touching(chromosome, *stretch))

    def _hole(self, locus: Locus, window: Window, generator: torch.Generator) -> Span:
        """The columns to take out: those that touch the sequence, or as many anywhere."""
        first, size = window.peaks.first, window.peaks.size
        if window.kind == 0:
            return Span(max(0, locus.touching.first - first), min(size, locus.touching.last - first))
        width = min(size, locus.touching.size)
        start = pick(size - width + 1, generator)
        return Span(start, start + width)

    def window(self, row: int, draw: Draw) -> Window:
        """The window of regions that `make` would read."""
        locus, generator = self.locus(row), draw("regions")
        if chance(0.5, generator):
            return self._own(locus, generator)
        for kind in (1 + torch.randperm(len(MATCH_KINDS) - 1, generator=generator)).tolist():
            if (window := self._negative(kind, locus, generator)) is not None:
                return window
        return self._own(locus, generator)

    def lacking(self, row: int) -> list[int]:
        """The kinds of negatives that a row cannot have."""
        locus, any_draw = self.locus(row), torch.Generator()
        return [kind for kind in range(1, len(MATCH_KINDS)) if self._negative(kind, locus, any_draw) is None]

    def has_negative(self, row: int) -> bool:
        """Whether there is one of any kind."""
        return len(self.lacking(row)) < len(MATCH_KINDS) - 1

    def _own(self, locus: Locus, generator: torch.Generator) -> Window:
        span = self.types[locus.type].spans[locus.chromosome]
        return Window(0, locus.type, self._about(locus.peak, span, generator))

    def _negative(self, kind: int, locus: Locus, generator: torch.Generator) -> Window | None:
        """One of this kind, or None where there is none."""
        if kind == OTHER_CHROMOSOME:
            return self._other_chromosome(locus, generator)
        return self._elsewhere(locus, generator) if kind == ELSEWHERE else self._other_type(locus, generator)

    def _other_chromosome(self, locus: Locus, generator: torch.Generator) -> Window | None:
        others = [span for name, span in self.types[locus.type].spans.items() if name != locus.chromosome]
        if not others:
            return None
        span = others[pick_weighted(torch.tensor([span.size for span in others]), generator)]
        anchor = span.first + pick(span.size, generator)
        return Window(OTHER_CHROMOSOME, locus.type, self._about(anchor, span, generator))

    def _elsewhere(self, locus: Locus, generator: torch.Generator) -> Window | None:
        """Windows that hold no touching peak, each as likely as it is about a peak that is drawn evenly."""
        span = self.types[locus.type].spans[locus.chromosome]
        weights_S = window_weights(span.size, self.count)
        starts_S = span.first + torch.arange(len(weights_S))
        apart_S = (starts_S + min(self.count, span.size) <= locus.touching.first) | (starts_S >= locus.touching.last)
        if not apart_S.any():
            return None
        first = span.first + pick_weighted(weights_S * apart_S, generator)
        return Window(ELSEWHERE, locus.type, Span(first, first + self.count))

    def _other_type(self, locus: Locus, generator: torch.Generator) -> Window | None:
        gaps = {
            number: gap
            for number, other in enumerate(self.types)
            if number != locus.type
            and locus.chromosome in other.spans
            and not (gap := other.touching(locus.chromosome, locus.start, locus.end)).size
        }
        if not gaps:
            return None
        number = list(gaps)[pick_weighted(torch.tensor([self.types[other].total for other in gaps]), generator)]
        span = self.types[number].spans[locus.chromosome]
        anchor = min(gaps[number].first, span.last - 1)
        return Window(OTHER_CELL_TYPE, number, self._about(anchor, span, generator))

    def _about(self, anchor: int, span: Span, generator: torch.Generator) -> Span:
        """R peaks, the anchor among them at a place drawn evenly, as far as the chromosome allows."""
        size = min(self.count, span.size)
        earliest, latest = max(span.first, anchor - size + 1), min(anchor, span.last - size)
        first = earliest + pick(latest - earliest + 1, generator)
        return Span(first, first + size)


def hide(cells: HiddenCells, generator: torch.Generator) -> Tensor:
    """Boolean, True = hidden: as many cells in every sample, wherever they lie."""
    rows, columns = cells.grid
    hidden_C = torch.zeros(rows * columns, dtype=torch.bool)
    hidden_C[choose_patches(rows * columns, generator, cells.rate)] = True
    return hidden_C.view(rows, columns)


def window_weights(peaks: int, count: int) -> Tensor:
    """How likely each first peak (S,) of a window is when the anchor is drawn evenly, and then its place in the window.

    Not all alike: a window at the end of a chromosome is the only one about several anchors.
    """
    size = min(peaks, count)
    anchor_P = np.arange(peaks)
    ways_P = np.minimum(anchor_P, peaks - size) - np.maximum(0, anchor_P - size + 1) + 1
    running = np.concatenate([[0.0], np.cumsum(1 / ways_P)])
    return torch.from_numpy(running[size:] - running[:-size])
