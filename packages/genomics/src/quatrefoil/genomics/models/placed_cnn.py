"""The convolutional baseline where places matter: it keeps in which part of a sequence its motifs stand.

    channels of `OneHotCnn` -> highest of each channel in each cell of the sequence, and in all of it -> logits

The cells are equal parts of each sequence, counted from its own start to its own end: where a motif stands tells a
splice site from a decoy, and the highest of a channel over the whole sequence, alone, forgets it. Where places tell
nothing it may not begin to learn (binding sites), which `OneHotCnn` does: docs/genebert-results.md. `MotifCnn` reads
its channels both ways.

Legend: B sequences, L bases, D width, C cells.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from quatrefoil.core.views import Tokens, view
from quatrefoil.genomics.models.one_hot_cnn import OneHotCnn, OneHotCnnConfig
from quatrefoil.genomics.models.pooling import highest_of_cells, refuse_no_cell


@dataclass(frozen=True, kw_only=True)
class PlacedCnnConfig(OneHotCnnConfig):
    """Sizes.

    Args:
        cells: equal parts of a sequence, of each of which the highest of each channel is kept.
    """

    cells: int = 32

    def __post_init__(self) -> None:
        super().__post_init__()
        refuse_no_cell(self.cells)

    @property
    def model_type(self) -> type["PlacedCnn"]:
        return PlacedCnn


class PlacedCnn(OneHotCnn):
    """What is computed of a sequence does not depend on what else is in its batch."""

    config: PlacedCnnConfig

    def __init__(self, config: PlacedCnnConfig) -> None:  # by its type a stored configuration is read
        super().__init__(config)

    @property
    def heard(self) -> int:
        return self.config.width * (self.config.cells + 1)

    @view
    def sequence(self, bases: Tensor) -> Tensor:
        """(B, (C + 1) D): the highest of each channel in each cell, and in all of them."""
        x_BDL, real_B1L = self.channels(bases)
        cells_BCD = highest_of_cells(Tokens(x_BDL.mT, real_B1L[:, 0] > 0), self.config.cells)
        return torch.cat([cells_BCD.mT, x_BDL.amax(2, keepdim=True)], 2).flatten(1)
