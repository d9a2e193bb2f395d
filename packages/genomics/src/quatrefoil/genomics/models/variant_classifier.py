"""What a variant does, from its window with either allele: one encoder reads both, the classes see what changes.

Legend: B variants, L bases, K classes, D width.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from quatrefoil.core.nn.transformer import initialise
from quatrefoil.core.views import view
from quatrefoil.genomics.models.sequence_classifier import SequenceClassifier, SequenceClassifierConfig


@dataclass(frozen=True, kw_only=True)
class VariantClassifierConfig(SequenceClassifierConfig):
    """As of a classifier of sequences, `pretrained` too."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.both_strands:
            raise ValueError("model.both_strands: alleles are compared on the strand that the VCF names; leave it out")

    @property
    def model_type(self) -> type["VariantClassifier"]:
        return VariantClassifier


class VariantClassifier(SequenceClassifier):
    """Classes of alt minus ref (the specification's section 9; how it is read is our choice)."""

    def __init__(self, config: VariantClassifierConfig) -> None:
        super().__init__(config)
        self.compare = nn.Linear(2 * config.transformer.width, config.transformer.width)
        initialise(self.compare)

    @view
    def alternative_sequence(self, alternative: Tensor) -> Tensor:
        """(B, D) of the window with the alternative allele."""
        pieces = self.pieces(alternative)
        return self.sequence(self.tokens(pieces), pieces, alternative)

    @view
    def effect(self, sequence: Tensor, alternative_sequence: Tensor) -> Tensor:
        """(B, D), alt minus ref; zero where the alleles are the same."""
        return alternative_sequence - sequence

    @view
    def strand_logits(self, effect: Tensor) -> Tensor:
        """(B, K). Which way the code moves and how far: a variant may matter in any direction."""
        seen_BD = nnf.gelu(self.compare(torch.cat([effect, effect.abs()], 1)))
        return self.logits_of(self.dropout(seen_BD))
