"""Pairs of sequences of two sets that are alike: exactly, counting the k-mers that they share, on either strand.

Legend: S sequences of a set, W windows (k-mers), M distinct (sequence, k-mer) pairs of a set.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from quatrefoil.genomics.sequence.codes import UNKNOWN, Codes
from quatrefoil.genomics.sequence.kmers import Ids

Words: TypeAlias = npt.NDArray[np.uint64]

LONGEST_K = 31  # two bits a base, in 64
LEAST_K: Final = 10  # finds most pairs with a tenth of their bases substituted, none of no kin: docs/genebert.md
_BY_CHANCE: Final = 0.01  # share of words that a long sequence may have of any other by chance
THRESHOLD: Final = 0.2
_BLOCK = 1 << 22  # windows that are numbered at once


class Alike(NamedTuple):
    """A pair of sequences, by their places in the two sets, and the share of k-mers by which they are alike."""

    a: int
    b: int
    share: float


def near_duplicates(a_S: Sequence[Codes], b_S: Sequence[Codes], k: int, threshold: float) -> list[Alike]:
    """All pairs that share enough k-mers, in the order of the first set.

    A k-mer and its reverse complement are one word, and words that hold an unknown base are none. The share of a pair
    is the number of distinct words in both, divided by the number of windows of the shorter sequence: so a part is
    found in the whole, and sequences of low complexity, which have few distinct words, are no false alarm. Sequences
    of fewer than k bases are alike to none.

    Args:
        k: length of a word, 1-31.
        threshold: least share, above 0 and at most 1.

    Raises:
        ValueError: k or threshold outside these.
    """
    if not 1 <= k <= LONGEST_K:
        raise ValueError(f"k is {k}: give 1 to {LONGEST_K} bases")
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold is {threshold}: give a share above 0, and 1 at most")
    a, b = _Index.of(a_S, k), _Index.of(b_S, k)
    common = np.intersect1d(a.word_M, b.word_M)
    return list(_pairs(a.only(common), b.only(common), threshold))


def usual_k(sequences: Iterable[Codes]) -> int:
    """Words of 10 bases, or of so many that the longest sequence has a hundredth of them at most."""
    longest = max(map(len, sequences), default=0)
    return max(LEAST_K, math.ceil(math.log(max(1, 2 * longest / _BY_CHANCE), 4)))  # either strand's word is one


class _Index(NamedTuple):
    """The distinct words of each sequence, `sequence_M` in order, and the number of windows of each sequence."""

    sequence_M: Ids
    word_M: Words
    windows_S: Ids

    @classmethod
    def of(cls, codes_S: Sequence[Codes], k: int) -> "_Index":
        windows_S = np.array([max(0, len(codes) - k + 1) for codes in codes_S], np.int64)
        parts = [_distinct(rows, words) for rows, words in _numbered(codes_S, k)]
        sequence_M = np.concatenate([part[0] for part in parts] or [np.zeros(0, np.int64)])
        return cls(sequence_M, np.concatenate([part[1] for part in parts] or [np.zeros(0, np.uint64)]), windows_S)

    def only(self, words: Words) -> "_Index":
        kept = np.isin(self.word_M, words)
        return _Index(self.sequence_M[kept], self.word_M[kept], self.windows_S)


def _distinct(row_W: Ids, word_W: Words) -> tuple[Ids, Words]:
    order = np.lexsort((word_W, row_W))
    row_W, word_W = row_W[order], word_W[order]
    first_W = np.ones(len(row_W), np.bool_)
    first_W[1:] = (row_W[1:] != row_W[:-1]) | (word_W[1:] != word_W[:-1])
    return row_W[first_W], word_W[first_W]


def _numbered(codes_S: Sequence[Codes], k: int) -> Iterator[tuple[Ids, Words]]:
    """Block by block, the sequence and the word of every window without an unknown base."""
    ends = np.cumsum([len(codes) for codes in codes_S], dtype=np.int64)
    first = 0
    while first < len(codes_S):
        last = max(first + 1, int(np.searchsorted(ends, (ends[first - 1] if first else 0) + _BLOCK, side="right")))
        block = codes_S[first:last]
        joined = np.concatenate([np.append(codes, np.uint8(UNKNOWN)) for codes in block])  # no window spans two
        row_L = np.repeat(np.arange(first, last), [len(codes) + 1 for codes in block])
        word_W, whole_W = words_of(joined, k)
        yield row_L[: len(word_W)][whole_W], word_W[whole_W]
        first = last


def words_of(codes_L: Codes, k: int) -> tuple[Words, npt.NDArray[np.bool_]]:
    """The word of every window (W = L - k + 1), the same on both strands, and whether it has no unknown base."""
    windows = max(0, len(codes_L) - k + 1)
    forward_W, backward_W = np.zeros(windows, np.uint64), np.zeros(windows, np.uint64)
    whole_W = np.ones(windows, np.bool_)
    for place in range(k):
        code_W = codes_L[place : place + windows]
        whole_W &= code_W != UNKNOWN
        digit_W = (code_W & 3).astype(np.uint64)
        forward_W |= digit_W << np.uint64(2 * (k - 1 - place))
        backward_W |= (np.uint64(3) - digit_W) << np.uint64(2 * place)  # codes of complements sum to 3
    return np.minimum(forward_W, backward_W), whole_W


def _pairs(a: _Index, b: _Index, threshold: float) -> Iterator[Alike]:
    """Words of the first set are looked up in the second, for those sequences that have enough common ones at all."""
    order = np.argsort(b.word_M, kind="stable")
    word_M, sequence_M = b.word_M[order], b.sequence_M[order]
    start_M = np.searchsorted(word_M, a.word_M, side="left")
    end_M = np.searchsorted(word_M, a.word_M, side="right")
    least = threshold * np.minimum(a.windows_S, b.windows_S[b.windows_S > 0].min(initial=np.iinfo(np.int64).max))
    edges = np.searchsorted(a.sequence_M, np.arange(len(a.windows_S) + 1))
    for row in np.flatnonzero((np.diff(edges) >= least) & (np.diff(edges) > 0)).tolist():
        here = slice(int(edges[row]), int(edges[row + 1]))
        found = [sequence_M[start:end] for start, end in zip(start_M[here].tolist(), end_M[here].tolist(), strict=True)]
        others, counts = np.unique(np.concatenate(found), return_counts=True)
        share = counts / np.minimum(a.windows_S[row], b.windows_S[others])
        for place in np.flatnonzero(share >= threshold).tolist():
            yield Alike(row, int(others[place]), float(share[place]))
