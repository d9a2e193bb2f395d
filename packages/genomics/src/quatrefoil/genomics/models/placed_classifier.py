"""The classifier of `stem_classifier` where places matter: it also hears in which part of a sequence its motifs stand.

    bases -> stem and transformer -> of each, what attention picks and the highest of every channel ---> logits
                                  -> of each, the highest of every channel in each cell of the sequence -^

Mostly, a splice site and a decoy hold the same motifs in other places; what is highest over a whole sequence forgets
them.
Weights of the cells begin at zero, so that it begins as the classifier without them.

Legend: B sequences, K classes, D width, C cells.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from quatrefoil.core.views import view
from quatrefoil.genomics.models.pooling import highest_of_cells, refuse_no_cell
from quatrefoil.genomics.models.stem_classifier import StemClassifier, StemClassifierConfig
from quatrefoil.genomics.models.stem_encoder import Encoded


@dataclass(frozen=True, kw_only=True)
class PlacedClassifierConfig(StemClassifierConfig):
    """Sizes and choices.

    Args:
        cells: equal parts of a sequence, of each of which the highest of each channel is kept.
    """

    cells: int = 32

    def __post_init__(self) -> None:
        super().__post_init__()
        refuse_no_cell(self.cells)

    @property
    def model_type(self) -> type["PlacedClassifier"]:
        return PlacedClassifier


class PlacedClassifier(StemClassifier):
    """What is computed of a sequence does not depend on what else is in its batch."""

    config: PlacedClassifierConfig

    def __init__(self, config: PlacedClassifierConfig) -> None:
        super().__init__(config)
        self.placed_head = None
        if config.classes is not None:
            self.placed_head = nn.Linear(2 * config.encoder.width * config.cells, config.classes, bias=False)
            nn.init.zeros_(self.placed_head.weight)

    @view
    def placed(self, encoded: Encoded) -> Tensor:
        """(B, 2CD): of k-mers and of pieces, the highest of each channel in each cell."""
        return torch.cat([highest_of_cells(side, self.config.cells) for side in encoded], 2).flatten(1)

    @view
    def strand_logits(self, sequence: Tensor, bases: Tensor, placed: Tensor) -> Tensor:  # type: ignore[override]  # it needs more
        """(B, K), those of the classifier without places and what places add to them."""
        assert self.placed_head is not None, "built without classes: `fitted` tells how many there are"
        placed_BK: Tensor = self.placed_head(self.dropout(placed))
        return super().strand_logits(sequence, bases) + placed_BK
