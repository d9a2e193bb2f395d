"""Clover's heads: from an encoder's states to codes and answers.

Source: the official code's heads (github.com/LeeYN-43/Clover, mmaction/models/heads).

Legend: D width of the states, P width of the output.
"""

from dataclasses import dataclass

import torch.nn.functional as nnf
from torch import Tensor, nn

from quatrefoil.core.losses.common import widen


@dataclass(frozen=True, kw_only=True)
class HeadWidths:
    """Widths of the hidden layers of the heads of videos, texts, and what the fusion encoder makes of both."""

    video: int = 1536
    text: int = 768
    fused_video: int = 1536
    fused_text: int = 768

    def __post_init__(self) -> None:
        if min(vars(self).values()) < 1:
            raise ValueError(f"every width must be positive: {self}")


class Head(nn.Module):
    """Two linear layers about a GELU, (..., D) -> (..., P), started by Xavier's uniform rule.

    Args:
        hidden_norm, output_norm: a layer norm before the GELU, and one at the end.
        input_dropout, hidden_dropout: before each of the two layers.
    """

    def __init__(
        self,
        width: int,
        hidden: int,
        output: int,
        *,
        hidden_norm: bool = False,
        output_norm: bool = False,
        input_dropout: float = 0.0,
        hidden_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.expand, self.contract = nn.Linear(width, hidden), nn.Linear(hidden, output)
        self.hidden_norm = nn.LayerNorm(hidden) if hidden_norm else nn.Identity()
        self.output_norm = nn.LayerNorm(output) if output_norm else nn.Identity()
        self.input_dropout, self.hidden_dropout = nn.Dropout(input_dropout), nn.Dropout(hidden_dropout)
        for linear in (self.expand, self.contract):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.hidden_dropout(nnf.gelu(self.hidden_norm(self.expand(self.input_dropout(x)))))
        out: Tensor = self.output_norm(self.contract(hidden))
        return out


def video_head(width: int, hidden: int, output: int) -> Head:
    """The head of pooled visual states, alone or fused."""
    return Head(width, hidden, output, hidden_norm=True, output_norm=True)


def code(projected: Tensor) -> Tensor:
    """The same direction, of length one: in fp32 at least, as rounding to bf16 would move scaled cosines by tenths."""
    return nnf.normalize(widen(projected), dim=-1)
