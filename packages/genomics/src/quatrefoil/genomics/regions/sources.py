"""Where motif hits come from: a scan of the genome, or a file of hits that someone made before."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from quatrefoil.genomics.regions.hits import UNITS_PER_BIT, Hits, Integers
from quatrefoil.genomics.regions.peaks import Interval, PeakError, check_places, interval_blocks, numbers, refuse
from quatrefoil.genomics.regions.scan import MotifTables, Scanner
from quatrefoil.genomics.sequence.codes import UNKNOWN
from quatrefoil.genomics.sequence.fasta import Genome

_BLOCK: Final = 250_000  # lines; some half a gigabyte of words
_HIT_COLUMNS: Final = 6
_FORWARD: Final = {"+": 1, "-": -1, ".": 1}
_MOST_BITS: Final = np.iinfo(np.int32).max // UNITS_PER_BIT  # a matrix holds sums as int32


class HitSource(Protocol):
    """Motif hits by place. It is sent to workers, so it holds no open file."""

    @property
    def names(self) -> Sequence[str]:
        """The motifs; `Hits.motif` counts in this order."""

    @property
    def tables(self) -> MotifTables | None:
        """How hits are scored, in the order of `names`; None where that is not known."""

    def hits(self, chromosome: str, intervals: Sequence[Interval]) -> Hits:
        """The hits that share a base with any of the intervals, which are sorted and disjoint, each hit once."""


@dataclass(frozen=True, eq=False)
class Scan:
    """Hits found by scanning the bases of the intervals and as many around them as a motif is wide."""

    genome: Genome
    scanner: Scanner
    device: str = "cpu"

    @property
    def names(self) -> Sequence[str]:
        return [motif.name for motif in self.scanner.motifs]

    @property
    def tables(self) -> MotifTables:
        return self.scanner.tables

    def hits(self, chromosome: str, intervals: Sequence[Interval]) -> Hits:
        """As `HitSource.hits`. The pieces are scanned as one sequence with N between them: no window crosses N."""
        pieces = self._pieces(chromosome, intervals)
        codes = [self.genome.fetch(chromosome, start, end) for start, end in pieces]
        joined = np.concatenate([part for piece in codes for part in (piece, np.full(1, UNKNOWN, np.uint8))])
        found = self.scanner.scan(joined, self.device)
        first = np.cumsum([0] + [len(piece) + 1 for piece in codes])
        piece_of_hit = np.searchsorted(first, found.start, side="right") - 1
        offset = np.array([start for start, _ in pieces]) - first[:-1]
        return _overlapping(found.moved(offset[piece_of_hit]), intervals)

    def _pieces(self, chromosome: str, intervals: Sequence[Interval]) -> list[tuple[int, int]]:
        """Intervals with their surroundings, joined where these meet."""
        around, length = self.scanner.widest - 1, self.genome.length(chromosome)
        pieces: list[tuple[int, int]] = []
        for _, start, end in intervals:
            start, end = max(0, start - around), min(end + around, length)
            if pieces and start <= pieces[-1][1]:
                start = pieces.pop()[0]
            pieces.append((start, end))
        return pieces


@dataclass(frozen=True, eq=False)
class MadeHits:
    """Hits that someone made before: those of a file that share a base with a peak, held in memory in every worker.

    Args:
        names: all motifs that the file names, sorted.
        repeated: how many of the hits stood there a second time; each counts every time.
    """

    by_chromosome: Mapping[str, Hits]
    names: Sequence[str]
    repeated: int

    @property
    def tables(self) -> None:
        return None

    def hits(self, chromosome: str, intervals: Sequence[Interval]) -> Hits:
        """As `HitSource.hits`; a chromosome that the file does not name has none."""
        return _overlapping(self.by_chromosome.get(chromosome, Hits.join([])), intervals)


def read_hits(
    path: Path, intervals: Iterable[Interval], lengths: Mapping[str, int] | None = None, progress: bool = False
) -> MadeHits:
    """The hits of a file about some intervals, which are sorted and disjoint.

    A file is BED with six columns or more, `chromosome start end motif score strand`, plain or gzip. The motif column
    names the motif or its cluster (as the genome-wide `hg38.archetype_motifs` does); the score is read in bits, to a
    thousandth. It is read block by block: hits that no interval touches are checked, and left out.

    Args:
        lengths: of the genome's chromosomes, beyond which no hit may lie; None = not known.

    Raises:
        TextError: no such file, or one that is damaged, empty or no text.
        PeakError: not six columns, a line that cannot be read, a motif without a name, a score below 0 or beyond what
            a matrix can hold, a hit that is not in the genome, or none that touches an interval.
    """
    pieces = {name: list(group) for name, group in groupby(intervals, key=lambda piece: piece.chromosome)}
    number: dict[str, int] = {}  # of a motif, in the order in which the file names them
    kept: dict[str, list[Hits]] = {}
    with tqdm(desc=f"hits of {path.name}", unit="line", unit_scale=True, disable=not progress) as bar:
        for frame in interval_blocks(path, _BLOCK, _HIT_COLUMNS):
            _check(frame, lengths)
            motifs = frame["name"].map({name: number.setdefault(name, len(number)) for name in frame["name"].unique()})
            touching = frame.assign(motif=motifs)[_touching(frame, pieces)]
            for chromosome, rows in touching.groupby("chrom"):
                kept.setdefault(chromosome, []).append(_columns(rows))
            bar.update(len(frame))
    if not kept:
        raise PeakError(f"{path}: no hit shares a base with a peak; are both of one assembly?")
    names = sorted(number)
    place = np.empty(len(names), np.int64)
    place[[number[name] for name in names]] = np.arange(len(names))
    by_chromosome = {chromosome: _in_order(Hits.join(parts), place) for chromosome, parts in kept.items()}
    return MadeHits(by_chromosome, names, sum(map(_repeated, by_chromosome.values())))


def _in_order(hits: Hits, place: Integers) -> Hits:
    """Sorted, each motif by its place."""
    return Hits.sorted(hits.start, hits.end, place[hits.motif], hits.strand, hits.score)


def _repeated(hits: Hits) -> int:
    """How many of them stand there a second time."""
    order = np.lexsort((*hits,))
    same = np.logical_and.reduce([column[order][1:] == column[order][:-1] for column in hits])
    return int(same.sum())


def _check(frame: Any, lengths: Mapping[str, int] | None) -> None:
    """Refuse what is no hit, and make numbers of the scores."""
    if "strand" not in frame:
        raise PeakError(
            f"{frame['where'].iloc[0]}: {len(frame.columns) - 1} columns between tabs; hits need the {_HIT_COLUMNS} "
            f"columns chromosome start end motif score strand"
        )
    frame["score"] = numbers(frame, "score")
    unknown = ~frame["strand"].isin(list(_FORWARD))
    refuse(frame, unknown, f"has no strand in its sixth column; write one of {' '.join(_FORWARD)}")
    refuse(frame, frame["name"].str.strip() == "", "names no motif in its fourth column; fill it in")
    refuse(frame, frame["score"] < 0, "has a score below 0, which no hit has; take the line out")
    refuse(frame, frame["score"] > _MOST_BITS, f"has a score above {_MOST_BITS:,} bits; scale all scores down")
    if lengths is not None:
        check_places(frame, lengths, "rename it or take the line out")


def _touching(frame: Any, pieces: Mapping[str, Sequence[Interval]]) -> npt.NDArray[np.bool_]:
    """Which rows share a base with a piece of their chromosome."""
    touching = np.zeros(len(frame), bool)
    chromosomes = frame["chrom"].to_numpy()
    for chromosome in {*frame["chrom"].unique()} & {*pieces}:
        own = np.flatnonzero(chromosomes == chromosome)
        start, end = (frame[name].to_numpy(np.int64)[own] for name in ("start", "end"))
        touching[own] = _shares_a_base(start, end, pieces[chromosome])
    return touching


def _columns(rows: Any) -> Hits:
    """The hits of a frame, in its order."""
    start, end, motif = (rows[name].to_numpy(np.int64) for name in ("start", "end", "motif"))
    score = np.rint(rows["score"].to_numpy(float) * UNITS_PER_BIT).astype(np.int64)
    return Hits(start, end, motif, rows["strand"].map(_FORWARD).to_numpy(np.int8), score)


def _overlapping(hits: Hits, intervals: Sequence[Interval]) -> Hits:
    """Those that share a base with an interval."""
    return hits.take(_shares_a_base(hits.start, hits.end, intervals))


def _shares_a_base(start: Integers, end: Integers, intervals: Sequence[Interval]) -> npt.NDArray[np.bool_]:
    starts, ends = np.array([(start, end) for _, start, end in intervals]).T
    next_interval: Integers = np.searchsorted(ends, start, side="right")
    inside = next_interval < len(ends)
    shares: npt.NDArray[np.bool_] = inside & (end > starts[np.minimum(next_interval, len(ends) - 1)])
    return shares
