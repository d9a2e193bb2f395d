"""Scores of rows against all keys, tile by tile: memory linear in the number of rows and keys, the same gradients.

The gradients of a tile are taken while its similarities are at hand, so nothing is computed twice and no similarity is
kept: what is saved for the backward pass has the shapes of the inputs. Source: our choice; the idea is that of fused
cross-entropies.

Legend: B rows of this rank, N rows of all ranks, D width, R rows of a tile.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from quatrefoil.core.losses.codes import GlobalCodes


def tiled_scores(
    query_BD: Tensor, key_ND: Tensor, scale: Tensor, pairs: GlobalCodes, rows: int
) -> tuple[Tensor, Tensor]:
    """The sum over rows of the cross-entropy of the own key, and the number of rows whose own key leads alone.

    Args:
        query_BD, key_ND: in fp32 at least, as `scale` (a scalar).
        pairs: whose key is whose; keys of the own group, other than the own one, are left out.
        rows: R, of each tile.
    """
    inputs = query_BD, key_ND, scale
    loss, correct = _TiledScores.apply(*inputs, pairs.own_B, pairs.groups_B, pairs.groups_N, rows)  # type: ignore[no-untyped-call]
    return loss, correct


class _TiledScores(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        query_BD: Tensor,
        key_ND: Tensor,
        scale: Tensor,
        own_B: Tensor,
        groups_B: Tensor,
        groups_N: Tensor,
        rows: int,
    ) -> tuple[Tensor, Tensor]:
        with_gradient = any(ctx.needs_input_grad)
        grads = [torch.zeros_like(x) for x in (query_BD, key_ND, scale)] if with_gradient else []
        loss, correct = scale.new_zeros(()), scale.new_zeros((), dtype=torch.float32)
        for start in range(0, len(query_BD), rows):
            part = slice(start, start + rows)
            cosines_RN = query_BD[part] @ key_ND.mT
            excluded_RN = (groups_B[part, None] == groups_N).scatter_(1, own_B[part, None], False)
            logits_RN = (scale * cosines_RN).masked_fill_(excluded_RN, -torch.inf)
            own_R1 = logits_RN.gather(1, own_B[part, None])
            correct += ((logits_RN >= own_R1).sum(1) == 1).sum()
            loss += F.cross_entropy(logits_RN, own_B[part], reduction="sum")
            if with_gradient:
                _add_gradients(grads, part, cosines_RN, logits_RN.softmax(1), own_B[part], (query_BD, key_ND, scale))
        ctx.save_for_backward(*grads)
        ctx.mark_non_differentiable(correct)
        return loss, correct

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_loss: Tensor, grad_correct: Tensor) -> tuple[Tensor | None, ...]:
        return *(grad_loss * grad for grad in ctx.saved_tensors), None, None, None, None


def _add_gradients(
    grads: list[Tensor],
    part: slice,
    cosines_RN: Tensor,
    probabilities_RN: Tensor,
    own_R: Tensor,
    inputs: tuple[Tensor, Tensor, Tensor],
) -> None:
    """Adds what a tile gives to the gradients of queries, keys and scale; `probabilities_RN` is used up."""
    query_BD, key_ND, scale = inputs
    ones_R1 = torch.ones_like(probabilities_RN[:, :1])
    error_RN = probabilities_RN.scatter_add_(1, own_R[:, None], -ones_R1)
    grads[0][part] = scale * (error_RN @ key_ND)
    grads[1].addmm_(error_RN.mT, query_BD[part] * scale)
    grads[2].add_(torch.vdot(error_RN.flatten(), cosines_RN.flatten()))
