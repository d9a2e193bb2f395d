"""Videos and images as one set of training data (Clover's WebVid and CC3M)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from quatrefoil.core.data import SampleSet
from quatrefoil.core.data.mixture import Mixture
from quatrefoil.video_text.datasets.clips import combined
from quatrefoil.video_text.datasets.module import CloverData


@dataclass(frozen=True, kw_only=True)
class MixedData:
    """Two corpora with captions.

    Args:
        videos: also what is validated and tested on.
        images: clips of one frame.
        steps: `in_turn` = each step is of one corpus, as the official runner has it (see `TurnsPlan` for what holds of
            the order); `mixed` = one shuffle of both: then images are shown for as many frames as videos have.

    Raises:
        ValueError: `mixed` with two numbers of frames.
    """

    videos: CloverData
    images: CloverData
    steps: Literal["in_turn", "mixed"] = "in_turn"

    def __post_init__(self) -> None:
        frames = self.videos.frames.frames, self.images.frames.frames
        if self.steps == "mixed" and frames[0] != frames[1]:
            raise ValueError(
                f"data.steps=mixed puts videos and images into one batch, so both need one number of frames, not "
                f"{frames}: set data.images.frames.frames={frames[0]} (an image is repeated)"
            )

    @property
    def fields(self) -> Sequence[str]:
        """The fields that can be asked for; `id` and `group` always come."""
        return [name for name in self.videos.fields if name in self.images.fields]

    def build(self, seed: int) -> "MixedModule":
        """Opens both. Raises CorpusError where one is not what its protocol needs."""
        return MixedModule(self, seed)


class MixedModule:
    """Both corpora of a `MixedData`, opened. Raises ValueError where their tokenisers differ."""

    def __init__(self, config: MixedData, seed: int) -> None:
        self.config = config
        self.videos, self.images = config.videos.build(seed), config.images.build(seed)
        if self.videos.tokenizer.fingerprint != self.images.tokenizer.fingerprint:
            raise ValueError("data.videos and data.images need one tokeniser: set the same data.*.tokenizer")

    @property
    def splits(self) -> Sequence[str]:
        """Those of the videos."""
        return self.videos.splits

    @property
    def fill(self) -> Mapping[str, float | int | bool]:
        return self.videos.fill

    def train(self, fields: Iterable[str]) -> Mixture:
        """The training samples of both."""
        wanted = frozenset(fields)
        return Mixture((self.videos.train(wanted), self.images.train(wanted)), self.config.steps == "in_turn")

    def items(self, split: str, unit: str, fields: Iterable[str]) -> SampleSet:
        """Of the videos."""
        return self.videos.items(split, unit, fields)

    def describe(self) -> Mapping[str, Any]:
        """The splits of the images are named `images/...`."""
        videos, images = self.videos.describe(), self.images.describe()
        both = {key: f"{videos[key]}+{images[key]}" for key in ("name", "protocol")}
        splits = {**videos["splits"], **{f"images/{name}": split for name, split in images["splits"].items()}}
        return {**both, "fingerprint": combined([videos["fingerprint"], images["fingerprint"]]), "splits": splits}

    def assets(self) -> Mapping[str, str]:
        """Those of the videos."""
        return self.videos.assets()
