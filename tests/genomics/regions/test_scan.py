"""Hits are those of the definition and of trusted scanners, by either way of computing, ties at the threshold too."""

import hashlib
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quatrefoil.genomics.regions.hits import Hits
from quatrefoil.genomics.regions.motifs import Motif, MotifError, read_motifs
from quatrefoil.genomics.regions.pvalues import Scoring, tail, weights
from quatrefoil.genomics.regions.scan import Scanner
from quatrefoil.genomics.sequence.fasta import Genome, background, codes_of
from tests.genomics.regions import trusted
from tests.genomics.regions.toys import BACKGROUNDS, UNIFORM, by_definition, motif, sequence

CONVOLUTION = "cpu:0"  # any device but plain "cpu" is scanned by convolution
# MOODS 1.9.4.1 on chr20:1,000,000-1,060,000 (hg19) and all JASPAR 2020 vertebrates at p < 1e-4.
MOODS_HITS, MOODS_DIGEST = 15903, "193c37fcd2517e4f34239f0e939cd0808394e8ff2285c38c167d21474cefaf99"


def rows(hits: Hits) -> list[tuple[int, ...]]:
    return list(zip(*(column.tolist() for column in hits), strict=True))


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.tuples(st.integers(1, 21), st.integers(0, 99)), min_size=1, max_size=6),
    st.integers(0, 2200),
    st.sampled_from([0.3, 1e-2, 1e-3]),
    BACKGROUNDS,
    st.sampled_from(["cpu", CONVOLUTION]),
)
def test_hits_are_those_of_the_definition(
    shapes: list[tuple[int, int]], length: int, p_value: float, bases: tuple[float, float, float, float], device: str
) -> None:
    motifs, scoring = [motif(*shape) for shape in shapes], Scoring(bases, p_value)
    codes = sequence(length, length)
    assert rows(Scanner(motifs, scoring).scan(codes, device)) == by_definition(codes, motifs, scoring)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 6), st.integers(0, 99), st.sampled_from([0.3, 0.05, 1e-2, 4**-3, 1e-3]), BACKGROUNDS)
def test_p_values_are_those_of_all_words(
    width: int, seed: int, p_value: float, bases: tuple[float, float, float, float]
) -> None:
    scoring = Scoring(bases, p_value)
    matrix = weights(motif(width, seed), scoring)
    words = list(product(range(4), repeat=width))
    scores = np.array([matrix[np.arange(width), word].sum() for word in words])
    chances = np.array([np.prod(np.array(bases)[list(word)]) for word in words])
    found = tail(matrix, scoring)
    reached = np.unique(scores[scores >= found.threshold])
    exact = np.array([chances[scores >= score].sum() for score in reached])
    np.testing.assert_allclose(found.p_values(reached), exact, rtol=1e-9)
    assert (exact <= p_value * (1 + 1e-9)).all()
    below = scores[scores < found.threshold]
    assert not below.size or chances[scores >= below.max()].sum() > p_value


def test_every_window_at_the_threshold_is_a_hit_and_none_below() -> None:
    """Uniform counts make many words score the same: all of them, or none."""
    motifs = [Motif("flat", "flat", np.array([[0.7, 0.1, 0.1, 0.1]] * 9), 20)]
    scanner = Scanner(motifs, Scoring(UNIFORM, 1e-2))
    hits = scanner.scan(sequence(20_000, 0))
    assert len(hits.score) > 2 * len(np.unique(hits.score))
    assert rows(hits) == by_definition(sequence(20_000, 0), motifs, scanner.scoring)


def test_a_reverse_complement_has_the_same_hits_on_the_other_strand() -> None:
    codes, scanner = sequence(5000, 3), Scanner([motif(9, 1), motif(14, 2)], Scoring(UNIFORM, 1e-3))
    turned = np.where(codes == 4, 4, 3 - codes)[::-1].astype(np.uint8)
    there = {(len(codes) - e, len(codes) - s, m, -t, score) for s, e, m, t, score in rows(scanner.scan(turned))}
    assert there == set(rows(scanner.scan(codes)))
    assert there


def test_a_motif_whose_best_word_is_too_likely_is_named_and_has_no_hit() -> None:
    sharp = Motif("short", "short", np.eye(4), 1000)
    scanner = Scanner([motif(12, 0), sharp], Scoring(UNIFORM, 1e-4))
    assert scanner.unreachable == ("short",)
    assert 1 not in scanner.scan(np.concatenate([codes_of("ACGT" * 9), sequence(30_000, 1)])).motif


def test_a_motif_of_scores_that_cannot_be_counted_exactly_is_named() -> None:
    far = np.tile([1 - 3e-250, 1e-250, 1e-250, 1e-250], (30, 1))
    with pytest.raises(
        MotifError, match=r"far: its words score up to 2\d,\d{3} bits, 16,777 at most are counted; give"
    ):
        Scanner([Motif("far", "far", far, 10**300)], Scoring(UNIFORM, 1e-4))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((0.3, 0.3, 0.2, 0.2),), "same on both strands"),
        ((UNIFORM, 0.0), r"p-value 0\.0 \(--p-value\): give a number above 0"),
        ((UNIFORM, 0.1, 0), "pseudocount 0"),
    ],
)
def test_scoring_refuses_what_has_no_meaning(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Scoring(*arguments)


@pytest.fixture(scope="module")
def real(shared: Path) -> tuple[Scanner, np.ndarray]:
    genome = Genome.open(shared / "data/genomics/genomes/human_1mb_z.fa")
    motifs = read_motifs(shared / "data/genomics/motifs/JASPAR2020_vertebrates.pfm")
    return Scanner(motifs, Scoring(background(genome))), genome.fetch("z", 0, 60_000)


def columns(found: trusted.Found) -> str:
    return hashlib.sha256(np.array(sorted(found), np.int64).tobytes()).hexdigest()


def found_by(ready: trusted.Ready) -> trusted.Found:
    return ready.read(ready.scan())


def ours(hits: Hits) -> trusted.Found:
    return {(start, motif, strand, score) for start, _, motif, strand, score in rows(hits)}


def test_hits_on_real_sequence_are_those_of_lightmotif(real: tuple[Scanner, np.ndarray]) -> None:
    scanner, codes = real
    assert ours(scanner.scan(codes[:20_000])) == found_by(trusted.lightmotif(scanner, codes[:20_000]))


def test_hits_on_real_sequence_are_those_that_moods_found(real: tuple[Scanner, np.ndarray]) -> None:
    """MOODS itself takes two minutes to build, so its answer is kept; with MOODS installed it is asked again."""
    scanner, codes = real
    found = ours(scanner.scan(codes))
    assert (len(found), columns(found)) == (MOODS_HITS, MOODS_DIGEST)


def test_hits_on_real_sequence_are_those_of_moods_itself(real: tuple[Scanner, np.ndarray]) -> None:
    pytest.importorskip("MOODS.scan", reason="MOODS is not installed (pip install MOODS-python, it is compiled)")
    scanner, codes = real
    assert ours(scanner.scan(codes[:20_000])) == found_by(trusted.moods(scanner, codes[:20_000]))


def test_convolution_and_tables_agree_on_real_sequence(real: tuple[Scanner, np.ndarray]) -> None:
    scanner, codes = real
    assert rows(scanner.scan(codes[:5000], CONVOLUTION)) == rows(scanner.scan(codes[:5000]))
