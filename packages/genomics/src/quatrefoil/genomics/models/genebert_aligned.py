"""GeneBERT whose sequences, masked sequences and regions have codes in one space, for contrast and ranking.

Not of the paper: other papers' objectives planted here. A code is a linear map of what matching reads, so what these
objectives teach reaches it. Only sequences that stand beside their own regions are to be aligned: see `own_regions`.

Legend: B rows, P width of the shared space.
"""

from dataclasses import dataclass

import torch.nn.functional as nnf
from torch import Tensor, nn

from quatrefoil.core.losses.common import widen
from quatrefoil.core.nn.heads import LogitScale
from quatrefoil.core.nn.transformer import initialise
from quatrefoil.core.views import view
from quatrefoil.genomics.models.genebert import GeneBert, GeneBertConfig


@dataclass(frozen=True, kw_only=True)
class AlignedGeneBertConfig(GeneBertConfig):
    """As GeneBERT's.

    Args:
        projection: P.
    """

    projection: int = 64

    @property
    def model_type(self) -> type["AlignedGeneBert"]:
        return AlignedGeneBert


class AlignedGeneBert(GeneBert):
    """GeneBERT with codes of length one; no code of one side contains the other."""

    def __init__(self, config: AlignedGeneBertConfig) -> None:
        super().__init__(config)
        width, space = config.transformer.width, config.projection
        self.sequence_code_map, self.regions_code_map = nn.Linear(width, space), nn.Linear(width, space)
        for linear in (self.sequence_code_map, self.regions_code_map):
            initialise(linear)
        self.scale = LogitScale()

    @view
    def sequence_code(self, sequence: Tensor) -> Tensor:
        """(B, P)."""
        return nnf.normalize(widen(self.sequence_code_map(sequence)), dim=-1)

    @view
    def masked_sequence_code(self, masked_sequence: Tensor) -> Tensor:
        """(B, P)."""
        return self.sequence_code(masked_sequence)

    @view
    def regions_code(self, regions: Tensor) -> Tensor:
        """(B, P)."""
        return nnf.normalize(widen(self.regions_code_map(regions)), dim=-1)

    @view
    def own_regions(self, match_label: Tensor) -> Tensor:
        """(B,), True where the regions are those of the sequence. It chooses rows, and enters no code."""
        return match_label == 1

    @view
    def worse_if_masked(self, own_regions: Tensor, ids: Tensor, masked_ids: Tensor) -> Tensor:
        """(B,), True where masking took something away from a sequence that is beside its own regions."""
        return own_regions & (ids != masked_ids).any(1)

    @view
    def logit_scale(self) -> Tensor:
        """1 / temperature, learned and clamped."""
        scale: Tensor = self.scale()
        return scale
