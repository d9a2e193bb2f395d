"""Tables of regions by cell types. Legend: N rows."""

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from quatrefoil.genomics.datasets.labelled.records import LabelledError
from quatrefoil.genomics.regions.hits import Integers
from quatrefoil.genomics.tables import read_columns

_COLUMNS: Final = ("chrom", "start", "end", "cell_type", "open")
Names = npt.NDArray[np.str_]


class Regions(NamedTuple):
    """Columns (N,) of a table, and `varies_N`: whether the region is open in some of its cell types, and not in all."""

    chromosome_N: Names
    start_N: Integers
    end_N: Integers
    cell_type_N: Names
    open_N: npt.NDArray[np.bool_]
    place_N: Integers
    varies_N: npt.NDArray[np.bool_]

    @property
    def cell_types(self) -> tuple[str, ...]:
        """Those of the table, in the order of their names."""
        return tuple(np.unique(self.cell_type_N).tolist())

    @property
    def chromosomes(self) -> tuple[str, ...]:
        """Those of the table, in the order of their names."""
        return tuple(np.unique(self.chromosome_N).tolist())


def read_regions(path: Path) -> Regions:
    """The regions of a table by tabs; `place_N` numbers the distinct places. Other columns are not read.

    Raises:
        LabelledError: see `read_columns`; a start or end that is no number, an empty region, or an `open` that is
            neither 0 nor 1.
    """
    cells = read_columns(path, _COLUMNS)
    rows = [_row(row, f"{path}, region {n}") for n, row in enumerate(zip(*cells.values(), strict=True), start=1)]
    chromosome, start, end, cell_type, open_ = (np.array(column) for column in zip(*rows, strict=True))
    places = [row[:3] for row in rows]
    number = {place: n for n, place in enumerate(dict.fromkeys(places))}
    place_N = np.array([number[place] for place in places])
    share = np.bincount(place_N, open_) / np.bincount(place_N)
    varies_N = ((share > 0) & (share < 1))[place_N]
    return Regions(chromosome, start, end, cell_type, open_.astype(bool), place_N, varies_N)


def _row(cells: tuple[str, ...], where: str) -> tuple[str, int, int, str, int]:
    chromosome, start, end, cell_type, open_ = cells
    if not (start.isdecimal() and end.isdecimal() and int(start) < int(end)):
        raise LabelledError(f"{where}: {start}-{end} is no region; whole numbers with start < end are needed")
    if open_ not in ("0", "1"):
        raise LabelledError(f"{where}: open is {open_!r}; write 1 where the region is open, else 0")
    return chromosome, int(start), int(end), cell_type, int(open_)
