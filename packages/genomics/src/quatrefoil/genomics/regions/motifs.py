"""Motif files (JASPAR, MEME, TRANSFAC and position-by-row counts), read by Biopython one record at a time.

One record at a time, so that an error names the record's line. Legend: W positions of a motif; bases A, C, G, T.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from Bio import motifs as bio

from quatrefoil.genomics.regions.motif_records import MotifError as MotifError
from quatrefoil.genomics.regions.motif_records import Record, check, facts, split
from quatrefoil.genomics.tables import read_text

_UNSTATED_SITES: Final = 20.0  # what the MEME format says of a motif without nsites
_MEME_GRAIN: Final = 10**9
_FREQUENCY_SLACK: Final = 0.01  # rows that sum to 1 but for this are frequencies, which do not say how many sites
_ROUNDED: Final = 0.05  # what rows of MEME may lack of 1, or have beyond it, as their digits are few
_SITES: Final = r"nsites=[ \t]*\S*"
_BASES: Final = 4
_DNA: Final = ("ACGT", '"DNA" DNA-LIKE')  # how MEME states it
# Biopython wants a background, which MEME's format leaves open; it is not kept, as a scan has its own.
_MEME_HEADER: Final = (
    "MEME version 4\n\nALPHABET= ACGT\n\nBackground letter frequencies\nA 0.25 C 0.25 G 0.25 T 0.25\n\n"
)


@dataclass(frozen=True, eq=False)
class Motif:
    """A motif: its id, the factor's name (the id where there is none), base frequencies, and the sites behind them."""

    name: str
    factor: str
    frequencies_W4: npt.NDArray[np.float64]
    sites: float

    @property
    def width(self) -> int:
        return len(self.frequencies_W4)


def read_motifs(path: str | Path) -> list[Motif]:
    """All motifs of a file, plain or gzip, in its order; the format is known by its content.

    Read are JASPAR (four rows, with or without letters and brackets), MEME 4 and 5 (minimal, or MEME's own output),
    TRANSFAC, and `>name` with one row of four counts a position (HOMER, gimmemotifs, Cluster-Buster). A motif of four
    rows of four is JASPAR's, unless it is the rows that have equal sums. Where a file holds frequencies and does not
    state the sites behind them, or states 0, they are taken to be 20, as the MEME format says.

    Raises:
        TextError: no such file, a damaged gzip file, or bytes that are no text; MotifError: an unknown format, another
            alphabet than DNA's, a record that cannot be read or is cut off, a line that belongs to none, no motif, one
            without counts or of very many positions, or two of one name.
    """
    path = Path(path)
    text = read_text(path)
    format_ = _format(text, path)
    preamble, records = split(text, format_, path)
    if format_ == "minimal":
        _check_alphabet(preamble, path)
    found = [_read(record, format_) for record in records]
    lines: dict[str, int] = {}
    for record, motif in zip(records, found, strict=True):
        if motif.name in lines:
            raise MotifError(
                f"{path}:{record.line}: a second motif `{motif.name}` (the first: line {lines[motif.name]}); rename one"
            )
        lines[motif.name] = record.line
    return found


def _format(text: str, path: Path) -> str:
    if re.search(r"^MEME version", text, re.MULTILINE):
        return "minimal"
    if re.search(r"^(P0|PO)\s", text, re.MULTILINE):
        return "transfac"
    if not re.search(r"^>", text, re.MULTILINE):
        raise MotifError(f"{path}: neither JASPAR (`>name`), MEME (`MEME version`) nor TRANSFAC (`P0`); convert it")
    return "clusterbuster" if "[" not in text and _by_position(list(_rows(text))) else "jaspar"


def _rows(text: str) -> Iterator[list[list[str]]]:
    """The words of each row, record by record."""
    for record in re.split(r"^>.*$", text, flags=re.MULTILINE)[1:]:
        yield [row.split() for row in record.splitlines() if row.strip() and not row.startswith("#")]


def _by_position(records: list[list[list[str]]]) -> bool:
    """Whether rows are positions: there may be other than four, and they have four columns."""
    if any(len(row) != _BASES for rows in records for row in rows):
        return False
    return any(len(rows) != _BASES for rows in records) or all(map(_rows_are_alike, records))


