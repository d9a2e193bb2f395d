"""Regulome as a name on the command line: make it, check it, draw it, and write its windows as DNABERT reads them."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from quatrefoil.core.embedded import damaged
from quatrefoil.core.text_files import write_table
from quatrefoil.genomics.datasets.regulome.gallery import gallery
from quatrefoil.genomics.datasets.regulome.make import BOUNDS, find, make
from quatrefoil.genomics.datasets.regulome.world import SizeName


@dataclass(frozen=True, kw_only=True)
class MakeOptions:
    """Options of `data make regulome`."""

    size: SizeName = "default"
    seed: int = 0
    root: Path | None = None


@dataclass(frozen=True, kw_only=True)
class RegulomeCheckOptions(MakeOptions):
    """Options of `data check regulome`: whether the report is JSON."""

    json: bool = False


@dataclass(frozen=True, kw_only=True)
class GalleryOptions(MakeOptions):
    """Options of `data gallery regulome`: which stretch of the genome, in bases."""

    out: Path = Path("regulome.png")
    chromosome: str = "chr8"
    start: int = 0
    length: int = 20_000


@dataclass(frozen=True, kw_only=True)
class KmersOptions(MakeOptions):
    """Options of `data kmers regulome`: k, and the folder to write to."""

    k: int = 6
    out: Path = Path("regulome-kmers")


class RegulomeActions:
    """What `quatrefoil data` can do with Regulome."""

    def make(self, options: MakeOptions) -> int:
        """Make the benchmark, and print its folder."""
        print(make(options.size, options.seed, options.root))
        return 0

    def check(self, options: RegulomeCheckOptions) -> int:
        """Compare every byte with the manifest, and print the bounds; 1 where a file was changed, else 0.

        Raises ValueError where the benchmark was not made: checking makes nothing.
        """
        folder = find(options.size, options.seed, options.root)
        problems = [f"{name} is not what was made; remove {folder} and make it again" for name in damaged(folder)]
        bounds = json.loads((folder / BOUNDS).read_text(encoding="utf-8"))
        if options.json:
            print(json.dumps({"root": str(folder), "bounds": bounds, "problems": problems}, indent=1))
        else:
            said = [f"PROBLEM {problem}" for problem in problems] or ["no problems found"]
            print("\n".join([f"regulome in {folder}", *_table(bounds), *said]))
        return int(bool(problems))

    def gallery(self, options: GalleryOptions) -> int:
        """Draw a stretch of the genome with its truth and its peaks."""
        folder = make(options.size, options.seed, options.root)
        print(gallery(folder, options.out, options.chromosome, options.start, options.length))
        return 0

    def kmers(self, options: KmersOptions) -> int:
        """Write all windows as k-mers, in DNABERT's files: `<task>/<k>/{train,dev,test}.tsv`."""
        folder = make(options.size, options.seed, options.root)
        write_kmers(folder, options.out, options.k)
        print(options.out)
        return 0


def write_kmers(root: Path, out: Path, k: int) -> None:
    """Every `sequence,label` file of a finished benchmark as `sequence<TAB>label` of space-separated k-mers: all of
    them (DNABERT's own converter drops the last one; the sample that it ships does not).

    Raises:
        ValueError: k is not in 3-6, for which DNABERT has vocabularies.
    """
    if not 3 <= k <= 6:
        raise ValueError(f"k is {k}; DNABERT has vocabularies for k in 3-6")
    for path in sorted(root.rglob("*.csv")):
        task = path.parent.relative_to(root)
        write_table(out / task / str(k) / f"{path.stem}.tsv", _kmer_rows(path, k), "\t")


def _kmer_rows(path: Path, k: int) -> Iterator[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        head, label = next(rows)
        yield head, label
        for sequence, label in rows:
            yield " ".join(sequence[i : i + k] for i in range(len(sequence) - k + 1)), label


def _table(bounds: dict[str, dict[str, dict[str, float]]]) -> Iterator[str]:
    for task, metrics in bounds.items():
        for metric, values in metrics.items():
            yield f"  {task:<42} {metric:<10} " + "  ".join(f"{who} {value:.3f}" for who, value in values.items())


REGULOME = RegulomeActions()
