"""Negatives made from positives, or found beside them: what each keeps of the positives decides how hard a task is.

Everything random is drawn from the caller's generator, once: negatives that are drawn anew at every access would make
another data set of every epoch.

Legend: B sequences, L bases, E = L - 1 steps from base to base, S starts of windows.
"""

from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt

from quatrefoil.genomics.sequence.kmers import AMBIGUOUS, BASES, Bytes, Ids

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

_ACGT: Final = np.frombuffer(BASES.encode(), np.uint8)
_CODES: Final = np.full(256, 255, np.uint8)
_CODES[_ACGT] = np.arange(4)
_CODES[np.frombuffer(AMBIGUOUS.encode(), np.uint8)] = 4
_LETTERS: Final = np.frombuffer(f"{BASES}N".encode(), np.uint8)
_BLOCK: Final = 4_096  # sequences that are shuffled at once; bounds the memory, not the result's meaning


def substitute_parts(sequences_BL: Bytes, rng: np.random.Generator, parts: int = 20, replaced: int = 12) -> Bytes:
    """DeePromoter's negatives (`subst12of20`): cut into parts, replace some of them by uniform random bases.

    Args:
        sequences_BL: ASCII codes of bases.
        parts: how many parts; lengths differ by at most one where L is no multiple of it.
        replaced: how many of them are replaced, drawn anew for each sequence.

    Raises:
        ValueError: more parts than bases, or more replaced than there are.
    """
    rows, length = _shape(sequences_BL)
    if not 0 <= replaced <= parts <= length:
        raise ValueError(
            f"{replaced} of {parts} parts of {length} bases cannot be replaced; "
            "0 <= replaced <= parts <= bases is needed"
        )
    lengths = [len(part) for part in np.array_split(np.arange(length), parts)]
    chosen_BP = rng.permuted(np.tile(np.arange(parts) < replaced, (rows, 1)), axis=1)
    fresh_BL = _ACGT[rng.integers(0, 4, sequences_BL.shape)]
    return np.where(np.repeat(chosen_BP, lengths, axis=1), fresh_BL, sequences_BL)


def dinucleotide_shuffle(sequences_BL: Bytes, rng: np.random.Generator) -> Bytes:
    """Each sequence replaced by one drawn uniformly among those with the same counts of all dinucleotides.

    Such sequences are the Eulerian paths of the multigraph of steps, so first and last base stay too (Altschul and
    Erikson 1985). A path is drawn by drawing the last way out of every letter, which together form a tree into the last
    letter, and shuffling the others; trees are listed (five letters: at most 625) and drawn with their exact weights,
    so nothing is drawn in vain. All ambiguous letters are one fifth letter, written N.

    Args:
        sequences_BL: ASCII codes, upper case.

    Raises:
        ValueError: no base at all, or a letter that is no upper-case IUPAC code.
    """
    _, length = _shape(sequences_BL)
    codes_BL = _CODES[sequences_BL]
    if not length or codes_BL.max(initial=0) == 255:
        raise ValueError("sequences of at least one upper-case IUPAC letter are needed; write them in upper case")
    blocks = [_shuffle(codes_BL[start : start + _BLOCK], rng) for start in range(0, len(codes_BL), _BLOCK)]
    return _LETTERS[np.concatenate(blocks)] if blocks else sequences_BL.copy()


def _shuffle(codes_BL: Bytes, rng: np.random.Generator) -> Bytes:
    """The same on codes 0-4. Letters are renamed row by row so that the last one is 0, the root of every tree."""
    if codes_BL.shape[1] < 2:
        return codes_BL
    letters = len(_LETTERS)
    last_B1 = codes_BL[:, -1:]
    named_BL = (codes_BL + letters - last_B1) % letters
    order_BE = _order_of_steps(named_BL, _last_ways_out(named_BL, rng), rng)
    return (_walk(named_BL, order_BE) + last_B1) % letters


def _last_ways_out(named_BL: Bytes, rng: np.random.Generator) -> Ids:
    """For every letter (B, 5) the letter that its last way out leads to; that of the root has no meaning.

    By the BEST theorem a tree's weight is the number of ways to choose its edges: the product of the step counts.
    Letters that do not occur hang on the root by a step of weight one, so that they change no other weight.
    """
    letters = len(_LETTERS)
    rows = np.arange(len(named_BL))[:, None]
    counts_BUV = np.zeros((len(named_BL), letters, letters))
    np.add.at(counts_BUV, (rows, named_BL[:, :-1], named_BL[:, 1:]), 1.0)
    absent_BU = counts_BUV.sum(2) == 0
    counts_BUV[..., 0] = np.where(absent_BU, 1.0, counts_BUV[..., 0])
    # The root's entry is the same for every tree: weight it by one.
    counts_BUV[:, 0, :] = 1.0
    weights_BT = np.prod(counts_BUV[:, np.arange(letters), _TREES], axis=2)
    bounds_BT = np.cumsum(weights_BT, axis=1)
    drawn_B1 = rng.random((len(named_BL), 1)) * bounds_BT[:, -1:]
    chosen_B = np.minimum((bounds_BT <= drawn_B1).sum(1), len(_TREES) - 1)
    ways_BU: Ids = _TREES[chosen_B]
    return ways_BU


