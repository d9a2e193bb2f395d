"""What studies on Stage share."""

from quatrefoil.video_text.datasets.stage.world import STAGE_VERSION

STAGE = f"v{STAGE_VERSION}"
"""The version of the data."""
