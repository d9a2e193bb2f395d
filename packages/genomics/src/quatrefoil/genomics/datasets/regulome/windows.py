"""Labelled windows of fixed length: promoters, bound sites and splice sites of one chromosome, with their negatives.

Both strands are one sequence here: the chromosome, then its other strand. Chromosomes end in N, so no window without N
crosses the seam, and a place on either strand is one number.

Legend: B windows, L bases of a window, D bases of both strands, S starts of windows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from quatrefoil.genomics.datasets.regulome.chromosome import Chromosome
from quatrefoil.genomics.datasets.regulome.genes import TATA
from quatrefoil.genomics.datasets.regulome.grammar import Grammar, Site
from quatrefoil.genomics.datasets.regulome.motifs import FACTORS, MEMBERS, scan
from quatrefoil.genomics.datasets.regulome.world import ACGT, Bools, codes_of, other_strand, stream, upper_case
from quatrefoil.genomics.sequence.kmers import Bytes, Ids
from quatrefoil.genomics.sequence.negatives import (
    dinucleotide_shuffle,
    gc_matched_starts,
    substitute_parts,
    window_gc,
    windows_without,
)

PROMOTER_WINDOWS: Final = {"300": (-249, 300), "core": (-34, 70)}
"""Where a window begins, counted from the first transcribed base as 0, and its length; -249..+50 and -34..+35."""
NEGATIVES: Final = ("genomic_matched", "dinuc_shuffle", "subst12of20")
CLASSES: Final = {"tata": True, "notata": False}
BOUND_LENGTH: Final = 101
SPLICE_LENGTH: Final = 400
ACCEPTOR_LABEL, DONOR_LABEL, NEITHER_LABEL = range(3)  # as counted in GUE's splice/reconstructed
_TATA_SHARE: Final = 0.6  # of the best possible score: above it a place counts as a TATA motif
_OFF_CENTRE: Final = 30
_FROM_GENE: Final = 500


@dataclass(frozen=True)
class Windows:
    """Letters (B, L), upper case, and labels (B,)."""

    letters_BL: Bytes
    labels_B: Ids

    @staticmethod
    def of(*classes: tuple[int, Bytes]) -> "Windows":
        """Windows from the letters of each label."""
        labels = [np.full(len(letters_BL), label, np.int64) for label, letters_BL in classes]
        return Windows(np.concatenate([letters for _, letters in classes]), np.concatenate(labels))

    @staticmethod
    def join(parts: Sequence["Windows"], rng: np.random.Generator) -> "Windows":
        """All of them, in random order."""
        letters_BL = np.concatenate([part.letters_BL for part in parts])
        order_B = rng.permutation(len(letters_BL))
        return Windows(letters_BL[order_B], np.concatenate([part.labels_B for part in parts])[order_B])


class BothStrands:
    """A chromosome and its other strand as one sequence of upper-case letters."""

    def __init__(self, chromosome: Chromosome) -> None:
        upper_L = upper_case(chromosome.letters_L)
        self.letters_D: Bytes = np.concatenate([upper_L, other_strand(upper_L)])
        self.unknown_D: Bools = ~np.isin(self.letters_D, ACGT)

    def start(self, start: int, end: int, strand: int) -> int:
        """Where an interval of the chromosome begins when it is read on a strand."""
        return start if strand > 0 else len(self.letters_D) - end

    def marked(self, intervals: Sequence[tuple[int, int]]) -> Bools:
        """Intervals of the chromosome, marked on both strands."""
        mask = np.zeros(len(self.letters_D) // 2, np.bool_)
        for start, end in intervals:
            mask[max(0, start) : end] = True
        return np.concatenate([mask, mask[::-1]])

    def windows(self, starts_B: Ids | Sequence[int], length: int) -> Bytes:
        """The letters (B, L) of windows, those with N left out."""
        places_BL = np.asarray(starts_B, np.int64)[:, None] + np.arange(length)
        letters_BL: Bytes = self.letters_D[places_BL[~self.unknown_D[places_BL].any(1)]]
        return letters_BL

    def matched(self, positives_BL: Bytes, allowed_S: Bools, rng: np.random.Generator, tolerance: float) -> Bytes:
        """For each positive a window with its share of G and C, give or take, among those allowed and without N."""
        length = positives_BL.shape[1]
        wanted_B = np.isin(positives_BL, np.frombuffer(b"GC", np.uint8)).sum(1)
        allowed_S = allowed_S & windows_without(self.unknown_D, length)
        most = int(np.ceil(tolerance * length))
        return self.windows(
            gc_matched_starts(window_gc(self.letters_D, length), allowed_S, wanted_B, rng, most), length
        )


def factors_with_windows(grammar: Grammar, count: int) -> list[int]:
    """The factors with most sites, by their odds of being planted."""
    odds_F = np.where(grammar.repressor_F, 0, grammar.usage_F) * np.where(grammar.common_F, 3, 1)
    return [int(factor) for factor in np.argsort(-odds_F)[:count]]


def draw_windows(
    chromosome: Chromosome, factors: Sequence[int], grammar: Grammar, tolerance: float, seed: int
) -> dict[str, Windows]:
    """Task -> the windows of one chromosome. Tasks have the folders of the real sets for names."""
    both, rng = BothStrands(chromosome), stream(seed, chromosome.name, "windows")
    sets = _promoters(chromosome, both, rng, tolerance)
    for factor in factors:
        sets[f"tfbs/{FACTORS[factor]}"] = _bound(chromosome, both, factor, grammar, rng, tolerance)
    return {**sets, "splice/regulome": _splice(chromosome, both, rng)}


def _promoters(
    chromosome: Chromosome, both: BothStrands, rng: np.random.Generator, tolerance: float
) -> dict[str, Windows]:
    near_D = both.marked([(g.transcript_start - _FROM_GENE, g.transcript_start + _FROM_GENE) for g in chromosome.genes])
    tata_D = _tata_places(both)
    sets = {}
    for name, (first, length) in PROMOTER_WINDOWS.items():
        far_S, with_tata_S = windows_without(near_D, length), ~windows_without(tata_D, length - TATA.width + 1)
        for kind, tata in CLASSES.items():
            genes = [gene for gene in chromosome.genes if gene.tata == tata]
            starts = [both.start(g.transcript_start, g.transcript_start + 1, g.strand) + first for g in genes]
            positives = both.windows(starts, length)
            allowed_S = far_S & with_tata_S[: len(far_S)] if tata else far_S
            negatives = {
                "genomic_matched": both.matched(positives, allowed_S, rng, tolerance),
                "dinuc_shuffle": dinucleotide_shuffle(positives, rng),
                "subst12of20": substitute_parts(positives, rng),
            }
            for rule in NEGATIVES:
                sets[f"prom/{rule}/prom_{name}_{kind}"] = Windows.of((1, positives), (0, negatives[rule]))
    return sets


def _tata_places(both: BothStrands) -> Bools:
    """Where a TATA motif begins, on both strands (D,)."""
    odds = TATA.log_odds_W4
    scores = scan(codes_of(both.letters_D)[None], odds)[0]
    found = np.flatnonzero(scores >= _TATA_SHARE * odds.max(1).sum())
    return np.isin(np.arange(len(both.letters_D)), found)


def _bound(
    chromosome: Chromosome,
    both: BothStrands,
    factor: int,
    grammar: Grammar,
    rng: np.random.Generator,
    tolerance: float,
) -> Windows:
    """Bound: sites in elements that are open where the factor is active. Unbound: half around sites of factors with a
    similar matrix, as far as there are any, the others genomic; none of them near a site of the factor."""
    own = [site for element in chromosome.elements for site in element.sites if site.factor == factor]
    bound = [
        site
        for element, open_C in zip(chromosome.elements, chromosome.open_EC, strict=True)
        for site in element.sites
        if site.factor == factor and (open_C & grammar.active_CF[:, factor]).any()
    ]
    positives = both.windows(_around(bound, both, rng), BOUND_LENGTH)
    away_S = windows_without(both.marked([(site.start, site.end) for site in own]), BOUND_LENGTH)
    kin = [s for e in chromosome.elements for s in e.sites if s.factor != factor and _alike(s.factor, factor)]
    starts = [start for start in _around(kin, both, rng) if away_S[start]][: len(positives) // 2]
    confusing = both.windows(starts, BOUND_LENGTH)
    genomic = both.matched(positives[len(confusing) :], away_S, rng, tolerance)
    return Windows.of((1, positives), (0, confusing), (0, genomic))


def _alike(factor: int, other: int) -> bool:
    return factor // MEMBERS == other // MEMBERS


def _around(sites: Sequence[Site], both: BothStrands, rng: np.random.Generator) -> list[int]:
    """Starts of windows on a random strand that hold the sites, not quite in their middle."""
    starts = []
    for site in sites:
        start = (site.start + site.end - BOUND_LENGTH) // 2 + int(rng.integers(-_OFF_CENTRE, _OFF_CENTRE + 1))
        starts.append(both.start(start, start + BOUND_LENGTH, 1 if rng.random() < 0.5 else -1))
    return starts


def _splice(chromosome: Chromosome, both: BothStrands, rng: np.random.Generator) -> Windows:
    """One donor and one acceptor of every gene, the cut in the middle, and as many places with a GT or an AG there that
    are no splice sites: half of them in transcripts, half anywhere."""
    cuts = np.zeros(len(both.letters_D), np.bool_)
    donors: list[int] = []
    acceptors: list[int] = []
    for gene in chromosome.genes:
        for chosen, places in zip((donors, acceptors), gene.cuts(), strict=True):
            on_strand = [both.start(cut, cut, gene.strand) for cut in places]
            cuts[on_strand] = True
            chosen.append(on_strand[int(rng.integers(len(on_strand)))])
    inside_D = both.marked([(gene.start, gene.end) for gene in chromosome.genes])
    like_donor = _decoys(both, b"GT", 0, cuts, inside_D, len(donors), rng)
    like_acceptor = _decoys(both, b"AG", 2, cuts, inside_D, len(acceptors), rng)
    windows = [
        both.windows(np.asarray(places, np.int64) - SPLICE_LENGTH // 2, SPLICE_LENGTH)
        for places in (acceptors, donors, [*like_donor, *like_acceptor])
    ]
    return Windows.of(*zip((ACCEPTOR_LABEL, DONOR_LABEL, NEITHER_LABEL), windows, strict=True))


def _decoys(
    both: BothStrands,
    letters: bytes,
    before: int,
    cuts_D: Bools,
    inside_D: Bools,
    count: int,
    rng: np.random.Generator,
) -> list[int]:
    """Places that are no cut but have these two letters, `before` bases after the first of them."""
    first, second = letters
    found = np.flatnonzero((both.letters_D[:-1] == first) & (both.letters_D[1:] == second)) + before
    half = SPLICE_LENGTH // 2
    found = found[(found >= half) & (found <= len(cuts_D) - half)]
    found = found[windows_without(both.unknown_D, SPLICE_LENGTH)[found - half] & ~cuts_D[found]]
    inside = rng.choice(found[inside_D[found]], count // 2, replace=False)
    return [*inside.tolist(), *rng.choice(np.setdiff1d(found, inside), count - len(inside), replace=False).tolist()]
