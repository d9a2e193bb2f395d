"""Clover's fusion encoder: self-attention over [visual | text], the first layers of a BERT.

Source: the official code (github.com/LeeYN-43/Clover, backbones/cross_transformer.py).

Legend: B rows, T times, H W places, C width of the video encoder's states, V = T H W visual tokens, L text tokens,
S = V + L tokens (and one more with a joint token of its own), D width.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from quatrefoil.core.nn.bert import bert_transformer
from quatrefoil.core.nn.transformer import TransformerConfig, initialise
from quatrefoil.core.views import Tokens

THREE_LAYERS = bert_transformer(768, 3, 12)


@dataclass(frozen=True, kw_only=True)
class FusionConfig:
    """Sizes and choices of the fusion encoder.

    Args:
        times: rows of the table of temporal positions: longer clips cannot be fused.
        joint: whose state stands for the pair: `text` = the text's own first token; `token` = a learned one between
            vision and text.
        transformer: post-norm blocks as wide as the text encoder.
    """

    times: int = 4
    joint: Literal["text", "token"] = "text"
    transformer: TransformerConfig = THREE_LAYERS


class VisualTokens(nn.Module):
    """The video encoder's states as tokens for the fusion encoder, with place, time and type.

    Args:
        width: C.
        places: H W.
    """

    def __init__(self, config: FusionConfig, width: int, places: int) -> None:
        super().__init__()
        fused = config.transformer.width
        self.project = nn.Linear(width, fused)
        self.place_embedding, self.time_embedding = nn.Embedding(places, fused), nn.Embedding(config.times, fused)
        self.vision_type = nn.Parameter(0.02 * torch.randn(fused))
        self.norm = nn.LayerNorm(fused)
        initialise(self)

    def forward(self, states_BTHWC: Tensor) -> Tensor:
        """(B, V, D).

        Raises:
            ValueError: more times or other places than there are positions for.
        """
        x_BTPD = self.project(states_BTHWC.flatten(2, 3))
        (times, places), (most, known) = (
            x_BTPD.shape[1:3],
            (len(self.time_embedding.weight), len(self.place_embedding.weight)),
        )
        if times > most or places != known:
            raise ValueError(
                f"{times} times of {places} places cannot be fused: there are positions for {most} times of {known} "
                f"places (model.fusion.times, model.image_size); views of one modality alone take any length"
            )
        x_BTPD = x_BTPD + self.place_embedding.weight + self.time_embedding.weight[:times, None]
        tokens_BVD: Tensor = self.norm(x_BTPD.flatten(1, 2) + self.vision_type)
        return tokens_BVD


class Fused(NamedTuple):
    """States after fusion: `visual_BVD`, `text_BLD`, and `joint_BD`, the one that stands for the pair."""

    visual_BVD: Tensor
    text_BLD: Tensor
    joint_BD: Tensor


class FusionEncoder(nn.Module):
    """Visual and text tokens see one another; the text's padding is seen by none."""

    def __init__(self, config: FusionConfig) -> None:
        super().__init__()
        width = config.transformer.width
        self.text_type = nn.Parameter(0.02 * torch.randn(width))
        self.joint_token = nn.Parameter(0.02 * torch.randn(width)) if config.joint == "token" else None
        self.transformer = config.transformer.build()

    def forward(self, visual_BVD: Tensor, text: Tokens) -> Fused:
        """The states of [visual | joint token, if any | text]."""
        rows, visual = visual_BVD.shape[:2]
        parts = [visual_BVD, text.states_BTD + self.text_type]
        if self.joint_token is not None:
            parts.insert(1, self.joint_token.expand(rows, 1, -1))
        x_BSD = torch.cat(parts, 1)
        length = text.mask_BT.shape[1]
        always = text.mask_BT.new_ones(rows, x_BSD.shape[1] - length)
        states_BSD = self.transformer(x_BSD, mask_BT=torch.cat([always, text.mask_BT], 1))
        return Fused(states_BSD[:, :visual], states_BSD[:, -length:], states_BSD[:, visual])
