"""Pairs from the web by manifest: WebVid (Bain et al., ICCV 2021) and Conceptual Captions (Sharma et al., ACL 2018).

Of such sets everyone has another part, so most uses set `missing="drop"`, and the protocol's id says how many are
there.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from quatrefoil.video_text.datasets.clover_pickles import clover_captions
from quatrefoil.video_text.datasets.corpus import Caption, SplitName
from quatrefoil.video_text.datasets.readers import read_table, read_tabs
from quatrefoil.video_text.datasets.split_files import CaptionFiles, Files, text_of, variants

_PER_SHARD = 10_000


class _Manifest(CaptionFiles):
    """A clip's id is the path of its file, below one of `video_folders`."""

    @cached_property
    def videos(self) -> Mapping[str, Path]:
        """Clip id -> media file, for all that is listed and on disk."""
        places = [(self.root / folder) for folder in self.video_folders]
        found: dict[str, Path] = {}
        for id in self._listed():
            if path := next((place / id for place in places if (place / id).is_file()), None):
                found[id] = path
        return found

    def _listed(self) -> dict[str, None]:
        splits = [(task, split) for task, splits in self.files.items() for split in splits]
        paths = [(task, split, path) for task, split in splits if (path := self._path(task, split))]
        return {item.clip_id: None for task, split, path in paths for item in self._items(task, split, path)}


class WebVid(_Manifest):
    """WebVid-2M.

    - `webvid-2m`: `results_2M_{train,val}.csv` with videoid, page_dir and name (the caption); videos as the release's
      own script lays them out, `videos/<page_dir>/<videoid>.mp4`. Or `webvid_{train,val}.csv` with filename and text.
    - `webvid-clover`: the pickles of the official Clover code, with filename and text.
    """

    name = "webvid"
    files: ClassVar[Mapping[str, Files]] = {
        "webvid-2m": {
            "train": ("results_2M_train.csv", "webvid_train.csv"),
            "val": ("results_2M_val.csv", "webvid_val.csv"),
        },
        "webvid-clover": {"train": ("webvid_train.pkl",), "val": ("webvid_val.pkl",)},
    }
    protocols = variants(files)

    def _read(self, task: str, split: SplitName, path: Path) -> Iterator[Caption]:
        if path.suffix == ".pkl":
            return clover_captions(path, ())
        return _webvid(path) if path.name.startswith("results") else _named(path, ",")


class Cc3m(_Manifest):
    """Conceptual Captions 3M; images are clips of one frame.

    - `cc3m`: `Train_GCC-training.tsv` and `Validation_GCC-1.1.0-Validation.tsv`, rows of caption and address; the image
      of row N (from 0) is where img2dataset puts it: `NNNNN/NNNNNNNNN.jpg`, in shards of 10,000, in `images/train` or
      `images/val`. Or `cc3m_{train,val}.tsv` with a header, filename and text.
    - `cc3m-clover`: the pickles of the official Clover code, with filename and text.
    """

    name = "cc3m"
    video_folders = ("images", ".")
    files: ClassVar[Mapping[str, Files]] = {
        "cc3m": {
            "train": ("Train_GCC-training.tsv", "cc3m_train.tsv"),
            "val": ("Validation_GCC-1.1.0-Validation.tsv", "cc3m_val.tsv"),
        },
        "cc3m-clover": {"train": ("cc3m_train.pkl",), "val": ("cc3m_val.pkl",)},
    }
    protocols = variants(files)

    def _read(self, task: str, split: SplitName, path: Path) -> Iterator[Caption]:
        if path.suffix == ".pkl":
            return clover_captions(path, ())
        return _conceptual(path, split) if "GCC" in path.name else _named(path, "\t")


def _webvid(path: Path) -> Iterator[Caption]:
    for row in read_table(path, ("videoid", "page_dir", "name")):
        yield Caption(f"{row['page_dir']}/{row['videoid']}.mp4", row["name"])


def _named(path: Path, delimiter: str) -> Iterator[Caption]:
    for row in read_table(path, ("filename", "text"), delimiter):
        yield Caption(row["filename"], row["text"])


def _conceptual(path: Path, split: SplitName) -> Iterator[Caption]:
    for number, (caption, _) in enumerate(read_tabs(path, [2])):
        file = f"{split}/{number // _PER_SHARD:05}/{number:09}.jpg"
        yield Caption(file, text_of(caption, "caption", f"{path}:{number + 1}"))
