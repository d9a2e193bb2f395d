"""GeneBERT that restores hidden cells of the matrix of motifs and regions.

VLSA's masked patches planted here (arXiv 2405.07202). Its decoder takes a token of each patch; a Swin has merged its
patches at the end, so a linear map of each token restores all that the token stands for, as in SimMIM (Xie et al. 2021,
arXiv 2111.09886). Hidden cells are seen by no other objective: matching reads the whole matrix.

Legend: B rows, M motifs, R regions, G C rows and columns of cells, K hidden cells of a row, P numbers of a cell.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from quatrefoil.core.nn.swin import SwinOutput
from quatrefoil.core.nn.transformer import initialise
from quatrefoil.core.views import view
from quatrefoil.genomics.models.genebert import GeneBert, GeneBertConfig
from quatrefoil.genomics.models.region_encoders import SwinEncoder, SwinRegions


@dataclass(frozen=True, kw_only=True)
class RestoringGeneBertConfig(GeneBertConfig):
    """As GeneBERT's, with a Swin that has a mask token and a grid that its last stage divides.

    Raises:
        ValueError: another encoder of regions, or one that does not fit.
    """

    regions: SwinRegions

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.regions.swin.mask_token:
            raise ValueError("hidden cells need something in their place: set model.regions.swin.mask_token=true")
        if any(side % step for side, step in zip(self.regions.grid, self.cell, strict=True)):
            raise ValueError(f"cells of {self.cell} do not tile model.regions.grid={self.regions.grid}")

    @property
    def cell(self) -> tuple[int, int]:
        """Motifs and regions that a token of the last stage stands for."""
        swin = self.regions.swin
        merged = [2 ** (len(swin.depths) - 1) if axis in swin.merged else 1 for axis in range(2)]
        return swin.step[0] * merged[0], swin.step[1] * merged[1]

    @property
    def model_type(self) -> type["RestoringGeneBert"]:
        return RestoringGeneBert


class RestoringGeneBert(GeneBert):
    """GeneBERT with one more pass over the matrix, in which most of it is hidden."""

    region_encoder: SwinEncoder

    def __init__(self, config: RestoringGeneBertConfig) -> None:
        super().__init__(config)
        self.cell = config.cell
        self.restore = nn.Linear(config.regions.width, self.cell[0] * self.cell[1])
        initialise(self.restore)

    @view
    def visible_states(self, matrix: Tensor, region_mask: Tensor, hidden_cells: Tensor) -> SwinOutput:
        """Tokens of the last stage, where a mask token stands for hidden cells. `hidden_cells` (B, G, C).

        Raises:
            ValueError: cells that are not those of the last stage.
        """
        sides = zip(self.region_encoder.config.grid, self.cell, strict=True)
        if tuple(hidden_cells.shape[1:]) != (wanted := tuple(side // step for side, step in sides)):
            raise ValueError(f"data.hidden.grid={tuple(hidden_cells.shape[1:])}, the encoder ends with {wanted} cells")
        return self.region_encoder.states(matrix, region_mask, hidden_cells)

    @view
    def hidden_regions(self, visible_states: SwinOutput, hidden_cells: Tensor) -> Tensor:
        """(B, K, P): what the hidden cells are held to be."""
        restored_BGCP: Tensor = self.restore(visible_states.tokens_BGD)
        return self._of_hidden(restored_BGCP, hidden_cells)

    @view
    def hidden_regions_target(self, matrix: Tensor, region_mask: Tensor, hidden_cells: Tensor) -> Tensor:
        """(B, K, P): what they are; where there is no peak or motif, zero."""
        padded_BMR, real_BMR = self.region_encoder.padded(matrix, region_mask)
        rows, columns = self.cell
        known_BMR = torch.where(real_BMR, padded_BMR, 0.0)
        cells_BGCP = known_BMR.unfold(1, rows, rows).unfold(2, columns, columns).flatten(3)
        return self._of_hidden(cells_BGCP, hidden_cells)

    @staticmethod
    def _of_hidden(cells_BGCP: Tensor, hidden_cells: Tensor) -> Tensor:
        """As many in every row, so that they are a tensor."""
        return cells_BGCP[hidden_cells].view(len(hidden_cells), -1, cells_BGCP.shape[-1])
