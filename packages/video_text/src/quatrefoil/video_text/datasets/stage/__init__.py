"""Stage: the embedded benchmark of video, sound and text, in the files of the real sets."""

from quatrefoil.video_text.datasets.stage.clips import SIZES
from quatrefoil.video_text.datasets.stage.gallery import gallery
from quatrefoil.video_text.datasets.stage.make import make
from quatrefoil.video_text.datasets.stage.world import STAGE_VERSION

__all__ = ["SIZES", "STAGE_VERSION", "gallery", "make"]
