"""What Regulome is made of: matrices, rules and sequences, each held to what it says of itself."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from quatrefoil.genomics.datasets.regulome.background import draw_background
from quatrefoil.genomics.datasets.regulome.chromosome import draw_chromosome
from quatrefoil.genomics.datasets.regulome.elements import KINDS, PROMOTER_KINDS, Builder, flip, plant, shift
from quatrefoil.genomics.datasets.regulome.genes import block_length, draw_exons, write_gene
from quatrefoil.genomics.datasets.regulome.grammar import Grammar, Site, draw_grammar
from quatrefoil.genomics.datasets.regulome.motifs import FACTORS, MEMBERS, Motif, draw_motifs, scan
from quatrefoil.genomics.datasets.regulome.openness import openness_bounds
from quatrefoil.genomics.datasets.regulome.world import CELL_TYPES, CHROMOSOMES_OF, Size, codes_of, other_strand
from quatrefoil.genomics.sequence.kmers import reverse_complement

MOTIFS = draw_motifs(0)
GRAMMAR = draw_grammar(0)
BUILDER = Builder(GRAMMAR, MOTIFS)


def likeness(a: Motif, b: Motif) -> float:
    """The best mean product of columns over shifts without gaps, at least eight columns long."""
    p, q = a.probabilities_W4, b.probabilities_W4
    shifts = range(8 - len(q), len(p) - 7)
    pairs = ((p[max(0, s) :], q[max(0, -s) :]) for s in shifts)
    return max(float((x[: len(y)] * y[: len(x)]).sum() / max(len(p), len(q))) for x, y in pairs)


def test_matrices_of_a_family_are_alike_and_others_are_not() -> None:
    within, between = [], []
    for i, j in combinations(range(len(FACTORS)), 2):
        (within if i // MEMBERS == j // MEMBERS else between).append(likeness(MOTIFS[i], MOTIFS[j]))
    assert np.mean(within) > 1.5 * np.mean(between)


def test_sites_are_drawn_from_their_matrix() -> None:
    motif, rng = MOTIFS[0], np.random.default_rng(0)
    drawn = np.stack([motif.sample(rng) for _ in range(4_000)])
    shares_W4 = np.stack([(drawn == base).mean(0) for base in range(4)], axis=1)
    spread_W4 = np.sqrt(motif.probabilities_W4 * (1 - motif.probabilities_W4) / 4_000)
    assert (np.abs(shares_W4 - motif.probabilities_W4) < 5 * spread_W4).all()


def test_a_scan_finds_the_consensus_where_it_was_written() -> None:
    motif = MOTIFS[7]
    codes = np.zeros((1, 80), np.uint8)
    codes[0, 33 : 33 + motif.width] = motif.counts_W4.argmax(1)
    scores = scan(codes, motif.log_odds_W4)[0]
    assert scores.argmax() == 33
    assert scores[33] == pytest.approx(motif.log_odds_W4.max(1).sum(), rel=1e-5)


def test_types_of_one_lineage_share_more_factors() -> None:
    own, other = [], []
    for i, j in combinations(range(len(CELL_TYPES)), 2):
        shared = (GRAMMAR.active_CF[i] & GRAMMAR.active_CF[j]).sum() / (
            GRAMMAR.active_CF[i] | GRAMMAR.active_CF[j]
        ).sum()
        (own if CELL_TYPES[i][:-1] == CELL_TYPES[j][:-1] else other).append(shared)
    assert min(own) > max(other)


def plainly_open(grammar: Grammar, sites: list[Site], cell_type: int) -> bool:
    """The rules of the grammar's first lines, one cell type at a time."""
    active = {f for f in range(len(FACTORS)) if grammar.active_CF[cell_type, f]}
    repressors = set(np.flatnonzero(grammar.repressor_F).tolist())
    present = {site.factor for site in sites} & active
    if present & repressors:
        return False
    for pair in grammar.pairs:
        for a, b in ((a, b) for a in sites for b in sites if (a.factor, b.factor) == (pair.first, pair.second)):
            upstream, downstream = (a, b) if a.strand > 0 else (b, a)
            near = abs(downstream.start - upstream.end - pair.gap) <= 1
            if near and (a.strand == b.strand) == pair.same_strand and {a.factor, b.factor} <= active:
                return True
    return len(present - repressors) >= 3


