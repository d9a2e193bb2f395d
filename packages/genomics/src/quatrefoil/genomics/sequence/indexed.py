"""A FASTA file behind its `.fai` index (pyfaidx): one seek a window. Open it in the process that reads."""

import hashlib
import os
from pathlib import Path

from quatrefoil.core.files import cache_home
from quatrefoil.genomics.compressed import DAMAGED, GZIP
from quatrefoil.genomics.extras import extras
from quatrefoil.genomics.sequence.codes import Codes, FastaError, encode

_BGZIP_FIELD = b"BC"
_HOW = "write every record in lines of one length, under its own name"


class IndexedFasta:
    """Windows of a FASTA file, plain or bgzip.

    Raises:
        FastaError: a plain or damaged gzip file, no record, two records of one name, or lines of unequal length.
        ValueError: pyfaidx is not installed; what reads no FASTA by window does without.
    """

    def __init__(self, path: Path) -> None:
        with extras():
            import pyfaidx
        _refuse_plain_gzip(path)
        try:
            self._fasta = pyfaidx.Fasta(str(path), as_raw=True, indexname=str(_index(path)))
        except (pyfaidx.FastaIndexingError, pyfaidx.FetchError, ValueError) as error:
            raise FastaError(f"{path}: {error}; {_HOW}") from error
        except DAMAGED as error:
            raise FastaError(f"{path}: damaged bgzip file ({error}); fetch it again") from error
        except RuntimeError as error:  # what pyfaidx says of it is a request to report it
            raise FastaError(f"{path}: cannot be indexed, as by blank lines inside of a record; {_HOW}") from error
        self.path = path
        self.lengths = {name: len(record) for name, record in self._fasta.items()}
        if not self.lengths:
            raise FastaError(f"{path}: no record; a FASTA record starts with a line `>name`")

    def fetch(self, chromosome: str, start: int, end: int) -> Codes:
        """Codes of a window inside the chromosome."""
        letters = self._fasta[chromosome][start:end]
        return encode(letters.encode("ascii", errors="replace"), f"{self.path}, {chromosome}", start)


def _index(path: Path) -> Path:
    """Beside the file, as everyone's tools do; in the cache where that folder may not be written."""
    beside = Path(f"{path}.fai")
    if beside.exists() or os.access(path.parent, os.W_OK):
        return beside
    name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
    (folder := cache_home() / "fai").mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.fai"


def _refuse_plain_gzip(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(18)
    if head.startswith(GZIP) and head[12:14] != _BGZIP_FIELD:
        raise FastaError(
            f"{path}: a plain gzip file cannot be read by window; `gunzip` it, compress it anew with bgzip, or pack "
            f"it: `quatrefoil pack {path} --out FOLDER`"
        )
