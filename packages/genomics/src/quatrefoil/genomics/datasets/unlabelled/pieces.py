"""From files to pieces of sequence: cut, without copies, without what must not be seen.

Legend: L bases.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from quatrefoil.genomics.datasets.labelled.near_duplicates import near_duplicates
from quatrefoil.genomics.datasets.labelled.readers import read_labelled
from quatrefoil.genomics.datasets.labelled.records import Record
from quatrefoil.genomics.datasets.labelled.splits import canonical
from quatrefoil.genomics.datasets.unlabelled.config import UnlabelledData
from quatrefoil.genomics.sequence.codes import UNKNOWN, Codes, reverse_complement
from quatrefoil.genomics.tables import TextError


class Piece(NamedTuple):
    """`where` it comes from (`file:line+offset`, the file as it was named), and its bases (L,)."""

    where: str
    codes: Codes


class Pieces(NamedTuple):
    """Those that train and those that validate, and how many were left out, by reason."""

    train: Sequence[Piece]
    validation: Sequence[Piece]
    dropped: Counter[str]


def read_pieces(config: UnlabelledData) -> Pieces:
    """All pieces of the files.

    Raises:
        TextError: no file, one that cannot be read, or too few pieces.
    """
    if not config.sequences:
        raise TextError('no sequences; say data.sequences=["FILE", ...]')
    records = [record for name in config.sequences for record in read_labelled(config.root, name, labels=False).records]
    dropped: Counter[str] = Counter()
    pieces = list(_distinct(_long_enough(_cut(records, config), config.shortest, dropped), dropped))
    kept = _unseen(pieces, config, dropped)
    held = round(config.validation_share * len(kept))
    if not 0 < held < len(kept):
        raise TextError(
            f"{len(kept)} pieces are left to train and validate ({dict(dropped)} left out); give more sequences"
        )
    ranked = sorted(kept, key=lambda piece: hashlib.sha256(canonical(piece.codes)).digest())
    return Pieces(ranked[held:], ranked[:held], dropped)


def _cut(records: Sequence[Record], config: UnlabelledData) -> Iterator[Piece]:
    for record in records:
        where = record.where.removeprefix(f"{config.root}/")  # draws must not depend on where the files lie
        for start in range(0, len(record.codes), config.longest):
            yield Piece(f"{where}+{start}", record.codes[start : start + config.longest])


def _long_enough(pieces: Iterator[Piece], shortest: int, dropped: Counter[str]) -> Iterator[Piece]:
    """Bases count, unknown ones do not: nothing can be learned from them."""
    for piece in pieces:
        if int((piece.codes != UNKNOWN).sum()) >= shortest:
            yield piece
        else:
            dropped["short"] += 1


def _distinct(pieces: Iterator[Piece], dropped: Counter[str]) -> Iterator[Piece]:
    seen: set[bytes] = set()
    for piece in pieces:
        key = canonical(piece.codes)
        if key not in seen:
            seen.add(key)
            yield piece
        else:
            dropped["copy"] += 1


def _unseen(pieces: list[Piece], config: UnlabelledData, dropped: Counter[str]) -> list[Piece]:
    excluded = [record for name in config.exclude for record in read_labelled(config.root, name, labels=False).records]
    codes = [piece.codes for piece in pieces]
    pairs = near_duplicates(codes, [r.codes for r in excluded], config.exclude_k, config.exclude_share)
    identical = _keys(excluded, config)  # a copy of few or no words of k bases shares too few of them
    alike = {pair.a for pair in pairs} | {row for row, piece in enumerate(codes) if canonical(piece) in identical}
    dropped["alike to what is excluded"] = len(alike)
    return [piece for number, piece in enumerate(pieces) if number not in alike]


def _keys(records: Sequence[Record], config: UnlabelledData) -> set[bytes]:
    """Of all pieces into which copies of the records, on either strand, would be cut."""
    strands = [r._replace(codes=codes) for r in records for codes in (r.codes, reverse_complement(r.codes))]
    return {canonical(piece.codes) for piece in _cut(strands, config)}
