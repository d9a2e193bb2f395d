"""MSVD: 1,970 clips with about 40 captions each (Chen and Dolan, ACL 2011)."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from quatrefoil.video_text.datasets.corpus import Corpus, CorpusError, Entry, Listing, SplitName
from quatrefoil.video_text.datasets.plain_pickle import read_plain_pickle
from quatrefoil.video_text.datasets.readers import read_json

_JSON_FILE, _PICKLE_FILE = "captions_msvd.json", "raw-captions.pkl"
_SPLITS: tuple[SplitName, ...] = ("train", "val", "test")


class Msvd(Corpus):
    """MSVD under `msvd-all-captions`: 1,200 / 100 / 670 clips, each caption a query of its own in text-to-video.

    (Results with one caption per clip exist, but which caption is nowhere defined, so there is no such protocol here.)

    Files: `train_list.txt`, `val_list.txt`, `test_list.txt` (one id a line); captions as `captions_msvd.json`
    ({id: [caption]}) or `raw-captions.pkl` ({id: [caption or list of words]}), the json first. The pickle is read as
    data: only dictionaries, lists, tuples, sets, texts and numbers can come out of it, and nothing in it is executed.
    """

    name = "msvd"
    protocols: ClassVar[tuple[str, ...]] = ("msvd-all-captions",)
    video_folders: ClassVar[tuple[str, ...]] = ("videos", "videos/all", "YouTubeClips", ".")

    def _listing(self, protocol: str) -> Listing:
        return {name: tuple(Entry(id, self._captions.get(id, ())) for id in self._ids(name)) for name in _SPLITS}

    def _ids(self, split: SplitName) -> list[str]:
        return self.annotation(f"{split}_list.txt").read_text(encoding="utf-8").split()

    @cached_property
    def _captions(self) -> Mapping[str, tuple[str, ...]]:
        path = self.find_annotation(_JSON_FILE) or self.find_annotation(_PICKLE_FILE)
        if path is None:
            raise CorpusError(f"{self.name}: needs {_JSON_FILE} or {_PICKLE_FILE} in {self.root} or in annotation/")
        content = read_json(path) if path.suffix == ".json" else read_plain_pickle(path)
        if not isinstance(content, dict):
            raise CorpusError(f"{path}: needs a dictionary of captions by clip id, has a {type(content).__name__}")
        return {id: _sentences(captions, f"{path}: {id!r}") for id, captions in content.items()}


def _sentences(captions: Any, where: str) -> tuple[str, ...]:
    if not isinstance(captions, Sequence) or isinstance(captions, str | bytes):
        raise CorpusError(f"{where}: needs a list of captions, has a {type(captions).__name__}")
    return tuple(_sentence(caption, where) for caption in captions)


def _sentence(caption: Any, where: str) -> str:
    words = [caption] if isinstance(caption, str) else caption
    if not isinstance(words, Sequence) or not all(isinstance(word, str) for word in words):
        raise CorpusError(f"{where}: a caption must be a text or a list of words, not {caption!r}")
    return " ".join(words)
