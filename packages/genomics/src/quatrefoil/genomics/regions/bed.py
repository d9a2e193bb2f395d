"""Hits as BED: chromosome, start, end, motif, score in bits, strand, p-value."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from quatrefoil.core.files import whole_file
from quatrefoil.genomics.regions.hits import UNITS_PER_BIT, Hits
from quatrefoil.genomics.regions.peaks import Interval, units_of
from quatrefoil.genomics.regions.sources import Scan

_BASES: Final = 1_000_000  # scanned at a time: what bounds the memory


def write_hits(scan: Scan, intervals: Sequence[Interval] | None, path: Path) -> int:
    """Write the hits that overlap `intervals` (None: all of the genome) whole or not at all; returns their number.

    Its first six columns are what `read_hits` reads.
    """
    count = 0
    with whole_file(path) as file:
        for chromosome, hits in found(scan, intervals):
            file.writelines(_lines(scan, chromosome, hits))
            count += len(hits.start)
    return count


def found(scan: Scan, intervals: Sequence[Interval] | None) -> Iterator[tuple[str, Hits]]:
    """(chromosome, hits) unit by unit, each hit once; memory is that of a million bases and their hits."""
    whole = [Interval(name, 0, length) for name, length in scan.genome.lengths.items()]
    before, last_end = "", 0
    for chromosome, pieces in units_of(_cut(whole if intervals is None else intervals), _BASES):
        hits = scan.hits(chromosome, pieces)
        # What begins before the end of the last unit overlaps that, and was found there.
        yield chromosome, hits.take(hits.start >= last_end) if chromosome == before else hits
        before, last_end = chromosome, pieces[-1].end


def _cut(intervals: Sequence[Interval]) -> Iterator[Interval]:
    for chromosome, start, end in intervals:
        for cut in range(start, end, _BASES):
            yield Interval(chromosome, cut, min(cut + _BASES, end))


def _lines(scan: Scan, chromosome: str, hits: Hits) -> Iterator[str]:
    names, strands = scan.names, {1: "+", -1: "-"}
    values = scan.scanner.p_values(hits).tolist()
    columns = (column.tolist() for column in hits)
    for start, end, motif, strand, score, value in zip(*columns, values, strict=True):
        bits = f"{score / UNITS_PER_BIT:.3f}"
        yield f"{chromosome}\t{start}\t{end}\t{names[motif]}\t{bits}\t{strands[strand]}\t{value:.3g}\n"
