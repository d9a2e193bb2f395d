"""Files that are no FASTA, told by their first bytes: read as one, they would be told of as something else."""

import gzip
from codecs import BOM_UTF8
from pathlib import Path
from typing import Final

from quatrefoil.genomics.compressed import DAMAGED, GZIP, refuse_missing
from quatrefoil.genomics.sequence.codes import FastaError

_HEAD: Final = 1 << 16
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff")  # how UTF-16 begins


def refuse_foreign(path: Path) -> None:
    """Raise `FastaError` for a file that is not there, a byte order mark, bytes that are no text, UTF-16, and lines
    that end in a carriage return alone; of what is compressed, for a byte order mark."""
    refuse_missing(path, FastaError)
    with path.open("rb") as file:
        head = file.read(_HEAD)
    packed = head.startswith(GZIP)
    if (_unpacked(path) if packed else head).startswith(BOM_UTF8):
        raise FastaError(
            f"{path}: begins with a byte order mark; write it as UTF-8 without one (`sed '1s/^\\xEF\\xBB\\xBF//'`)"
        )
    if packed:
        return
    if head.startswith(_WIDE):
        raise FastaError(f"{path}: UTF-16; write it as plain text (`iconv -f UTF-16 -t UTF-8`)")
    if b"\0" in head:
        raise FastaError(f"{path}: no text, but bytes of another kind; a FASTA record starts with a line `>name`")
    if b"\r" in head and b"\n" not in head:
        raise FastaError(f"{path}: lines end in a carriage return alone; write newlines (`tr '\\r' '\\n'`)")


def _unpacked(path: Path) -> bytes:
    """The first bytes; none where the file is damaged, which is told where it is read."""
    try:
        with gzip.open(path) as file:
            return file.read(len(BOM_UTF8))
    except DAMAGED:
        return b""
