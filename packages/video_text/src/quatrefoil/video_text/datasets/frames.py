"""Where the frames of a clip come from: its media file, or a cache in which every clip was decoded once.

Legend: F frames of the clip, K frames kept in the cache, S frames chosen for a sample, H W pixels.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from quatrefoil.video_text.datasets.clip_cache import CacheOf, read_index
from quatrefoil.video_text.datasets.corpus import Clip, Split
from quatrefoil.video_text.media.errors import MediaError
from quatrefoil.video_text.media.sampling import FrameSampling, at_rate
from quatrefoil.video_text.media.stored import place_of
from quatrefoil.video_text.media.video import VideoReader, open_video

DECODE_LIMIT_S = 60.0
_VALUES = "frames.u8"
_LAYOUT = 1  # of the cache; a cache of another layout is made anew


class FrameSource(Protocol):
    """Gives the sampled frames of a clip."""

    def frames(self, clip: Clip, generator: torch.Generator | None) -> Tensor:
        """uint8 (S, 3, H, W): random frames in training, fixed ones in tests (`generator=None`).

        Raises:
            MediaError: the clip cannot be read.
        """


def opened(clip: Clip) -> VideoReader:
    """A reader of the clip's stretch; a file that takes longer than `DECODE_LIMIT_S` is a MediaError, never a hang."""
    window = {"start_s": clip.start_s or None, "end_s": clip.end_s}
    return open_video(clip.video, "pyav", timeout_s=DECODE_LIMIT_S, **window)


@dataclass(frozen=True)
class FileFrames:
    """Decodes the chosen frames of a clip each time."""

    sampling: FrameSampling

    def frames(self, clip: Clip, generator: torch.Generator | None) -> Tensor:
        """See `FrameSource`."""
        with opened(clip) as reader:
            return reader.frames(self.sampling.indices(reader.times_F, generator))


class Stored(NamedTuple):
    """A clip in the cache: the times of its frames (F), those kept (K), their size and place, or why there are none."""

    times: list[float]
    kept: list[int]
    height: int
    width: int
    offset: int
    error: str | None


class CachedFrames:
    """Reads frames from the cache folder that `build_cache` made; the same frames as `FileFrames` gives.

    The file is mapped anew for each clip: nothing open crosses a fork or a pickle.
    """

    def __init__(self, folder: Path, sampling: FrameSampling) -> None:
        self.folder, self.sampling = folder, sampling

    @cached_property
    def _index(self) -> dict[str, Stored]:
        return {id: Stored(*entry) for id, entry in read_index(self.folder).items()}

    def frames(self, clip: Clip, generator: torch.Generator | None) -> Tensor:
        """See `FrameSource`."""
        stored = self._index[clip.id]
        if stored.error is not None:
            raise MediaError(place_of(clip.video), stored.error)
        chosen_S = self.sampling.indices(torch.tensor(stored.times, dtype=torch.float64), generator)
        rows_S = torch.searchsorted(torch.tensor(stored.kept), chosen_S)
        shape = (len(stored.kept), 3, stored.height, stored.width)
        mapped = np.memmap(self.folder / _VALUES, np.uint8, "r", stored.offset, shape)
        return torch.from_numpy(mapped[rows_S.numpy()])


def build_cache(splits: Sequence[Split], sampling: FrameSampling, workers: int) -> CachedFrames:
    """The frames that `sampling` can ever choose, of all clips, decoded once, full size, below `cache_home()`.

    See `CacheOf.made`. A clip that cannot be read is kept as its error, which is raised when the clip is asked for.

    Raises:
        ValueError: the disk is too small.
    """
    cache = CacheOf("frames", _VALUES, _LAYOUT, asdict(sampling))
    return CachedFrames(cache.made(splits, partial(_decode, sampling), workers), sampling)


def _decode(sampling: FrameSampling, clip: Clip) -> tuple[Stored, "np.ndarray[Any, np.dtype[np.uint8]]"]:
    try:
        with opened(clip) as reader:
            kept = _candidates(sampling, reader.times_F)
            frames = reader.frames(kept)
            times = reader.times_F.tolist()
    except MediaError as error:
        return Stored([], [], 0, 0, 0, error.reason), np.empty(0, np.uint8)
    return Stored(times, kept.tolist(), frames.shape[-2], frames.shape[-1], 0, None), frames.numpy()


def _candidates(sampling: FrameSampling, times_F: Tensor) -> Tensor:
    """All frames that `sampling` can choose, sorted, each once."""
    if sampling.policy == "uniform":
        shown = sampling.indices(times_F, None)
    else:
        shown = torch.arange(len(times_F)) if sampling.fps is None else at_rate(times_F, sampling.fps)
    return torch.tensor(sorted(set(shown.tolist())))
