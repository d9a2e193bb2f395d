"""How tokens of a sequence become one code.

Legend: B sequences, T tokens, D width.
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
