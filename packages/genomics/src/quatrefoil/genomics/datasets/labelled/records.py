"""Labelled sequences as they stand in files.

Lower case is read as upper case; N and every other IUPAC letter for more than one base is one code, `UNKNOWN`; any
other character is an error.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from quatrefoil.core.wording import counted, first_few
from quatrefoil.genomics.sequence.codes import Codes, FastaError, encode
from quatrefoil.genomics.tables import TextError


class Record(NamedTuple):
    """One labelled sequence.

    Attributes:
        where: `file:line`, for errors.
        name: what the file calls it, or nothing; it may hold its place in a genome, and may repeat.
        codes: the bases, uint8 (L,); see `sequence.codes`.
        label: as the file writes it.
    """

    where: str
    name: str
    codes: Codes
    label: str


class Labelled(NamedTuple):
    """What was read; `only_positives` where a format that allows it came without negatives."""

    records: Sequence[Record]
    only_positives: bool = False


def refuse_shorter(records: Iterable[Record], least: int) -> None:
    """Raise `TextError` for sequences with fewer bases than a model needs; names the first, and where others stand."""
    if short := [record for record in records if len(record.codes) < least]:
        first, *others = short
        too = f"; so are {first_few(record.where for record in others)}" if others else ""
        raise TextError(
            f"{first.where}: {counted(len(first.codes), 'base')}; this model reads sequences of {least} and more: take "
            f"it out, or train a model of shorter k-mers{too}"
        )


def bases(text: str, where: str) -> Codes:
    """The codes of a sequence written as bases, or as DNABERT's overlapping k-mers, blanks between them.

    Raises:
        TextError: no base, a letter that is no DNA (its position is named), or k-mers that do not overlap.
    """
    words = text.split()
    if not words:
        raise TextError(f"{where}: no sequence; fill it in or take the line out")
    try:
        return encode(_joined(words, where).encode("ascii", errors="replace"), where, 0)
    except FastaError as error:
        raise TextError(str(error)) from error


def _joined(kmers: Sequence[str], where: str) -> str:
    """n k-mers are n + k - 1 bases: each but the first adds its last letter."""
    for number, (a, b) in enumerate(pairwise(kmers), start=1):
        if len(a) != len(b) or a[1:] != b[:-1]:
            raise TextError(
                f"{where}: {a!r} and {b!r} (words {number} and {number + 1}) are not k-mers that overlap in all bases "
                f"but one; write one k-mer for each position, or the sequence without blanks"
            )
    return kmers[0] + "".join(kmer[-1] for kmer in kmers[1:])
