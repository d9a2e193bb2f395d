"""Ranking: of two codes, the better one is to be nearer to the anchor, by a margin.

Legend: B rows of this rank, D width.
"""

from dataclasses import dataclass

import torch.distributed as dist
from torch import Tensor

from quatrefoil.core.distributed import global_mean
from quatrefoil.core.losses.common import GradientScale, LossResult, check_shape, scale_gradient, widen


@dataclass(frozen=True)
class RankingResult(LossResult):
    """Weighted means: `accuracy` is the share of rows whose better code is ahead (a tie is not), `gap` by how much.

    The gap is in units of scaled similarity, as the margin is.
    """

    accuracy: Tensor
    gap: Tensor


def ranking(
    anchor_BD: Tensor,
    better_BD: Tensor,
    worse_BD: Tensor,
    scale: Tensor,
    margin: float,
    *,
    weights_B: Tensor | None = None,
    gradient_scale: GradientScale = "exact",
    process_group: dist.ProcessGroup | None = None,
) -> RankingResult:
    """Mean over the rows of all ranks of max(0, margin - scale * (cos(anchor, better) - cos(anchor, worse))).

    No row is a negative of another, so there are no groups here. In fp32 at least, also under autocast. Source:
    Clover's pair-wise ranking as its official code computes it; weights are our choice.

    Args:
        anchor_BD, better_BD, worse_BD: codes, L2-normalised by the caller.
        scale: scalar tensor that multiplies the cosine, alike on all ranks.
        margin: at least 0, in units of scaled similarity (Clover: 5 at scale 20, that is 0.25 of cosine).
        weights_B: weights of at least 0, all 1 if None. Give 0 where better and worse are the same (nothing in the row
            could be masked): the margin would push apart what is equal.
        gradient_scale: see `GradientScale`.

    Raises:
        ValueError: a negative margin, or shapes that do not fit together.
    """
    if not margin >= 0:
        raise ValueError(f"ranking: the margin must be at least 0, got {margin}")
    check_shape("ranking: anchor_BD", anchor_BD, (None, None))
    check_shape("ranking: better_BD", better_BD, tuple(anchor_BD.shape))
    check_shape("ranking: worse_BD", worse_BD, tuple(anchor_BD.shape))
    check_shape("ranking: scale", scale, ())
    gap_B = widen(scale) * (widen(anchor_BD) * (widen(better_BD) - widen(worse_BD))).sum(1)
    loss = global_mean((margin - gap_B).relu(), weights_B, process_group)
    return RankingResult(
        scale_gradient(loss, gradient_scale, process_group),
        global_mean(gap_B.detach() > 0, weights_B, process_group),
        global_mean(gap_B.detach(), weights_B, process_group),
    )
