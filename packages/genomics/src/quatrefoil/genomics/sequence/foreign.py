"""Files that are no FASTA, told by their first bytes: read as one, they would be told of as something else."""

from pathlib import Path
from typing import Final

from quatrefoil.genomics.compressed import GZIP, refuse_missing
from quatrefoil.genomics.sequence.codes import FastaError

_HEAD: Final = 1 << 16
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff")  # how UTF-16 begins


def refuse_foreign(path: Path) -> None:
    """Raise `FastaError` for a file that is not there, for bytes that are no text, UTF-16, and lines that end in a
    carriage return alone; what is compressed passes."""
    refuse_missing(path, FastaError)
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(GZIP):
        return
    if head.startswith(_WIDE):
        raise FastaError(f"{path}: UTF-16; write it as plain text (`iconv -f UTF-16 -t UTF-8`)")
    if b"\0" in head:
        raise FastaError(f"{path}: no text, but bytes of another kind; a FASTA record starts with a line `>name`")
    if b"\r" in head and b"\n" not in head:
        raise FastaError(f"{path}: lines end in a carriage return alone; write newlines (`tr '\\r' '\\n'`)")
