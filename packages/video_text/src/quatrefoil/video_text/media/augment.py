"""Changing the frames of a clip: functions of a generator that treat all frames of a clip alike.

F: frames, H, W: pixels. Clips are uint8 (F, 3, H, W).
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as functional
from torch import Generator, Tensor


def resize(frames_F3HW: Tensor, height: int, width: int) -> Tensor:
    """Bicubic, antialiased, as CLIP prepares its images: uint8 (F, 3, height, width)."""
    if frames_F3HW.shape[-2:] == (height, width):
        return frames_F3HW
    return functional.interpolate(frames_F3HW, (height, width), mode="bicubic", antialias=True)


def centre_crop(frames_F3HW: Tensor, size: int) -> Tensor:
    """The shorter side resized to `size`, then the middle square: uint8 (F, 3, size, size)."""
    height, width = frames_F3HW.shape[-2:]
    short = min(height, width)
    resized = resize(frames_F3HW, round(height * size / short), round(width * size / short))
    top, left = (resized.shape[-2] - size) // 2, (resized.shape[-1] - size) // 2
    return resized[..., top : top + size, left : left + size]


def random_resized_crop(
    frames_F3HW: Tensor,
    size: int,
    scale: tuple[float, float],
    ratio: tuple[float, float],
    generator: Generator,
) -> Tensor:
    """One random box of a random area and shape, resized to a square, for all frames: uint8 (F, 3, size, size).

    Source: Inception (Szegedy et al. 2015), with a box that is cut to the frame, not drawn anew, where it does not fit
    (our choice: always four draws).

    Args:
        scale: least and greatest part of the frame's area.
        ratio: least and greatest width over height, drawn evenly in its logarithm.
    """
    height, width = frames_F3HW.shape[-2:]
    area_draw, shape_draw, down, right = torch.rand(4, generator=generator, dtype=torch.float64).tolist()
    area = height * width * _between(*scale, area_draw)
    shape = math.exp(_between(math.log(ratio[0]), math.log(ratio[1]), shape_draw))
    box_height = min(max(round(math.sqrt(area / shape)), 1), height)
    box_width = min(max(round(math.sqrt(area * shape)), 1), width)
    top, left = int(down * (height - box_height + 1)), int(right * (width - box_width + 1))
    return resize(frames_F3HW[..., top : top + box_height, left : left + box_width], size, size)


def random_flip(frames_F3HW: Tensor, probability: float, generator: Generator) -> Tensor:
    """All frames mirrored left to right, or none."""
    flipped = bool(torch.rand((), generator=generator) < probability)
    return frames_F3HW.flip(-1) if flipped else frames_F3HW


def colour_jitter(frames_F3HW: Tensor, strength: float, generator: Generator) -> Tensor:
    """Brightness, contrast and saturation times factors from [1 - strength, 1 + strength], the same in all frames."""
    draws: list[float] = torch.rand(3, generator=generator, dtype=torch.float64).tolist()
    brightness, contrast, saturation = (_between(1 - strength, 1 + strength, draw) for draw in draws)
    frames = frames_F3HW.float() * brightness
    mean = frames.mean()
    frames = mean + contrast * (frames - mean)
    grey = frames.mean(dim=1, keepdim=True)
    return (grey + saturation * (frames - grey)).round().clamp(0, 255).to(torch.uint8)


def _between(low: float, high: float, draw: float) -> float:
    return low + (high - low) * draw


@dataclass(frozen=True)
class FrameTransform:
    """From decoded frames to a model's input size.

    Attributes:
        size: height and width of the result, pixels.
        scale, ratio: the random box of training (`random_resized_crop`); both (1, 1): the middle square, as in tests.
        flip: probability of mirroring in training. 0 unless asked for: captions say "left" and "right".
        jitter: strength of colour jitter in training, from 0 (none) to 1.
    """

    size: int
    scale: tuple[float, float] = (0.5, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.0
    jitter: float = 0.0

    def __post_init__(self) -> None:
        if self.size < 2:  # torch's antialiased kernel fails on a result of one pixel
            raise ValueError(f"size is {self.size}; frames need at least 2 pixels a side")
        if not (0 < self.scale[0] <= self.scale[1] <= 1 and 0 < self.ratio[0] <= self.ratio[1]):
            raise ValueError(f"scale {self.scale} must lie in (0, 1] and ratio {self.ratio} above 0, both in order")
        if not (0 <= self.flip <= 1 and 0 <= self.jitter <= 1):
            raise ValueError(f"flip ({self.flip}) and jitter ({self.jitter}) must lie from 0 to 1")

    def __call__(self, frames_F3HW: Tensor, generator: Generator | None) -> Tensor:
        """uint8 (F, 3, size, size): augmented in training, the middle square in tests (`generator=None`)."""
        whole = self.scale == self.ratio == (1.0, 1.0)  # no box to draw: frames keep their shape, as in tests
        if generator is None:
            return centre_crop(frames_F3HW, self.size)
        box = self.size, self.scale, self.ratio, generator
        frames = centre_crop(frames_F3HW, self.size) if whole else random_resized_crop(frames_F3HW, *box)
        frames = random_flip(frames, self.flip, generator)
        return colour_jitter(frames, self.jitter, generator) if self.jitter else frames


@dataclass(frozen=True)
class WholeFrame(FrameTransform):
    """All of a frame in a square, its shape given up, in training and in tests; `flip` and `jitter` as ever.

    Clover's official code reads MSVD-QA so (`Resize`, `keep_ratio=False`).
    """

    scale: tuple[float, float] = (1.0, 1.0)
    ratio: tuple[float, float] = (1.0, 1.0)
    shape: Literal["given up"] = "given up"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.scale == self.ratio == (1.0, 1.0):
            raise ValueError(
                f"a whole frame has no box to draw, so scale {self.scale} and ratio {self.ratio} stay at 1"
            )

    def __call__(self, frames_F3HW: Tensor, generator: Generator | None) -> Tensor:
        """uint8 (F, 3, size, size)."""
        return super().__call__(resize(frames_F3HW, self.size, self.size), generator)
