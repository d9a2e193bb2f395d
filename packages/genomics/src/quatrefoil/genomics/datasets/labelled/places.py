"""Where sequences lie in their genome, as a file tells it: by intervals, by a table's columns, or by names."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from quatrefoil.genomics.datasets.labelled.readers import SEQUENCE
from quatrefoil.genomics.datasets.labelled.records import Record
from quatrefoil.genomics.extras import extras
from quatrefoil.genomics.tables import TextError, header_of, lines_of, refuse_header_alone, rows

INTERVALS: Final = (".bed", ".narrowPeak", ".broadPeak")
_PLACE: Final = re.compile(
    r"(?:(?<![a-z0-9])(?P<chr>chr\w+?)[:_]|(?<![\w.])(?P<contig>[\w.]+):)(?P<start>\d[\d,]*)[-_](?P<end>\d[\d,]*)",
    re.IGNORECASE,
)
_COLUMNS: Final[Sequence[Sequence[str]]] = (
    ("chrom", "chromosome", "chr", "region"),
    ("start", "chromstart"),
    ("end", "chromend"),
)


class Locus(NamedTuple):
    """Half-open; `chr1` and `1` are one chromosome, lower case and upper case alike.

    Of a name, the first base is 0 whatever the name calls it (see `locus`); of a table's columns, as the table counts.
    Places are compared as they are, so both sets must be of one assembly.
    """

    chromosome: str
    start: int
    end: int


Placed: TypeAlias = tuple[str, Locus]
"""Where it is said (`file:line`), and the place."""


def locus(record: Record) -> Locus | None:
    """Where a record's name says that it lies; None where it does not say.

    Whether the first base is called 0 or 1 is told by the sequence's length: `chr1:1-70` (samtools, UCSC) and
    `chr1:0-70` are the same 70 bases. Where neither fits, it is 0.
    """
    found = _PLACE.search(record.name)
    if found is None:
        return None
    start, end = (int(found[name].replace(",", "")) for name in ("start", "end"))
    start -= end - start + 1 == len(record.codes)
    return Locus(_chromosome(found["chr"] or found["contig"]), start, start + len(record.codes))


@extras()
def intervals(path: Path) -> list[Placed]:
    """Of BED, narrowPeak and broadPeak. Raises PeakError for a broken line."""
    from quatrefoil.genomics.regions.peaks import read_intervals

    found = read_intervals(path)[["chrom", "start", "end", "where"]].itertuples(index=False)
    return [(where, Locus(_chromosome(name), start, end)) for name, start, end, where in found]


class PlaceTable(NamedTuple):
    """What a table's columns say, and whether it has sequences beside them."""

    places: list[Placed]
    sequences: bool


def place_table(path: Path) -> PlaceTable | None:
    """A table by tabs or commas whose header names a chromosome, a start and an end; None of any other file.

    Raises:
        TextError: no such file, a header alone, or a line whose start and end are no whole numbers in this order.
    """
    lines = lines_of(path)
    head = next(lines)
    if head.text.startswith(">"):
        return None
    delimiter, names = header_of(head)
    chosen = {found[0]: names.index(found[0]) for known in _COLUMNS if (found := [n for n in known if n in names])}
    if len(chosen) < len(_COLUMNS):
        return None
    places = list(_placed(rows(lines, delimiter, len(names)), chosen))
    refuse_header_alone(head, places)
    return PlaceTable(places, bool({*names} & {*SEQUENCE}))


def _placed(rows: Iterable[tuple[str, list[str]]], columns: Mapping[str, int]) -> Iterator[Placed]:
    for where, row in rows:
        name, start, end = (row[place].strip() for place in columns.values())
        if not (start.isdecimal() and end.isdecimal() and int(start) < int(end)):
            said = ", ".join(f"{column} {row[place]!r}" for column, place in columns.items())
            raise TextError(f"{where}: {said}; give whole numbers, the end behind the start")
        yield where, Locus(_chromosome(name), int(start), int(end))


def _chromosome(name: str) -> str:
    return name.lower().removeprefix("chr")
