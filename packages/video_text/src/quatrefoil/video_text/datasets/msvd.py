"""MSVD: 1,970 clips with about 40 captions each (Chen and Dolan, ACL 2011)."""

from functools import cached_property
from typing import ClassVar

from quatrefoil.video_text.datasets.caption_files import Captions, read_captions
from quatrefoil.video_text.datasets.corpus import AbsentError, Corpus, Entry, Listing, SplitName

_JSON_FILE, _PICKLE_FILE = "captions_msvd.json", "raw-captions.pkl"
_SPLITS: tuple[SplitName, ...] = ("train", "val", "test")


class Msvd(Corpus):
    """MSVD under `msvd-all-captions`: 1,200 / 100 / 670 clips, each caption a query of its own in text-to-video.

    (Results with one caption per clip exist, but which caption is nowhere defined, so there is no such protocol here.)

    Files: `train_list.txt`, `val_list.txt`, `test_list.txt` (one id a line); captions as `captions_msvd.json`
    ({id: [caption]}) or `raw-captions.pkl` ({id: [caption or list of words]}), the json first; see `read_captions`.
    """

    name = "msvd"
    protocols: ClassVar[tuple[str, ...]] = ("msvd-all-captions",)
    video_folders: ClassVar[tuple[str, ...]] = ("videos", "videos/all", "YouTubeClips", ".")

    def _listing(self, protocol: str) -> Listing:
        return {name: tuple(Entry(id, self._captions.get(id, ())) for id in self._ids(name)) for name in _SPLITS}

    def _ids(self, split: SplitName) -> list[str]:
        return self.annotation(f"{split}_list.txt").read_text(encoding="utf-8").split()

    @cached_property
    def _captions(self) -> Captions:
        path = self.find_annotation(_JSON_FILE) or self.find_annotation(_PICKLE_FILE)
        if path is None:
            raise AbsentError(f"{self.name}: needs {_JSON_FILE} or {_PICKLE_FILE} in {self.root} or in annotation/")
        return read_captions(path)
