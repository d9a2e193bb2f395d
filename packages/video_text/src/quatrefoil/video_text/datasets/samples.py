"""A split as a map-style set of samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from quatrefoil.core.data import Sample, SampleKey
from quatrefoil.core.seeding import generator
from quatrefoil.video_text.datasets.clip_texts import ClipTexts
from quatrefoil.video_text.datasets.columns import Lazy
from quatrefoil.video_text.datasets.corpus import Clip
from quatrefoil.video_text.datasets.fields import Maker

Unit = Literal["clip", "caption"]


class Item(NamedTuple):
    """One sample to be made: its id, the number of its clip in the split, and its caption, or those to draw from."""

    id: str
    clip: int
    captions: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Items(Lazy[Item]):
    """The samples of a split, in its order: one per clip (id: the clip's), or per caption (id: clip#number)."""

    clips: Sequence[Clip]
    texts: ClipTexts
    unit: Unit
    class_C: NDArray[np.int64] | None

    @property
    def group_N(self) -> NDArray[np.int64]:
        """The group of each sample: the class of its clip, or else the clip's number."""
        clip_N = np.arange(len(self.clips)) if self.unit == "clip" else self.texts.clip_N
        return clip_N if self.class_C is None else self.class_C[clip_N]

    def group(self, clip: int) -> int:
        """That of the samples of a clip."""
        return clip if self.class_C is None else int(self.class_C[clip])

    def __len__(self) -> int:
        return len(self.clips) if self.unit == "clip" else len(self.texts.texts)

    def _at(self, index: int) -> Item:
        if self.unit == "clip":
            return Item(self.clips[index].id, index, self.texts.of_clip(index))
        clip, number = self.texts.place(index)
        return Item(f"{self.clips[clip].id}#{number}", clip, (self.texts.texts[index],))


@dataclass(frozen=True)
class ClipSamples:
    """A `SampleSet` over clips or captions; all that is random about a sample follows from (seed, epoch, id)."""

    clips: Sequence[Clip]
    items: Items
    makers: Sequence[Maker]
    wanted: frozenset[str]
    seed: int
    training: bool

    @property
    def groups_N(self) -> torch.Tensor:
        """The group of each sample, long (N,)."""
        return torch.from_numpy(self.items.group_N)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, key: SampleKey) -> Sample:
        """Raises MediaError where frames are wanted and cannot be read."""
        item = self.items[key.index]
        draw = partial(generator, self.seed, key.epoch, item.id)
        caption = item.captions[int(torch.randint(len(item.captions), (), generator=draw("caption")))]
        made = [maker.make(self.clips[item.clip], caption, draw, self.training) for maker in self.makers]
        values = {name: value for fields in made for name, value in fields.items() if name in self.wanted}
        return {"id": item.id, "group": self.items.group(item.clip), **values}
