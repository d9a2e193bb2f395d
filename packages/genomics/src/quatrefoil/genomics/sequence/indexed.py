"""A FASTA file behind its `.fai` index (pyfaidx): one seek a window. Open it in the process that reads."""

import hashlib
import os
import re
from pathlib import Path
from typing import Any, Final

from quatrefoil.core.files import cache_home
from quatrefoil.genomics.compressed import DAMAGED, GZIP, HEAD, is_bgzip, refuse_cut_off
from quatrefoil.genomics.extras import extras
from quatrefoil.genomics.sequence.codes import NO_BASE, NO_RECORD, Codes, FastaError, encode
from quatrefoil.genomics.sequence.foreign import refuse_foreign

_HOW: Final = "write every record in lines of one length, under its own name"
_COLUMNS: Final = 5  # of an index: the name, and four whole numbers
_COMPRESSED: Final = (".gz", ".bgz")  # the suffixes by which pyfaidx knows it


class IndexedFasta:
    """Windows of a FASTA file, plain or bgzip.

    Raises:
        FastaError: what is no FASTA, a plain or damaged gzip file, no record, two records of one name, one without a
            name or a base, lines of unequal length, or an index that is none, or that of another file.
        ValueError: pyfaidx is not installed; what reads no FASTA by window does without.
    """

    def __init__(self, path: Path) -> None:
        with extras():
            import pyfaidx
        refuse_foreign(path)
        _refuse_compressed(path)
        index = _index(path)
        _refuse_junk(index)
        try:
            self._fasta = pyfaidx.Fasta(str(path), as_raw=True, indexname=str(index))
        except UnicodeDecodeError as error:
            raise FastaError(f"{path}: a line that is no text ({error.reason}); write it in UTF-8") from error
        except (pyfaidx.FastaIndexingError, pyfaidx.FetchError, ValueError) as error:
            raise FastaError(_told(path, str(error))) from error
        except DAMAGED as error:
            raise FastaError(f"{path}: damaged bgzip file ({error}); fetch it again") from error
        except RuntimeError as error:  # what pyfaidx says of it is a request to report it
            raise FastaError(f"{path}: cannot be indexed, as by blank lines inside of a record; {_HOW}") from error
        self.path, self._index = path, index
        self.lengths = {name: len(record) for name, record in self._fasta.items()}
        if not self.lengths:
            raise FastaError(f"{path}: {NO_RECORD}")
        if empty := [name for name, length in self.lengths.items() if not length]:
            raise FastaError(f"{path}: `{empty[0]}` {NO_BASE}")
        self._check_index(index)

    def _check_index(self, index: Path) -> None:
        """Another file's index gives other bases, and one that is cut off fewer chromosomes: what lies between what it
        calls bases must be the lines of its names, and nothing may follow."""
        faidx: Any = self._fasta.faidx
        try:
            other = next((name for name in self.lengths if _name_in(faidx.get_long_name(name)) != name), "")
            last = next(reversed(self.lengths))
            self._fasta[last][self.lengths[last] - 1 : self.lengths[last]]  # leaves the file behind the last base
            followed = bool(faidx.file.read(HEAD).strip())
        except (ValueError, *DAMAGED):  # a place within a letter, or outside of any block
            other, followed = "a record", False
        if other or followed:
            found = f"`{other}` is not where it says" if other else "it ends before the file does"
            raise FastaError(f"{index}: no index of {self.path.name} ({found}); remove it, and it is made anew")

    def fetch(self, chromosome: str, start: int, end: int) -> Codes:
        """Codes of a window inside the chromosome. Raises FastaError where the file has not so many there."""
        letters = self._fasta[chromosome][start:end]
        if len(letters) != end - start:  # edited in place, under an index that is younger
            raise FastaError(
                f"{self._index}: no index of {self.path.name} ({chromosome}:{start}-{end} has {len(letters)} bases); "
                f"remove it, and it is made anew"
            )
        return encode(letters.encode("ascii", errors="replace"), f"{self.path}, {chromosome}", start)


def _index(path: Path) -> Path:
    """Beside the file, as everyone's tools do; in the cache where that folder may not be written."""
    beside = Path(f"{path}.fai")
    if beside.exists() or os.access(path.parent, os.W_OK):
        return beside
    name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
    (folder := cache_home() / "fai").mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.fai"


def _refuse_compressed(path: Path) -> None:
    """What pyfaidx cannot read: it takes every file for what its suffix says."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    named = path.name.lower().endswith(_COMPRESSED)
    if head.startswith(GZIP) and not is_bgzip(head):
        raise FastaError(
            f"{path}: a plain gzip file cannot be read by window; `gunzip` it, compress it anew with bgzip, or pack "
            f"it: `quatrefoil pack {path} --out FOLDER`"
        )
    if named != is_bgzip(head):
        raise FastaError(f"{path}: {'not compressed; take .gz off its name' if named else 'bgzip; name it FILE.gz'}")
    refuse_cut_off(path, FastaError)


def _told(path: Path, said: str) -> str:
    """What pyfaidx says, which counts the lines of nameless records from 0."""
    if nameless := re.fullmatch(r"Bad sequence name .* at line (\d+)\.", said):
        return f"{path}:{int(nameless[1]) + 1}: a record without a name; name each once"
    if "does not contain a valid sequence" in said:
        return f"{path}: {NO_RECORD}"
    return f"{path}: {said}; {_HOW}"


def _refuse_junk(index: Path) -> None:
    """Raise `FastaError` for an index, where there is one, that holds none."""
    if not index.exists():
        return
    lines = index.read_text(encoding="utf-8", errors="replace").split("\n")
    rows = [line.split("\t") for line in lines if line]
    if not rows or not all(len(row) == _COLUMNS and all(cell.isdecimal() for cell in row[1:]) for row in rows):
        raise FastaError(f"{index}: no index of a FASTA file; remove it, and it is made anew")


def _name_in(between: str) -> str:
    """The name in what stands between the bases of two records, the first letter aside; none where that is more than
    the line of a name (and comments, which may stand before the first)."""
    *comments, line = [line for line in between.split("\n") if line.strip()] or [""]
    words = line.removeprefix(">").split()
    return words[0] if words and all(comment.startswith(";") for comment in comments[1:]) else ""
