"""Pairs from the web by manifest: WebVid (Bain et al., ICCV 2021) and Conceptual Captions (Sharma et al., ACL 2018).

Of such sets everyone has another part, so most uses set `missing="drop"`, and the protocol's id says how many are
there.
"""

import os
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from quatrefoil.video_text.datasets.clover_pickles import clover_captions
from quatrefoil.video_text.datasets.corpus import SplitName
from quatrefoil.video_text.datasets.media_sizes import sizes_once
from quatrefoil.video_text.datasets.pair_table import Pair, table_of
from quatrefoil.video_text.datasets.readers import read_table, read_tabs
from quatrefoil.video_text.datasets.split_files import Files, text_of
from quatrefoil.video_text.datasets.table_corpus import ABSENT, Locator, Source, TableCorpus

_PER_SHARD = 10_000

IdCaption = tuple[str, str]


@dataclass(frozen=True)
class _Below(Locator):
    """Media are files below one of `folders`, by their ids: the first that is there."""

    folders: tuple[Path, ...]

    def media(self, id: str, place_P: Sequence[int]) -> Path:
        """Where the file is, or else where it should be."""
        paths = [folder / id for folder in self.folders]
        return next((path for path in paths if path.is_file()), paths[0])

    def size(self, id: str) -> int:
        """The length of the file in bytes, or `ABSENT`."""
        for folder in self.folders:
            with suppress(FileNotFoundError, NotADirectoryError):
                return os.stat(f"{folder}/{id}").st_size
        return ABSENT


class _Manifest(TableCorpus):
    """A clip's id is the path of its file, below one of `video_folders`."""

    files: ClassVar[Mapping[str, Files]]

    @abstractmethod
    def _read(self, split: SplitName, path: Path) -> Iterator[IdCaption]:
        """The captions of one file."""

    def _find(self, protocol: str, split: SplitName) -> Source | None:
        path = self._path(protocol, split)
        if path is None:
            return None
        pairs = (Pair(id, text_of(text, "caption", f"{path}: {id}")) for id, text in self._read(split, path))
        table = table_of([path], f"{self.name} {protocol} {split}", pairs)
        below = _Below(tuple(self.root / folder for folder in self.video_folders))
        return Source(table, below, sizes_once(table.ids, below.folders, table.digest, below.size))

    def _path(self, protocol: str, split: SplitName) -> Path | None:
        names = self.files[protocol].get(split, ())
        return next((path for path in map(self.find_annotation, names) if path), None)

    def _nothing(self, protocol: str) -> str:
        choices = "; ".join(f"{split}: {' or '.join(names)}" for split, names in self.files[protocol].items())
        return f"none of the files of {protocol} is under {self.root} ({choices})"


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
    protocols = tuple(files)

    def _read(self, split: SplitName, path: Path) -> Iterator[IdCaption]:
        if path.suffix == ".pkl":
            return _pickled(path)
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
    protocols = tuple(files)

    def _read(self, split: SplitName, path: Path) -> Iterator[IdCaption]:
        if path.suffix == ".pkl":
            return _pickled(path)
        return _conceptual(path, split) if "GCC" in path.name else _named(path, "\t")


def _pickled(path: Path) -> Iterator[IdCaption]:
    return ((caption.clip_id, caption.text) for caption in clover_captions(path, ()))


def _webvid(path: Path) -> Iterator[IdCaption]:
    for row in read_table(path, ("videoid", "page_dir", "name")):
        yield f"{row['page_dir']}/{row['videoid']}.mp4", row["name"]


def _named(path: Path, delimiter: str) -> Iterator[IdCaption]:
    for row in read_table(path, ("filename", "text"), delimiter):
        yield row["filename"], row["text"]


def _conceptual(path: Path, split: SplitName) -> Iterator[IdCaption]:
    for number, (caption, _) in enumerate(read_tabs(path, [2])):
        file = f"{split}/{number // _PER_SHARD:05}/{number:09}.jpg"
        yield file, caption
