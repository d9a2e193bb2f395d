"""Symmetric InfoNCE over the global batch.

Legend: B rows of this rank, N rows of all ranks, D width. Row i of side a and row i of side b are a true pair.
"""

from dataclasses import dataclass
from typing import Final

import torch
import torch.distributed as dist
from torch import Tensor

from quatrefoil.core.distributed import global_mean
from quatrefoil.core.losses.codes import GlobalCodes, gather_codes
from quatrefoil.core.losses.common import LossResult, check_shape, score_rows, widen
from quatrefoil.core.losses.tiled import tiled_scores

WHOLE_UP_TO: Final = 2**24
"""Similarities (B N) that are compared at once: 64 MiB in fp32, and a few times that for gradients."""
TILE_ROWS: Final = 512


@dataclass(frozen=True)
class ContrastiveResult(LossResult):
    """`loss` is the mean of both directions; accuracy is the share of rows whose own partner is ahead of all others."""

    loss_a_to_b: Tensor
    loss_b_to_a: Tensor
    accuracy_a_to_b: Tensor
    accuracy_b_to_a: Tensor


def contrastive(
    a_BD: Tensor,
    b_BD: Tensor,
    scale: Tensor,
    *,
    groups_B: Tensor | None = None,
    process_group: dist.ProcessGroup | None = None,
    tile_rows: int | None = None,
) -> ContrastiveResult:
    """Symmetric InfoNCE of L2-normalised codes: each local row against all rows of the other side, in both directions.

    Gradients are exact at any world size, ragged and empty ranks included; in fp32 at least, also under autocast.
    Source: InfoNCE in the two directions of CLIP; that same-group pairs leave the denominators is our choice.

    Args:
        a_BD, b_BD: codes, normalised by the caller.
        scale: scalar tensor that multiplies the cosine (the inverse of a temperature), alike on all ranks.
        groups_B: integer group of each pair; pairs of one group, other than true pairs, are left out of the
            denominators. None: every pair is a group of its own.
        tile_rows: compare so many rows at a time (`losses/tiled.py`), with memory linear in the batch. None: all at
            once up to `WHOLE_UP_TO` similarities, and tiles of `TILE_ROWS` rows above.

    Raises:
        ValueError: shapes that do not fit together, on this rank or between ranks; less than one row in a tile.
    """
    if tile_rows is not None and tile_rows < 1:
        raise ValueError(f"contrastive: tile_rows must be at least 1, got {tile_rows}")
    pairs = gather_codes({"side a": a_BD, "side b": b_BD}, groups_B, process_group)
    check_shape("contrastive: scale", scale, ())
    a_ND, b_ND = pairs.codes_SND
    tile_rows = tile_rows or (TILE_ROWS if len(a_BD) * len(a_ND) > WHOLE_UP_TO else None)
    loss_ab, accuracy_ab = _direction(a_BD, b_ND, scale, pairs, tile_rows, process_group)
    loss_ba, accuracy_ba = _direction(b_BD, a_ND, scale, pairs, tile_rows, process_group)
    return ContrastiveResult((loss_ab + loss_ba) / 2, loss_ab, loss_ba, accuracy_ab, accuracy_ba)


def _direction(
    query_BD: Tensor,
    key_ND: Tensor,
    scale: Tensor,
    pairs: GlobalCodes,
    tile_rows: int | None,
    process_group: dist.ProcessGroup | None,
) -> tuple[Tensor, Tensor]:
    with torch.autocast(query_BD.device.type, enabled=False):  # it would cast the product back to bf16
        if tile_rows is not None:
            loss, correct = tiled_scores(widen(query_BD), key_ND, widen(scale), pairs, tile_rows)
            rows = len(query_BD)
            return _mean_of_sum(loss, rows, process_group), _mean_of_sum(correct, rows, process_group)
        logits_BN = widen(scale) * (widen(query_BD) @ key_ND.mT)
    others_BN = pairs.same_group_BN.scatter(1, pairs.own_B[:, None], False)
    losses_B, correct_B = score_rows(logits_BN.masked_fill(others_BN, -torch.inf), pairs.own_B)
    return global_mean(losses_B, None, process_group), global_mean(correct_B, None, process_group)


def _mean_of_sum(total: Tensor, rows: int, process_group: dist.ProcessGroup | None) -> Tensor:
    """`global_mean` of rows of which this rank has only the sum: one term that weighs as much as they do."""
    return global_mean(total / max(rows, 1), total.new_full((), rows).detach(), process_group)
