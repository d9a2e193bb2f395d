"""How files and sentences become a model's inputs; travels with the weights, so that a model can be used alone."""

import json
from dataclasses import asdict, dataclass

from pydantic import TypeAdapter

from quatrefoil.video_text.media.augment import FrameTransform, WholeFrame
from quatrefoil.video_text.media.sampling import FrameSampling


@dataclass(frozen=True)
class Preprocessing:
    """Which frames, at which size, and the most tokens of a caption, of a tag and of all tags as one sentence
    (special ones included)."""

    frames: FrameSampling
    transform: FrameTransform | WholeFrame
    text_length: int
    tag_length: int
    tag_sentence_length: int

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Preprocessing":
        """Raises ValueError (pydantic's) where the text is not what `to_json` wrote."""
        return TypeAdapter(cls).validate_python(json.loads(text))
