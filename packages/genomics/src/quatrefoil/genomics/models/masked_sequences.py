"""Masked genome modelling on sequences alone: the encoder with a stem, pre-trained where there are no regions.

    bases, some hidden -> stem and transformer -> each piece spread over its k-mers, beside the stem's states -> bases

A hidden base reads as N, so every k-mer that holds it is [UNK]. Of k masked k-mers in a row, DNABERT's spans hide one
base alone, as those before and after hold the others; here all bases of a span are hidden and predicted. Our choice.

Legend: B rows, L bases, W k-mers, T pieces, D width, K hidden bases.
"""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from quatrefoil.core.hub import Model
from quatrefoil.core.losses import IGNORE
from quatrefoil.core.losses.common import score_rows
from quatrefoil.core.nn.transformer import initialise
from quatrefoil.core.views import view
from quatrefoil.genomics.models.stem_encoder import Encoded, PerKmer, StemEncoderConfig

_BASES = 4


@dataclass(frozen=True, kw_only=True)
class MaskedSequencesConfig:
    """The encoder that is trained; what predicts is left behind afterwards."""

    encoder: StemEncoderConfig = field(default_factory=StemEncoderConfig)

    @property
    def model_type(self) -> type["MaskedSequences"]:
        return MaskedSequences

    def build(self) -> "MaskedSequences":
        return MaskedSequences(self)


class MaskedSequences(Model):
    """`encoder.*` is what `StemClassifier` takes up with `model.pretrained`."""

    def __init__(self, config: MaskedSequencesConfig) -> None:
        super().__init__()
        self.config, width = config, config.encoder.width
        self.encoder = config.encoder.build()
        self.per_kmer = PerKmer(config.encoder)
        self.dense, self.decoder = nn.Linear(width, width), nn.Linear(width, _BASES)
        for part in (self.per_kmer, self.dense, self.decoder):
            initialise(part)

    @view
    def encoded(self, masked_bases: Tensor) -> Encoded:
        """States of the k-mers and of the pieces of sequences with hidden bases."""
        found: Encoded = self.encoder(masked_bases)
        return found

    @view
    def bases_states(self, encoded: Encoded, masked_bases: Tensor) -> Tensor:
        """(B, L, D): a base has the state of the k-mer about it; the first and the last few share one."""
        seen_BWD = self.per_kmer(encoded)
        first_L = torch.arange(masked_bases.shape[1], device=masked_bases.device) - (self.config.encoder.k - 1) // 2
        last_B1 = encoded.kmers.mask_BT.sum(1, keepdim=True) - 1
        about_BL = first_L.clamp(min=0).minimum(last_B1)
        states_BLD: Tensor = seen_BWD.gather(1, about_BL[..., None].expand(-1, -1, seen_BWD.shape[2]))
        return states_BLD

    @view
    def base_logits(self, bases_states: Tensor, labels: Tensor) -> Tensor:
        """(K, 4) at the hidden bases."""
        logits_K4: Tensor = self.decoder(nnf.gelu(self.dense(bases_states[labels != IGNORE])))
        return logits_K4

    @view
    def masked_hits(self, base_logits: Tensor, labels: Tensor) -> Tensor:
        """(B, 1), the share of a row's hidden bases whose own logit alone is the highest."""
        return share_of_hits(base_logits, labels)


def share_of_hits(logits_KV: Tensor, labels_BL: Tensor) -> Tensor:
    """(B, 1), of logits at the labelled positions in row-major order, how many of each row are right."""
    labelled_BL = labels_BL != IGNORE
    _, correct_K = score_rows(logits_KV, labels_BL[labelled_BL])
    hits_BL = torch.zeros_like(labelled_BL).masked_scatter(labelled_BL, correct_K)
    return hits_BL.sum(1, keepdim=True) / labelled_BL.sum(1, keepdim=True).clamp(min=1)
