"""Classes of sequences from the encoder and from motif filters beside it, each with a loss of its own.

    bases -> stem and transformer, counts of k-mers (`stem_classifier`) ------------> logits --> their mean
          -> motif filters (`motif_cnn`) -> highest in all of the sequence ---------> logits -^
                                         -> and in each of its cells ---------------> logits -^

Our choice. The encoder is better at promoters, the filters at many binding sites. Trained by one loss on the sum of
logits, the encoder learns a small set by heart before a filter is a motif, and then no gradient is left for filters; by
a loss each they all learn, and the mean hears what one of them knows. A reading that knows nothing makes it less sure
than it is right: `quatrefoil predict` calibrates it by validation.

Legend: B sequences, L bases, P parts, K classes, D width.
"""

from dataclasses import dataclass, field, replace

from torch import Tensor

from quatrefoil.core.views import Views, view
from quatrefoil.genomics.models.classifier import mean_opinion
from quatrefoil.genomics.models.motif_cnn import MotifCnn, MotifCnnConfig
from quatrefoil.genomics.models.stem_classifier import StemClassifier, StemClassifierConfig


@dataclass(frozen=True, kw_only=True)
class ExpertClassifierConfig(StemClassifierConfig):
    """Sizes and choices.

    Args:
        motifs: the filters and what reads them; classes and strands are the model's.

    `hidden`, `dropout` and `pretrained` are of the encoder alone.
    """

    motifs: MotifCnnConfig = field(default_factory=MotifCnnConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        for key in ("classes", "both_strands"):
            if getattr(self.motifs, key) is not None:
                raise ValueError(f"model.motifs.{key}: filters have the {key} of the model; set model.{key} alone")

    @property
    def model_type(self) -> type["ExpertClassifier"]:
        return ExpertClassifier


class ExpertClassifier(StemClassifier):
    """What is computed of a sequence does not depend on what else is in its batch."""

    taught = ("encoder_logits", "whole_logits", "placed_logits")
    config: ExpertClassifierConfig

    def __init__(self, config: ExpertClassifierConfig) -> None:
        super().__init__(config)
        self.motifs = MotifCnn(replace(config.motifs, classes=config.classes))

    @view
    def encoder_logits(self, sequence: Tensor, bases: Tensor) -> Tensor:
        """(B, K), those of the classifier without filters."""
        return super().strand_logits(sequence, bases)

    @view
    def motif_views(self, bases: Tensor) -> Views:
        """What the filters make of the sequences."""
        return Views(self.motifs, {"bases": bases})

    @view
    def whole_logits(self, motif_views: Views) -> Tensor:
        """(B, K), wherever motifs stand."""
        logits_BK: Tensor = motif_views["whole_logits"]
        return logits_BK

    @view
    def placed_logits(self, motif_views: Views) -> Tensor:
        """(B, K), by where motifs stand, too."""
        logits_BK: Tensor = motif_views["placed_logits"]
        return logits_BK

    @view
    def strand_logits(self, encoder_logits: Tensor, whole_logits: Tensor, placed_logits: Tensor) -> Tensor:  # type: ignore[override]  # needs more
        """(B, K)."""
        return mean_opinion(encoder_logits, whole_logits, placed_logits)
