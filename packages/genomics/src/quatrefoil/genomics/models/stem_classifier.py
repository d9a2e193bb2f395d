"""Classes of sequences from the encoder with a stem, from random weights or those of a pre-training on sequences.

    bases -> stem and transformer -> of each, what attention picks and the highest of every channel -> logits

Legend: B sequences, L bases, W k-mers, T pieces, K classes, D width.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from quatrefoil.core.nn.transformer import initialise
from quatrefoil.core.runs.start import START
from quatrefoil.core.views import view
from quatrefoil.genomics.datasets.labelled.module import PADDED
from quatrefoil.genomics.models.classifier import ClassifierConfig, SequenceModel
from quatrefoil.genomics.models.pooling import picked_and_highest
from quatrefoil.genomics.models.pretrained import initialise_from_pretrained
from quatrefoil.genomics.models.stem_encoder import Encoded, StemEncoderConfig
from quatrefoil.genomics.sequence.codes import UNKNOWN


@dataclass(frozen=True, kw_only=True)
class StemClassifierConfig(ClassifierConfig):
    """Sizes and choices.

    Args:
        encoder: as it was pre-trained, where it was.
        dropout: of the code, in training.
        hidden: chance that a base reads as N in training, so that no few bases tell a sequence of the training set by
            heart; N is what hidden bases are in pre-training, too.
        pretrained: run, checkpoint or model folder of a pre-training on sequences to start from; None = random weights.
    """

    encoder: StemEncoderConfig = field(default_factory=StemEncoderConfig)
    dropout: float = 0.2
    hidden: float = 0.1
    pretrained: str | None = field(default=None, metadata=START)

    def __post_init__(self) -> None:
        if not 0 <= self.hidden < 1:
            raise ValueError(f"model.hidden is a chance from 0 to below 1, not {self.hidden}")

    @property
    def model_type(self) -> type["StemClassifier"]:
        return StemClassifier

    def build(self) -> "StemClassifier":
        model = StemClassifier(self)
        if self.pretrained is not None:
            initialise_from_pretrained(model.encoder, self.pretrained)
        return model


class StemClassifier(SequenceModel):
    """Both what the stem sees of motifs and what the transformer makes of them are heard."""

    def __init__(self, config: StemClassifierConfig) -> None:
        super().__init__(config, 4 * config.encoder.width)
        self.config, width = config, config.encoder.width
        self.encoder = config.encoder.build()
        self.stem_norm = nn.LayerNorm(width)
        self.stem_attention, self.attention = nn.Linear(width, 1), nn.Linear(width, 1)
        self.dropout = nn.Dropout(config.dropout)
        for part in (self.stem_attention, self.attention):
            initialise(part)

    @view
    def seen_bases(self, bases: Tensor) -> Tensor:
        """(B, L), in training with some hidden."""
        if not (self.training and self.config.hidden):
            return bases
        hidden_BL = torch.rand(bases.shape, device=bases.device) < self.config.hidden
        return bases.masked_fill(hidden_BL & (bases != PADDED), UNKNOWN)

    @view
    def encoded(self, seen_bases: Tensor) -> Encoded:
        """States of the k-mers (B, W, D) and of the pieces (B, T, D)."""
        found: Encoded = self.encoder(seen_bases)
        return found

    @view
    def sequence(self, encoded: Encoded) -> Tensor:
        """(B, 4D): of k-mers and of pieces, what attention picks and the highest of each channel."""
        kmers = encoded.kmers._replace(states_BTD=self.stem_norm(encoded.kmers.states_BTD))
        sides = ((kmers, self.stem_attention), (encoded.pieces, self.attention))
        return torch.cat([picked_and_highest(side, score(side.states_BTD)[..., 0]) for side, score in sides], 1)

    @view
    def class_logits(self, sequence: Tensor) -> Tensor:
        """(B, K)."""
        return self.logits_of(self.dropout(sequence))
