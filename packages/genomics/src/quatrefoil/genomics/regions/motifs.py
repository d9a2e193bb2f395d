"""Motif files (JASPAR, MEME, TRANSFAC and position-by-row counts), read by Biopython one record at a time.

One record at a time, so that an error names the record's line. Legend: W positions of a motif; bases A, C, G, T.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from Bio import motifs as bio

_UNSTATED_SITES: Final = 20.0  # what the MEME format says of a motif without nsites
_MEME_GRAIN: Final = 10**9
_FREQUENCY_SLACK: Final = 0.01  # rows that sum to 1 but for this are frequencies, which do not say how many sites


class MotifError(ValueError):
    """A motif file that cannot be used; says file and line."""


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


class _Record(NamedTuple):
    line: int
    text: str


def read_motifs(path: str | Path) -> list[Motif]:
    """All motifs of a file, in its order; the format is known by its content.

    Read are JASPAR (four rows, with or without letters and brackets), MEME 4 and 5 minimal, TRANSFAC, and
    `>name` with one row of four counts a position (HOMER-like, gimmemotifs, Cluster-Buster). Where a file holds
    frequencies and does not state the sites behind them, they are taken to be 20, as the MEME format says.

    Raises:
        MotifError: an unknown format, a record that cannot be read, no motif, one without counts, or two of one name.
    """
    path = Path(path)
    text = path.read_text(encoding="utf-8", errors="replace")
    format_ = _format(text, path)
    preamble, records = _split(text, format_)
    if not records:
        raise MotifError(f"{path}: no motif, though it begins as {format_} does; is the file cut off?")
    found = [_read(record, format_, preamble, path) for record in records]
    lines: dict[str, int] = {}
    for record, motif in zip(records, found, strict=True):
        if motif.name in lines:
            raise MotifError(
                f"{path}:{record.line}: a second motif `{motif.name}` (the first: line {lines[motif.name]}); rename one"
            )
        lines[motif.name] = record.line
    return found


def _format(text: str, path: Path) -> str:
    if text.startswith("MEME version"):
        return "minimal"
    if re.search(r"^(P0|PO)\s", text, re.MULTILINE):
        return "transfac"
    if not re.search(r"^>", text, re.MULTILINE):
        raise MotifError(f"{path}: neither JASPAR (`>name`), MEME (`MEME version`) nor TRANSFAC (`P0`); convert it")
    sizes = [[len(row.split()) for row in rows] for rows in _rows(text)]
    by_position = all(size == 4 for record in sizes for size in record) and any(len(record) != 4 for record in sizes)
    return "clusterbuster" if by_position and "[" not in text else "jaspar"


def _rows(text: str) -> Iterator[list[str]]:
    for record in re.split(r"^>.*$", text, flags=re.MULTILINE)[1:]:
        yield [row for row in record.splitlines() if row.strip() and not row.startswith("#")]


def _split(text: str, format_: str) -> tuple[str, list[_Record]]:
    """What stands before the first record, and the records with their first lines."""
    if format_ == "transfac":
        pattern = r"^(?:AC|ID)\b(?:(?!^//).)*^//"
        found = list(re.finditer(pattern, text.rstrip() + "\n//", re.MULTILINE | re.DOTALL))
    else:
        start = r"MOTIF\s" if format_ == "minimal" else ">"
        found = list(re.finditer(rf"^{start}(?:(?!^{start}).)*", text, re.MULTILINE | re.DOTALL))
    preamble = text[: found[0].start()] if found else text
    return preamble, [_Record(text.count("\n", 0, match.start()) + 1, match.group()) for match in found]


def _read(record: _Record, format_: str, preamble: str, path: Path) -> Motif:
    where = f"{path}:{record.line}"
    head = record.text.splitlines()[0].strip()
    text, sites = _parsable(record.text, format_, preamble)
    try:
        (parsed,) = bio.parse(io.StringIO(text), format_, strict=False)  # TRANSFAC with tabs, as JASPAR writes it
        counts_W4 = np.array([parsed.counts[base] for base in "ACGT"], np.float64).T
    except Exception as error:  # Biopython raises what its lines happen to raise
        raise MotifError(f"{where}: `{head}` cannot be read as {format_}: {error!r}; mend or remove it") from error
    _check(counts_W4, f"{where}: `{head}`")
    name, factor = _names(record.text, format_)
    totals_W = counts_W4.sum(1)
    if sites is None:
        sites = _UNSTATED_SITES if np.abs(totals_W - 1).max() < _FREQUENCY_SLACK else float(totals_W.mean())
    return Motif(name, factor, counts_W4 / totals_W[:, None], sites)


def _parsable(text: str, format_: str, preamble: str) -> tuple[str, float | None]:
    """The text to give to Biopython, and the number of sites where the format states it apart from the counts.

    Biopython rounds MEME's frequencies to whole counts of `nsites`; with `nsites= 1`, as CIS-BP's files have it, only
    zeros and ones would be left. So it is given a billion sites, and the true number is kept.
    """
    if format_ == "minimal":
        stated = re.search(r"nsites=\s*([\d.]+)", text)
        text = re.sub(r"nsites=\s*[\d.]+", "", text)
        text = re.sub(r"(letter-probability matrix:)", rf"\1 nsites= {_MEME_GRAIN}", text)
        header = preamble if "ALPHABET" in preamble else f"{preamble}\nALPHABET= ACGT\n"
        return header + text, float(stated.group(1)) if stated else _UNSTATED_SITES
    return "\n".join(line for line in text.splitlines() if not line.startswith("#")) + "\n", None


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
    return name, words[1].strip() if len(words) > 1 else name
