"""Unlabelled sequences as data of a recipe: pieces with hidden bases, all random from (seed, epoch, id).

Legend: N samples, L bases.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import torch

from quatrefoil.core.data import Sample, SampleKey
from quatrefoil.core.losses import IGNORE
from quatrefoil.core.masking import choose_spans, corrupt
from quatrefoil.core.seeding import generator
from quatrefoil.genomics.datasets.pretraining.draws import Draw, chance
from quatrefoil.genomics.datasets.unlabelled.config import UnlabelledData
from quatrefoil.genomics.datasets.unlabelled.pieces import Piece, read_pieces
from quatrefoil.genomics.sequence.codes import PADDED, UNKNOWN, reverse_complement

_EVALUATION_SEED: Final = 0  # what is evaluated does not depend on a run's seed


class UnlabelledModule:
    """The pieces of an `UnlabelledData`, read."""

    fill: Mapping[str, float | int | bool] = {"masked_bases": PADDED, "labels": IGNORE}
    splits: Sequence[str] = ("val",)

    def __init__(self, config: UnlabelledData, seed: int) -> None:
        self.config, self.seed = config, seed
        self.pieces = read_pieces(config)

    def train(self, fields: Iterable[str]) -> "HiddenBases":
        """The training samples, with the named fields."""
        config = self.config
        return HiddenBases(self.pieces.train, config, self.seed, frozenset(fields), config.reverse_complement)

    def items(self, split: str, unit: str, fields: Iterable[str]) -> "HiddenBases":
        """The first of the pieces that validate. There is one unit, `sequence`."""
        assert (split, unit) == ("val", "sequence"), (split, unit)
        pieces = self.pieces.validation[: self.config.evaluated]
        return HiddenBases(pieces, self.config, _EVALUATION_SEED, frozenset(fields), 0.0)

    def describe(self) -> Mapping[str, Any]:
        """Name, protocol, fingerprint, pieces and bases of each split with its own, and what is left out, by reason."""
        config, (train, validation, dropped) = self.config, self.pieces
        return {
            "name": "+".join(config.sequences),
            "protocol": f"unlabelled-sequences/without-{'+'.join(config.exclude) or 'nothing'}",
            "fingerprint": _fingerprint([*train, *validation]),
            "splits": {"train": _summary(train), "val": _summary(validation)},
            "dropped": dict(dropped),
        }

    def assets(self) -> Mapping[str, str]:
        """None: bases are all that a model reads."""
        return {}


def _summary(pieces: Sequence[Piece]) -> dict[str, Any]:
    bases = sum(len(piece.codes) for piece in pieces)
    return {"pieces": len(pieces), "bases": bases, "fingerprint": _fingerprint(pieces)}


def _fingerprint(pieces: Iterable[Piece]) -> str:
    content = hashlib.sha256()
    for piece in pieces:
        content.update(len(piece.codes).to_bytes(8, "big") + piece.codes.tobytes())
    return content.hexdigest()


@dataclass(frozen=True, eq=False)
class HiddenBases:
    """A `SampleSet` of pieces with spans of hidden bases; N is never one of them.

    Of the chosen bases 80 % read as N, 10 % as a random base and 10 % as they are (BERT).
    """

    pieces: Sequence[Piece]
    config: UnlabelledData
    seed: int
    wanted: frozenset[str]
    reverse: float

    @property
    def groups_N(self) -> torch.Tensor:
        """Every piece is its own group, long (N,)."""
        return torch.arange(len(self.pieces))

    def __len__(self) -> int:
        return len(self.pieces)

    def __getitem__(self, key: SampleKey) -> Sample:
        piece = self.pieces[key.index]
        made = self._hidden(piece, partial(generator, self.seed, key.epoch, piece.where))
        return {"id": piece.where, "group": key.index, **{k: v for k, v in made.items() if k in self.wanted}}

    def _hidden(self, piece: Piece, draw: Draw) -> dict[str, torch.Tensor]:
        read = reverse_complement(piece.codes) if chance(self.reverse, draw("strand")) else piece.codes
        bases_L = torch.tensor(read, dtype=torch.long)
        chosen_L = choose_spans(bases_L != UNKNOWN, draw("mask"), self.config.mask_rate, self.config.span)
        masked = corrupt(bases_L, chosen_L, draw("fate of masked"), mask_id=UNKNOWN, random_ids=range(UNKNOWN))
        return {"masked_bases": masked.ids_L.to(torch.uint8), "labels": masked.labels_L}
