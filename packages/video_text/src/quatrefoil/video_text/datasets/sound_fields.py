"""The fields of a sample with sound: frames and sound of one window of time, and what of both stays visible.

Legend: W windows, R S rows and columns of a picture of sound, V visible patches.
"""

import json
from dataclasses import asdict, dataclass, replace
from typing import ClassVar

import torch
from pydantic import TypeAdapter
from torch import Tensor

from quatrefoil.core.masking import choose_tokens
from quatrefoil.video_text.datasets.corpus import Clip
from quatrefoil.video_text.datasets.fields import Draw, FramesMaker
from quatrefoil.video_text.datasets.frames import DECODE_LIMIT_S
from quatrefoil.video_text.datasets.sounds import SoundSource
from quatrefoil.video_text.encoders.patches import draw_visible
from quatrefoil.video_text.media.container import length_s
from quatrefoil.video_text.media.errors import EmptyMediaError
from quatrefoil.video_text.media.sound import Window, even_windows, random_window
from quatrefoil.video_text.media.spectrogram import SpectrogramConfig
from quatrefoil.video_text.media.stored import place_of
from quatrefoil.video_text.text.tokenizer import TokenIds

SOUND = ("sound", "sound_mask")
VIDEO_VISIBLE, AUDIO_VISIBLE = "video_visible", "audio_visible"
SOUND_FIELDS = (*SOUND, VIDEO_VISIBLE, AUDIO_VISIBLE)


def stretch_of(clip: Clip) -> Window:
    """The seconds of its file that a clip covers.

    Raises:
        MediaError: its end is left open, and the file cannot be read, does not tell how long it is, or ends before it.
    """
    if clip.end_s is not None:
        return Window(clip.start_s, clip.end_s)
    end_s = length_s(clip.video, DECODE_LIMIT_S)
    if end_s <= clip.start_s:
        raise EmptyMediaError(place_of(clip.video), f"ends at {end_s} s, and clip {clip.id} starts at {clip.start_s} s")
    return Window(clip.start_s, end_s)


@dataclass(frozen=True)
class Windows:
    """Which stretches of a clip are read.

    Args:
        seconds: length of a window.
        count: windows of a test.
        cut: training draws a window anywhere in a longer clip, for frames and sound together; else it hears the
            window that begins the clip, and sees all of it.
    """

    seconds: float
    count: int
    cut: bool

    def of_training(self, clip: Clip, draw: Draw) -> Window:
        """The same for whoever asks about the same draw of a sample; it ends with the clip. Raises MediaError."""
        if not self.cut:
            return self._first(clip)
        stretch = stretch_of(clip)
        return ending_with(stretch, random_window(stretch, self.seconds, draw("window")))

    def of_tests(self, clip: Clip) -> list[Window]:
        """Evenly spaced, ending with the clip. Raises MediaError."""
        if not self.cut and self.count == 1:
            return [self._first(clip)]
        stretch = stretch_of(clip)
        return [ending_with(stretch, window) for window in even_windows(stretch, self.seconds, self.count)]

    def _first(self, clip: Clip) -> Window:
        end_s = clip.start_s + self.seconds
        return Window(clip.start_s, end_s if clip.end_s is None else min(end_s, clip.end_s))


def ending_with(stretch: Window, window: Window) -> Window:
    """What of a window lies in a clip."""
    return Window(window.start_s, min(window.end_s, stretch.end_s))


@dataclass(frozen=True)
class WindowFrames:
    """`frames` of the window of training; of the whole clip in tests."""

    frames: FramesMaker
    windows: Windows

    def make(self, clip: Clip, caption: str, draw: Draw, training: bool) -> dict[str, Tensor]:
        """Raises MediaError where the clip cannot be read."""
        if training and self.windows.cut:
            window = self.windows.of_training(clip, draw)
            clip = replace(clip, start_s=window.start_s, end_s=window.end_s)
        return self.frames.make(clip, caption, draw, training)


@dataclass(frozen=True)
class SoundMaker:
    """`sound`: float32 (W, R, S), one window in training; `sound_mask`: bool (W,), False where nothing is heard."""

    source: SoundSource
    windows: Windows
    picture: SpectrogramConfig

    def make(self, clip: Clip, caption: str, draw: Draw, training: bool) -> dict[str, Tensor]:
        """Raises MediaError where the clip cannot be read; a clip without sound is no error."""
        return self._in_training(clip, draw) if training else self.in_tests(clip)

    def in_tests(self, clip: Clip) -> dict[str, Tensor]:
        """As in tests, where nothing is drawn. Raises MediaError."""
        return self._heard(clip, self.windows.of_tests(clip), None)

    def _in_training(self, clip: Clip, draw: Draw) -> dict[str, Tensor]:
        return self._heard(clip, [self.windows.of_training(clip, draw)], draw("gain"))

    def _heard(self, clip: Clip, windows: list[Window], gain: torch.Generator | None) -> dict[str, Tensor]:
        return dict(zip(SOUND, self.source.heard(clip, windows, self.picture, gain), strict=True))


@dataclass(frozen=True)
class Hearing:
    """How a trained model hears files, as in tests; travels with its weights.

    Args:
        patch_size: side of the patches of which it was told which are visible.
    """

    ASSET: ClassVar[str] = "sound.json"

    windows: Windows
    picture: SpectrogramConfig
    patch_size: int

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Hearing":
        """Raises ValueError (pydantic's) where the text is not what `to_json` wrote."""
        return TypeAdapter(cls).validate_python(json.loads(text))


@dataclass(frozen=True)
class VisibleMaker:
    """Places (V,) of the patches that stay visible; see `draw_visible`. Drawn in tests too."""

    field: str
    groups: int
    patches: int
    rate: float

    def make(self, clip: Clip, caption: str, draw: Draw, training: bool) -> dict[str, Tensor]:
        """Never raises."""
        return {self.field: draw_visible(self.groups, self.patches, draw(self.field), self.rate)}


@dataclass(frozen=True)
class SingleTokens:
    """Chooses among all tokens of a text but special ones, whatever words they are of (BERT's first masks)."""

    rate: float

    def __call__(self, text: str, tokens: TokenIds, generator: torch.Generator) -> Tensor:
        return choose_tokens(torch.tensor(tokens.word_ids[0]) >= 0, generator, self.rate)
