"""Regression of masked patches.

Legend: B rows of this rank, M masked patches of a row, P numbers of a patch.
"""

import torch.distributed as dist
from torch import Tensor

from quatrefoil.core.distributed import global_mean
from quatrefoil.core.losses.common import LossResult, check_shape, widen


def masked_patches(
    predicted_BMP: Tensor,
    target_BMP: Tensor,
    *,
    weights_B: Tensor | None = None,
    normalised: bool = False,
    process_group: dist.ProcessGroup | None = None,
) -> LossResult:
    """Squared error, the mean over a patch's numbers and then over the patches of all ranks, in fp32 at least.

    Source: masked autoencoders (He et al. 2021, arXiv 2111.06377). VLSA's equation 5 sums over a patch's numbers, which
    is this with a weight of P; at P = 768 that would drown every other term.

    Args:
        predicted_BMP, target_BMP: masked patches only; those that were seen teach nothing.
        weights_B: weights of at least 0, all 1 if None. Give 0 where a row lacks what is masked: its patches are made
            up, and the mean is that of the rows that have it.
        normalised: the target is each patch less its mean, over its deviation (`norm_pix_loss` there).

    Raises:
        ValueError: shapes that do not fit together.
    """
    check_shape("masked_patches: predicted_BMP", predicted_BMP, (None, None, None))
    check_shape("masked_patches: target_BMP", target_BMP, tuple(predicted_BMP.shape))
    wanted_BMP = _standardised(widen(target_BMP)) if normalised else widen(target_BMP)
    errors_BM = (widen(predicted_BMP) - wanted_BMP).square().mean(-1)
    if weights_B is not None:
        check_shape("masked_patches: weights_B", weights_B, (len(predicted_BMP),))
        weights_B = weights_B[:, None].expand_as(errors_BM)
    return LossResult(global_mean(errors_BM, weights_B, process_group))


def _standardised(patches_BMP: Tensor) -> Tensor:
    """Each patch less its mean, over its deviation; the constant is that of the masked autoencoders' code."""
    mean, variance = patches_BMP.mean(-1, keepdim=True), patches_BMP.var(-1, keepdim=True)
    return (patches_BMP - mean) / (variance + 1e-6).sqrt()
