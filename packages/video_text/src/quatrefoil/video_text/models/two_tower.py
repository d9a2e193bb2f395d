"""Frames only: CLIP's two towers, mean pooling over frames (CLIP4Clip's parameter-free head). TABLE's baseline.

Legend: B clips, F frames, C channels, H W pixels, L text tokens, P width of the shared space, D width of a tower.
"""

from dataclasses import dataclass, field

import torch.nn.functional as nnf
from torch import Tensor

from quatrefoil.core.nn.heads import LogitScale
from quatrefoil.core.runs.start import START
from quatrefoil.core.views import Tokens, view
from quatrefoil.video_text.encoders.clip import ClipConfig, ClipOutput, ClipText, ClipVision, normalise_pixels
from quatrefoil.video_text.encoders.clip_weights import initialise_from_clip
from quatrefoil.video_text.retriever import RetrievalModel


@dataclass(frozen=True, kw_only=True)
class TwoTowerConfig(ClipConfig):
    """CLIP's towers.

    Args:
        vision, text: sizes; both project to the same width P.
        clip: folder or hub id of CLIP weights to start from; None = random weights.
    """

    clip: str | None = field(default=None, metadata=START)

    @property
    def model_type(self) -> type["TwoTower"]:
        return TwoTower

    def build(self) -> "TwoTower":
        model = self.model_type(self)
        if self.clip is not None:
            model.initialise(self.clip)
        return model


class TwoTower(RetrievalModel):
    """Video = mean of its frames' codes; text = the code of its end token."""

    def __init__(self, config: TwoTowerConfig) -> None:
        super().__init__()
        if not isinstance(self, config.model_type):
            raise ValueError(f"this configuration is of a {config.model_type.__name__}, not of a {type(self).__name__}")
        self.config = config
        self.visual = ClipVision(config.vision)
        self.textual = ClipText(config.text)
        self.scale = LogitScale()

    def initialise(self, clip: str) -> None:
        """Start from CLIP's weights (a folder or hub id)."""
        initialise_from_clip(self.visual, self.textual, self.scale, clip)
        self.started_from = f"{clip} (CLIP), fresh: what is not of its towers"

    @view
    def frame_states(self, frames: Tensor) -> ClipOutput:
        """Every frame through the visual encoder, (B * F) rows. `frames` are uint8 (B, F, 3, H, W)."""
        output: ClipOutput = self.visual(normalise_pixels(frames.flatten(0, 1)))
        return output

    @view
    def frame_codes(self, frame_states: ClipOutput, frames: Tensor) -> Tensor:
        """(B, F, P): every frame's code, each of length one."""
        return nnf.normalize(frame_states.pooled, dim=-1).view(*frames.shape[:2], -1)

    @view
    def video(self, frame_codes: Tensor) -> Tensor:
        """(B, P): the mean of the frames."""
        return nnf.normalize(frame_codes.mean(1), dim=-1)

    @view
    def caption(self, text_ids: Tensor, text_mask: Tensor) -> tuple[Tensor, Tokens]:
        """The code (B, P) and the projected token states (B, L, P) of the whole caption."""
        encoded = self.textual(text_ids)  # causal: no real token sees the padding on its right
        return encoded.pooled, Tokens(self.textual.project(encoded.tokens), text_mask)

    @view
    def text(self, caption: tuple[Tensor, Tokens]) -> Tensor:
        """(B, P): the caption's code."""
        return nnf.normalize(caption[0], dim=-1)

    @view
    def logit_scale(self) -> Tensor:
        """1 / temperature, learned and clamped."""
        scale: Tensor = self.scale()
        return scale
