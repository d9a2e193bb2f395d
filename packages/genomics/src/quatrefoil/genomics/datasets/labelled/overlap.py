"""What two sets of sequences share: places in the genome, and sequences that are alike. A guard against leakage."""

import json
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, NamedTuple

from quatrefoil.genomics.datasets.labelled.near_duplicates import near_duplicates
from quatrefoil.genomics.datasets.labelled.readers import read_labelled
from quatrefoil.genomics.datasets.labelled.records import Record
from quatrefoil.genomics.datasets.labelled.splits import canonical
from quatrefoil.genomics.datasets.unlabelled.config import UnlabelledData
from quatrefoil.genomics.extras import extras

_PLACE: Final = re.compile(
    r"(?:(?<![a-z0-9])(?P<chr>chr\w+?)[:_]|(?<![\w.])(?P<contig>[\w.]+):)(?P<start>\d+)[-_]\d+", re.IGNORECASE
)
_INTERVALS: Final = (".bed", ".narrowPeak", ".broadPeak")


class Locus(NamedTuple):
    """Half-open, counted from where the file counts: both sets must count alike, and be of one assembly.

    `chr1` and `1` are one chromosome, lower case and upper case alike.
    """

    chromosome: str
    start: int
    end: int


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
            kinds[f"share {self.threshold:.0%} of their {self.k}-mers, on either strand"] = self.alike
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
    k: int = UnlabelledData.exclude_k,
    threshold: float = UnlabelledData.exclude_share,
    root: Path = Path(),
) -> Overlap:
    """Compare two sets in any format of `readers`, or intervals (BED, narrowPeak, broadPeak, by their suffix).

    A sequence's locus is read from its name (`chr12:82386381-82386481`, `20:5-10`, `chr1_940542_940642_pos_1`): its
    start and the sequence's own length, so that it does not matter whether the end is counted in.

    Args:
        k, threshold: unless given, as `data.exclude` of a pre-training takes them.

    Raises:
        TextError, PeakError: a file that cannot be read; ValueError: k or threshold out of bounds.
    """
    (left, left_places), (right, right_places) = _read(root, a), _read(root, b)
    identical = list(_identical(left, right))
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


def locus(record: Record) -> Locus | None:
    """Where a record's name says that it lies; None where it does not say."""
    found = _PLACE.search(record.name)
    if found is None:
        return None
    start = int(found["start"])
    return Locus(_chromosome(found["chr"] or found["contig"]), start, start + len(record.codes))


def _chromosome(name: str) -> str:
    return name.lower().removeprefix("chr")


_Placed = tuple[str, Locus]


def _read(root: Path, name: str) -> tuple[Sequence[Record], list[_Placed]]:
    """The sequences of a set, and the places that it tells."""
    if name.removesuffix(".gz").endswith(_INTERVALS):
        return [], _intervals(root / name)
    records = read_labelled(root, name).records
    return records, [(record.where, place) for record in records if (place := locus(record))]


@extras()
def _intervals(path: Path) -> list[_Placed]:
    from quatrefoil.genomics.regions.peaks import read_intervals

    rows = read_intervals(path)[["chrom", "start", "end", "where"]].itertuples(index=False)
    return [(where, Locus(_chromosome(name), start, end)) for name, start, end, where in rows]


def _identical(left: Sequence[Record], right: Sequence[Record]) -> Iterator[Shared]:
    theirs: dict[bytes, list[Record]] = defaultdict(list)
    for record in right:
        theirs[canonical(record.codes)].append(record)
    for record in left:
        for other in theirs.get(canonical(record.codes), ()):
            yield Shared(record.where, other.where, 1.0)


def _meeting(left: Iterable[_Placed], right: Sequence[_Placed]) -> Iterator[Shared]:
    """All pairs that share a base; the longest of the second set bounds how far back one has to look."""
    by_chromosome: dict[str, list[_Placed]] = defaultdict(list)
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


def _start(placed: _Placed) -> int:
    return placed[1].start
