"""How tokens of a sequence become one code.

Legend: B sequences, T tokens, D width, C cells.
"""

import math

import torch
from torch import Tensor

from quatrefoil.core.views import Tokens


def picked_and_highest(tokens: Tokens, scores_BT: Tensor) -> Tensor:
    """The mean of the real tokens by the softmax of their scores, and the highest of each channel: (B, 2D)."""
    weights_BT = scores_BT.masked_fill(~tokens.mask_BT, -math.inf).softmax(1)
    picked_BD = (weights_BT[..., None] * tokens.states_BTD).sum(1)
    highest_BD = tokens.states_BTD.masked_fill(~tokens.mask_BT[..., None], -math.inf).amax(1)
    return torch.cat([picked_BD, highest_BD], 1)


def highest_of_cells(tokens: Tokens, cells: int) -> Tensor:
    """The highest of each channel in each of so many equal parts of each sequence, (B, C, D).

    Parts are counted from a sequence's own start to its own end, its padding being behind it: 0 of a part into which no
    token of a short sequence falls.
    """
    states_BTD, mask_BT = tokens
    lengths_B1 = mask_BT.sum(1, keepdim=True).clamp(min=1)
    cells_BT = (torch.arange(mask_BT.shape[1], device=mask_BT.device) * cells // lengths_B1).clamp(max=cells - 1)
    lowest_BCD = states_BTD.new_full((len(states_BTD), cells, states_BTD.shape[2]), -math.inf)
    real_BTD = states_BTD.masked_fill(~mask_BT[..., None], -math.inf)
    highest_BCD = lowest_BCD.scatter_reduce(1, cells_BT[..., None].expand_as(real_BTD), real_BTD, "amax")
    return highest_BCD.masked_fill(highest_BCD == -math.inf, 0)


def refuse_no_cell(cells: int, key: str = "model.cells") -> None:
    """Raise `ValueError` for fewer parts than one, of the setting `key`."""
    if cells < 1:
        raise ValueError(f"{key}={cells}: a sequence has one part or more")
