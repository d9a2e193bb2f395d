"""Prediction of masked tokens.

Legend: K masked positions of this rank, V vocabulary.
"""

from dataclasses import dataclass
from typing import Final

import torch
import torch.distributed as dist
from torch import Tensor

from quatrefoil.core.distributed import global_mean
from quatrefoil.core.losses.common import LossResult, check_labels, score_rows

IGNORE: Final = -100
"""Label of a position that is not to be predicted."""


@dataclass(frozen=True)
class MaskedTokensResult(LossResult):
    """`accuracy` is the share of masked positions whose token is predicted."""

    accuracy: Tensor


def masked_tokens(
    logits_KV: Tensor,
    labels_K: Tensor,
    process_group: dist.ProcessGroup | None = None,
    *,
    focal_gamma: float = 0.0,
) -> MaskedTokensResult:
    """Cross-entropy, the mean over the masked positions of all ranks, in fp32 at least; K may be 0 on any rank.

    With a focal gamma each term is (1 - p)^gamma times its cross-entropy, p being the probability of the label, with
    the gradient of both factors (focal loss, Lin et al. 2017; Clover's official code takes gamma 2).

    Args:
        logits_KV: logits at the masked positions only.
        labels_K: int64 token ids there. The caller selects the positions: `logits[labels != IGNORE]`.
        focal_gamma: at least 0; 0 is plain cross-entropy.

    Raises:
        ValueError: shapes that do not fit, labels outside 0 .. V-1 (`IGNORE` among them), or a negative gamma.
    """
    if not focal_gamma >= 0:
        raise ValueError(f"masked_tokens: focal_gamma must be at least 0 (plain cross-entropy), got {focal_gamma}")
    check_labels("masked_tokens", logits_KV, labels_K, "pass masked positions only: logits[labels != IGNORE]")
    losses_K, correct_K = score_rows(logits_KV, labels_K)
    if focal_gamma:
        losses_K = _doubt(losses_K) ** focal_gamma * losses_K
    return MaskedTokensResult(global_mean(losses_K, None, process_group), global_mean(correct_K, None, process_group))


def _doubt(losses_K: Tensor) -> Tensor:
    """1 - p of the label; above 0, since a power below 1 of nothing would have a gradient of nan."""
    return (-torch.expm1(-losses_K)).clamp(min=torch.finfo(losses_K.dtype).tiny)
