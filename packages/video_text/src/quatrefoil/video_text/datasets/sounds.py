"""Where the sound of a clip comes from: its media file, or a cache in which every file was decoded once.

Legend: T samples, W windows.
"""

from collections.abc import Sequence
from functools import cached_property, partial
from math import inf
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch

from quatrefoil.video_text.datasets.clip_cache import CacheOf, read_index
from quatrefoil.video_text.datasets.corpus import Clip, Split
from quatrefoil.video_text.datasets.frames import DECODE_LIMIT_S
from quatrefoil.video_text.media.audio import Waveform
from quatrefoil.video_text.media.errors import MediaError
from quatrefoil.video_text.media.sound import Heard, Window, hear, pictured, read_sound
from quatrefoil.video_text.media.spectrogram import SpectrogramConfig
from quatrefoil.video_text.media.stored import place_of

_VALUES = "sounds.f32"
_LAYOUT = 3  # of the cache; a cache of another layout is made anew


class SoundSource(Protocol):
    """Pictures the sound of clips."""

    def heard(
        self, clip: Clip, windows: list[Window], config: SpectrogramConfig, generator: torch.Generator | None
    ) -> Heard:
        """See `pictured`.

        Raises:
            MediaError: the clip cannot be read.
        """


class FileSounds:
    """Decodes the sound of a clip each time."""

    def heard(
        self, clip: Clip, windows: list[Window], config: SpectrogramConfig, generator: torch.Generator | None
    ) -> Heard:
        """See `SoundSource`."""
        return hear(clip.sound, windows, config, generator, timeout_s=DECODE_LIMIT_S)


class Stored(NamedTuple):
    """A sound in the cache: its place, its length in samples, its start, or why there is none.

    Of a file without sound `samples` is 0 and `error` None.
    """

    offset: int
    samples: int
    start_s: float
    error: str | None


class CachedSounds:
    """Reads samples from the cache folder that `build_sound_cache` made; the same pictures as `FileSounds` gives.

    The file is mapped anew for each clip: nothing open crosses a fork or a pickle.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def _index(self) -> dict[str, Stored]:
        return {id: Stored(*entry) for id, entry in read_index(self.folder).items()}

    def heard(
        self, clip: Clip, windows: list[Window], config: SpectrogramConfig, generator: torch.Generator | None
    ) -> Heard:
        """See `SoundSource`."""
        return pictured(self._waveform(clip, config.rate), windows, config, generator)

    def _waveform(self, clip: Clip, rate: int) -> Waveform | None:
        stored = self._index[clip.id]
        if stored.error is not None:
            raise MediaError(place_of(clip.sound), stored.error)
        if not stored.samples:
            return None
        mapped_T = np.memmap(self.folder / _VALUES, np.float32, "r", stored.offset, (stored.samples,))
        return Waveform(torch.from_numpy(np.array(mapped_T))[None], rate, stored.start_s)


def build_sound_cache(splits: Sequence[Split], rate: int, workers: int) -> CachedSounds:
    """The sound of all clips, decoded once at `rate`, below `cache_home()`; made as `build_cache` is.

    Raises:
        ValueError: the disk is too small.
    """
    cache = CacheOf("sounds", _VALUES, _LAYOUT, rate)
    return CachedSounds(cache.made(splits, partial(_read, rate), workers))


def _read(rate: int, clip: Clip) -> tuple[Stored, "np.ndarray[tuple[int], np.dtype[np.float32]]"]:
    stretch = Window(clip.start_s, inf if clip.end_s is None else clip.end_s)
    try:
        waveform = read_sound(clip.sound, stretch, rate, timeout_s=DECODE_LIMIT_S)
    except MediaError as error:
        return Stored(0, 0, 0.0, error.reason), np.empty(0, np.float32)
    if waveform is None:
        return Stored(0, 0, 0.0, None), np.empty(0, np.float32)
    samples_T = waveform.samples_CT[0].numpy()
    return Stored(0, len(samples_T), waveform.start_s, None), samples_T
