"""What two sets of sequences share: places in the genome, and sequences that are alike. A guard against leakage."""

import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from quatrefoil.core.wording import counted
from quatrefoil.genomics.datasets.labelled.near_duplicates import THRESHOLD, near_duplicates, usual_k
from quatrefoil.genomics.datasets.labelled.places import INTERVALS, Placed, intervals, locus, place_table
from quatrefoil.genomics.datasets.labelled.readers import read_labelled
from quatrefoil.genomics.datasets.labelled.records import Record
from quatrefoil.genomics.datasets.labelled.splits import canonical


class Shared(NamedTuple):
    """A pair: where each stands (`file:line`), and how much they share: bases, or the share of k-mers."""

    a: str
    b: str
    amount: float


@dataclass(frozen=True)
class Overlap:
    """What two sets share.

    Attributes:
        a, b: the sets' names.
        sequences: of each set.
        with_locus: of each set, how many say where they lie; intervals have no sequence, but do.
        k, threshold: sequences are alike where they share this part of their k-mers, see `near_duplicates`.
        loci: pairs that share bases of the genome.
        identical: pairs of the same sequence, or of one and the reverse complement of the other.
        alike: other pairs above the threshold.
    """

    a: str
    b: str
    sequences: tuple[int, int]
    with_locus: tuple[int, int]
    k: int
    threshold: float
    loci: Sequence[Shared]
    identical: Sequence[Shared]
    alike: Sequence[Shared]

    @property
    def any(self) -> bool:
        """Whether they share anything."""
        return bool(self.loci or self.identical or self.alike)

    def text(self, limit: int) -> str:
        """For people: counts, and `limit` pairs of each kind."""
        kinds = {f"share a locus (of {self.with_locus[0]:,} and {self.with_locus[1]:,} that tell theirs)": self.loci}
        if all(self.sequences):  # intervals alone have none to compare
            kinds["are identical, on either strand"] = self.identical
            like = f" (about what a pair of {self.threshold ** (1 / self.k):.0%} identity shares)"
            alike = f"share {self.threshold:.0%} of their {self.k}-mers or more, on either strand"
            kinds[alike + like * (self.threshold < 1)] = self.alike
        sets = zip("AB", (self.a, self.b), self.sequences, self.with_locus, strict=True)
        lines = [f"{letter} = {name}: {n:,} sequences, {placed:,} loci" for letter, name, n, placed in sets]
        for kind, pairs in kinds.items():
            of_a, of_b = len({pair.a for pair in pairs}), len({pair.b for pair in pairs})
            lines.append(f"{of_a:,} of A and {of_b:,} of B {kind}")
            lines += [f"  {pair.a}  {pair.b}  {pair.amount:g}" for pair in pairs[:limit]]
            lines += [f"  ... and {len(pairs) - limit:,} more pairs"] if len(pairs) > limit else []
        return "\n".join(lines)

    def json(self) -> str:
        """For programs: everything, every pair among it."""
        pairs = {kind: [pair._asdict() for pair in getattr(self, kind)] for kind in ("loci", "identical", "alike")}
        return json.dumps({**asdict(self), **pairs, "any": self.any}, indent=1)


def overlap(
    a: str,
    b: str,
    *,
    k: int | None = None,
    threshold: float = THRESHOLD,
    root: Path = Path(),
) -> Overlap:
    """Compare two sets in any format of `readers`, or intervals (BED, narrowPeak, broadPeak, by their suffix).

    A table with the columns `chrom`, `start` and `end` (or `region`, `chromosome`) tells loci, with sequences or
    without. Else a sequence's locus is read from its name (`chr12:82386381-82386481`, `20:5-10`,
    `chr1_940542_940642_pos_1`), whether it counts from 0 or from 1: see `locus`.

    Args:
        k, threshold: of `near_duplicates`; None = `usual_k`.

    Raises:
        TextError, PeakError: a file that cannot be read; ValueError: k or threshold out of bounds, or sets of which
            neither places nor sequences can be compared.
    """
    (left, left_places), (right, right_places) = _read(root, a), _read(root, b)
    k = usual_k(record.codes for record in [*left, *right]) if k is None else k
    identical = list(_identical(left, right))
    comparable = (left_places and right_places) or (_long(left, k) and _long(right, k))
    if not comparable and not identical:
        sides = (a, _said(left, left_places, k)), (b, _said(right, right_places, k))
        told = ", ".join(f"{name} has {said}" for name, said in sides)
        raise ValueError(f"nothing to compare: {told}; give two sets that tell the same, or a smaller --k")
    same = {(pair.a, pair.b) for pair in identical}
    pairs = near_duplicates([r.codes for r in left], [r.codes for r in right], k, threshold)
    alike = [Shared(left[pair.a].where, right[pair.b].where, round(pair.share, 4)) for pair in pairs]
    return Overlap(
        a,
        b,
        (len(left), len(right)),
        (len(left_places), len(right_places)),
        k,
        threshold,
        list(_meeting(left_places, right_places)),
        identical,
        [pair for pair in alike if (pair.a, pair.b) not in same],
    )


def _long(records: Sequence[Record], k: int) -> int:
    """How many hold a k-mer."""
    return sum(len(record.codes) >= k for record in records)


def _said(records: Sequence[Record], places: Sequence[Placed], k: int) -> str:
    return f"{counted(_long(records, k), 'sequence')} of {k} bases or more and {counted(len(places), 'place')}"


def _read(root: Path, name: str) -> tuple[Sequence[Record], list[Placed]]:
    """The sequences of a set, and the places that it tells."""
    if name.removesuffix(".gz").endswith(INTERVALS):
        return [], intervals(root / name)
    table = place_table(root / name) if (root / name).is_file() else None
    records = read_labelled(root, name, labels=False).records if table is None or table.sequences else []
    return records, table.places if table else [(record.where, place) for record in records if (place := locus(record))]


def _identical(left: Sequence[Record], right: Sequence[Record]) -> Iterator[Shared]:
    theirs: dict[bytes, list[Record]] = defaultdict(list)
    for record in right:
        theirs[canonical(record.codes)].append(record)
    for record in left:
        for other in theirs.get(canonical(record.codes), ()):
            yield Shared(record.where, other.where, 1.0)


def _meeting(left: Iterable[Placed], right: Sequence[Placed]) -> Iterator[Shared]:
    """All pairs that share a base; the longest of the second set bounds how far back one has to look."""
    by_chromosome: dict[str, list[Placed]] = defaultdict(list)
    for placed in sorted(right, key=lambda placed: placed[1]):
        by_chromosome[placed[1].chromosome].append(placed)
    longest = max((place.end - place.start for _, place in right), default=0)
    for where, place in left:
        others = by_chromosome[place.chromosome]
        first = bisect_left(others, place.start - longest, key=_start)
        for other, theirs in others[first : bisect_left(others, place.end, key=_start)]:
            shared = min(place.end, theirs.end) - max(place.start, theirs.start)
            if shared > 0:
                yield Shared(where, other, float(shared))


def _start(placed: Placed) -> int:
    return placed[1].start
