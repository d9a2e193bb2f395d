"""Classification: one class for each row.

Legend: B rows of this rank, K classes.
"""

from dataclasses import dataclass

import torch.distributed as dist
from torch import Tensor

from quatrefoil.core.distributed import global_mean
from quatrefoil.core.losses.common import LossResult, check_labels, score_rows


@dataclass(frozen=True)
class ClassificationResult(LossResult):
    """`accuracy` is the share of rows whose class alone has the highest logit."""

    accuracy: Tensor


def classification(
    logits_BK: Tensor, labels_B: Tensor, process_group: dist.ProcessGroup | None = None
) -> ClassificationResult:
    """Cross-entropy, the mean over the rows of all ranks, in fp32 at least; B may be 0 on any rank.

    Args:
        labels_B: int64 classes, 0 .. K-1.

    Raises:
        ValueError: shapes that do not fit, or labels outside 0 .. K-1.
    """
    check_labels("classification", logits_BK, labels_B, "number the classes from 0, or build the model with more")
    losses_B, correct_B = score_rows(logits_BK, labels_B)
    return ClassificationResult(global_mean(losses_B, None, process_group), global_mean(correct_B, None, process_group))
