"""All places where motifs match a sequence, on both strands, exactly.

A window is a hit where its score, in whole thousandths of a bit, reaches the motif's threshold; both strands of a
palindrome are hits. A window that holds N or another letter for several bases is no hit, as in MOODS.

On the CPU the matrices become tables of four bases each, in eight bits: what a word of four loses against the best one,
rounded down. A sum of table rows within the allowed loss is a candidate, which is then scored exactly, so that rounding
finds too much and never too little. On another device the scan is a convolution: a matrix product of one-hot windows
with all matrices, exact in fp32 because every sum is a whole number below 2^24. (A library's convolution may choose a
Fourier or Winograd transform, which rounds.) Both ways give the same hits.

Legend: L bases, M matrices (two a motif, one a strand), W positions, S tables of a matrix.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from quatrefoil.genomics.regions.hits import UNITS_PER_BIT, Hits, Integers
from quatrefoil.genomics.regions.motifs import Motif, MotifError
from quatrefoil.genomics.regions.pvalues import Scoring, Tail, tail, weights
from quatrefoil.genomics.sequence.codes import UNKNOWN, Codes

SCAN_VERSION: Final = 1
"""Changes when any hit or score does: matrices that are kept say with which one they were made."""
_WORD: Final = 4  # bases a table
_TILE: Final = 1024  # positions at a time: the intermediate sums stay in the processor's cache
_DEVICE_TILE: Final = 16384
_NEVER: Final = -(1 << 23)  # the score of N: no window that holds one reaches a threshold
_EXACT_IN_FP32: Final = 1 << 24
_LEVELS: Final = 254  # the sum of all tables of a matrix must fit eight bits


class _Bank(NamedTuple):
    """The matrices that need the same number of tables."""

    motif_M: Integers
    strand_M: Integers
    width_M: Integers
    threshold_M: Integers
    weights_MW5: npt.NDArray[np.int32]  # W = whole tables; 0 beyond a matrix's width
    tables_SXM: npt.NDArray[np.uint8]  # X = 4^4 words

    @property
    def allowed(self) -> int:
        return _levels(len(self.tables_SXM))


class MotifTables(NamedTuple):
    """How T motifs are scored: thousandths of a bit (T, W, 4), 0 beyond a motif's width (T,); the least score of a hit
    (T,); and how likely a word of the background is one, on one strand."""

    weights_TW4: npt.NDArray[np.int32]
    width_T: Integers
    threshold_T: Integers
    p_value: float


class Scanner:
    """Finds the hits of motifs in sequences of codes.

    `unreachable` names the motifs whose best word is more likely than the p-value asked for: they have no hits.

    Raises:
        ValueError: no motif; MotifError: one whose scores are too large.
    """

    def __init__(self, motifs: Sequence[Motif], scoring: Scoring) -> None:
        if not motifs:
            raise ValueError("no motif to scan for; give at least one")
        self.motifs, self.scoring = tuple(motifs), scoring
        self._matrices = matrices = [weights(motif, scoring) for motif in motifs]
        self.tails: tuple[Tail, ...] = tuple(tail(matrix, scoring) for matrix in matrices)
        reachable = [i for i, found in enumerate(self.tails) if found.threshold <= found.best]
        self.unreachable = tuple(motif.name for i, motif in enumerate(motifs) if i not in set(reachable))
        self.widest = max(motif.width for motif in motifs)
        for motif, matrix in zip(motifs, matrices, strict=True):
            if (most := int(np.abs(matrix).max(-1).sum())) >= _EXACT_IN_FP32:
                raise MotifError(
                    f"{motif.name}: its words score up to {most // UNITS_PER_BIT:,} bits, "
                    f"{_EXACT_IN_FP32 // UNITS_PER_BIT:,} at most are counted; give frequencies that are not so far "
                    f"apart, or a shorter motif"
                )
        by_tables = sorted(reachable, key=lambda i: _tables_of(motifs[i].width))
        self._banks = tuple(
            _bank([(i, matrices[i], self.tails[i]) for i in group], count)
            for count, group in groupby(by_tables, key=lambda i: _tables_of(motifs[i].width))
        )

    @cached_property
    def tables(self) -> MotifTables:
        """Of all motifs, in their order."""
        weights_TW4 = np.zeros((len(self.motifs), self.widest, 4), np.int32)
        for row, motif, matrix in zip(weights_TW4, self.motifs, self._matrices, strict=True):
            row[: motif.width] = matrix
        width_T = np.array([motif.width for motif in self.motifs])
        threshold_T = np.array([tail.threshold for tail in self.tails])
        return MotifTables(weights_TW4, width_T, threshold_T, self.scoring.p_value)

    def scan(self, codes_L: Codes, device: str = "cpu") -> Hits:
        """Hits in a sequence of codes (A, C, G, T = 0-3, anything else 4), in its own coordinates."""
        padded = np.concatenate([codes_L, np.full(self.widest + _WORD, UNKNOWN, np.uint8)])
        find = _candidates if device == "cpu" else _convolution
        found = [
            _exact(bank, padded, *candidates)
            for bank in self._banks
            for candidates in find(bank, padded, len(codes_L), device)
        ]
        return Hits.sorted(*(np.concatenate(column) for column in zip(*found, strict=True))) if found else Hits.join([])

    def p_values(self, hits: Hits) -> npt.NDArray[np.float64]:
        """The p-value (H,) of each hit: how often a random word of the background scores as high, on one strand."""
        values = np.empty(len(hits.score))
        for motif in np.unique(hits.motif).tolist():
            chosen = hits.motif == motif
            values[chosen] = self.tails[motif].p_values(hits.score[chosen])
        return values


def _tables_of(width: int) -> int:
    return -(-width // _WORD)


def _levels(tables: int) -> int:
    """Levels of loss that a table tells apart; one more says "too much"."""
    return _LEVELS // tables - 1


def _bank(members: Sequence[tuple[int, npt.NDArray[np.int32], Tail]], tables: int) -> _Bank:
    both = [(i, strand, matrix[::strand, ::strand], tail) for i, matrix, tail in members for strand in (1, -1)]
    width_M = np.array([len(matrix) for _, _, matrix, _ in both])
    weights_MW5 = np.zeros((len(both), tables * _WORD, UNKNOWN + 1), np.int32)
    for row, (_, _, matrix, _) in zip(weights_MW5, both, strict=True):
        row[: len(matrix), :UNKNOWN], row[: len(matrix), UNKNOWN] = matrix, _NEVER
    allowed_M = np.array([tail.best - tail.threshold for *_, tail in both])
    return _Bank(
        motif_M=np.array([i for i, *_ in both]),
        strand_M=np.array([strand for _, strand, *_ in both]),
        width_M=width_M,
        threshold_M=np.array([tail.threshold for *_, tail in both]),
        weights_MW5=weights_MW5,
        tables_SXM=_tables(weights_MW5[..., :UNKNOWN], allowed_M),
    )


def _tables(weights_MW4: npt.NDArray[np.int32], allowed_M: Integers) -> npt.NDArray[np.uint8]:
    """Loss of every word of four bases, in levels rounded down; `levels + 1` where it alone is too much."""
    matrices, width, _ = weights_MW4.shape
    levels = _levels(width // _WORD)
    loss = (weights_MW4.max(-1, keepdims=True) - weights_MW4).reshape(matrices, -1, _WORD, 4)
    words_PX = np.indices((4,) * _WORD).reshape(_WORD, -1)
    loss_MSX = sum(loss[:, :, place, words_PX[place]] for place in range(_WORD))
    # One more than allowed in the divisor, so that the allowed loss itself is `levels` at most.
    levels_MSX = np.minimum(loss_MSX * (levels + 1) // (allowed_M[:, None, None] + 1), levels + 1)
    return np.ascontiguousarray(levels_MSX.transpose(1, 2, 0).astype(np.uint8))


def _candidates(bank: _Bank, padded: Codes, length: int, device: str) -> Iterator[tuple[Integers, Integers]]:
    """(position, matrix) of every window that may be a hit; N is read as A, and refused later."""
    words = _words(padded)
    tables, _, matrices = bank.tables_SXM.shape
    loss, more = np.empty((2, _TILE, matrices), np.uint8)
    for start in range(0, length, _TILE):
        size = min(_TILE, length - start)
        total, row = loss[:size], more[:size]
        np.take(bank.tables_SXM[0], words[start : start + size], 0, out=total, mode="clip")
        for table in range(1, tables):
            first = start + table * _WORD
            np.take(bank.tables_SXM[table], words[first : first + size], 0, out=row, mode="clip")
            np.add(total, row, out=total)
        position, matrix = np.divmod(_nonzero(np.less_equal(total, bank.allowed)), matrices)
        yield position + start, matrix


def _words(padded: Codes) -> npt.NDArray[np.intp]:
    """The number of the word of four bases at every position."""
    bases = np.where(padded == UNKNOWN, 0, padded).astype(np.intp)
    words = np.zeros(len(bases), np.intp)
    for place in range(_WORD):
        words[: len(bases) - _WORD + 1] = (
            words[: len(bases) - _WORD + 1] * 4 + bases[place : len(bases) - _WORD + 1 + place]
        )
    return words


def _nonzero(flags: npt.NDArray[np.bool_]) -> Integers:
    """`np.flatnonzero`, eight flags at a time: few are set."""
    flat = flags.reshape(-1)
    whole = len(flat) // 8 * 8
    eights = np.flatnonzero(flat[:whole].view(np.uint64))
    row, column = np.nonzero(flat[:whole].reshape(-1, 8)[eights])
    return np.concatenate([eights[row] * 8 + column, whole + np.flatnonzero(flat[whole:])])


def _convolution(bank: _Bank, padded: Codes, length: int, device: str) -> Iterator[tuple[Integers, Integers]]:
    """(position, matrix) of every hit, by one matrix product a tile."""
    matrices, width, letters = bank.weights_MW5.shape
    kernel = torch.from_numpy(bank.weights_MW5.reshape(matrices, -1)).to(device, torch.float32)
    threshold_M = torch.from_numpy(bank.threshold_M).to(device, torch.float32)
    eye = torch.eye(letters, device=device)
    with _exact_products():
        for start in range(0, length, _DEVICE_TILE):
            size = min(_DEVICE_TILE, length - start)
            codes = torch.from_numpy(padded[start : start + size + width - 1]).to(device)
            windows = eye[codes.long()].unfold(0, width, 1).transpose(1, 2).reshape(-1, width * letters)
            found = torch.nonzero(windows @ kernel.T >= threshold_M).cpu().numpy()
            yield found[:, 0] + start, found[:, 1]


@contextmanager
def _exact_products() -> Iterator[None]:
    """Without TF32, whose eleven bits would round scores."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def _exact(bank: _Bank, padded: Codes, position: Integers, matrix: Integers) -> tuple[Integers, ...]:
    """Columns of the hits among candidates: start, end, motif, strand, score."""
    score = np.zeros(len(position), np.int64)
    _, width, letters = bank.weights_MW5.shape
    flat, first = bank.weights_MW5.reshape(-1), matrix * (width * letters)
    for place in range(width):
        score += flat[first + place * letters + padded[position + place]]
    kept = score >= bank.threshold_M[matrix]
    start, matrix = position[kept], matrix[kept]
    return start, start + bank.width_M[matrix], bank.motif_M[matrix], bank.strand_M[matrix], score[kept]
