"""Genes: promoters of two classes, exons, introns and their splice signals, written in the direction of the transcript.

The consensus sequences of the signals are the textbook's; their strengths and shares are our choice.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from quatrefoil.genomics.datasets.regulome.elements import PROMOTER_KINDS, Builder, Element, flip, plant, shift
from quatrefoil.genomics.datasets.regulome.grammar import Site
from quatrefoil.genomics.datasets.regulome.motifs import Motif, consensus_motif
from quatrefoil.genomics.datasets.regulome.world import letters_of, other_strand
from quatrefoil.genomics.sequence.kmers import Bytes

UPSTREAM: Final = 300  # bases before the start of the transcript that belong to the gene's block
ISLAND_GC: Final = (0.60, 0.70)

TATA: Final = consensus_motif("TATA", "TATAWAWR")
INITIATOR: Final = consensus_motif("Inr", "YYANWYY")
DOWNSTREAM: Final = consensus_motif("DPE", "RGWYV")
DONOR: Final = consensus_motif("donor", "MAGGTRAGT", 0.8)
ACCEPTOR: Final = consensus_motif("acceptor", "YYYYYYYYYYYYNYAGG", 0.8)
BRANCH: Final = consensus_motif("branch", "YNYTRAC", 0.85)
DONOR_CUT, ACCEPTOR_CUT = 3, 16  # bases of the motif that lie before the cut
CORE_AT: Final = {TATA.name: -31, INITIATOR.name: -2, DOWNSTREAM.name: 27}
"""Where the core motifs begin, counted from the first base of the transcript as 0."""
CORE_ODDS: Final = {True: {TATA.name: 1.0, INITIATOR.name: 0.8, DOWNSTREAM.name: 0.2},
                    False: {TATA.name: 0.0, INITIATOR.name: 0.6, DOWNSTREAM.name: 0.5}}  # fmt: skip
ISLAND_ODDS: Final = {True: 0.15, False: 0.75}
CORE_JITTER: Final = {TATA.name: 2, INITIATOR.name: 0, DOWNSTREAM.name: 0}
_CORE = (TATA, INITIATOR, DOWNSTREAM)
_EXONS, _FIRST_EXON, _EXON, _INTRON = (3, 7), (150, 300), (90, 180), (120, 600)
_EXON_GC, _EXON_SHARE = 0.6, 0.3
_SITES_FROM = (60, 140)  # where in the block the first site of the promoter may begin


@dataclass(frozen=True)
class Gene:
    """A gene on the chromosome.

    Args:
        start, end: of the transcript, half-open.
        strand: +1 or -1.
        tata: whether the promoter is of the TATA class.
        island: whether a CpG island lies over it.
        core: its core motifs, as (name, start, end).
        exons: half-open intervals in the order of the chromosome.
    """

    start: int
    end: int
    strand: int
    tata: bool
    island: bool
    core: tuple[tuple[str, int, int], ...]
    exons: tuple[tuple[int, int], ...]

    @property
    def transcript_start(self) -> int:
        """The first transcribed base."""
        return self.start if self.strand > 0 else self.end - 1

    def cuts(self) -> tuple[list[int], list[int]]:
        """Donor and acceptor cuts: between which bases (`cut - 1` and `cut`) an intron begins and ends."""
        inner_ends = [end for _, end in self.exons[:-1]]
        inner_starts = [start for start, _ in self.exons[1:]]
        return (inner_ends, inner_starts) if self.strand > 0 else (inner_starts, inner_ends)


def draw_exons(rng: np.random.Generator) -> list[tuple[int, int]]:
    """Exons counted from the start of the transcript."""
    exons = [(0, int(rng.integers(*_FIRST_EXON)))]
    for _ in range(int(rng.integers(*_EXONS)) - 1):
        start = exons[-1][1] + int(rng.integers(*_INTRON))
        exons.append((start, start + int(rng.integers(*_EXON))))
    return exons


def write_gene(
    letters_L: Bytes, at: int, exons: list[tuple[int, int]], tata: bool, builder: Builder, rng: np.random.Generator
) -> tuple[Gene, Element]:
    """Write a gene over the block at `at`, which is `block_length(exons)` long; returns it and its promoter."""
    length, forward = block_length(exons), bool(rng.random() < 0.5)
    block = letters_L[at : at + length] if forward else other_strand(letters_L[at : at + length]).copy()
    island = bool(rng.random() < ISLAND_ODDS[tata])
    if island:
        compose(block[60:450], rng.uniform(*ISLAND_GC), 1.0, rng)
    _write_exons(block[UPSTREAM:], exons, rng)
    core = _write_core(block, tata, rng)
    kind, sites = _draw_promoter(builder, rng)
    plant(block, sites, builder.motifs, rng)
    letters_L[at : at + length] = block if forward else other_strand(block)

    def place(start: int, end: int) -> tuple[int, int]:
        return (at + start, at + end) if forward else (at + length - end, at + length - start)

    transcript = place(UPSTREAM, UPSTREAM + exons[-1][1])
    placed = sorted(place(UPSTREAM + start, UPSTREAM + end) for start, end in exons)
    marks = tuple((motif.name, *place(start, start + motif.width)) for motif, start in core)
    gene = Gene(*transcript, 1 if forward else -1, tata, island, marks, tuple(placed))
    ours = shift(sites if forward else flip(sites, length), at)
    return gene, Element(*place(50, UPSTREAM + 50), kind, True, tuple(ours))


def block_length(exons: list[tuple[int, int]]) -> int:
    """Bases from the far end of the promoter to the end of the transcript."""
    return UPSTREAM + exons[-1][1]


def compose(letters_L: Bytes, gc: float, share: float, rng: np.random.Generator) -> None:
    """Draw a share of the bases anew, each on its own, with a share `gc` of G and C: no CpG is missing there."""
    fresh = rng.random(len(letters_L)) < share
    odds = ((1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2)
    letters_L[fresh] = letters_of(rng.choice(4, int(fresh.sum()), p=odds))


def _write_exons(transcript: Bytes, exons: list[tuple[int, int]], rng: np.random.Generator) -> None:
    for start, end in exons:
        compose(transcript[start:end], _EXON_GC, _EXON_SHARE, rng)
    for (_, donor), (acceptor, _) in pairwise(exons):
        _write(transcript, DONOR, donor - DONOR_CUT, rng)
        transcript[donor : donor + 2] = np.frombuffer(b"GT", np.uint8)
        _write(transcript, BRANCH, acceptor - ACCEPTOR_CUT - BRANCH.width - int(rng.integers(0, 10)), rng)
        _write(transcript, ACCEPTOR, acceptor - ACCEPTOR_CUT, rng)
        transcript[acceptor - 2 : acceptor] = np.frombuffer(b"AG", np.uint8)


def _write_core(block: Bytes, tata: bool, rng: np.random.Generator) -> list[tuple[Motif, int]]:
    """The core motifs that this promoter has, and where they begin in the block."""
    written = []
    for motif in _CORE:
        jitter = int(rng.integers(-CORE_JITTER[motif.name], CORE_JITTER[motif.name] + 1))
        if rng.random() < CORE_ODDS[tata][motif.name]:
            start = UPSTREAM + CORE_AT[motif.name] + jitter
            _write(block, motif, start, rng)
            written.append((motif, start))
    return written


def _draw_promoter(builder: Builder, rng: np.random.Generator) -> tuple[str, list[Site]]:
    kind = str(rng.choice(list(PROMOTER_KINDS), p=list(PROMOTER_KINDS.values())))
    return kind, shift(builder.draw_sites(kind, rng), int(rng.integers(*_SITES_FROM)))


def _write(letters_L: Bytes, motif: Motif, start: int, rng: np.random.Generator) -> None:
    letters_L[start : start + motif.width] = letters_of(motif.sample(rng))
