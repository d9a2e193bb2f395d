"""Contrast of an anchor with several positives at once, where a row's own positives do not compete.

Legend: B rows of this rank, N rows of all ranks, D width, K kinds of positives, R = K B. Row i of the anchor
and row i of each kind of positives belong together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.functional import logsigmoid

from quatrefoil.core.distributed import global_mean
from quatrefoil.core.losses.codes import GlobalCodes, gather_codes
from quatrefoil.core.losses.common import GradientScale, LossResult, check_shape, scale_gradient, score_rows, widen


@dataclass(frozen=True)
class ExclusiveResult(LossResult):
    """`loss` is the sum of the directions: from the anchor summed over the K positives, to the anchor their mean.

    Accuracy is the share of (row, positive) pairs that are ahead of all others which they compete with.
    """

    loss_from_anchor: Tensor
    loss_to_anchor: Tensor
    accuracy_from_anchor: Tensor
    accuracy_to_anchor: Tensor


def exclusive_contrastive(
    anchor_BD: Tensor,
    positives: Sequence[Tensor],
    scale: Tensor,
    *,
    groups_B: Tensor | None = None,
    gradient_scale: GradientScale = "exact",
    process_group: dist.ProcessGroup | None = None,
) -> ExclusiveResult:
    """Tell an anchor's positive of each kind from the positives, of all kinds, of all other rows; and the way back.

    From the anchor, each own positive stands alone against the K (N - 1) positives of other rows, and the K terms are
    *summed*; to the anchor, each kind of positives is told apart over the N anchors, and the K terms are *averaged*.
    Source: Clover's exclusive NCE as its official code computes it. That same-group rows are no negatives is our
    choice. Exact at any world size, ragged and empty ranks included; in fp32 at least, also under autocast.

    Args:
        anchor_BD: codes, L2-normalised by the caller.
        positives: K >= 1 codes (B, D), alike.
        scale: scalar tensor that multiplies the cosine (the inverse of a temperature), alike on all ranks.
        groups_B: integer group of each row; other rows of a group are left out of the denominators. None: every row
            is a group of its own.
        gradient_scale: see `GradientScale`.

    Raises:
        ValueError: no positives, or shapes that do not fit together, on this rank or between ranks.
    """
    if not positives:
        raise ValueError("exclusive_contrastive: no positives; give at least one tensor of codes (B, D)")
    check_shape("exclusive_contrastive: scale", scale, ())
    sides = {"the anchor": anchor_BD} | {f"positive {k}": codes_BD for k, codes_BD in enumerate(positives)}
    everyone = gather_codes(sides, groups_B, process_group)
    anchor_ND, positives_KND = everyone.codes_SND[0], everyone.codes_SND[1:]
    positives_KBD = torch.stack([widen(codes_BD) for codes_BD in positives])
    with torch.autocast(anchor_BD.device.type, enabled=False):  # it would cast the products back to bf16
        from_KBN = widen(scale) * (widen(anchor_BD) @ positives_KND.mT)
        to_KBN = widen(scale) * (positives_KBD @ anchor_ND.mT)
    from_KB, leads_from_KB = _against_others(from_KBN, everyone)
    to_R, leads_to_R = _against_anchors(to_KBN, everyone)
    loss_from = len(positives) * global_mean(from_KB, None, process_group)
    loss_to = global_mean(to_R, None, process_group)
    return ExclusiveResult(
        scale_gradient(loss_from + loss_to, gradient_scale, process_group),
        loss_from,
        loss_to,
        global_mean(leads_from_KB.to(from_KB.dtype), None, process_group),
        global_mean(leads_to_R.to(to_R.dtype), None, process_group),
    )


def _against_others(logits_KBN: Tensor, everyone: GlobalCodes) -> tuple[Tensor, Tensor]:
    """-log softmax of each own positive among itself and all kinds of other groups (K, B), and whether it leads."""
    own_KB = logits_KBN.gather(2, everyone.own_B.expand(len(logits_KBN), -1)[..., None])[..., 0]
    # The least number and not -inf: a row without negatives would have a gradient of nan.
    negatives_KBN = logits_KBN.masked_fill(everyone.same_group_BN, torch.finfo(logits_KBN.dtype).min)
    # Nothing is the largest of no rows, so an empty batch is not asked for it.
    hardest_B = negatives_KBN.detach().amax((0, 2)) if len(own_KB[0]) else own_KB[0]
    return -logsigmoid(own_KB - negatives_KBN.logsumexp((0, 2))), own_KB.detach() > hardest_B


def _against_anchors(logits_KBN: Tensor, everyone: GlobalCodes) -> tuple[Tensor, Tensor]:
    """-log softmax of the own anchor among those of other groups (R), and whether it leads."""
    others_BN = everyone.same_group_BN.scatter(1, everyone.own_B[:, None], False)
    logits_RN = logits_KBN.masked_fill(others_BN, -torch.inf).flatten(0, 1)
    return score_rows(logits_RN, everyone.own_B.repeat(len(logits_KBN)))
