"""Multi-head attention, to oneself or to a context (Vaswani et al. 2017, arXiv 1706.03762), over torch's fused kernels.

Legend: B batch, T queries, S keys, H heads, D width, d width of a head.
"""

from typing import NamedTuple, Self

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn


class Visibility(NamedTuple):
    """Which keys each query may see. Made once by `of`, used by every layer.

    Args:
        mask: boolean (True = may be seen) or additive, broadcastable to (B, H, T, S); None = every key.
        attends: boolean (B, 1, 1 or T, 1), False where a query may see no key at all; None = every query sees some.
        causal: query t sees keys 0..t only; never together with `mask`, which then holds it already.
    """

    mask: Tensor | None = None
    attends: Tensor | None = None
    causal: bool = False

    @classmethod
    def of(cls, mask_BS: Tensor | None = None, bias: Tensor | None = None, *, causal: bool = False) -> Self:
        """Combine a padding mask, an additive bias and causality.

        Without mask and bias the fast kernels serve, so pass None where nothing is padded: finding that out here would
        make the host wait for the device.

        Args:
            mask_BS: boolean, True = a real key.
            bias: finite numbers added to the scores, broadcastable to (B, H, T, S), last axis S. It may be learned.

        Raises:
            ValueError: a mask that is not boolean.
        """
        if mask_BS is not None and mask_BS.dtype != torch.bool:
            raise ValueError(f"a padding mask is boolean (True = a real token), not {mask_BS.dtype}; use mask.bool()")
        given = bias if mask_BS is None else mask_BS
        if given is None:
            return cls(causal=causal)
        visible = None if mask_BS is None else mask_BS[:, None, None, :]
        if causal:
            past_TS = torch.ones(given.shape[-1], given.shape[-1], dtype=torch.bool, device=given.device).tril()
            visible = past_TS if visible is None else visible & past_TS
        if visible is None:
            return cls(mask=bias)
        attends = visible.any(-1, keepdim=True)
        # A softmax over nothing is NaN, forward or backward, in some kernels: such a query sees all, to no effect.
        visible = visible | ~attends
        return cls(visible if bias is None else bias.masked_fill(~visible, -torch.inf), attends)


EVERYTHING = Visibility()


def attend(q_BHTd: Tensor, k_BHSd: Tensor, v_BHSd: Tensor, visibility: Visibility, dropout: float = 0.0) -> Tensor:
    """softmax(q k' / sqrt(d) + mask) v, (B, H, T, d); zero, with zero gradient, for a query that may see no key.

    Raises:
        ValueError: the mask's last axis is not S, or `causal` where T differs from S.
    """
    queries, keys, mask = q_BHTd.shape[-2], k_BHSd.shape[-2], visibility.mask
    if mask is not None and mask.shape[-1] != keys:
        raise ValueError(f"mask or bias is for {mask.shape[-1]} keys (its last axis), but there are {keys} keys")
    if visibility.causal and queries != keys:
        raise ValueError(f"causal attention needs as many queries as keys, got {queries} and {keys}")
    if mask is not None and mask.dtype != torch.bool:
        mask = mask.to(q_BHTd.dtype)  # under autocast the bias is wider than the projections
    out = nnf.scaled_dot_product_attention(q_BHTd, k_BHSd, v_BHSd, mask, dropout, visibility.causal)
    return out if visibility.attends is None else out.masked_fill(~visibility.attends, 0.0)


class Attention(nn.Module):
    """Attention of x to itself or, where `context_width` is given, to a context.

    A query that may see no key yields the output projection's bias.

    Args:
        width: D, a multiple of `heads`.
        context_width: width of the context; None = self-attention, with q, k and v in one projection.
        dropout: of the attention weights, while training.

    Raises:
        ValueError: `heads` does not divide `width`.
    """

    def __init__(self, width: int, heads: int, *, context_width: int | None = None, dropout: float = 0.0) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not a multiple of heads {heads}")
        self.heads, self.dropout, self.crosses = heads, dropout, context_width is not None
        if context_width is None:
            self.qkv = nn.Linear(width, 3 * width)
        else:
            self.q = nn.Linear(width, width)
            self.kv = nn.Linear(context_width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(
        self, x_BTD: Tensor, visibility: Visibility = EVERYTHING, *, context_BSD: Tensor | None = None
    ) -> Tensor:
        """(B, T, D).

        Raises:
            ValueError: a context for self-attention, or none for cross-attention.
        """
        if (context_BSD is not None) != self.crosses:
            raise ValueError("pass context_BSD if, and only if, the attention was built with context_width")
        if context_BSD is None:
            parts = self.qkv(x_BTD).chunk(3, -1)
        else:
            parts = (self.q(x_BTD), *self.kv(context_BSD).chunk(2, -1))
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        attended_BHTd = attend(q, k, v, visibility, self.dropout if self.training else 0.0)
        out: Tensor = self.out(attended_BHTd.transpose(1, 2).flatten(2))
        return out
