"""Matching: tell true pairs from hard negatives, and the draw of those negatives from the global batch.

Legend: B rows of this rank, N rows of all ranks, D width, K scored pairs.
"""

from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from quatrefoil.core.distributed import global_mean
from quatrefoil.core.losses.codes import gather_codes
from quatrefoil.core.losses.common import LossResult, NonFinite, check_shape, score_rows


@dataclass(frozen=True)
class MatchingResult(LossResult):
    """`accuracy` is the weighted share of pairs whose class is told right; a tie is not right."""

    accuracy: Tensor


@dataclass(frozen=True)
class HardNegatives:
    """Global rows of one negative per local row and direction.

    Where `has_B` is False there is none, in either direction: the index is the own row, and both pairs are to be
    weighted zero.
    """

    b_for_a_B: Tensor
    a_for_b_B: Tensor
    has_B: Tensor


def matching(
    logits_K2: Tensor,
    labels_K: Tensor,
    weights_K: Tensor | None = None,
    process_group: dist.ProcessGroup | None = None,
) -> MatchingResult:
    """Two-way cross-entropy over the scored pairs of all ranks, in fp32 at least; K may differ between ranks and be 0.

    Args:
        logits_K2: class 1 = match.
        labels_K: int64, 0 or 1.
        weights_K: weights of at least 0; all 1 if None.
    """
    check_shape("matching: logits_K2", logits_K2, (None, 2))
    check_shape("matching: labels_K", labels_K, (len(logits_K2),))
    losses_K, correct_K = score_rows(logits_K2, labels_K)
    return MatchingResult(
        global_mean(losses_K, weights_K, process_group), global_mean(correct_K, weights_K, process_group)
    )


@torch.no_grad()
def hard_negatives(
    a_BD: Tensor,
    b_BD: Tensor,
    scale: Tensor,
    *,
    groups_B: Tensor,
    generator: torch.Generator,
    process_group: dist.ProcessGroup | None = None,
) -> HardNegatives:
    """Draw one negative of the other side per local row, with probability softmax(scale * cosine) over other groups.

    One uniform number per row of the *global* batch and direction makes the draw (inverse CDF), so it does not depend
    on the world size. No gradient. Source: negatives by contrastive similarity as in ALBEF; the global draw is ours.

    Args:
        a_BD, b_BD: L2-normalised codes; row i of both is a true pair.
        scale: scalar tensor that multiplies the cosine, alike on all ranks.
        groups_B: integer group of each pair; a negative is never of the own group.
        generator: CPU generator, in the same state on every rank; 2 N numbers are taken from it.

    Raises:
        ValueError: shapes that do not fit; NonFinite: codes that are not finite (on every rank).
    """
    # In fp64, or else a draw that falls between two rows could turn with the rounding of another world size.
    pairs = gather_codes({"side a": a_BD.double(), "side b": b_BD.double()}, groups_B, process_group)
    a_ND, b_ND = pairs.codes_SND
    check_shape("hard_negatives: scale", scale, ())
    if not torch.isfinite(pairs.codes_SND).all():
        raise NonFinite(
            "hard_negatives: codes hold nan or infinity, so no negative can be drawn: look for divergence upstream"
        )
    uniform_2N = torch.rand(2, len(a_ND), generator=generator, dtype=torch.float64)
    uniform_2B = uniform_2N.to(a_BD.device)[:, pairs.own_B]
    allowed_BN = ~pairs.same_group_BN
    has_B = allowed_BN.any(1)
    with torch.autocast(a_BD.device.type, enabled=False):
        logits_ab_BN = scale.double() * (a_BD.double() @ b_ND.mT)
        logits_ba_BN = scale.double() * (b_BD.double() @ a_ND.mT)
    drawn_ab_B = _draw(logits_ab_BN, allowed_BN, uniform_2B[0])
    drawn_ba_B = _draw(logits_ba_BN, allowed_BN, uniform_2B[1])
    b_for_a_B, a_for_b_B = (torch.where(has_B, drawn_B, pairs.own_B) for drawn_B in (drawn_ab_B, drawn_ba_B))
    return HardNegatives(b_for_a_B, a_for_b_B, has_B)


def _draw(logits_BN: Tensor, allowed_BN: Tensor, uniform_B: Tensor) -> Tensor:
    """Inverse CDF: the first column whose cumulated probability exceeds the uniform number; any if none is allowed."""
    cumulated_BN = logits_BN.masked_fill(~allowed_BN, -torch.inf).softmax(1).cumsum(1)
    # Divided by its last, the CDF ends in exactly 1: a number below 1 always lands, and only on probability above 0.
    cdf_BN = cumulated_BN / cumulated_BN[:, -1:]
    return torch.searchsorted(cdf_BN, uniform_B[:, None], right=True)[:, 0]
