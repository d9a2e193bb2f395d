"""Tables of open and closed regions, from the peaks of a stored matrix.

A place is a stretch that peaks of any cell type cover without a gap; it is open in a type where a peak of that type
touches it. A place that is open nowhere is none, so what is asked is in which types a place is open (our choice).
Peaks of held-out types make places of the test alone: what trains and validates would be the same without them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from quatrefoil.core.config import nearest
from quatrefoil.core.files import whole_file
from quatrefoil.genomics.datasets.openness.table import COLUMNS
from quatrefoil.genomics.datasets.pretraining.loci import TypePeaks
from quatrefoil.genomics.regions.peaks import Interval, Peaks, merged
from quatrefoil.genomics.regions.store import RegionMatrix

SPLITS: Final = ("train", "validation", "test")


class Written(NamedTuple):
    """What a table holds: places by cell types, and how many of these are open and closed."""

    path: Path
    places: int
    cell_types: Sequence[str]
    open: int
    closed: int


@dataclass(frozen=True)
class TableRule:
    """Which chromosomes and cell types each table has: `test` those of the matrix that are held out, or all where none
    is, the others those that are not. Places are those of peaks of all types in `test`, of types not held out in the
    others.

    Args:
        validation, test: chromosomes; all others train.
        longest: longer places, where many peaks meet in a chain, are left out; in bases.
    """

    validation: Sequence[str]
    test: Sequence[str]
    longest: int

    def __post_init__(self) -> None:
        if twice := sorted({*self.validation} & {*self.test}):
            raise ValueError(f"{twice[0]} both validates and tests; name it once")
        if not self.validation:
            raise ValueError("no chromosome validates; name one")


def write_tables(matrix: RegionMatrix, rule: TableRule, folder: Path) -> list[Written]:
    """Make train.tsv, validation.tsv and, where chromosomes test, test.tsv in `folder`.

    Raises:
        ValueError: a chromosome without a peak (the nearest name is told), one that tests though values are scaled by
            it, none left to train on, a table without a place, or a test.tsv of before that would stay beside others.
    """
    peaks = {name: matrix.peaks(name) for name in matrix.cell_types}
    present = list(dict.fromkeys(str(name) for each in peaks.values() for name in each.chromosome))
    for name in (*rule.validation, *rule.test):
        if name not in present:
            raise ValueError(f"{matrix.path} has no peak on `{name}`{nearest(name, present)}")
    matrix.refuse_scaled_by((*rule.validation, *rule.test), (), "so that it can neither validate nor test")
    training = [name for name in present if name not in (*rule.validation, *rule.test)]
    if not training:
        raise ValueError("every chromosome validates or tests; name fewer")
    known = [name for name in matrix.cell_types if name not in matrix.held_out]
    new = list(matrix.held_out) or known
    places_of_known, places_of_all = (
        merged((peaks[name] for name in names), dict.fromkeys(present, 0)) for names in (known, matrix.cell_types)
    )
    parts: dict[str, list[Interval]] = {}
    for split, chromosomes in zip(SPLITS, (training, rule.validation, rule.test), strict=True):
        path = folder / f"{split}.tsv"
        places = places_of_all if split == "test" else places_of_known
        parts[split] = [p for p in places if p.chromosome in chromosomes and p.end - p.start <= rule.longest]
        if chromosomes and not parts[split]:
            raise ValueError(f"{split}: no place on its chromosomes; name others, or raise --longest")
        if not chromosomes and path.exists():
            raise ValueError(f"{path}: is there from before, and no chromosome tests now; remove it, or name one")
    folder.mkdir(parents=True, exist_ok=True)
    types = {"train": known, "validation": known, "test": new}
    return [
        _write(folder / f"{split}.tsv", places, _of(types[split], peaks, present))
        for split, places in parts.items()
        if places
    ]


def _of(types: Sequence[str], peaks: Mapping[str, Peaks], chromosomes: Sequence[str]) -> list[TypePeaks]:
    return [TypePeaks.of(name, peaks[name], chromosomes) for name in types]


def _write(path: Path, places: Sequence[Interval], types: Sequence[TypePeaks]) -> Written:
    """A row for each place and each type that has a peak on its chromosome."""
    counts: Counter[bool] = Counter()
    with whole_file(path) as file:
        file.write("\t".join(COLUMNS) + "\n")
        for place in places:
            for kind in types:
                if place.chromosome in kind.spans:
                    is_open = bool(kind.touching(*place).size)
                    counts[is_open] += 1
                    file.write("\t".join(map(str, (*place, kind.name, int(is_open)))) + "\n")
    return Written(path, len(places), [kind.name for kind in types], counts[True], counts[False])
