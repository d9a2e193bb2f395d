"""GeneBERT whose regions are guided by tags: the names of the motifs that are hit in them.

TABLE's guidance planted here (arXiv 2301.12644); this form of it is our choice.

    matrix -> encoder of regions -> regions_unguided --+
                                                       +-> guide over [V | regions | tags] -> V -> added to the code
    matrix -> which motifs are hit, how often -> tags -+

Tags are read from the matrix that the encoder sees, its holes included: nothing about the sequence, about its own
region where that was taken out, or about the label can come in through them.

Legend: B rows, M motifs, R regions, D width.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from quatrefoil.core.nn.transformer import TransformerConfig
from quatrefoil.core.views import Tokens, view
from quatrefoil.genomics.models.genebert import GeneBert, GeneBertConfig


@dataclass(frozen=True, kw_only=True)
class TaggedGeneBertConfig(GeneBertConfig):
    """As GeneBERT's.

    Args:
        motifs: M, the rows of the matrix; each has a name, and each name a learned code.
        guide_layers, guide_heads: of the encoder over tags and regions.
    """

    motifs: int
    guide_layers: int = 2
    guide_heads: int = 4

    @property
    def model_type(self) -> type["TaggedGeneBert"]:
        return TaggedGeneBert


class TaggedGeneBert(GeneBert):
    """At the start the guided code is the unguided one: the map of what V has gathered is zero."""

    def __init__(self, config: TaggedGeneBertConfig) -> None:
        super().__init__(config)
        width, self.motifs = config.transformer.width, config.motifs
        self.names = nn.Embedding(config.motifs, width)
        self.v_token = nn.Parameter(torch.randn(width) * width**-0.5)
        nn.init.normal_(self.names.weight, std=width**-0.5)
        sizes = TransformerConfig(width=width, layers=config.guide_layers, heads=config.guide_heads)
        self.guide, self.guide_norm = sizes.build(), nn.LayerNorm(width)  # pre-norm blocks end without one
        self.gathered = nn.Linear(width, width)
        nn.init.zeros_(self.gathered.weight)
        nn.init.zeros_(self.gathered.bias)

    def check_assets(self) -> None:
        """Raise `ValueError` where the data do not fit the model, or have another number of motifs."""
        super().check_assets()
        self.require_motifs(self.motifs)

    @view
    def regions_unguided(self, matrix: Tensor, region_mask: Tensor) -> Tensor:
        """(B, D): what GeneBERT's encoder makes of the matrix alone."""
        return super().regions(matrix, region_mask)

    @view
    def motif_tags(self, matrix: Tensor, region_mask: Tensor) -> Tokens:
        """(B, M, D): the name of each motif, as long as the share of the regions in which it is hit; others are masked.

        Without the share, the names would be the same in all windows: few motifs are hit in none of many regions.
        """
        hit_BMR = torch.where(region_mask[:, None], matrix, 0.0) > 0
        share_BM = hit_BMR.sum(2) / region_mask.sum(1, keepdim=True)
        return Tokens(share_BM[..., None] * self.names.weight, hit_BMR.any(2))

    @view
    def regions(self, regions_unguided: Tensor, motif_tags: Tokens) -> Tensor:  # type: ignore[override]  # its needs are other ones
        """z_R (B, D), with what V has gathered from regions and tags."""
        rows = len(regions_unguided)
        v_B1D, always_B2 = self.v_token.expand(rows, 1, -1), motif_tags.mask_BT.new_ones(rows, 2)
        states_BTD = torch.cat([v_B1D, regions_unguided[:, None], motif_tags.states_BTD], 1)
        guided_BTD = self.guide(states_BTD, mask_BT=torch.cat([always_B2, motif_tags.mask_BT], 1))
        code_BD: Tensor = regions_unguided + self.gathered(self.guide_norm(guided_BTD[:, 0]))
        return code_BD
