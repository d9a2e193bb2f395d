"""Tables of regions by cell types. Legend: N rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from quatrefoil.genomics.regions.hits import Integers
from quatrefoil.genomics.tables import TextError, read_table, repeated

COLUMNS: Final = ("chrom", "start", "end", "cell_type", "open")
Names = npt.NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class Regions:
    """Columns (N,) of a table, and `varies_N`: whether the region is open in some of its cell types, and not in all;
    `where` each row stands (`file:line`)."""

    chromosome_N: Names
    start_N: Integers
    end_N: Integers
    cell_type_N: Names
    open_N: npt.NDArray[np.bool_]
    place_N: Integers
    varies_N: npt.NDArray[np.bool_]
    where: Sequence[str]

    def rows_of(self, *, varying: bool) -> Integers:
        """The numbers of all rows, or of those alone that vary."""
        return np.flatnonzero(self.varies_N) if varying else np.arange(len(self.start_N))

    @cached_property
    def rows(self) -> frozenset[tuple[str, int, int, str]]:
        """Each place and cell type."""
        columns = self.chromosome_N, self.start_N, self.end_N, self.cell_type_N
        return frozenset(zip(*(column_N.tolist() for column_N in columns), strict=True))

    def windows(self, around: int) -> Any:
        """So many bases on either side of each middle, as a frame that bioframe reads."""
        import pandas as pd

        middle_N = (self.start_N + self.end_N) // 2
        return pd.DataFrame({"chrom": self.chromosome_N, "start": middle_N - around, "end": middle_N + around})

    @cached_property
    def cell_types(self) -> tuple[str, ...]:
        """Those of the table, in the order of their names."""
        return tuple(np.unique(self.cell_type_N).tolist())

    @cached_property
    def chromosomes(self) -> tuple[str, ...]:
        """Those of the table, in the order of their names."""
        return tuple(np.unique(self.chromosome_N).tolist())


def read_regions(path: Path) -> Regions:
    """The regions of a table by tabs; `place_N` numbers the distinct places. Other columns are not read.

    Raises:
        TextError: see `read_table`; a start or end that is no number, an empty region, an `open` that is neither
            0 nor 1, or a region that stands there twice for a cell type.
    """
    table = read_table(path, COLUMNS)
    rows = [_row(*line) for line in zip(*table.columns.values(), table.where, strict=True)]
    chromosome, start, end, cell_type, open_ = (np.array(column) for column in zip(*rows, strict=True))
    places = [row[:3] for row in rows]
    number = {place: n for n, place in enumerate(dict.fromkeys(places))}
    if again := repeated(row[:4] for row in rows):
        before, own = (table.where[place] for place in again)
        name, begin, stop, kind, _ = rows[again[1]]
        raise TextError(f"{own}: {kind}, {name}:{begin}-{stop} is in {before}, too; keep the right one")
    place_N = np.array([number[place] for place in places])
    share = np.bincount(place_N, open_) / np.bincount(place_N)
    varies_N = ((share > 0) & (share < 1))[place_N]
    return Regions(chromosome, start, end, cell_type, open_.astype(bool), place_N, varies_N, table.where)


def _row(
    chromosome: str, start: str, end: str, cell_type: str, open_: str, where: str
) -> tuple[str, int, int, str, int]:
    if not (start.isdecimal() and end.isdecimal() and int(start) < int(end)):
        raise TextError(f"{where}: {start}-{end} is no region; whole numbers with start < end are needed")
    if open_ not in ("0", "1"):
        raise TextError(f"{where}: open is {open_!r}; write 1 where the region is open, else 0")
    return chromosome, int(start), int(end), cell_type, int(open_)
