"""What stands between an encoder's states and a loss.

Legend: B rows, D width of the states, E width of the token embedding, V vocabulary.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from quatrefoil.core.nn.transformer import ACTIVATIONS, Activation, initialise


class _BoundedExp(torch.autograd.Function):
    """exp(min(x, bound)); the gradient vanishes only where descent would raise an x that has reached the bound."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, bound: float) -> Tensor:
        value = x.clamp(max=bound).exp()
        ctx.save_for_backward(x, value)
        ctx.bound = bound
        return value

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        x, value = ctx.saved_tensors
        pushes_out = (x >= ctx.bound) & (gradient < 0)
        return (gradient * value).masked_fill(pushes_out, 0.0), None


class LogitScale(nn.Module):
    """The learned multiplier of similarities, 1 / temperature (Radford et al. 2021, arXiv 2103.00020, section 2.5).

    A plain clamp has no gradient beyond its bound, so a scale that once stepped over it would stay there for ever. Here
    the gradient stops only where it would push further out; one that lowers the scale passes.

    Args:
        initial: the multiplier at the start (1 / 0.07 there).
        maximum: never exceeded by the output (100 there).

    Raises:
        ValueError: unless 0 < initial <= maximum.
    """

    def __init__(self, initial: float = 1 / 0.07, maximum: float = 100.0) -> None:
        super().__init__()
        self.maximum = maximum
        self.log_scale = nn.Parameter(torch.empty(1))  # one element, not a scalar: sharded training refuses scalars
        self.set(initial)

    def set(self, multiplier: float) -> None:
        """Start from `multiplier`, e.g. one read from a checkpoint."""
        if not 0 < multiplier <= self.maximum:
            raise ValueError(f"a logit scale starts in (0, {self.maximum}], not at {multiplier}")
        nn.init.constant_(self.log_scale, math.log(multiplier))

    def forward(self) -> Tensor:
        """The multiplier, a scalar."""
        scale: Tensor = _BoundedExp.apply(self.log_scale, math.log(self.maximum))  # type: ignore[no-untyped-call]
        return scale.squeeze(0)


class PairClassifier(nn.Module):
    """Do the sides of a pair belong together? (..., D) -> logits (..., 2), index 1 = yes (ALBEF, Li et al. 2021)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 2)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.linear(x)
        return logits


class TokenHead(nn.Module):
    """Logits over a vocabulary, (..., D) -> (..., V), with the embedding as the decoder (BERT, Devlin et al. 2019).

    Give it the masked positions only, (K, D): the decoder is by far its largest part.

    Args:
        embedding_VE: the embedding's own parameter, shared, not copied.

    Raises:
        ValueError: a tensor that is no parameter, and so cannot be shared.
    """

    def __init__(
        self, width: int, embedding_VE: Tensor, *, activation: Activation = "gelu", norm_eps: float = 1e-5
    ) -> None:
        super().__init__()
        if not isinstance(embedding_VE, nn.Parameter):
            raise ValueError("the decoder is the embedding: pass embedding.weight itself, not a copy or a slice")
        vocabulary, embedding_width = embedding_VE.shape
        self.dense = nn.Linear(width, embedding_width)
        self.activation = ACTIVATIONS[activation]
        self.norm = nn.LayerNorm(embedding_width, eps=norm_eps)
        initialise(self)  # before tying: the embedding keeps its values
        self.decoder = nn.Linear(embedding_width, vocabulary, device="meta")
        self.decoder.weight = embedding_VE
        self.decoder.bias = nn.Parameter(torch.zeros(vocabulary))

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.decoder(self.norm(self.activation(self.dense(x))))
        return logits
