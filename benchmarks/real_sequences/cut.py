"""The folder from which all sets are read: links to what is published, and the parts of what comes without halves.

The rule (ours): sequences of which one shares a fifth of its words of 16 bases with the other, on either strand, are of
one family, and so are families that share a sequence; a family stays together. A family's rank is the smallest SHA-256
of its sequences (alike on both strands), its class that of the sequence with it. Of each class, families by rank go to
test while its share of the test has room for all of a family, then to validation, and the rest trains. Neither the
order of the file nor names nor a seed have a part in it. A fifth is also what keeps a sequence out of pre-training.

Legend: N sequences, P pairs.
"""

import csv
import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from benchmarks.real_sequences.sets import CUTS, PARTS, SETS, Cut, Few, cut_file
from quatrefoil.core.files import locked, whole_folder
from quatrefoil.genomics.datasets.labelled.near_duplicates import near_duplicates
from quatrefoil.genomics.datasets.labelled.readers import read_labelled
from quatrefoil.genomics.datasets.labelled.records import Record
from quatrefoil.genomics.datasets.labelled.splits import canonical
from quatrefoil.genomics.sequence.codes import LETTERS
from quatrefoil.genomics.tables import TextError

K, SHARE = 16, 0.2
_HELD_OUT: Final = ("test", "validation")
Family: TypeAlias = list[int]
"""Places of sequences that stay together."""
Parts: TypeAlias = Mapping[str, Sequence[Record]]
"""The records of each of `PARTS`, or of some."""


def lay_out(genomics: Path, root: Path, names: Iterable[str]) -> None:
    """Fill `root`: a link to each folder of `genomics`, and the parts of these sets that are not there yet.

    Raises:
        ValueError: `root` was filled from another folder; a source that is missing, broken or too small.
    """
    root.mkdir(parents=True, exist_ok=True)
    for folder in sorted(path for path in genomics.resolve().iterdir() if path.is_dir()):
        _link(root / folder.name, folder)
    for name in names:
        _make_parts(root, name)


def _link(link: Path, folder: Path) -> None:
    if not link.is_symlink():
        link.symlink_to(folder)
    elif link.readlink() != folder:
        raise ValueError(
            f"{link} leads to {link.readlink()}, not to {folder}; give another --runs for another GENOMICS"
        )


def _make_parts(root: Path, name: str) -> None:
    cut = SETS[name].cut
    if isinstance(cut, Few):
        _make_parts(root, cut.of)
        _write_parts(root, name, SETS[cut.of].train, lambda records: {PARTS[0]: few_of_each(records, cut)})
    elif cut is not None:
        _write_parts(root, name, cut.source, lambda records: parted(records, cut))


def _write_parts(root: Path, name: str, source: str, parts_of: Callable[[Sequence[Record]], Parts]) -> None:
    target = root / CUTS / name
    with locked(target):
        if target.exists():
            return
        found = read_labelled(root, source)
        parts = parts_of(found.records)
        with whole_folder(target) as folder:
            for part, records in parts.items():
                if records:
                    _write(folder / Path(cut_file(name, part)).name, records, found.only_positives)


def _write(path: Path, records: Sequence[Record], only_positives: bool) -> None:
    """`bound` for `label` says to whoever reads it that negatives are to be made."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(["sequence", "bound" if only_positives else "label", "name"])
        table.writerows([LETTERS[each.codes].tobytes().decode(), each.label, each.name] for each in records)


def few_of_each(records: Sequence[Record], few: Few) -> list[Record]:
    """Of each class those whose sequences have the smallest SHA-256, in the order of the file.

    Raises:
        TextError: a class has fewer.
    """
    by_class: dict[str, list[Record]] = defaultdict(list)
    for record in sorted(records, key=_rank):
        by_class[record.label].append(record)
    if short := [label for label, found in by_class.items() if len(found) < few.per_class]:
        raise TextError(f"{few.of}: fewer than {few.per_class} sequences train of class {' and '.join(sorted(short))}")
    kept = {id(record) for found in by_class.values() for record in found[: few.per_class]}
    return [record for record in records if id(record) in kept]


def parted(records: Sequence[Record], cut: Cut) -> Parts:
    """The records of each of `PARTS`, in the order of the file, by the rule above.

    Raises:
        TextError: a part that is asked for gets nothing.
    """
    ranks = [_rank(record) for record in records]
    by_class: dict[str, list[Family]] = defaultdict(list)
    for family in sorted(_families(records), key=lambda family: min(ranks[row] for row in family)):
        by_class[records[min(family, key=lambda row: (ranks[row], records[row].label))].label].append(family)
    rows = _dealt(by_class, _rooms(records, cut))
    asked = {"train": 1, "validation": cut.validation, "test": cut.test}
    if empty := [part for part in PARTS if asked[part] and not rows[part]]:
        raise TextError(
            f"{cut.source}: {len(records)} sequences leave nothing for {' and '.join(empty)}; give more, or hold out "
            f"others than {cut.test} and {cut.validation}"
        )
    return {part: [records[row] for row in sorted(rows[part])] for part in PARTS}


def _rank(record: Record) -> bytes:
    return hashlib.sha256(canonical(record.codes)).digest()


def _families(records: Sequence[Record]) -> list[Family]:
    codes_N = [record.codes for record in records]
    first: dict[bytes, int] = {}
    copies = [(row, first.setdefault(canonical(codes), row)) for row, codes in enumerate(codes_N)]
    alike = [(pair.a, pair.b) for pair in near_duplicates(codes_N, codes_N, K, SHARE)]
    pairs_P2 = np.array([*copies, *alike])
    graph = coo_array((np.ones(len(pairs_P2)), (pairs_P2[:, 0], pairs_P2[:, 1])), shape=(len(records),) * 2)
    families: dict[int, Family] = defaultdict(list)
    for row, family in enumerate(connected_components(graph, directed=False)[1].tolist()):
        families[family].append(row)
    return list(families.values())


def _rooms(records: Sequence[Record], cut: Cut) -> dict[tuple[str, str], int]:
    """How many sequences of a class a part that is held out has room for."""
    shares = {"test": cut.test / len(records), "validation": cut.validation / len(records)}
    counts = Counter(record.label for record in records)
    return {(label, part): round(shares[part] * count) for label, count in counts.items() for part in _HELD_OUT}


def _dealt(by_class: dict[str, list[Family]], rooms: dict[tuple[str, str], int]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {part: [] for part in PARTS}
    for label, families in by_class.items():
        for family in families:
            part = next((part for part in _HELD_OUT if len(family) <= rooms[label, part]), "train")
            rows[part] += family
            if part in _HELD_OUT:
                rooms[label, part] -= len(family)
    return rows
