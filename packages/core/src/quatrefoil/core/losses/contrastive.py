"""Symmetric InfoNCE over the global batch.

Legend: B rows of this rank, N rows of all ranks, D width. Row i of side a and row i of side b are a true pair.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from quatrefoil.core.distributed import gather_rows, global_mean
from quatrefoil.core.losses.common import LossResult, check_shape, score_rows, widen


@dataclass(frozen=True)
class ContrastiveResult(LossResult):
    """`loss` is the mean of both directions; accuracy is the share of rows whose own partner is ahead of all others."""

    loss_a_to_b: Tensor
    loss_b_to_a: Tensor
    accuracy_a_to_b: Tensor
    accuracy_b_to_a: Tensor


@dataclass(frozen=True)
class GlobalCodes:
    """The codes of all ranks, seen from the rows of this one.

    Attributes:
        codes_SND: codes of all sides.
        own_B: global row of each local row.
        same_group_BN: pairs of one group, true pairs included.
    """

    codes_SND: Tensor
    own_B: Tensor
    same_group_BN: Tensor


def contrastive(
    a_BD: Tensor,
    b_BD: Tensor,
    scale: Tensor,
    *,
    groups_B: Tensor | None = None,
    process_group: dist.ProcessGroup | None = None,
) -> ContrastiveResult:
    """Symmetric InfoNCE of L2-normalised codes: each local row against all rows of the other side, in both directions.

    Gradients are exact at any world size, ragged and empty ranks included; in fp32 at least, also under autocast.
    Source: InfoNCE in the two directions of CLIP; that same-group pairs leave the denominators is our choice.

    Args:
        a_BD, b_BD: codes, normalised by the caller.
        scale: scalar tensor that multiplies the cosine (the inverse of a temperature), alike on all ranks.
        groups_B: integer group of each pair; pairs of one group, other than true pairs, are left out of the
            denominators. None: every pair is a group of its own.

    Raises:
        ValueError: shapes that do not fit together, on this rank or between ranks.
    """
    pairs = gather_codes({"side a": a_BD, "side b": b_BD}, groups_B, process_group)
    check_shape("contrastive: scale", scale, ())
    a_ND, b_ND = pairs.codes_SND
    same_BN = pairs.same_group_BN.scatter(1, pairs.own_B[:, None], False)
    loss_ab, accuracy_ab = _direction(a_BD, b_ND, scale, same_BN, pairs.own_B, process_group)
    loss_ba, accuracy_ba = _direction(b_BD, a_ND, scale, same_BN, pairs.own_B, process_group)
    return ContrastiveResult((loss_ab + loss_ba) / 2, loss_ab, loss_ba, accuracy_ab, accuracy_ba)


def gather_codes(
    sides: Mapping[str, Tensor], groups_B: Tensor | None, process_group: dist.ProcessGroup | None
) -> GlobalCodes:
    """Gather all named sides (B, D) in one exchange, in fp32 at least, so that gradients too are summed in it."""
    first_BD, *_ = sides.values()
    for name, codes_BD in sides.items():
        check_shape(f"codes of {name}", codes_BD, (None, None) if codes_BD is first_BD else tuple(first_BD.shape))
    everyone = gather_rows(torch.stack([widen(codes_BD) for codes_BD in sides.values()], dim=1), process_group)
    own_B = torch.arange(len(first_BD), device=first_BD.device) + everyone.start
    if groups_B is None:
        same_group_BN = own_B[:, None] == torch.arange(len(everyone.rows), device=first_BD.device)
    else:
        check_shape("groups_B", groups_B, (len(first_BD),))
        same_group_BN = groups_B[:, None] == gather_rows(groups_B, process_group).rows
    return GlobalCodes(everyone.rows.transpose(0, 1), own_B, same_group_BN)


def _direction(
    query_BD: Tensor,
    key_ND: Tensor,
    scale: Tensor,
    excluded_BN: Tensor,
    own_B: Tensor,
    process_group: dist.ProcessGroup | None,
) -> tuple[Tensor, Tensor]:
    with torch.autocast(query_BD.device.type, enabled=False):  # it would cast the product back to bf16
        logits_BN = widen(scale) * (widen(query_BD) @ key_ND.mT)
    losses_B, correct_B = score_rows(logits_BN.masked_fill(excluded_BN, -torch.inf), own_B)
    return global_mean(losses_B, None, process_group), global_mean(correct_B, None, process_group)