def _rows_are_alike(rows: list[list[str]]) -> bool:
    """Of a square: every position has as many sites, so its rows are positions if they, and not its columns, are so."""
    try:
        counts = np.array(rows, np.float64)
    except ValueError:
        return False
    spread, spread_of_columns = (np.ptp(counts.sum(axis)) for axis in (1, 0))
    return bool(spread <= _FREQUENCY_SLACK * counts.sum() / _BASES < spread_of_columns)


def _check_alphabet(preamble: str, path: Path) -> None:
    stated = re.search(r"^ALPHABET\s*=?\s*(.*?)\s*$", preamble, re.MULTILINE)
    if stated and stated.group(1) not in _DNA:
        line = preamble.count("\n", 0, stated.start()) + 1
        raise MotifError(f"{path}:{line}: the alphabet is `{stated.group(1)}`; motifs of DNA (ACGT) are needed")


def _read(record: Record, format_: str) -> Motif:
    check(record, format_)
    text, sites = _parsable(record.text, format_)
    try:
        (parsed,) = bio.parse(io.StringIO(text), format_, strict=False)  # TRANSFAC with tabs, as JASPAR writes it
        counts_W4 = np.array([parsed.counts[base] for base in "ACGT"], np.float64).T
    except Exception as error:  # Biopython raises what its lines happen to raise
        raise MotifError(f"{record.where} cannot be read as {format_} ({error}); mend or remove it") from error
    _check(counts_W4, record.where)
    name, factor = _names(record.text, format_)
    totals_W = counts_W4.sum(1)
    if format_ == "minimal":
        _check_sums(totals_W / _MEME_GRAIN, record.where)
    if sites is None:
        sites = _UNSTATED_SITES if np.abs(totals_W - 1).max() < _FREQUENCY_SLACK else float(totals_W.mean())
    return Motif(name, factor, counts_W4 / totals_W[:, None], sites)


def _check_sums(sums_W: npt.NDArray[np.float64], where: str) -> None:
    if (wrong := np.flatnonzero(np.abs(sums_W - 1) > _ROUNDED)).size:
        place = int(wrong[0])
        raise MotifError(f"{where}: position {place + 1} sums to {sums_W[place]:.3g}; MEME's probabilities sum to 1")


def _parsable(text: str, format_: str) -> tuple[str, float | None]:
    """The text to give to Biopython, and the number of sites where the format states it apart from the counts.

    Biopython rounds MEME's frequencies to whole counts of `nsites`; with `nsites= 1`, as CIS-BP's files have it, only
    zeros and ones would be left. So it is given a billion sites, and the true number is kept.
    """
    if format_ == "minimal":
        stated = facts(text).get("nsites")
        text = re.sub(_SITES, "", text)
        text = re.sub(r"(letter-probability matrix:)", rf"\1 nsites= {_MEME_GRAIN}", text)
        return _MEME_HEADER + text, float(stated or 0) or _UNSTATED_SITES
    text = "\n".join(line for line in text.splitlines() if not line.startswith("#")) + "\n"
    if format_ == "jaspar":
        text = re.sub(r"^([ACGT])[ \t]+([^\[\s].*)$", r"\1 [\2]", text, flags=re.MULTILINE)
    return text, None


def _check(counts_W4: npt.NDArray[np.float64], where: str) -> None:
    if counts_W4.ndim != 2 or not len(counts_W4):
        raise MotifError(f"{where} has no counts; remove it")
    if not np.isfinite(counts_W4).all() or (counts_W4 < 0).any():
        raise MotifError(f"{where} has a count that is negative or no number; counts or frequencies are needed")
    if (empty := np.flatnonzero(counts_W4.sum(1) == 0)).size:
        raise MotifError(f"{where}: position {empty[0] + 1} has no counts; mend or remove it")


def _names(text: str, format_: str) -> tuple[str, str]:
    """(id, factor) as the record states them."""
    if format_ == "transfac":
        fields = {match[1]: match[2] for match in re.finditer(r"^(AC|ID|NA)\s+(\S.*?)\s*$", text, re.MULTILINE)}
        name = fields.get("AC") or fields["ID"]
        return name, fields.get("NA") or fields.get("ID") or name
    words = re.sub(r"^(>|MOTIF\s)", "", text.splitlines()[0]).split(maxsplit=1)
    name = words[0] if words else ""
    # A second word is all that MEME has for it; other columns by tabs are HOMER's thresholds.
    rest = words[1].split(None if format_ == "minimal" else "\t") if len(words) > 1 else [name]
    return name, rest[0].strip()