@pytest.mark.parametrize("kind", [*KINDS, *PROMOTER_KINDS])
def test_openness_follows_the_rules_on_both_strands(kind: str) -> None:
    rng = np.random.default_rng(1)
    for _ in range(40):
        sites = BUILDER.draw_sites(kind, rng)
        plain = [plainly_open(GRAMMAR, sites, c) for c in range(len(CELL_TYPES))]
        assert GRAMMAR.open_in(sites).tolist() == plain
        assert GRAMMAR.open_in(shift(flip(sites, 500), 7)).tolist() == plain


def test_pairs_stand_as_the_grammar_asks_and_broken_ones_do_not() -> None:
    rng = np.random.default_rng(2)
    found = {kind: [bool(list(GRAMMAR.pairs_in(BUILDER.draw_sites(kind, rng)))) for _ in range(200)] for kind in KINDS}
    assert all(found["pair"])
    assert np.mean(found["broken_pair"]) < 0.15  # another pair may stand by chance


def test_planting_on_the_other_strand_is_planting_then_turning() -> None:
    sites = [Site(3, 5, 5 + MOTIFS[3].width, 1), Site(9, 40, 40 + MOTIFS[9].width, -1)]
    blank = np.full(100, ord("A"), np.uint8)
    forward, backward = blank.copy(), other_strand(blank).copy()
    plant(forward, sites, MOTIFS, np.random.default_rng(3))
    # In the order of the first strand, so that each site is given the same bases.
    plant(backward, flip(sites, 100)[::-1], MOTIFS, np.random.default_rng(3))
    assert other_strand(backward).tobytes() == forward.tobytes()


def test_a_gene_has_its_signals_on_either_strand() -> None:
    rng, strands = np.random.default_rng(4), Counter[int]()
    for number in range(30):
        exons = draw_exons(rng)
        letters = np.full(block_length(exons) + 40, ord("C"), np.uint8)
        gene, promoter = write_gene(letters, 20, exons, number % 2 == 0, BUILDER, rng)
        strands[gene.strand] += 1
        text = letters.tobytes().decode()
        assert text[:20] == text[-20:] == "C" * 20
        for cuts, signal, shift_ in zip(gene.cuts(), ("GT", "AG"), (0, -2), strict=True):
            for cut in cuts:
                at = cut if gene.strand > 0 else len(text) - cut
                read = text if gene.strand > 0 else reverse_complement(text)
                assert read[at + shift_ : at + shift_ + 2] == signal
        inside = [promoter.start <= site.start < site.end <= promoter.end for site in promoter.sites]
        assert all(inside)
        assert promoter.start <= gene.transcript_start < promoter.end
        assert ("TATA" in {name for name, *_ in gene.core}) == gene.tata
    assert len(strands) == 2


def test_the_background_has_isochores_repeats_and_few_cpg() -> None:
    letters = draw_background(0, "chr1", 400_000)
    masked = letters >= ord("a")
    assert 0.03 < masked.mean() < 0.1
    codes = codes_of(letters[~masked])
    c_then_g = ((codes[:-1] == 1) & (codes[1:] == 2)).mean()
    assert c_then_g < 0.5 * (codes == 1).mean() * (codes == 2).mean()
    share = np.isin(codes, (1, 2))[: len(codes) // 5_000 * 5_000].reshape(-1, 5_000).mean(1)
    assert np.ptp(share) > 0.08
    assert share.std() > 5 * np.sqrt(0.25 / 5_000)


def test_neighbours_tell_where_a_region_is_open_and_its_sequence_cannot() -> None:
    size = Size(bases=300_000, gc_tolerance=0.1, bound_factors=1, people=10, variants=10)
    test = [draw_chromosome(0, size, BUILDER, name) for name in CHROMOSOMES_OF["test"]]
    found = openness_bounds(test, GRAMMAR)
    assert found["auc/varies"]["sequence"] == 0.5
    assert found["auc/varies"]["neighbours"] > 0.95
    assert found["auc/all"]["neighbours"] > found["auc/all"]["sequence"]
