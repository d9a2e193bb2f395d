"""The codes of bases and of their other strand, and the error that all readers of FASTA raise."""

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from quatrefoil.genomics.sequence.kmers import AMBIGUOUS

Codes: TypeAlias = npt.NDArray[np.uint8]

UNKNOWN: Final = 4
PADDED: Final = 5
"""What stands behind the last base of the shorter sequences of a batch."""
LETTERS: Final = np.frombuffer(b"ACGTN", np.uint8)
_COMPLEMENT: Final = np.array([3, 2, 1, 0, UNKNOWN], np.uint8)
_INVALID: Final = 255
NO_RECORD: Final = "no record; a FASTA record starts with a line `>name`"
NO_BASE: Final = "has no base; remove the record"


class FastaError(ValueError):
    """A FASTA file that cannot be used; says the file and, where it can, the line or position."""


def _table() -> bytes:
    table = bytearray([_INVALID]) * 256
    for code, letters in enumerate(("A", "C", "G", "T", AMBIGUOUS)):
        for letter in letters + letters.lower():
            table[ord(letter)] = code
    return bytes(table)


_TABLE: Final = _table()


def encode(letters: bytes, where: str, offset: int) -> Codes:
    """Codes of ASCII letters.

    Args:
        where: what to name in an error.
        offset: position of the first letter there.

    Raises:
        FastaError: a letter that is no IUPAC letter for DNA.
    """
    codes = np.frombuffer(letters.translate(_TABLE), np.uint8)
    if codes.max(initial=0) == _INVALID:
        place = int(np.argmax(codes == _INVALID))
        raise FastaError(
            f"{where}: character {chr(letters[place])!r} at position {offset + place} is no IUPAC letter for DNA "
            f"(ACGT{AMBIGUOUS}); remove gaps and write U as T"
        )
    return codes


def reverse_complement(codes_L: Codes) -> Codes:
    """The codes of the other strand, read in its own direction."""
    return _COMPLEMENT[codes_L[::-1]]
