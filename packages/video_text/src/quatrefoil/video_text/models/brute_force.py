"""Tags without guidance: frames and tags are pooled side by side, with no encoder across them ("brute force" fusion).

Legend: B clips, F frames, M tags, P width of the shared space.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from quatrefoil.core.views import Tokens, view
from quatrefoil.video_text.models.table import TaggedConfig, TaggedModel


@dataclass(frozen=True, kw_only=True)
class BruteForceConfig(TaggedConfig):
    """The same towers and tag encoder as TABLE, without its cross encoders."""

    @property
    def model_type(self) -> type["BruteForce"]:
        return BruteForce


class BruteForce(TaggedModel):
    """Video = a linear map of [mean of frames, mean of tags], beside the mean of frames."""

    def __init__(self, config: BruteForceConfig) -> None:
        super().__init__(config)
        self.mix = nn.Linear(2 * config.vision.projection, config.vision.projection)
        nn.init.zeros_(self.mix.weight)  # step 0 equals the frames-only baseline, as in TABLE
        nn.init.zeros_(self.mix.bias)

    @view
    def video(self, frame_codes: Tensor, tag_codes: Tokens) -> Tensor:  # type: ignore[override]  # its needs are other ones
        """(B, P)."""
        frames_BP = frame_codes.mean(1)
        share_BM = tag_codes.mask_BT / tag_codes.mask_BT.sum(1, keepdim=True)
        tags_BP = (tag_codes.states_BTD * share_BM[..., None]).sum(1)
        return nnf.normalize(frames_BP + self.mix(torch.cat([frames_BP, tags_BP], dim=-1)), dim=-1)
