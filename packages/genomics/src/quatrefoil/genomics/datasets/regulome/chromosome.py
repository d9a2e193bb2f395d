"""One chromosome: background, gaps, genes, elements and islands; where each element is open; the peaks.

Legend: L bases, E elements, C cell types.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np

from quatrefoil.genomics.datasets.regulome.background import draw_background
from quatrefoil.genomics.datasets.regulome.elements import Builder, Element, plant
from quatrefoil.genomics.datasets.regulome.genes import ISLAND_GC, Gene, block_length, compose, draw_exons, write_gene
from quatrefoil.genomics.datasets.regulome.world import CELL_TYPES, CHROMOSOMES, Bools, Size, stream
from quatrefoil.genomics.sequence.kmers import Bytes

MISSED: Final = 0.05  # share of the open elements of a cell type that have no peak
SPURIOUS: Final = 0.05  # peaks for no reason, as a share of the true ones
_DECK: Final = ("gene",) * 2 + ("element",) * 7 + ("island",)
_GAP_AFTER_DECK: Final = 0.2
_SPACES, _ISLANDS, _GAPS = (150, 900), (400, 900), (200, 2_000)
_ELEMENT_ROOM = 500
_LARGEST, _STEP = 1.27, 0.06  # chromosomes grow shorter by number, as ours do; the mean is 1


class Peak(NamedTuple):
    """A peak of one cell type: half-open interval, summit as a distance from its start, fold of enrichment."""

    start: int
    end: int
    summit: int
    signal: float


@dataclass(frozen=True)
class Chromosome:
    """A chromosome and everything that is true of it.

    Args:
        open_EC: in which cell types each element is open by the grammar, before the noise of the peaks.
        peaks: for each cell type, in order.
    """

    name: str
    letters_L: Bytes
    genes: tuple[Gene, ...]
    elements: tuple[Element, ...]
    open_EC: Bools
    peaks: tuple[tuple[Peak, ...], ...]

    @cached_property
    def unknown_L(self) -> Bools:
        """Where the sequence is N."""
        unknown_L: Bools = self.letters_L == ord("N")
        return unknown_L


def draw_chromosome(seed: int, size: Size, builder: Builder, name: str) -> Chromosome:
    """A chromosome, from its name alone: no other one is needed for it."""
    length = round(size.bases * (_LARGEST - _STEP * CHROMOSOMES.index(name)))
    letters_L = draw_background(seed, name, length)
    genes, elements = _fill(letters_L, builder, stream(seed, name, "blocks"))
    end = size.bases // 500
    letters_L[:end] = letters_L[-end:] = ord("N")
    open_EC = np.array([builder.grammar.open_in(element.sites) for element in elements])
    peaks = _call_peaks(elements, open_EC, length, stream(seed, name, "peaks"))
    return Chromosome(name, letters_L, tuple(genes), tuple(elements), open_EC, peaks)


def _fill(letters_L: Bytes, builder: Builder, rng: np.random.Generator) -> tuple[list[Gene], list[Element]]:
    """Write blocks from left to right until the next one might not fit."""
    genes: list[Gene] = []
    elements: list[Element] = []
    at = len(letters_L) // 50
    for block in _blocks(rng):
        exons = draw_exons(rng)
        room = {"gene": block_length(exons), "element": _ELEMENT_ROOM, "island": _ISLANDS[1], "gap": _GAPS[1]}[block]
        if at + room > 0.98 * len(letters_L):
            break
        if block == "gene":
            # Classes take turns, so that every chromosome has both.
            gene, promoter = write_gene(letters_L, at, exons, len(genes) % 2 == 0, builder, rng)
            genes.append(gene)
            elements.append(promoter)
            at += room
        elif block == "element":
            elements.append(builder.draw_element(at, rng))
            plant(letters_L, elements[-1].sites, builder.motifs, rng)
            at = elements[-1].end
        else:
            at = _write_plain(letters_L, at, block, rng)
        at += int(rng.integers(*_SPACES))
    return genes, elements


def _blocks(rng: np.random.Generator) -> Iterator[str]:
    while True:
        yield from rng.permutation(_DECK).tolist()
        if rng.random() < _GAP_AFTER_DECK:
            yield "gap"


def _write_plain(letters_L: Bytes, at: int, block: str, rng: np.random.Generator) -> int:
    """A CpG island without a gene (so that an island is no proof of a promoter), or a stretch of N; returns its end."""
    end = at + int(rng.integers(*(_ISLANDS if block == "island" else _GAPS)))
    if block == "island":
        compose(letters_L[at:end], rng.uniform(*ISLAND_GC), 1.0, rng)
    else:
        letters_L[at:end] = ord("N")
    return end


def _call_peaks(
    elements: list[Element], open_EC: Bools, length: int, rng: np.random.Generator
) -> tuple[tuple[Peak, ...], ...]:
    """The peaks of each cell type, as a caller finds them: some missed, some spurious, ends that vary."""
    called = []
    for open_E in open_EC.T:
        seen_E = open_E & (rng.random(len(open_E)) >= MISSED)
        peaks = [_draw_peak(elements[i].start, elements[i].end, 6.0, length, rng) for i in np.flatnonzero(seen_E)]
        starts = rng.integers(length // 50, length - length // 50, rng.binomial(len(peaks), SPURIOUS))
        peaks += [_draw_peak(start, start + 250, 3.0, length, rng) for start in starts.tolist()]
        called.append(tuple(sorted(peaks)))
    assert len(called) == len(CELL_TYPES)
    return tuple(called)


def _draw_peak(start: int, end: int, fold: float, length: int, rng: np.random.Generator) -> Peak:
    before, after = rng.integers(-25, 26, 2).tolist()
    start, end = max(0, start + before), min(length, end + after)
    summit = int(np.clip((end - start) / 2 + rng.normal(0, 15), 0, end - start - 1))
    return Peak(start, end, summit, round(float(fold * rng.lognormal(0, 0.5)), 5))
