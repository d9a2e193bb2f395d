"""TABLE: tags as anchors (arXiv 2301.12644).

The paper's body could not be read; what follows its abstract is marked (a), the rest is our choice.

    frames -> visual encoder ----+                                   +--> video --- contrast --- text
                                 +--> tag-guiding encoder -> guided -+
    tags ---> tag encoder -------+   over [V | frames | tags]  (a)   +--> joint encoder (a)
    caption -> text encoder ---------------------------------------------> over [C | frames | tags | text]
                                                                           C -> match, masked text -> tokens

Legend: B clips, F frames, M tags, S = 1 + frame tokens + 1 + M guided tokens, L text tokens, K masked tokens, P width.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from quatrefoil.core.losses.masked import IGNORE
from quatrefoil.core.nn.heads import PairClassifier, TokenHead
from quatrefoil.core.nn.transformer import Transformer, TransformerConfig
from quatrefoil.core.views import Tokens, view
from quatrefoil.video_text.encoders.clip import ClipOutput
from quatrefoil.video_text.models.tagged import TaggedConfig, TaggedModel
from quatrefoil.video_text.tags.selection import EXPERTS

VISION, TAG, TEXT = 0, 1, 2


@dataclass(frozen=True, kw_only=True)
class TableConfig(TaggedConfig):
    """TABLE's open choices; the defaults are those recommended where the paper is silent.

    Args:
        guide_layers, joint_layers: depth of the two cross-modal encoders.
        heads: attention heads of both.
        guidance: `self` = every token of [V | frames | tags] sees every other; `cross` = frames see tags and
            themselves, tags see tags, V sees all (the paper leaves open which).
        visual_tokens: one token per frame (its code), or all its patches.
        joint: its own weights, or those of the tag-guiding encoder.
        tag_form: `words` = a code per tag, in no order; `sentence` = all tags as one text, a state per token of it.
        max_frames: rows of the table of frame positions.
        checkpoint: recompute activations of the cross encoders in the backward pass.
    """

    guide_layers: int = 4
    joint_layers: int = 4
    heads: int = 8
    guidance: Literal["self", "cross"] = "self"
    visual_tokens: Literal["frame", "patches"] = "frame"
    joint: Literal["own", "shared"] = "own"
    tag_form: Literal["words", "sentence"] = "words"
    max_frames: int = 64
    checkpoint: bool = False

    @property
    def model_type(self) -> type["Table"]:
        return SentenceTable if self.tag_form == "sentence" else Table

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.joint == "shared" and self.joint_layers != self.guide_layers:
            raise ValueError(
                f"joint=shared needs joint_layers={self.joint_layers} to equal guide_layers={self.guide_layers}"
            )

    def cross_encoder(self, layers: int) -> Transformer:
        width = self.vision.projection
        sizes = TransformerConfig(
            width=width, layers=layers, heads=self.heads, activation="quick_gelu", checkpoint=self.checkpoint
        )
        return sizes.build()


class Table(TaggedModel):
    """The video code depends on frames and tags alone, never on a query, so that it can be indexed."""

    def __init__(self, config: TableConfig) -> None:
        super().__init__(config)
        width = config.vision.projection
        self.config: TableConfig = config
        self.tag_guide = config.cross_encoder(config.guide_layers)
        self.joint_encoder = config.cross_encoder(config.joint_layers) if config.joint == "own" else self.tag_guide
        self.v_token, self.c_token = (nn.Parameter(0.02 * torch.randn(width)) for _ in range(2))
        self.frame_positions = nn.Embedding(config.max_frames, width)
        self.types, self.experts = nn.Embedding(3, width), nn.Embedding(len(EXPERTS), width)
        for table in (self.frame_positions, self.types, self.experts):
            nn.init.normal_(table.weight, std=0.02)
        self.guide_norm, self.joint_norm = nn.LayerNorm(width), nn.LayerNorm(width)  # pre-norm blocks end without one
        self.pool = self.pool_map(width)
        self.match_head = PairClassifier(width)
        self.token_head = TokenHead(width, self.textual.token_embedding.weight)

    def initialise(self, clip: str) -> None:
        """CLIP's towers; the cross encoders start as the first layers of CLIP's text transformer, as CLIP4Clip's do."""
        super().initialise(clip)
        if self.textual.width != self.config.vision.projection:
            raise ValueError(
                f"{clip}: cross encoders start from text layers, but text is {self.textual.width} wide and codes are "
                f"{self.config.vision.projection}"
            )
        for encoder in (self.tag_guide, self.joint_encoder):
            sources = self.textual.transformer.blocks
            if len(encoder.blocks) > len(sources):
                raise ValueError(
                    f"{clip} has {len(sources)} text layers, too few for {len(encoder.blocks)} cross layers"
                )
            for block, source in zip(encoder.blocks, sources, strict=False):
                block.load_state_dict(source.state_dict())
        rows = min(len(self.frame_positions.weight), len(self.textual.position_embedding.weight))
        self.frame_positions.weight.data[:rows] = self.textual.position_embedding.weight.data[:rows]

    @view
    def frame_tokens(self, frame_states: ClipOutput, frame_codes: Tensor) -> Tensor:
        """(B, F * tokens, P): each frame's code or its patches, with position and type."""
        frames, most = frame_codes.shape[1], self.config.max_frames
        if frames > most:
            raise ValueError(f"{frames} frames a clip, but model.max_frames={most}")
        per_frame_BFTP = (
            frame_codes[:, :, None]
            if self.config.visual_tokens == "frame"
            else self.visual.project(frame_states.tokens).unflatten(0, frame_codes.shape[:2])
        )
        return (per_frame_BFTP + self.frame_positions.weight[:frames, None] + self.types.weight[VISION]).flatten(1, 2)

    @view
    def tag_tokens(self, tag_codes: Tokens, tag_expert: Tensor) -> Tokens:
        """(B, 1 + M, P): each tag's code, with its expert."""
        experts_BMP = nnf.pad(self.experts(tag_expert), (0, 0, 1, 0))  # `no_tag` comes from no expert
        return Tokens(tag_codes.states_BTD + experts_BMP, tag_codes.mask_BT)  # no `_replace`: torch.compile loses it

    @view
    def guided(self, frame_tokens: Tensor, tag_tokens: Tokens) -> Tokens:
        """(B, S, P): [V | frames | tags] after the tag-guiding encoder (a)."""
        tags_BMP = tag_tokens.states_BTD + self.types.weight[TAG]
        v_B1P = self.v_token.expand(len(frame_tokens), 1, -1)
        always_BT = tag_tokens.mask_BT.new_ones(len(frame_tokens), 1 + frame_tokens.shape[1])
        mask_BS = torch.cat([always_BT, tag_tokens.mask_BT], 1)
        states_BSP = torch.cat([v_B1P, frame_tokens, tags_BMP], 1)
        bias = self._tags_guide_frames(states_BSP, frame_tokens.shape[1]) if self.config.guidance == "cross" else None
        return Tokens(self.guide_norm(self.tag_guide(states_BSP, mask_BT=mask_BS, bias=bias)), mask_BS)

    @staticmethod
    def _tags_guide_frames(states_BSP: Tensor, frame_tokens: int) -> Tensor:
        """(S, S) bias under which frame tokens attend to tags and themselves, and tags to tags."""
        size, first_tag = states_BSP.shape[1], 1 + frame_tokens
        hidden_SS = torch.zeros(size, size, dtype=torch.bool, device=states_BSP.device)
        hidden_SS[1:, :first_tag] = True
        hidden_SS.fill_diagonal_(False)
        return torch.zeros_like(hidden_SS, dtype=states_BSP.dtype).masked_fill(hidden_SS, -torch.inf)

    @view
    def video(self, guided: Tokens, frame_codes: Tensor) -> Tensor:  # type: ignore[override]  # its needs are other ones
        """(B, P): what V has gathered, or the mean of what all tokens have become."""
        gathered_BP = guided.states_BTD[:, 0] if self.config.pooling == "residual" else guided.mean()
        return self.pooled(self.pool(gathered_BP), frame_codes)

    @view
    def text_tokens(self, caption: tuple[Tensor, Tokens]) -> Tokens:
        """(B, L, P): token states of the whole caption."""
        return caption[1]

    def joint(self, guided: Tokens, words: Tokens) -> Tensor:
        """(B, S + L, P): [C | frames | tags | text] after the joint encoder (a)."""
        c_B1P = self.c_token.expand(len(words.states_BTD), 1, -1)
        states = torch.cat([c_B1P, guided.states_BTD[:, 1:], words.states_BTD + self.types.weight[TEXT]], 1)
        mask_BT = torch.cat([guided.mask_BT, words.mask_BT], 1)
        joint: Tensor = self.joint_norm(self.joint_encoder(states, mask_BT=mask_BT))
        return joint

    @view
    def match(self, guided: Tokens, text_tokens: Tokens) -> Tensor:
        """(B, 2): does the caption belong to the clip (a)?"""
        logits: Tensor = self.match_head(self.joint(guided, text_tokens)[:, 0])
        return logits

    @view
    def text_token_logits(
        self, guided: Tokens, text_masked_ids: Tensor, text_mask: Tensor, text_labels: Tensor
    ) -> Tensor:
        """(K, vocabulary) at masked positions; the joint encoder supplies what a causal text encoder cannot see (a)."""
        words = Tokens(self.textual.project(self.textual(text_masked_ids).tokens), text_mask)
        states_BLP = self.joint(guided, words)[:, -text_mask.shape[1] :]
        logits: Tensor = self.token_head(states_BLP[text_labels != IGNORE])
        return logits


class SentenceTable(Table):
    """TABLE that reads all tags of a clip as one text, whose order and full stops tell the experts apart."""

    def __init__(self, config: TableConfig) -> None:
        super().__init__(config)
        del self.experts

    @view
    def tag_tokens(self, tag_sentence: Tensor, tag_sentence_mask: Tensor) -> Tokens:  # type: ignore[override]  # other needs
        """(B, 1 + L, P): the states of the sentence's tokens. `tag_sentence` are ids (B, L)."""
        tagged_B = tag_sentence_mask.any(-1)
        ids_KL, mask_KL = tag_sentence[tagged_B], tag_sentence_mask[tagged_B]
        states_KLP = (
            self.tag_tower.project(self.tag_tower(ids_KL).tokens) if self.tag_words is None else self.tag_words(ids_KL)
        )
        return self.or_no_tag(states_KLP[mask_KL], tag_sentence_mask)
