"""Transformer blocks, pre- and post-norm.

Legend: B batch, T tokens, S keys (= T here), H heads, D width.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from quatrefoil.core.nn.attention import Attention, Visibility

Activation = Literal["gelu", "quick_gelu", "gelu_tanh"]


def quick_gelu(x: Tensor) -> Tensor:
    """x * sigmoid(1.702 x), the fast approximation of GELU (Hendrycks & Gimpel 2016, arXiv 1606.08415)."""
    return x * torch.sigmoid(1.702 * x)


ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "gelu": nnf.gelu,
    "quick_gelu": quick_gelu,
    "gelu_tanh": partial(nnf.gelu, approximate="tanh"),
}


def initialise(module: nn.Module, embedding_std: float = 0.02) -> None:
    """Truncated normal weights (cut at 2 std) and zero biases for all linear layers, convolutions and embeddings.

    A layer's std is `fan_in ** -0.5` (LeCun et al. 1998), which keeps the variance of its input at any width; so do
    CLIP's own projections start. The customary 0.02 is meant for widths near 768: at 128 a block starts four times too
    small, and hundreds of steps pass before it says anything. Embeddings take `embedding_std` (BERT, Devlin 2019).
    """
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.modules.conv._ConvNd):
            truncated_normal(part.weight, part.weight[0].numel() ** -0.5)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        elif isinstance(part, nn.Embedding):
            truncated_normal(part.weight, embedding_std)


def truncated_normal(weight: Tensor, std: float) -> None:
    """Fill with normal numbers of deviation `std`, none beyond two of them."""
    nn.init.trunc_normal_(weight, std=std, a=-2 * std, b=2 * std)


@dataclass(frozen=True, kw_only=True)
class TransformerConfig:
    """Sizes and habits of a stack of blocks.

    Args:
        width: D, a multiple of `heads`.
        mlp_ratio: width of the hidden layer of a block's MLP, in units of D.
        norm_order: `pre` = x + f(norm(x)) (Xiong et al. 2020); `post` = norm(x + f(x)) (Vaswani et al. 2017).
        dropout: of what each sublayer adds to the residual stream.
        attention_dropout: of the attention weights.
        checkpoint: recompute each block in the backward pass: memory of one block's activations, a third more time.
        depth_scaled: start the two layers that write to the residual stream smaller by sqrt(2 * layers), so that its
            variance does not grow with depth (GPT-2, Radford et al. 2019, section 2.3).

    Raises:
        ValueError: `heads` does not divide `width`, or a size that is not positive.
    """

    width: int
    layers: int
    heads: int
    mlp_ratio: float = 4.0
    activation: Activation = "gelu"
    norm_order: Literal["pre", "post"] = "pre"
    norm_eps: float = 1e-5
    dropout: float = 0.0
    attention_dropout: float = 0.0
    checkpoint: bool = False
    depth_scaled: bool = True

    def __post_init__(self) -> None:
        if min(self.width, self.layers, self.heads, self.hidden) < 1:
            raise ValueError(f"every size of a transformer must be positive: {self}")
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}; change one of them")
        if self.activation not in ACTIVATIONS or self.norm_order not in ("pre", "post"):
            raise ValueError(f"activation is one of {', '.join(ACTIVATIONS)} and norm_order `pre` or `post`: {self}")

    @property
    def hidden(self) -> int:
        """Width of the hidden layer of a block's MLP."""
        return round(self.width * self.mlp_ratio)

    def build(self) -> "Transformer":
        return Transformer(self)


class FeedForward(nn.Module):
    """Two linear layers about an activation, on every token alone: (..., D) -> (..., D)."""

    def __init__(self, width: int, hidden: int, activation: Activation) -> None:
        super().__init__()
        self.expand = nn.Linear(width, hidden)
        self.activation = ACTIVATIONS[activation]
        self.contract = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.contract(self.activation(self.expand(x)))
        return out


class Block(nn.Module):
    """Self-attention, then an MLP, each with its norm and its residual."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.is_pre_norm = config.norm_order == "pre"
        self.attention_norm = nn.LayerNorm(config.width, eps=config.norm_eps)
        self.attention = Attention(config.width, config.heads, dropout=config.attention_dropout)
        self.feed_forward_norm = nn.LayerNorm(config.width, eps=config.norm_eps)
        self.feed_forward = FeedForward(config.width, config.hidden, config.activation)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x_BTD: Tensor, visibility: Visibility) -> Tensor:
        """(B, T, D)."""
        if self.is_pre_norm:
            x_BTD = x_BTD + self.dropout(self.attention(self.attention_norm(x_BTD), visibility))
            out: Tensor = x_BTD + self.dropout(self.feed_forward(self.feed_forward_norm(x_BTD)))
        else:
            x_BTD = self.attention_norm(x_BTD + self.dropout(self.attention(x_BTD, visibility)))
            out = self.feed_forward_norm(x_BTD + self.dropout(self.feed_forward(x_BTD)))
        return out


class Transformer(nn.Module):
    """A stack of blocks: embeddings, and the norm that a pre-norm stack wants at its end, are the owner's."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        initialise(self)
        if config.depth_scaled:
            self._scale_residual_writers()

    def _scale_residual_writers(self) -> None:
        scale = (2 * self.config.layers) ** -0.5
        with torch.no_grad():
            for block in self.blocks:
                assert isinstance(block, Block)
                block.attention.out.weight.mul_(scale)
                block.feed_forward.contract.weight.mul_(scale)

    def forward(
        self, x_BTD: Tensor, *, mask_BT: Tensor | None = None, bias: Tensor | None = None, causal: bool = False
    ) -> Tensor:
        """(B, T, D). States at padded positions are finite and mean nothing.

        Args:
            mask_BT: boolean, True = a real token; None, the fast path, where nothing is padded.
            bias: added to the scores of every layer, broadcastable to (B, H, T, S).
            causal: token t sees tokens 0..t only.
        """
        visibility = Visibility.of(mask_BT, bias, causal=causal)
        for block in self.blocks:
            if self.config.checkpoint and torch.is_grad_enabled():
                x_BTD = checkpoint(block, x_BTD, visibility, use_reentrant=False)
            else:
                x_BTD = block(x_BTD, visibility)
        return x_BTD
