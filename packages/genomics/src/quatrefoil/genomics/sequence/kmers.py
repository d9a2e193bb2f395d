"""Overlapping k-mers of DNA, numbered as in DNABERT's vocabulary files.

Legend: B sequences, L bases, W = L - k + 1 windows (k-mers) of a sequence.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

BASES: Final = "ATCG"  # DNABERT's order; the code of a base is its place here
AMBIGUOUS: Final = "NRYSWKMBDHV"  # the IUPAC letters that stand for more than one base
SPECIAL_TOKENS: Final = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PAD, UNK, CLS, SEP, MASK = range(len(SPECIAL_TOKENS))

Bytes: TypeAlias = npt.NDArray[np.uint8]
Ids: TypeAlias = npt.NDArray[np.int64]

_LONGEST_K: Final = 7  # the ids of 7-mers fit 16 bits, and narrow integers are the fast ones
_INVALID: Final = 5
_BASES_PER_BLOCK: Final = 65536  # the intermediate codes of a block stay in the processor's cache


def _code_table() -> bytes:
    """What each byte is: 0-3 a base, 4 an ambiguous base, 5 not DNA."""
    table = bytearray([_INVALID]) * 256
    for letter in BASES + AMBIGUOUS:
        table[ord(letter)] = table[ord(letter.lower())] = min(len(BASES), (BASES + AMBIGUOUS).index(letter))
    return bytes(table)


_CODE_TABLE: Final = _code_table()
_COMPLEMENT: Final = bytes.maketrans(b"ATCGNRYSWKMBDHVatcgnryswkmbdhv", b"TAGCNYRSWMKVHDBtagcnyrswmkvhdb")


@dataclass(frozen=True)
class KmerVocabulary:
    """The five special tokens, then all k-mers with the bases in the order A, T, C, G (DNABERT's `vocab.txt`).

    Lower case (soft-masked sequence) is read as upper case. A k-mer that holds an IUPAC letter for more than one base,
    such as N, is `[UNK]`; any other character is an error.

    Raises:
        ValueError: k is not in 1-7.
    """

    k: int

    def __post_init__(self) -> None:
        if not 1 <= self.k <= _LONGEST_K:
            raise ValueError(f"k is {self.k}; a k-mer vocabulary needs k in 1-{_LONGEST_K} (DNABERT has 3-6)")

    @property
    def size(self) -> int:
        """Number of tokens, 4^k + 5."""
        return (1 << 2 * self.k) + len(SPECIAL_TOKENS)

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """All tokens in the order of their ids."""
        return (*SPECIAL_TOKENS, *("".join(bases) for bases in product(BASES, repeat=self.k)))

    def encode(self, sequence: str | bytes | Bytes) -> Ids:
        """Ids of the overlapping k-mers of one sequence, without special tokens.

        Args:
            sequence: L characters, as text, as bytes, or as an array (L,) of their ASCII codes.

        Returns:
            Ids (L - k + 1,).

        Raises:
            ValueError: fewer than k characters, or one that is no IUPAC letter for DNA (its position is named).
        """
        ids_1W = self.encode_batch(as_bytes(sequence)[None])
        return ids_1W.reshape(-1)

    def encode_batch(self, bases_BL: Bytes) -> Ids:
        """`encode` for B sequences of equal length, given as ASCII codes (B, L); returns ids (B, L - k + 1).

        Raises:
            ValueError: as `encode` (row and position are named), or the array is not a matrix of uint8.
        """
        if bases_BL.ndim != 2 or bases_BL.dtype != np.uint8:
            raise ValueError(f"sequences have shape {bases_BL.shape} of {bases_BL.dtype}; a matrix of uint8 is needed")
        rows, length = bases_BL.shape
        if length < self.k:
            raise ValueError(f"a sequence of {length} bases holds no {self.k}-mer; leave it out or choose a smaller k")
        ids_BW = np.empty((rows, length - self.k + 1), np.int64)
        step = max(1, _BASES_PER_BLOCK // length)
        for start in range(0, rows, step):
            self._encode_block(bases_BL[start : start + step], start, ids_BW[start : start + step])
        return ids_BW

    def decode(self, ids: Ids) -> str:
        """The sequence of L bases whose k-mers are `ids` (L - k + 1,), with N where no known k-mer covers a base.

        Raises:
            ValueError: an id that is neither a k-mer's nor `[UNK]`'s, or neighbours that do not overlap.
        """
        ids = np.asarray(ids, np.int64)
        wrong = ids[(ids != UNK) & ((ids < len(SPECIAL_TOKENS)) | (ids >= self.size))]
        if wrong.size:
            raise ValueError(f"ids {wrong[:8].tolist()} are not those of {self.k}-mers; take special tokens out first")
        letters = np.full(len(ids) + self.k - 1 if len(ids) else 0, ord("N"), np.uint8)
        for window, covered in self._windows_by_place(ids, letters):
            letters[covered] = window[covered]
        for window, covered in self._windows_by_place(ids, letters):
            if (clash := np.flatnonzero(letters[covered] != window[covered])).size:
                position = int(np.flatnonzero(covered)[clash[0]])
                raise ValueError(f"the {self.k}-mers over position {position} do not agree; ids must be of neighbours")
        return letters.tobytes().decode("ascii")

    def _windows_by_place(self, ids: Ids, letters: Bytes) -> Iterator[tuple[Bytes, npt.NDArray[np.bool_]]]:
        """For each place in the k-mer: the letters that the k-mers claim, and the positions they claim them for."""
        for place in range(self.k):
            window, covered = np.zeros_like(letters), np.zeros(len(letters), bool)
            claimed = slice(place, place + len(ids))
            digits = ((ids - len(SPECIAL_TOKENS)) >> (2 * (self.k - 1 - place))) & 3
            window[claimed] = np.frombuffer(BASES.encode(), np.uint8)[digits]
            covered[claimed] = ids != UNK
            yield window, covered

    def _encode_block(self, bases_BL: Bytes, first_row: int, ids_BW: Ids) -> None:
        codes_BL = _letter_codes(bases_BL, first_row)
        np.copyto(ids_BW, self._roll(codes_BL) + np.uint16(len(SPECIAL_TOKENS)))
        if codes_BL.max(initial=0) == len(BASES):
            ambiguous_BL = codes_BL == len(BASES)
            ids_BW[sliding_window_view(ambiguous_BL, self.k, axis=1).any(-1)] = UNK

    def _roll(self, codes_BL: Bytes) -> npt.NDArray[np.uint16]:
        """Base-4 numbers of all windows (B, W) by doubling: a window of 2n digits is two windows of n, joined.

        The rows are rolled as one long row, which is several times faster; the windows that cross from one row into
        the next are cut off at the end.
        """
        digits = np.zeros(codes_BL.size + self.k - 1, np.uint16)
        np.bitwise_and(codes_BL.reshape(-1), 3, out=digits[: codes_BL.size])
        rolled: npt.NDArray[np.uint16] = digits
        width = 1
        for bit in bin(self.k)[3:]:
            rolled, width = (rolled[:-width] << np.uint16(2 * width)) | rolled[width:], 2 * width
            if bit == "1":
                rolled, width = (rolled[:-1] << np.uint16(2)) | digits[width:], width + 1
        return rolled.reshape(codes_BL.shape)[:, : codes_BL.shape[1] - self.k + 1]


def pair_ids(first: Sequence[int], second: Sequence[int]) -> tuple[list[int], list[int]]:
    """[CLS] first [SEP] second [SEP] of two sequences' ids, and the segment of each token: 0 up to the first [SEP]."""
    return [CLS, *first, SEP, *second, SEP], [0] * (len(first) + 2) + [1] * (len(second) + 1)


def as_bytes(sequence: str | bytes | Bytes) -> Bytes:
    """ASCII codes (L,) of a sequence.

    Raises:
        ValueError: a character beyond ASCII, or an array that is not one-dimensional uint8.
    """
    if isinstance(sequence, str):
        # One byte a character, so that positions stay; what is beyond ASCII becomes "?" and is refused by its position.
        sequence = sequence.encode("ascii", errors="replace")
    array = np.frombuffer(sequence, np.uint8) if isinstance(sequence, bytes) else sequence
    if array.ndim != 1 or array.dtype != np.uint8:
        raise ValueError(f"a sequence has shape {array.shape} of {array.dtype}; one row of uint8 is needed")
    return array


def reverse_complement(sequence: str) -> str:
    """The other strand, read in its own direction; case is kept and IUPAC letters are complemented as sets.

    Raises:
        ValueError: a character that is no IUPAC letter for DNA.
    """
    letters = as_bytes(sequence)
    _letter_codes(letters[None], 0)
    return letters.tobytes().translate(_COMPLEMENT)[::-1].decode("ascii")


def _letter_codes(bases_BL: Bytes, first_row: int) -> Bytes:
    """The code of each letter; `first_row` is where this block stands among the user's sequences, for the error."""
    # `bytes.translate` is several times faster than indexing a numpy table with bytes.
    codes_BL = np.frombuffer(bases_BL.tobytes().translate(_CODE_TABLE), np.uint8).reshape(bases_BL.shape)
    if codes_BL.max(initial=0) == _INVALID:
        row, position = np.argwhere(codes_BL == _INVALID)[0].tolist()
        raise ValueError(
            f"character {chr(bases_BL[row, position])!r} at position {position} of sequence {first_row + row} is no "
            f"IUPAC letter for DNA ({BASES}{AMBIGUOUS}); remove gaps and write U as T"
        )
    return codes_BL
