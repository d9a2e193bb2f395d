"""A split as a map-style set of samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import torch

from quatrefoil.core.data import Sample, SampleKey
from quatrefoil.core.seeding import generator
from quatrefoil.video_text.datasets.corpus import Clip, Split
from quatrefoil.video_text.datasets.fields import Maker

Unit = Literal["clip", "caption"]


class Item(NamedTuple):
    """One sample to be made: its id, the number of its clip in the split, and its caption, or those to draw from."""

    id: str
    clip: int
    captions: tuple[str, ...]


@dataclass(frozen=True)
class ClipSamples:
    """A `SampleSet` over clips or captions; all that is random about a sample follows from (seed, epoch, id)."""

    clips: Sequence[Clip]
    items: Sequence[Item]
    makers: Sequence[Maker]
    wanted: frozenset[str]
    seed: int
    training: bool

    @property
    def groups_N(self) -> torch.Tensor:
        """The number of the clip of each sample, long (N,)."""
        return torch.tensor([item.clip for item in self.items])

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, key: SampleKey) -> Sample:
        """Raises MediaError where frames are wanted and cannot be read."""
        item = self.items[key.index]
        draw = partial(generator, self.seed, key.epoch, item.id)
        caption = item.captions[int(torch.randint(len(item.captions), (), generator=draw("caption")))]
        made = [maker.make(self.clips[item.clip], caption, draw, self.training) for maker in self.makers]
        values = {name: value for fields in made for name, value in fields.items() if name in self.wanted}
        return {"id": item.id, "group": item.clip, **values}


def items_of(split: Split, unit: Unit) -> list[Item]:
    """One item per clip (id: the clip's), or per caption (id: clip#number), in the order of the split."""
    number = {clip.id: row for row, clip in enumerate(split.clips)}
    captions: dict[str, list[str]] = {clip.id: [] for clip in split.clips}
    for caption in split.captions:
        captions[caption.clip_id].append(caption.text)
    if unit == "clip":
        return [Item(id, number[id], tuple(texts)) for id, texts in captions.items()]
    numbered = [(id, row, text) for id, texts in captions.items() for row, text in enumerate(texts)]
    return [Item(f"{id}#{row}", number[id], (text,)) for id, row, text in numbered]
