"""What models with tags share: a tag encoder, one code per tag, and ways to pool (TABLE, its baseline).

Legend: B clips, F frames, M tags, L tokens of a tag, K real tags, P width of the shared space.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from quatrefoil.core.views import Tokens, view
from quatrefoil.video_text.encoders.clip import ClipText
from quatrefoil.video_text.models.two_tower import TwoTower, TwoTowerConfig


@dataclass(frozen=True, kw_only=True)
class TaggedConfig(TwoTowerConfig):
    """CLIP's towers and an encoder of tags.

    Args:
        pooling: `residual` = the mean of frames plus a map that starts at zero, so that step 0 equals mean pooling and
            a low learning rate does not first lose CLIP's alignment; `mean` = a map of the mean of all states, for
            random weights, whose frame codes are alike at first and would drown the tags.
        tag_encoder: `shared` = the text encoder itself; `separate` = one of its own; `embedding` = mean of words.
    """

    pooling: Literal["residual", "mean"] = "residual"
    tag_encoder: Literal["shared", "separate", "embedding"] = "shared"


class TaggedModel(TwoTower):
    """What every model with tags has: one code per tag, and a way to pool."""

    def __init__(self, config: TaggedConfig) -> None:
        super().__init__(config)
        self.config: TaggedConfig = config
        width = config.vision.projection
        self.tag_text = ClipText(config.text) if config.tag_encoder == "separate" else None
        self.tag_words = (
            nn.Embedding(config.text.vocab_size + config.text.extra_tokens, width)
            if config.tag_encoder == "embedding"
            else None
        )
        self.no_tag = nn.Parameter(0.02 * torch.randn(width))

    def initialise(self, clip: str) -> None:
        """CLIP's towers; a tag encoder of its own starts as the text encoder, or as its projected word embeddings."""
        super().initialise(clip)
        if self.tag_text is not None:
            self.tag_text.load_state_dict(self.textual.state_dict())
        if self.tag_words is not None:
            self.tag_words.weight.data.copy_(self.textual.project(self.textual.token_embedding.weight).data)

    def pool_map(self, inputs: int) -> nn.Linear:
        """The map whose output `pooled` adds to the mean of the frames, or takes alone."""
        linear = nn.Linear(inputs, self.config.vision.projection)
        if self.config.pooling == "residual":
            nn.init.zeros_(linear.weight)
            nn.init.zeros_(linear.bias)
        return linear

    def pooled(self, mapped_BP: Tensor, frame_codes: Tensor) -> Tensor:
        """(B, P), of length one."""
        residual = self.config.pooling == "residual"
        return nnf.normalize(mapped_BP + frame_codes.mean(1) if residual else mapped_BP, dim=-1)

    @view
    def tag_codes(self, tags: Tensor, tags_mask: Tensor) -> Tokens:
        """(B, M, P): a code of length one per tag; a clip without tags gets the learned `no_tag` instead.

        Only real tags are encoded, equal ones once. `tags` are ids (B, M, L), `tags_mask` (B, M, L).
        """
        real_BM = tags_mask.any(-1)
        lines, line_of_tag = torch.unique(
            torch.cat([tags[real_BM], tags_mask[real_BM].long()], 1), dim=0, return_inverse=True
        )
        ids, mask = lines.chunk(2, dim=1)
        pooled_KP = (
            self.tag_tower(ids).pooled if self.tag_words is None else Tokens(self.tag_words(ids), mask.bool()).mean()
        )
        return self.or_no_tag(pooled_KP[line_of_tag], real_BM)

    @property
    def tag_tower(self) -> ClipText:
        """The text tower that tags go through, unless they are embedded."""
        return self.textual if self.tag_text is None else self.tag_text

    def or_no_tag(self, codes_KP: Tensor, real_BM: Tensor) -> Tokens:
        """(B, 1 + M, P): the K codes, of length one, at the K real places; in front `no_tag` where a row has none."""
        codes = nnf.normalize(codes_KP, dim=-1)
        states = codes.new_zeros(*real_BM.shape, codes.shape[-1]).masked_scatter(real_BM[..., None], codes)
        untagged_B1 = ~real_BM.any(-1, keepdim=True)
        none_B1P = untagged_B1[..., None] * nnf.normalize(self.no_tag, dim=-1)
        return Tokens(torch.cat([none_B1P.to(codes.dtype), states], 1), torch.cat([untagged_B1, real_BM], 1))
