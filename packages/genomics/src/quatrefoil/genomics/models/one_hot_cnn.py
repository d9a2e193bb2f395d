"""The baseline that any pre-training has to beat: convolutions over bases (issue: about as large as the transformer).

    bases -> one-hot -> motifs -> residual convolutions, twice as wide a view each -> attention pooling -> logits

Legend: B sequences, L bases, D width.
"""

from dataclasses import dataclass

import torch.nn.functional as nnf
from torch import Tensor, nn

from quatrefoil.core.nn.transformer import initialise
from quatrefoil.core.views import Tokens, view
from quatrefoil.genomics.datasets.labelled.module import PADDED
from quatrefoil.genomics.models.bases import one_hot, places
from quatrefoil.genomics.models.classifier import ClassifierConfig, SequenceModel
from quatrefoil.genomics.models.pooling import picked_and_highest


@dataclass(frozen=True, kw_only=True)
class OneHotCnnConfig(ClassifierConfig):
    """Sizes.

    Args:
        width: number of channels, a multiple of 4.
        motif: bases that the first layer sees at once; odd.
        layers: residual convolutions of 5 places; the i-th sees every 2^i-th.
        dropout: of channels, in training.
    """

    width: int = 128
    motif: int = 13
    layers: int = 3
    dropout: float = 0.2

    def __post_init__(self) -> None:
        if self.motif % 2 == 0 or min(self.motif, self.layers) < 1 or self.width % 4:
            raise ValueError(f"model needs an odd motif, a layer, and a width that is a multiple of 4: {self}")

    @property
    def model_type(self) -> type["OneHotCnn"]:
        return OneHotCnn


class OneHotCnn(SequenceModel):
    """What is computed of a sequence does not depend on what else is in its batch."""

    def __init__(self, config: OneHotCnnConfig) -> None:
        super().__init__(config, 2 * config.width)
        self.config, width = config, config.width
        self.motifs = nn.Conv1d(4, width, config.motif, padding="same")
        self.layers = nn.ModuleList(
            nn.Conv1d(width, width, 5, dilation=2**i, padding="same") for i in range(config.layers)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(config.layers + 1))
        self.attention = nn.Linear(width, 1)
        self.dropout = nn.Dropout(config.dropout)
        for part in (self.motifs, self.layers, self.attention):
            initialise(part)

    @view
    def tokens(self, bases: Tensor) -> Tokens:
        """(B, L, D)."""
        real_BL = bases != PADDED
        real_B1L = real_BL[:, None].to(self.motifs.weight.dtype)
        x_BDL = self.motifs(one_hot(bases)) + places(bases.shape[1], self.config.width, bases.device).mT
        for layer, norm in zip(self.layers, self.norms, strict=False):
            seen_BDL = self.dropout(nnf.gelu(norm(x_BDL.mT))).mT * real_B1L
            x_BDL = x_BDL + layer(seen_BDL)
        return Tokens(self.norms[-1](x_BDL.mT), real_BL)

    @view
    def sequence(self, tokens: Tokens) -> Tensor:
        """(B, 2D): what attention picks, and the highest of each channel."""
        return picked_and_highest(tokens, self.attention(tokens.states_BTD)[..., 0])

    @view
    def strand_logits(self, sequence: Tensor) -> Tensor:
        """(B, K)."""
        return self.logits_of(self.dropout(sequence))
