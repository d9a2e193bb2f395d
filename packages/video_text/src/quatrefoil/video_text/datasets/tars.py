"""Corpora in tars, as WebDataset, img2dataset and video2dataset write them: indexed once, then read at random.

A sample is the members of one key (`key.mp4` or `key.jpg`, `key.txt` or `key.json`). With the offsets of all members
known, a tar on a local or mounted disk is as good as a folder of files: the ordinary sampler serves it, with all that
it guarantees. What lies behind an address of the web has to be fetched or mounted first.
"""

import json
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from quatrefoil.video_text.datasets.corpus import EXTENSIONS, CorpusError, SplitName
from quatrefoil.video_text.datasets.pair_table import Pair, Problem, table_of
from quatrefoil.video_text.datasets.table_corpus import ABSENT, Locator, Source, TableCorpus
from quatrefoil.video_text.media.tar import TarMember

_MEDIA = (*EXTENSIONS, ".gif", ".jpg", ".jpeg", ".png", ".webp")
_CAPTION_KEYS = ("caption", "text")  # of json members: img2dataset's and video2dataset's, and the other usual name
_BLOCK = 512  # bytes of a header; an empty one marks the end


class Place(NamedTuple):
    """Where a member's content lies, in bytes from the start of its tar."""

    offset: int
    size: int


@dataclass
class _Sample:
    """The members of one key; `broken` says which of them cannot be used."""

    media: list[Place] = field(default_factory=list)
    captions: dict[str, list[str]] = field(default_factory=dict)  # kind of member -> captions
    broken: list[str] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """Its captions: those of the txt member, or else of the json one."""
        return self.captions.get(".txt") or self.captions.get(".json") or []

    @property
    def problem(self) -> str | None:
        """What makes it no sample."""
        if self.broken:
            return ", ".join(self.broken)
        if len(self.media) != 1:
            return f"has {len(self.media) or 'no'} media"
        return None if self.texts else "has no caption"


class Tars(TableCorpus):
    """Tars of samples, with protocol `tars`.

    Splits are folders, `train/*.tar`, or beginnings of names, `train-00000.tar`; likewise `val` and `test`. A clip's id
    is `<tar without .tar>/<key>`, as keys are unique in one tar alone. Captions: `key.txt`, or else `caption` or `text`
    of `key.json` (a text, or a list of them). Members of other kinds are passed over.

    A key without media or caption, with several of either, or that is cut off is an error that names it, or, with
    `missing="drop"`, is left out and counted in the protocol's id.
    """

    name = "tars"
    protocols = ("tars",)

    def _find(self, protocol: str, split: SplitName) -> Source | None:
        shards = self._shards(split)
        if not shards:
            return None
        table = table_of(shards, f"tars {[self._shard_id(shard) for shard in shards]}", self._rows(shards))
        return Source(table, _InTars(tuple(shards)), np.asarray(table.places_CP.values[:, 2]))

    def _shards(self, split: SplitName) -> list[Path]:
        return sorted([*self.root.glob(f"{split}/*.tar"), *self.root.glob(f"{split}*.tar")])

    def _shard_id(self, shard: Path) -> str:
        return shard.relative_to(self.root).with_suffix("").as_posix()

    def _rows(self, shards: Sequence[Path]) -> Iterator[Pair | Problem]:
        for number, shard in enumerate(tqdm(shards, "index tars", unit="tar")):
            yield from index_tar(shard, self._shard_id(shard), number)

    def _nothing(self, protocol: str) -> str:
        compressed = [path for kind in ("*.tar.*", "*.tgz") for path in self.root.rglob(kind)]
        unpack = "; those that are compressed must be unpacked to .tar, to be read at random" if compressed else ""
        return f"there is no <split>/*.tar or <split>*.tar (train, val, test) under {self.root}{unpack}"

    def _mend_missing(self) -> str:
        return "Mend the tars"


@dataclass(frozen=True)
class _InTars(Locator):
    """Media are members of tars; places are the number of the tar, offset and size."""

    shards: tuple[Path, ...]

    def media(self, id: str, place_P: Sequence[int]) -> TarMember:
        """The member."""
        shard, offset, size = place_P
        return TarMember(self.shards[shard], id.rsplit("/", 1)[-1], offset, size)


def index_tar(path: Path, prefix: str, number: int) -> Iterator[Pair | Problem]:
    """The samples of a tar, with places (number, offset, size); those that are none have size `ABSENT` and a `Problem`.

    Reads headers and captions, and passes over the media.

    Raises:
        CorpusError: the file is no tar.
    """
    samples: dict[str, _Sample] = {}
    if damage := _fill(samples, path):
        yield Problem(f"{path}: {damage}; fetch it again")
    for key, sample in samples.items():
        if sample.problem:
            yield Problem(f"{path}: {key} {sample.problem}")
            yield Pair(f"{prefix}/{key}", "", (number, 0, ABSENT))
        else:
            yield from (Pair(f"{prefix}/{key}", text, (number, *sample.media[0])) for text in sample.texts)


def _fill(samples: dict[str, _Sample], path: Path) -> str | None:
    """Put the members of a tar into `samples`; what is wrong with the tar as a whole."""
    try:
        with tarfile.open(path, "r:") as tar:
            return _read_members(samples, tar, path)
    except tarfile.ReadError as error:
        raise CorpusError(f"{path} is no tar that can be read ({error}); fetch it again") from error


def _read_members(samples: dict[str, _Sample], tar: tarfile.TarFile, path: Path) -> str | None:
    length = path.stat().st_size
    try:
        for member in tar:
            if member.isfile():
                _add(samples, tar, member, length)
    except tarfile.ReadError as error:
        return f"is cut off ({error})"
    with path.open("rb") as file:  # tarfile takes what is no header for the end
        file.seek(tar.offset)
        at_end = file.read(_BLOCK) == bytes(_BLOCK)
    return (
        None if at_end else f"is cut off or damaged at byte {tar.offset}, where its next member or end mark should be"
    )


def _add(samples: dict[str, _Sample], tar: tarfile.TarFile, member: tarfile.TarInfo, length: int) -> None:
    folder, _, name = member.name.rpartition("/")
    stem, _, extension = name.partition(".")
    key, kind = f"{folder}/{stem}".lstrip("./"), f".{extension.lower()}"
    if kind not in (*_MEDIA, ".txt", ".json"):
        return
    sample = samples.setdefault(key, _Sample())
    if member.offset_data + member.size > length:
        sample.broken.append(f"is cut off in {kind}")
    elif kind in _MEDIA:
        sample.media.append(Place(member.offset_data, member.size))
    elif kind in sample.captions:
        sample.broken.append(f"has several {kind}")
    else:
        file = tar.extractfile(member)
        assert file is not None, "a regular member has content"
        sample.captions[kind] = _captions(file.read(), kind)


def _captions(content: bytes, kind: str) -> list[str]:
    """The captions that a member holds, none where it is not what its kind says."""
    try:
        held: Any = content.decode().strip() if kind == ".txt" else json.loads(content)
    except ValueError:
        return []
    if isinstance(held, dict):
        held = next((held[key] for key in _CAPTION_KEYS if held.get(key)), "")
    texts = [held] if isinstance(held, str) else held
    good = isinstance(texts, list) and all(isinstance(text, str) and text.strip() for text in texts)
    return texts if good else []
