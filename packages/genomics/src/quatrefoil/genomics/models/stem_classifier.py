"""Classes of sequences from the encoder with a stem, from random weights or those of a pre-training on sequences.

    bases -> stem and transformer -> of each, what attention picks and the highest of every channel -> logits
          -> how often each k-mer occurs --------------------------------------------------------------^

Counts of k-mers are beside the encoder because a linear model of them finds a motif at once, on which a network spends
its first thousand steps.

Legend: B sequences, L bases, W k-mers, T pieces, K classes, D width.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from quatrefoil.core.nn.transformer import initialise
from quatrefoil.core.runs.start import START
from quatrefoil.core.views import view
from quatrefoil.genomics.models.classifier import ClassifierConfig, SequenceModel
from quatrefoil.genomics.models.kmer_logistic import kmer_profile
from quatrefoil.genomics.models.pooling import picked_and_highest
from quatrefoil.genomics.models.pretrained import initialise_from_pretrained
from quatrefoil.genomics.models.stem_encoder import Encoded, StemEncoderConfig
from quatrefoil.genomics.sequence.codes import PADDED, UNKNOWN


@dataclass(frozen=True, kw_only=True)
class StemClassifierConfig(ClassifierConfig):
    """Sizes and choices.

    Args:
        encoder: as it was pre-trained, where it was.
        dropout: of the code, in training.
        hidden: chance that a base reads as N in training, so that no few bases tell a sequence of the training set by
            heart; N is what hidden bases are in pre-training, too.
        counted: lengths of the k-mers whose counts are heard beside the encoder; empty = none.
        pretrained: run, checkpoint or model folder of a pre-training on sequences to start from; None = random weights.
    """

    encoder: StemEncoderConfig = field(default_factory=StemEncoderConfig)
    dropout: float = 0.2
    hidden: float = 0.1
    counted: tuple[int, ...] = (3, 4, 5, 6)
    pretrained: str | None = field(default=None, metadata=START)

    def __post_init__(self) -> None:
        if not 0 <= self.hidden < 1:
            raise ValueError(f"model.hidden is a chance from 0 to below 1, not {self.hidden}")
        if not set(self.counted) <= set(range(1, 7)):
            raise ValueError(f"model.counted: k-mers of 1 to 6 bases can be counted, not {self.counted}")

    @property
    def least_bases(self) -> int:
        return max((self.encoder.k, *self.counted))

    @property
    def model_type(self) -> type["StemClassifier"]:
        return StemClassifier

    def build(self) -> "StemClassifier":
        model = self.model_type(self)
        assert isinstance(model, StemClassifier)
        if self.pretrained is not None:
            initialise_from_pretrained(model.encoder, self.pretrained)
            model.started_from = f"{self.pretrained}, fresh: all but its encoder of k-mers"
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
        self.profile_head = None
        if config.counted and config.classes is not None:
            self.profile_head = nn.Linear(sum(4**k for k in config.counted), config.classes, bias=False)
            nn.init.zeros_(self.profile_head.weight)
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
        """States of the k-mers (B, W, D) and of the pieces (B, T, D), both normed."""
        kmers, pieces = self.encoder(seen_bases)
        return Encoded(kmers._replace(states_BTD=self.stem_norm(kmers.states_BTD)), pieces)

    @view
    def sequence(self, encoded: Encoded) -> Tensor:
        """(B, 4D): of k-mers and of pieces, what attention picks and the highest of each channel."""
        sides = zip(encoded, (self.stem_attention, self.attention), strict=True)
        return torch.cat([picked_and_highest(side, score(side.states_BTD)[..., 0]) for side, score in sides], 1)

    @view
    def strand_logits(self, sequence: Tensor, bases: Tensor) -> Tensor:
        """(B, K), from the code and from how often each k-mer occurs."""
        logits_BK = self.logits_of(self.dropout(sequence))
        if self.profile_head is not None:
            logits_BK = logits_BK + self.profile_head(kmer_profile(bases, self.config.counted, "model.counted"))
        return logits_BK
