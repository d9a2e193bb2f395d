"""Corpora whose protocols are files, one or more for each split: of captions here, of questions in `questions.py`."""

import hashlib
import reprlib
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from quatrefoil.video_text.datasets.corpus import AbsentError, Caption, Corpus, CorpusError, Entry, Listing, SplitName

Files = Mapping[SplitName, Sequence[str]]
"""For each split the names that its file goes by; the first that is there is read."""

NO_VAL, ZERO_SHOT = "-noval", "-zeroshot"
_HELD_OUT = 20  # one clip of this many


class AboutClip(Protocol):
    """A caption or a question: it belongs to a clip."""

    @property
    def clip_id(self) -> str: ...


Item = TypeVar("Item", bound=AboutClip)


def variants(files: Mapping[str, Files]) -> tuple[str, ...]:
    """The protocols that split files make.

    - The name itself: the splits as published. Where a set has training clips and no validation set, one clip of 20 is
      taken out of training to validate on (`is_held_out`).
    - `-noval`, only where that happens: all of the training clips, and nothing to validate on.
    - `-zeroshot`, where there is a test split: the test split alone, so that no other file or video has to be there.
    """
    found = []
    for name, splits in files.items():
        found.append(name)
        found += [name + NO_VAL] if "train" in splits and "val" not in splits else []
        found += [name + ZERO_SHOT] if {"train", "test"} <= set(splits) else []
    return tuple(found)


def is_held_out(clip_id: str) -> bool:
    """Whether a clip of a training set without a validation set is one to validate on.

    Our rule: the first eight bytes of the SHA-256 of the clip's id, as a big-endian number, are divisible by 20. It
    goes by clip, so that all captions and questions of a clip stay together, and it depends on no other clip.
    """
    return int.from_bytes(hashlib.sha256(clip_id.encode()).digest()[:8]) % _HELD_OUT == 0


class SplitFiles(Corpus, Generic[Item]):
    """A corpus read from one file for each split. Splits whose file is not there are not in the listing.

    Subclasses name their `files` (protocol -> split -> file names), set `protocols = variants(files)`, and read a file.
    """

    files: ClassVar[Mapping[str, Files]]

    @abstractmethod
    def _read(self, task: str, split: SplitName, path: Path) -> Iterable[Item]:
        """The items of one file; `task` is a key of `files`."""

    @abstractmethod
    def _text(self, item: Item) -> str:
        """What the listing says of an item."""

    def items(self, protocol: str) -> Mapping[SplitName, Sequence[Item]]:
        """The items of each split of `protocol`, as annotated, whether or not their videos are on disk.

        Raises:
            CorpusError: an unknown protocol, no file of it here, or a malformed one.
        """
        task = protocol.removesuffix(NO_VAL).removesuffix(ZERO_SHOT)
        if protocol not in self.protocols or task not in self.files:
            raise CorpusError(f"{self.name} has no protocol {protocol!r}; it has {', '.join(self.protocols)}")
        if protocol.endswith(ZERO_SHOT):
            return self._of(task, ("test",))
        found = self._of(task, tuple(self.files[task]))
        if "val" in self.files[task] or protocol.endswith(NO_VAL) or "train" not in found:
            return found
        train, val = (
            [item for item in found["train"] if is_held_out(self._kept_together(item)) == out] for out in (False, True)
        )
        rest: dict[SplitName, Sequence[Item]] = {name: items for name, items in found.items() if name != "train"}
        return {"train": train, "val": val, **rest}

    def _kept_together(self, item: Item) -> str:
        """What goes to one side of a split as a whole: the clip; of clips that are parts of videos the video."""
        return item.clip_id

    def _of(self, task: str, splits: Sequence[SplitName]) -> dict[SplitName, Sequence[Item]]:
        paths = {split: path for split in splits if (path := self._path(task, split))}
        if not paths:
            choices = "; ".join(f"{split}: {' or '.join(self.files[task][split])}" for split in splits)
            raise AbsentError(f"{self.name}: none of the files of {task} is under {self.root} ({choices})")
        return {split: self._items(task, split, path) for split, path in paths.items()}

    def _path(self, task: str, split: SplitName) -> Path | None:
        return next((path for path in map(self.find_annotation, self.files[task][split]) if path), None)

    @cache  # noqa: B019 - a corpus lives as long as the run, and annotations are read once
    def _items(self, task: str, split: SplitName, path: Path) -> tuple[Item, ...]:
        return tuple(self._read(task, split, path))

    def _listing(self, protocol: str) -> Listing:
        return {name: self._entries(items) for name, items in self.items(protocol).items()}

    def _entries(self, items: Iterable[Item]) -> tuple[Entry, ...]:
        texts: dict[str, list[str]] = {}
        for item in items:
            texts.setdefault(item.clip_id, []).append(self._text(item))
        return tuple(Entry(id, tuple(of_clip)) for id, of_clip in texts.items())


class CaptionFiles(SplitFiles[Caption]):
    """Captions; a clip that is listed on several rows has all of their captions."""

    def _text(self, item: Caption) -> str:
        return item.text


def text_of(value: Any, what: str, where: str) -> str:
    """`value`, found to be a text of more than spaces. Raises CorpusError, with `what` is wanted and where."""
    if not isinstance(value, str) or not value.strip():
        raise CorpusError(f"{where}: needs a text {what!r}, has {reprlib.repr(value)}")
    return value
