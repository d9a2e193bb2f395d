"""Tags without guidance: frames and tags are pooled side by side, with no encoder across them ("brute force" fusion).

Legend: B clips, F frames, M tags, P width of the shared space.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from quatrefoil.core.views import Tokens, view
from quatrefoil.video_text.models.tagged import TaggedConfig, TaggedModel


@dataclass(frozen=True, kw_only=True)
class BruteForceConfig(TaggedConfig):
    """The same towers and tag encoder as TABLE, without its cross encoders."""

    @property
    def model_type(self) -> type["BruteForce"]:
        return BruteForce


class BruteForce(TaggedModel):
    """Video = a linear map of [mean of frames, mean of tags]."""

    def __init__(self, config: BruteForceConfig) -> None:
        super().__init__(config)
        self.mix = self.pool_map(2 * config.vision.projection)

    @view
    def video(self, frame_codes: Tensor, tag_codes: Tokens) -> Tensor:  # type: ignore[override]  # its needs are other ones
        """(B, P)."""
        frames_BP = frame_codes.mean(1)
        return self.pooled(self.mix(torch.cat([frames_BP, tag_codes.mean()], dim=-1)), frame_codes)
