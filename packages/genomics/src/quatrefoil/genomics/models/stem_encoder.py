"""BERT on k-mers behind a convolutional stem: what sees motifs is cheap and stands at every base, what sees the whole
sequence stands at every few.

    bases -> k-mers -> residual convolutions, one state per k-mer -> strided convolution -> transformer over pieces

Our choice. On sets of a few thousand sequences a plain BERT on k-mers learns by heart before it finds motifs, and its
cost grows with every base; convolutions hold that a motif is the same anywhere, and a stride of 4 makes the transformer
four times cheaper.

Legend: B sequences, L bases, W k-mers of the longest, T pieces, D width.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import torch.nn.functional as nnf
from torch import Tensor, nn

from quatrefoil.core.nn.transformer import TransformerConfig, initialise
from quatrefoil.core.views import Tokens
from quatrefoil.genomics.models.bases import kmer_ids, places
from quatrefoil.genomics.sequence.kmers import PAD, KmerVocabulary

SMALL: Final = TransformerConfig(width=64, layers=2, heads=4, dropout=0.2, attention_dropout=0.2)
_EMBEDDING_STD: Final = 0.7  # as that of places, so that both are heard from the first step


@dataclass(frozen=True, kw_only=True)
class Stem:
    """What stands before the transformer.

    Args:
        convolutions: residual ones; the i-th sees every 2^i-th k-mer.
        window: k-mers that a convolution sees; odd.
        stride: k-mers of a piece.
        dropout: of channels before each convolution, in training.
    """

    convolutions: int = 2
    window: int = 7
    stride: int = 4
    dropout: float = 0.2

    def __post_init__(self) -> None:
        if self.window % 2 == 0 or self.stride < 1 or self.convolutions < 0:
            raise ValueError(f"a stem needs an odd window, a stride of 1 at least and no negative size: {self}")


@dataclass(frozen=True, kw_only=True)
class StemEncoderConfig(Stem):
    """Sizes.

    Args:
        k: length of the k-mers, 1-6.
        transformer: pre-norm.
    """

    k: int = 3
    transformer: TransformerConfig = SMALL

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.k <= 6:
            raise ValueError(f"encoder.k is {self.k}; k-mers of 1 to 6 bases can be numbered")
        if self.transformer.norm_order != "pre" or self.transformer.width % 2:
            raise ValueError("an encoder with a stem is pre-norm and of even width; set transformer.norm_order=pre")

    @property
    def width(self) -> int:
        """D."""
        return self.transformer.width

    def build(self) -> "StemEncoder":
        return StemEncoder(self)


class Encoded(NamedTuple):
    """States of the stem, one per k-mer (B, W, D), and of the transformer, one per piece (B, T, D)."""

    kmers: Tokens
    pieces: Tokens


class StemEncoder(nn.Module):
    """What is computed of a sequence does not depend on what else is in its batch."""

    def __init__(self, config: StemEncoderConfig) -> None:
        super().__init__()
        self.config, width = config, config.width
        self.token_embedding = nn.Embedding(KmerVocabulary(config.k).size, width)
        self.embedding_norm = nn.LayerNorm(width)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(width, width, config.window, dilation=2**i, padding="same") for i in range(config.convolutions)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(config.convolutions))
        self.shorten = nn.Conv1d(width, width, config.stride, config.stride)
        self.dropout = nn.Dropout(config.dropout)
        initialise(self, _EMBEDDING_STD)
        self.transformer = config.transformer.build()  # which has its own start
        self.final_norm = nn.LayerNorm(width)

    def forward(self, bases_BL: Tensor) -> Encoded:
        """States at padded places are finite and mean nothing.

        Raises:
            ValueError: a sequence of fewer than k bases.
        """
        return self.of_ids(kmer_ids(bases_BL, self.config.k, "model.encoder.k"))

    def of_ids(self, ids_BW: Tensor) -> Encoded:
        """The same of k-mers by their ids; [CLS], [SEP] and the like may stand between them."""
        kmers = Tokens(self._stem(ids_BW, ids_BW != PAD), ids_BW != PAD)
        pieces_BTD, mask_BT = self._pieces(kmers)
        states_BTD = self.transformer(pieces_BTD, mask_BT=None if bool(mask_BT.all()) else mask_BT)
        return Encoded(kmers, Tokens(self.final_norm(states_BTD), mask_BT))

    def _stem(self, ids_BW: Tensor, real_BW: Tensor) -> Tensor:
        placed_WD = places(ids_BW.shape[1], self.config.width, ids_BW.device)
        x_BWD: Tensor = self.embedding_norm(self.token_embedding(ids_BW) + placed_WD)
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            seen_BWD = self.dropout(nnf.gelu(norm(x_BWD))) * real_BW[..., None]
            x_BWD = x_BWD + convolution(seen_BWD.mT).mT
        return x_BWD

    def _pieces(self, kmers: Tokens) -> tuple[Tensor, Tensor]:
        """(B, T, D), and which of them hold a real k-mer (B, T)."""
        states_BWD, real_BW = kmers
        beyond = -real_BW.shape[1] % self.config.stride
        states_BWD = nnf.pad(states_BWD * real_BW[..., None], (0, 0, 0, beyond))
        mask_BT = nnf.pad(real_BW, (0, beyond)).view(len(real_BW), -1, self.config.stride).any(2)
        return self.shorten(states_BWD.mT).mT, mask_BT


class PerKmer(nn.Module):
    """One state per k-mer: what the stem sees there, and what the transformer makes of the piece about it."""

    def __init__(self, config: StemEncoderConfig) -> None:
        super().__init__()
        self.stride = config.stride
        self.spread = nn.Linear(config.width, config.stride * config.width)
        self.norm = nn.LayerNorm(config.width)

    def forward(self, encoded: Encoded) -> Tensor:
        """(B, W, D)."""
        states_BWD = encoded.kmers.states_BTD
        spread_BWD = self.spread(encoded.pieces.states_BTD).unflatten(2, (self.stride, -1)).flatten(1, 2)
        seen_BWD: Tensor = self.norm(states_BWD + spread_BWD[:, : states_BWD.shape[1]])
        return seen_BWD
