"""Which frames of a clip to look at: pure functions of frame counts, times and a generator.

F: frames of the clip, S: frames chosen. Indices are int64, sorted, and repeat where a clip has fewer frames than S.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

# Positions within a segment: exact integer arithmetic, so that rounding never leaves a segment.
_STEPS = 1 << 20


def segment_random(frame_count: int, segments: int, generator: torch.Generator) -> Tensor:
    """One random frame from each of `segments` equal parts of the clip: int64 (S,).

    Source: TSN (Wang et al. 2016, section 3.1), as Clover samples in training. The parts are equal in real numbers: a
    clip of fewer frames than parts shows each frame in as many parts as it spans.

    Raises: ValueError, for counts below one.
    """
    _check(frame_count, segments)
    steps_S = torch.randint(_STEPS, (segments,), generator=generator)
    return (torch.arange(segments) * _STEPS + steps_S) * frame_count // (segments * _STEPS)


def segment_centres(frame_count: int, segments: int) -> Tensor:
    """The middle frame of each of `segments` equal parts: int64 (S,). Source and short clips: as `segment_random`.

    Raises: ValueError, for counts below one.
    """
    _check(frame_count, segments)
    return (2 * torch.arange(segments) + 1) * frame_count // (2 * segments)


def uniform(frame_count: int, frames: int) -> Tensor:
    """Evenly spaced frames, the first and the last among them: int64 (S,).

    Source: CLIP4Clip's `slice_framepos=2`, `np.linspace(0, n - 1, frames, dtype=int)`. A clip of fewer frames repeats
    them by the same formula (our choice; CLIP4Clip pads and masks).

    Raises: ValueError, for counts below one.
    """
    _check(frame_count, frames)
    return torch.from_numpy(np.linspace(0, frame_count - 1, frames, dtype=np.int64))


def at_rate(times_F: Tensor, fps: float) -> Tensor:
    """The frames on screen at 0, 1/fps, 2/fps ... seconds after the first, up to the last: int64.

    A frame is on screen until the next one, so a rate above the clip's own repeats frames. Source: CLIP4Clip extracts
    so at 1 fps.

    Args:
        times_F: when each frame is shown, seconds, increasing.
        fps: frames a second.
    """
    shown_F = times_F - times_F[0]
    # Half a microsecond, the resolution of containers' clocks: 0.99999 s is the frame of the first second.
    ticks = torch.arange(int(torch.floor(shown_F[-1] * fps + 1e-6)) + 1, dtype=torch.float64) / fps
    return torch.searchsorted(shown_F, ticks + 5e-7, right=True) - 1


@dataclass(frozen=True)
class FrameSampling:
    """How many frames of a clip to look at, and which.

    Attributes:
        policy: "segments" draws one frame from each equal part in training and takes its middle in tests (TSN,
            Clover); "uniform" takes evenly spaced frames in both (CLIP4Clip, TABLE).
        frames: how many.
        fps: choose among the frames on screen at this rate (CLIP4Clip: 1); None chooses among all.
    """

    policy: Literal["segments", "uniform"]
    frames: int
    fps: float | None = None

    def __post_init__(self) -> None:
        if self.policy not in ("segments", "uniform"):
            raise ValueError(f"no sampling policy {self.policy!r}; there are 'segments' and 'uniform'")
        if self.frames < 1:
            raise ValueError(f"frames is {self.frames}; a sample needs at least 1")
        if self.fps is not None and self.fps <= 0:
            raise ValueError(f"fps is {self.fps}; give a rate above 0, or None to choose among all frames")

    def indices(self, times_F: Tensor, generator: torch.Generator | None) -> Tensor:
        """Indices into the clip's frames, int64 (frames,): random in training, fixed in tests (`generator=None`).

        Args:
            times_F: when each frame is shown, seconds, increasing.
        """
        among_F = torch.arange(len(times_F)) if self.fps is None else at_rate(times_F, self.fps)
        if self.policy == "uniform":
            return among_F[uniform(len(among_F), self.frames)]
        if generator is None:
            return among_F[segment_centres(len(among_F), self.frames)]
        return among_F[segment_random(len(among_F), self.frames, generator)]


def _check(frame_count: int, frames: int) -> None:
    if frame_count < 1 or frames < 1:
        raise ValueError(f"cannot choose {frames} of {frame_count} frames; both must be at least 1")
