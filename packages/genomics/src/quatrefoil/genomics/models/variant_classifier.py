"""What a variant does, from its window with either allele: one encoder reads both, the classes see what changes.

Legend: B variants, L bases, K classes, D width.
"""

from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from quatrefoil.core.nn.transformer import initialise
from quatrefoil.core.runs.start import START
from quatrefoil.core.views import Views, view
from quatrefoil.genomics.models.classifier import ClassifierConfig, SequenceModel
from quatrefoil.genomics.models.sequence_classifier import SequenceClassifierConfig
from quatrefoil.genomics.models.stem_classifier import StemClassifierConfig


@dataclass(frozen=True, kw_only=True)
class VariantClassifierConfig(ClassifierConfig):
    """Sizes and choices.

    Args:
        reader: makes the code of a window; what it would make of classes is not built.
        pretrained: run, checkpoint or model folder of a pre-training that the reader starts from; None = random
            weights.
    """

    reader: SequenceClassifierConfig | StemClassifierConfig = field(default_factory=SequenceClassifierConfig)
    pretrained: str | None = field(default=None, metadata=START)

    def __post_init__(self) -> None:
        if self.both_strands:
            raise ValueError("model.both_strands: alleles are compared on the strand that the VCF names; leave it out")
        if self.reader.classes is not None or self.reader.pretrained is not None:
            raise ValueError("model.reader makes codes: set model.classes and model.pretrained, not the reader's")
        if type(self.reader) not in (SequenceClassifierConfig, StemClassifierConfig):
            raise ValueError(
                "model.reader makes codes, of which cells and filters are no part: take a StemClassifierConfig"
            )
        if isinstance(self.reader, StemClassifierConfig) and self.reader.hidden:
            raise ValueError("a base hidden in one allele alone would look like a variant: set model.reader.hidden=0")

    @property
    def model_type(self) -> type["VariantClassifier"]:
        return VariantClassifier


class VariantClassifier(SequenceModel):
    """Classes of alt minus ref (the specification's section 9; how it is read is our choice)."""

    def __init__(self, config: VariantClassifierConfig) -> None:
        reader = replace(config.reader, pretrained=config.pretrained).build()
        super().__init__(config, reader.width)
        self.config, self.reader, self.started_from = config, reader, reader.started_from
        self.compare = nn.Linear(2 * reader.width, reader.width)
        self.dropout = nn.Dropout(config.reader.dropout)
        initialise(self.compare)

    @view
    def sequence(self, bases: Tensor) -> Tensor:
        """(B, D) of the window as it is in the genome."""
        code_BD: Tensor = Views(self.reader, {"bases": bases})["sequence"]
        return code_BD

    @view
    def alternative_sequence(self, alternative: Tensor) -> Tensor:
        """(B, D) of the window with the alternative allele."""
        return self.sequence(alternative)

    @view
    def effect(self, sequence: Tensor, alternative_sequence: Tensor) -> Tensor:
        """(B, D), alt minus ref; zero where the alleles are the same."""
        return alternative_sequence - sequence

    @view
    def strand_logits(self, effect: Tensor) -> Tensor:
        """(B, K). Which way the code moves and how far: a variant may matter in any direction."""
        seen_BD = nnf.gelu(self.compare(torch.cat([effect, effect.abs()], 1)))
        return self.logits_of(self.dropout(seen_BD))