def _trees(letters: int) -> Ids:
    """All maps letter -> next letter along which every letter reaches letter 0 (which is given 0 itself)."""

    def reaches_root(ways: tuple[int, ...], letter: int) -> bool:
        for _ in ways:
            letter = ways[letter]
        return letter == 0

    maps = [(0, *ways) for ways in product(range(letters), repeat=letters - 1)]
    return np.array([ways for ways in maps if all(reaches_root(ways, letter) for letter in range(letters))])


_TREES: Final = _trees(len(_LETTERS))


def _order_of_steps(named_BL: Bytes, last_BU: Ids, rng: np.random.Generator) -> Ids:
    """Indices (B, E) of the steps: by the letter they leave, in random order, the chosen last way out at the end."""
    source_BE, target_BE = named_BL[:, :-1], named_BL[:, 1:]
    rows = np.arange(len(named_BL))[:, None]
    keys_BE = rng.random(source_BE.shape)
    # Steps between the same two letters are alike, so any one of those that fit may be the last.
    fits_BE = (target_BE == last_BU[rows, source_BE]) & (source_BE != 0)
    for letter in range(1, len(_LETTERS)):
        fits = fits_BE & (source_BE == letter)
        keys_BE[np.flatnonzero(fits.any(1)), fits.argmax(1)[fits.any(1)]] = 1.0
    return np.argsort(source_BE + keys_BE / 2, axis=1, kind="stable")


def _walk(named_BL: Bytes, order_BE: Ids) -> Bytes:
    """Walk the steps from the first letter on, taking the ways out of each letter in their order; all rows at once."""
    rows = np.arange(len(named_BL))
    targets_BE = np.take_along_axis(named_BL[:, 1:], order_BE, axis=1)
    counts_BU = (named_BL[:, :-1, None] == np.arange(len(_LETTERS))).sum(1)
    next_BU = np.cumsum(counts_BU, axis=1) - counts_BU
    walked_BL = named_BL.copy()
    for step in range(order_BE.shape[1]):
        here_B = walked_BL[:, step]
        place_B = next_BU[rows, here_B]
        walked_BL[:, step + 1] = targets_BE[rows, place_B]
        next_BU[rows, here_B] += 1
    return walked_BL


def window_gc(sequence_L: Bytes, length: int) -> Ids:
    """G and C among the bases of every window of a sequence (S = L - length + 1,); either case of letters counts."""
    return _window_sums(np.isin(sequence_L & 0xDF, np.frombuffer(b"GC", np.uint8)), length)


def windows_without(marked_L: Bools, length: int) -> Bools:
    """Whether each window (S,) holds no marked position: e.g. neither an N nor a base of a known element."""
    free_S: Bools = _window_sums(marked_L, length) == 0
    return free_S


def _window_sums(marked_L: Bools, length: int) -> Ids:
    if not 1 <= length <= len(marked_L):
        raise ValueError(f"windows of {length} bases do not fit a sequence of {len(marked_L)}; choose a shorter length")
    sums = np.concatenate([[0], np.cumsum(marked_L, dtype=np.int64)])
    sums_S: Ids = sums[length:] - sums[:-length]
    return sums_S


def gc_matched_starts(gc_S: Ids, allowed_S: Bools, wanted_B: Ids, rng: np.random.Generator, tolerance: int) -> Ids:
    """Starts (B,) of distinct genomic windows, each with the G+C count that is wanted of it, give or take.

    Args:
        gc_S: G+C count of the window at every start (`window_gc`).
        allowed_S: which windows may be taken (`windows_without`).
        wanted_B: the G+C counts of the positives.
        tolerance: largest difference in bases, >= 0. The draw is uniform among the windows within it that are left.

    Raises:
        ValueError: fewer windows within the tolerance than are wanted.
    """
    starts = np.flatnonzero(allowed_S)
    # A stable sort of narrow integers is numpy's radix sort, which is linear.
    starts = starts[np.argsort(gc_S[starts].astype(np.uint16 if gc_S.max() < 1 << 16 else np.int64), kind="stable")]
    counts, taken = gc_S[starts], np.zeros(len(starts), np.bool_)
    chosen = np.empty(len(wanted_B), np.int64)
    for row, wanted in enumerate(wanted_B.tolist()):
        low, high = np.searchsorted(counts, [wanted - tolerance, wanted + tolerance + 1])
        chosen[row] = place = _draw_free(taken, int(low), int(high), rng)
        if place < 0:
            raise ValueError(
                f"no window is left with {wanted} +- {tolerance} G and C (of {len(starts)} allowed ones); "
                "give a longer sequence, a larger tolerance, or want fewer"
            )
        taken[place] = True
    return starts[chosen]


def _draw_free(taken: Bools, low: int, high: int, rng: np.random.Generator) -> int:
    """A free place in low..high - 1, uniformly, or -1. The first try nearly always hits one, and needs no list."""
    if low < high and not taken[place := int(rng.integers(low, high))]:
        return place
    free = low + np.flatnonzero(~taken[low:high])
    return int(free[rng.integers(len(free))]) if len(free) else -1


def _shape(sequences_BL: Bytes) -> tuple[int, int]:
    if sequences_BL.ndim != 2 or sequences_BL.dtype != np.uint8:
        raise ValueError(
            f"sequences have shape {sequences_BL.shape} of {sequences_BL.dtype}; a matrix of uint8 is needed"
        )
    rows, length = sequences_BL.shape
    return rows, length
