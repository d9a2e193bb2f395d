"""Labelled sequences as they stand in files: text, plain or gzip, with errors that name the file and the line.

Lower case is read as upper case; N and every other IUPAC letter for more than one base is one code, `UNKNOWN`; any
other character is an error.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from quatrefoil.genomics.compressed import content_of
from quatrefoil.genomics.sequence.codes import Codes, FastaError, encode


class LabelledError(ValueError):
    """A file of labelled sequences that cannot be used: where, what, how to mend it."""


class Line(NamedTuple):
    """A line that is not blank, without the blanks about it but for tabs, and where it stands (`file:number`)."""

    where: str
    text: str


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


def read_lines(path: Path) -> list[Line]:
    """The lines of a text file, plain or gzip, UTF-8.

    Raises:
        LabelledError: no such file, a damaged gzip file, bytes that are no text, or nothing but blanks.
    """
    lines = [Line(f"{path}:{number}", text) for number, text in _numbered(path) if text.strip()]
    if not lines:
        raise LabelledError(f"{path}: empty; fetch the file again")
    return lines


def _numbered(path: Path) -> Iterator[tuple[int, str]]:
    content = _content(path).removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    for number, line in enumerate(content.split(b"\n"), start=1):
        try:
            # A tab at either end is a cell that is empty.
            yield number, line.decode("utf-8").strip(" \v\f")
        except UnicodeDecodeError as error:
            raise LabelledError(f"{path}:{number}: not text ({error.reason}); is it another kind of file?") from error


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise LabelledError(f"{path}: no such file; in a recipe, paths count from data.root")
    return content_of(path, LabelledError)


def bases(text: str, where: str) -> Codes:
    """The codes of a sequence written as bases, or as DNABERT's overlapping k-mers, blanks between them.

    Raises:
        LabelledError: no base, a letter that is no DNA (its position is named), or k-mers that do not overlap.
    """
    words = text.split()
    if not words:
        raise LabelledError(f"{where}: no sequence; fill it in or take the line out")
    try:
        return encode(_joined(words, where).encode("ascii", errors="replace"), where, 0)
    except FastaError as error:
        raise LabelledError(str(error)) from error


def _joined(kmers: Sequence[str], where: str) -> str:
    """n k-mers are n + k - 1 bases: each but the first adds its last letter."""
    for number, (a, b) in enumerate(pairwise(kmers), start=1):
        if len(a) != len(b) or a[1:] != b[:-1]:
            raise LabelledError(
                f"{where}: {a!r} and {b!r} (words {number} and {number + 1}) are not k-mers that overlap in all bases "
                f"but one; write one k-mer for each position, or the sequence without blanks"
            )
    return kmers[0] + "".join(kmer[-1] for kmer in kmers[1:])
