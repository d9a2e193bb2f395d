"""A genome on disk, read by window: a FASTA file through its index, or a packed copy that is mapped into memory.

Codes are uint8: A, C, G, T = 0-3; N and every other IUPAC letter for more than one base = 4. Lower case (soft-masked
sequence) is the same base. `LETTERS[codes]` gives the ASCII letters, for `KmerVocabulary.encode`.
"""

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from quatrefoil.core.config import nearest
from quatrefoil.genomics.sequence import packed
from quatrefoil.genomics.sequence.codes import UNKNOWN, Codes, FastaError, encode
from quatrefoil.genomics.sequence.indexed import IndexedFasta


class Genome:
    """Windows of a genome, by chromosome and half-open 0-based coordinates.

    The file is opened in the process that reads it: a handle opened before a fork shares its position with the other
    process, and then returns wrong bases. An instance may therefore be made anywhere, sent to a worker or forked.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader: IndexedFasta | packed.PackedGenome | None = None
        self._process = -1

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """The genome at `path`: a folder made by `pack`, or a FASTA file, plain or block-compressed (bgzip).

        Raises:
            FastaError: nothing there, a plain gzip file (it cannot be read by window), or a file that is no FASTA.
        """
        genome = cls(Path(path))
        if not genome.path.exists():
            raise FastaError(f"{path}: no such genome; name a FASTA file or a folder made by `quatrefoil pack`")
        genome.lengths  # noqa: B018 - a broken file is an error here, not in a worker
        return genome

    @staticmethod
    def pack(fasta: str | Path, folder: str | Path) -> "Genome":
        """Copy a FASTA file (plain, gzip or bgzip) into `folder`, one byte a base; reading is then a memory map.

        Raises:
            FastaError: `folder` exists, or the file is broken (file and line are named).
        """
        packed.pack(Path(fasta), Path(folder))
        return Genome.open(folder)

    @cached_property
    def lengths(self) -> Mapping[str, int]:
        """Chromosome -> its length in bases, in the order of the file."""
        return self._open().lengths

    def fetch(self, chromosome: str, start: int, end: int, outside: Literal["error", "N"] = "error") -> Codes:
        """The codes (end - start,) of a window.

        Args:
            outside: what a window that leaves the chromosome is: an error, or filled with N there.

        Raises:
            ValueError: an unknown chromosome (the nearest name is told), an empty window, or one that leaves the
                chromosome.
            FastaError: a letter that is not DNA.
        """
        length = self.length(chromosome)
        inside = slice(max(0, start), min(end, length))
        if start >= end:
            raise ValueError(f"{chromosome}:{start}-{end} is empty; windows are half-open and need start < end")
        if outside == "error" and (inside.start, inside.stop) != (start, end):
            raise ValueError(
                f"{chromosome}:{start}-{end} leaves the chromosome (0-{length} in {self.path}); cut the window, or "
                f'ask for outside="N"'
            )
        codes = np.full(end - start, UNKNOWN, np.uint8)
        if inside.start < inside.stop:
            codes[inside.start - start : inside.stop - start] = self._open().fetch(
                chromosome, inside.start, inside.stop
            )
        return codes

    def length(self, chromosome: str) -> int:
        """Length of a chromosome; ValueError names the nearest one where there is none of this name."""
        try:
            return self.lengths[chromosome]
        except KeyError:
            raise ValueError(f"{self.path} has no chromosome `{chromosome}`{self._hint(chromosome)}") from None

    def _hint(self, chromosome: str) -> str:
        other = chromosome.removeprefix("chr") if chromosome.startswith("chr") else f"chr{chromosome}"
        if other in self.lengths:
            return f"; it has `{other}`: one of the two files names chromosomes with `chr`, rename them in the other"
        return f"{nearest(chromosome, self.lengths)}; it has {', '.join(list(self.lengths)[:6])}"

    def _open(self) -> "IndexedFasta | packed.PackedGenome":
        if self._reader is None or self._process != os.getpid():
            self._reader = packed.PackedGenome(self.path) if self.path.is_dir() else IndexedFasta(self.path)
            self._process = os.getpid()
        return self._reader

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "_reader": None, "_process": -1}


def background(genome: Genome) -> tuple[float, float, float, float]:
    """Frequencies of A, C, G and T (N left out), averaged over both strands: A = T and C = G.

    Raises:
        ValueError: no base at all.
    """
    counts = np.zeros(4, np.int64)
    for chromosome in genome.lengths:
        for start in range(0, length := genome.length(chromosome), 1 << 24):
            codes = genome.fetch(chromosome, start, min(start + (1 << 24), length))
            counts += np.bincount(codes, minlength=UNKNOWN + 1)[:4]
    if not counts.sum():
        raise ValueError(f"{genome.path} holds no base but N; a background needs A, C, G or T")
    at, cg = ((counts + counts[::-1]) / (2 * counts.sum()))[:2].tolist()
    return at, cg, cg, at


def codes_of(letters: str) -> npt.NDArray[np.uint8]:
    """The codes (L,) of a short text.

    Raises:
        FastaError: a letter that is not DNA (its position is named).
    """
    return encode(letters.encode(), "the sequence", 0)
