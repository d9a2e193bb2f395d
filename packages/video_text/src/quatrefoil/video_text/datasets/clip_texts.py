"""Which captions belong to which clip.

Shapes: N captions, C clips.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from quatrefoil.video_text.datasets.columns import Numbers, Picked


@dataclass(frozen=True, eq=False)
class ClipTexts:
    """The captions (N) of clips, clip by clip; those of clip c are numbers first_C1[c] up to first_C1[c + 1]."""

    texts: Sequence[str]
    first_C1: Numbers

    @classmethod
    def of_lists(cls, texts: Sequence[Sequence[str]]) -> "ClipTexts":
        """From the captions of each clip."""
        first_C1 = np.cumsum([0, *map(len, texts)], dtype=np.int64)
        return cls(tuple(chain.from_iterable(texts)), Numbers(first_C1))

    def of_clips(self, clips: NDArray[np.int64]) -> "ClipTexts":
        """The captions of some clips, in that order."""
        first_C, end_C = self.first_C1.values[clips], self.first_C1.values[clips + 1]
        starts_C1 = np.concatenate([[0], np.cumsum(end_C - first_C)])
        numbers_N = np.arange(starts_C1[-1]) + np.repeat(first_C - starts_C1[:-1], end_C - first_C)
        return ClipTexts(Picked(self.texts, Numbers(numbers_N)), Numbers(starts_C1))

    def of_clip(self, clip: int) -> tuple[str, ...]:
        """The captions of a clip."""
        return tuple(self.texts[self.first_C1[clip] : self.first_C1[clip + 1]])

    def place(self, text: int) -> tuple[int, int]:
        """The clip of a caption, and the caption's number among those of its clip."""
        clip = int(np.searchsorted(self.first_C1.values, text, side="right")) - 1
        return clip, text - int(self.first_C1[clip])

    @property
    def clip_N(self) -> NDArray[np.int64]:
        """The clip of each caption."""
        counts_C = np.diff(self.first_C1.values)
        return np.repeat(np.arange(len(counts_C)), counts_C)

    @property
    def most_of_a_clip(self) -> int:
        """Captions of the clip that has most."""
        return int(np.diff(self.first_C1.values).max())
