"""Which sequences validate, which classes there are, and where negatives come from that no file gives.

A sequence and its reverse complement are the same piece of DNA: they never stand on two sides of a split made here.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, Literal

import numpy as np

from quatrefoil.genomics.datasets.labelled.readers import NEGATIVE
from quatrefoil.genomics.datasets.labelled.records import Record
from quatrefoil.genomics.sequence.codes import LETTERS, Codes, encode, reverse_complement
from quatrefoil.genomics.sequence.kmers import Bytes
from quatrefoil.genomics.sequence.negatives import dinucleotide_shuffle, substitute_parts
from quatrefoil.genomics.tables import TextError

_MARK: Final = "~"
_SIGNS: Final = ("-", "+")  # as text `+`, the positive one, would be first

Negatives = Literal["dinucleotide-shuffle", "substitution"]
_MADE: Mapping[Negatives, Callable[[Bytes, np.random.Generator], Bytes]] = {
    "dinucleotide-shuffle": dinucleotide_shuffle,
    "substitution": partial(substitute_parts, parts=20, replaced=12),
}


def canonical(codes_L: Codes) -> bytes:
    """The same for a sequence and its reverse complement, different for any two others."""
    return min(codes_L.tobytes(), reverse_complement(codes_L).tobytes())


def carve(records: Sequence[Record], share: float) -> tuple[list[Record], list[Record]]:
    """Training and validation records, made from one set by a fixed rule (ours).

    Of the distinct sequences (on either strand) of each class, the `share` with the smallest SHA-256 validate, at least
    one where there are two. The order of the file and the seed have no part in it, and copies stay together.

    Raises:
        TextError: nothing is left on one side.
    """
    keys = [canonical(record.codes) for record in records]
    by_label: dict[str, dict[bytes, None]] = defaultdict(dict)
    for key, record in zip(keys, records, strict=True):
        by_label[record.label].setdefault(key)
    held = {key for found in by_label.values() for key in _smallest(found, share)}
    train = [record for key, record in zip(keys, records, strict=True) if key not in held]
    held_out = [record for key, record in zip(keys, records, strict=True) if key in held]
    if not train or not held_out:
        raise TextError(
            f"{len(records)} sequences cannot be split for validation; give data.validation=FILE, or more sequences"
        )
    return train, held_out


def _smallest(keys: Iterable[bytes], share: float) -> list[bytes]:
    ranked = sorted(keys, key=lambda key: hashlib.sha256(key).digest())
    return ranked[: max(1, round(share * len(ranked))) if len(ranked) > 1 else 0]


def class_order(labels: Iterable[str]) -> list[str]:
    """The classes, sorted: as numbers where all are whole numbers, else as text; `-` and `+` in this order.

    Of two, the second is positive.
    """
    found = set(labels)
    if found == set(_SIGNS):
        return list(_SIGNS)
    return sorted(found, key=int) if all(_is_number(label) for label in found) else sorted(found)


def _is_number(label: str) -> bool:
    return label.removeprefix("-").isascii() and label.removeprefix("-").isdigit() and str(int(label)) == label


def with_negatives(records: Sequence[Record], kind: Negatives) -> list[Record]:
    """The positives, and one negative made from each.

    Negatives are drawn once and for all, from a generator seeded by the positives: they are part of the data and do not
    change with the seed of a run.
    """
    by_length: dict[int, list[Record]] = defaultdict(list)
    for record in records:
        by_length[len(record.codes)].append(record)
    return [*records, *(negative for group in by_length.values() for negative in _negatives(group, kind))]


def is_made(record: Record) -> bool:
    """Whether `with_negatives` made it."""
    return record.where.endswith(tuple(_MARK + kind for kind in _MADE))


def _negatives(records: Sequence[Record], kind: Negatives) -> Iterator[Record]:
    letters_BL = LETTERS[np.stack([record.codes for record in records])]
    seed = int.from_bytes(hashlib.sha256(letters_BL.tobytes()).digest()[:8], "big")
    made_BL = _MADE[kind](letters_BL, np.random.default_rng(seed))
    for record, made_L in zip(records, made_BL, strict=True):
        where = f"{record.where}{_MARK}{kind}"
        yield Record(where, "", encode(made_L.tobytes(), where, 0), NEGATIVE)
