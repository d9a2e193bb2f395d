"""Negatives: each keeps exactly what it says it keeps of the positives, and is drawn as it says."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quatrefoil.genomics.sequence.kmers import Bytes
from quatrefoil.genomics.sequence.negatives import (
    dinucleotide_shuffle,
    gc_matched_starts,
    substitute_parts,
    window_gc,
    windows_without,
)

SEQUENCES = st.text("ACGTN", min_size=1, max_size=40)


def matrix(*sequences: str) -> Bytes:
    return np.frombuffer("".join(sequences).encode(), np.uint8).reshape(len(sequences), -1)


def texts(sequences_BL: Bytes) -> list[str]:
    return [row.tobytes().decode() for row in sequences_BL]


def steps(text: str) -> Counter[tuple[str, str]]:
    return Counter(pairwise(text))


@given(SEQUENCES, st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_a_shuffle_keeps_every_dinucleotide_and_both_ends(text: str, seed: int) -> None:
    for shuffled in texts(dinucleotide_shuffle(matrix(text, text), np.random.default_rng(seed))):
        assert steps(shuffled) == steps(text)
        assert (shuffled[0], shuffled[-1]) == (text[0], text[-1])


@pytest.mark.parametrize("text", ["ACAGATACA", "AACCAACGC", "ACGTACGTNA", "AAAAAAC", "CATCATGCAT"])
def test_shuffles_are_uniform_over_all_sequences_with_the_same_dinucleotides(text: str) -> None:
    def paths(left: Counter[tuple[str, str]], end: str) -> list[str]:
        if not left.total():
            return [end]
        steps = [step for step in left if left[step] and step[0] == end]
        return [end + rest for step in steps for rest in paths(left - Counter([step]), step[1])]

    possible = paths(steps(text), text[0])
    draws = 400 * len(possible)
    found = Counter(texts(dinucleotide_shuffle(matrix(*[text] * draws), np.random.default_rng(0))))
    assert set(found) == set(possible)
    chi_squared = sum((found[path] - 400) ** 2 / 400 for path in possible)
    free = len(possible) - 1
    assert chi_squared <= free + 5 * np.sqrt(2 * free)


def test_a_shuffle_changes_the_order() -> None:
    text = "ACGTTGCAAGCTTAGGCATCGATTACGGATCCA" * 3
    shuffled = texts(dinucleotide_shuffle(matrix(text), np.random.default_rng(0)))[0]
    assert shuffled != text
    assert Counter(zip(text, text[1:], text[2:], strict=False)) != Counter(
        zip(shuffled, shuffled[1:], shuffled[2:], strict=False)
    )


@pytest.mark.parametrize(("length", "sizes"), [(300, {15}), (70, {3, 4})])
def test_exactly_12_of_20_parts_are_replaced_and_the_others_kept(length: int, sizes: set[int]) -> None:
    # A letter that no draw can give, so that what was replaced is seen.
    positives_BL = np.full((500, length), ord("N"), np.uint8)
    replaced_BL = substitute_parts(positives_BL, np.random.default_rng(0)) != positives_BL
    parts = np.array_split(np.arange(length), 20)
    assert {len(part) for part in parts} == sizes
    whole_BP = np.stack([replaced_BL[:, part].all(1) for part in parts], axis=1)
    any_BP = np.stack([replaced_BL[:, part].any(1) for part in parts], axis=1)
    assert (whole_BP == any_BP).all()
    assert (whole_BP.sum(1) == 12).all()
    assert np.abs(whole_BP.mean(0) - 0.6).max() < 5 * np.sqrt(0.24 / 500)


def test_replaced_bases_are_uniform() -> None:
    drawn = substitute_parts(np.full((500, 100), ord("A"), np.uint8), np.random.default_rng(1), parts=20, replaced=20)
    shares = [float((drawn == ord(letter)).mean()) for letter in "ACGT"]
    assert np.abs(np.array(shares) - 0.25).max() < 0.01


@given(st.integers(0, 99), st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_matched_windows_are_distinct_allowed_and_within_the_tolerance(seed: int, tolerance: int) -> None:
    rng = np.random.default_rng(seed)
    genome_L = rng.choice(np.frombuffer(b"ACGTacgtN", np.uint8), 4_000)
    gc_S, allowed_S = window_gc(genome_L, 20), windows_without(genome_L == ord("N"), 20)
    wanted_B = rng.choice(gc_S[allowed_S], 10)
    starts_B = gc_matched_starts(gc_S, allowed_S, wanted_B, rng, tolerance)
    windows = [genome_L[start : start + 20].tobytes().upper() for start in starts_B]
    assert len(set(starts_B.tolist())) == 10
    assert all(b"N" not in window for window in windows)
    found_B = np.array([sum(window.count(base) for base in (b"G", b"C")) for window in windows])
    assert (np.abs(found_B - wanted_B) <= tolerance).all()


def test_all_windows_can_be_taken_but_not_one_more() -> None:
    gc_S, allowed_S, rng = np.full(6, 4), np.array([1, 1, 0, 1, 1, 1], bool), np.random.default_rng(0)
    assert sorted(gc_matched_starts(gc_S, allowed_S, np.full(5, 4), rng, 0)) == [0, 1, 3, 4, 5]
    with pytest.raises(ValueError, match=r"no window is left with 4 \+- 0 G and C"):
        gc_matched_starts(gc_S, allowed_S, np.full(6, 4), rng, 0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda rng: substitute_parts(matrix("ACGT"), rng), "12 of 20 parts of 4 bases"),
        (lambda rng: substitute_parts(matrix("ACGT"), rng, 2, 3), "3 of 2 parts"),
        (lambda rng: dinucleotide_shuffle(matrix("acgt"), rng), "upper case"),
        (lambda rng: dinucleotide_shuffle(np.frombuffer(b"ACGT", np.uint8), rng), "matrix of uint8"),
        (lambda rng: window_gc(np.frombuffer(b"ACGT", np.uint8), 5), "windows of 5 bases"),
    ],
)
def test_what_cannot_be_done_is_refused(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=message):
        make(np.random.default_rng(0))
