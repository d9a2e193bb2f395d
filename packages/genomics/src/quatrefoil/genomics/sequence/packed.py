"""A genome as one byte a base in one file that is mapped into memory: `codes.u8` and `index.json` in a folder."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import numpy as np

from quatrefoil.core.files import locked, whole_folder
from quatrefoil.genomics.compressed import lines_in
from quatrefoil.genomics.sequence.codes import NO_BASE, NO_RECORD, Codes, FastaError, encode
from quatrefoil.genomics.sequence.foreign import refuse_foreign

_CODES, _INDEX = "codes.u8", "index.json"


class PackedGenome:
    """Windows of a packed genome.

    Raises:
        FastaError: the folder is not one that `pack` made, or is not whole.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self.lengths: dict[str, int] = json.loads((folder / _INDEX).read_text())
            self._codes = np.memmap(folder / _CODES, np.uint8, mode="r")
            ends = np.cumsum([0, *self.lengths.values()], dtype=np.int64).tolist()
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise FastaError(f"{folder}: not a packed genome ({error}); make one with Genome.pack") from error
        if ends[-1] != len(self._codes):
            raise FastaError(f"{folder}: {len(self._codes)} bases where its index says {ends[-1]}; pack it anew")
        self._starts = dict(zip(self.lengths, ends, strict=False))

    def fetch(self, chromosome: str, start: int, end: int) -> Codes:
        """Codes of a window inside the chromosome."""
        first = self._starts[chromosome]
        return np.asarray(self._codes[first + start : first + end])


def pack(fasta: Path, folder: Path) -> None:
    """Write `folder` whole or not at all.

    Raises:
        FastaError: `folder` exists, or a broken FASTA (file and line).
    """
    with locked(folder):
        if folder.exists():
            raise FastaError(f"{folder} exists; choose another folder, or remove it")
        refuse_foreign(fasta)
        with whole_folder(folder) as part:
            with (part / _CODES).open("wb") as target:
                lengths = _copy(_records(lines_in(fasta, FastaError), fasta), target, fasta)
            (part / _INDEX).write_text(json.dumps(lengths))


def _copy(lines: Iterator[tuple[str, Codes]], target: IO[bytes], fasta: Path) -> dict[str, int]:
    lengths: dict[str, int] = {}
    for name, codes in lines:
        target.write(codes.tobytes())
        lengths[name] = lengths.get(name, 0) + len(codes)
    if empty := [name for name, length in lengths.items() if not length]:
        raise FastaError(f"{fasta}: `{empty[0]}` {NO_BASE}")
    if not lengths:
        raise FastaError(f"{fasta}: {NO_RECORD}")
    return lengths


def _records(source: Iterable[bytes], fasta: Path) -> Iterator[tuple[str, Codes]]:
    """(name, codes of one line), and (name, no codes) at the head of a record."""
    name, seen = "", set[str]()
    for number, line in enumerate(source, start=1):
        where, text = f"{fasta}:{number}", line.strip()
        if text.startswith(b">"):
            name = _name(text, where, seen)
            yield name, np.empty(0, np.uint8)
        elif text.startswith(b";") and not name:
            continue  # a comment, which the index of `Genome.open` passes over there, too
        elif text and not name:
            raise FastaError(f"{where}: sequence before the first `>name` line; add one")
        elif text:
            yield name, encode(text, where, 0)


def _name(header: bytes, where: str, seen: set[str]) -> str:
    try:
        name = header[1:].split()[0].decode() if header[1:].split() else ""
    except UnicodeDecodeError as error:
        raise FastaError(f"{where}: a name that is no text ({error.reason}); write it in UTF-8") from error
    if not name or name in seen:
        raise FastaError(
            f"{where}: {f'a second record `{name}`' if name else 'a record without a name'}; name each once"
        )
    seen.add(name)
    return name
