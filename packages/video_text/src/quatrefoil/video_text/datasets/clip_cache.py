"""A cache of what was decoded of clips: one file of all values, one index, made once by one process.

folder/VALUES       what `read` gives of each clip, one after the other
folder/index.json   clip id -> what is stored of it, with the place of its values in bytes
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, Protocol, Self, TypeVar

import numpy.typing as npt
from tqdm import tqdm

from quatrefoil.core.files import cache_home, locked, whole_folder
from quatrefoil.video_text.datasets.corpus import Clip, Split

_SPARE: Final = 1 << 28  # bytes that are left free on the disk
_AT_ONCE: Final = 256  # a pool keeps all results that no one has taken yet


class Placed(Protocol):
    """What is stored of a clip; a NamedTuple with the place of its values."""

    @property
    def offset(self) -> int:
        """In bytes."""

    def _replace(self, *, offset: int) -> Self: ...


Found = TypeVar("Found", bound=Placed)
ReadClip = Callable[[Clip], tuple[Found, npt.NDArray[Any]]]


@dataclass(frozen=True)
class CacheOf:
    """Which cache.

    Args:
        kind: folder below the cache's home, and word for the progress bar.
        values: name of the file of values.
        layout: a cache of another layout is made anew.
        facts: what else than the clips decides its content.
    """

    kind: str
    values: str
    layout: int
    facts: Any

    def folder(self, splits: Sequence[Split]) -> Path:
        """Named by a hash of what decides its content."""
        key = json.dumps([self.layout, [split.fingerprint for split in splits], self.facts])
        return cache_home() / self.kind / hashlib.sha256(key.encode()).hexdigest()[:16]

    def made(self, splits: Sequence[Split], read: ReadClip[Found], workers: int) -> Path:
        """The folder, made in `workers` processes if need be; a process that finds another one at work waits for it.

        Raises:
            ValueError: the disk is too small.
        """
        folder = self.folder(splits)
        with locked(folder):
            if not folder.is_dir():
                with whole_folder(folder) as part:
                    self._write(part, [clip for split in splits for clip in split.clips], read, workers)
        return folder

    def _write(self, folder: Path, clips: Sequence[Clip], read: ReadClip[Found], workers: int) -> None:
        index: dict[str, Found] = {}
        with (folder / self.values).open("wb") as file:
            found = tqdm(_read_all(clips, read, workers), f"cache of {self.kind}", len(clips), unit="clip")
            for clip, (stored, values) in zip(clips, found, strict=True):
                _check_space(folder, values.nbytes, len(index), len(clips))
                index[clip.id] = stored._replace(offset=file.tell())
                file.write(values.tobytes())
        (folder / "index.json").write_text(json.dumps(index), encoding="utf-8")


def read_index(folder: Path) -> dict[str, list[Any]]:
    """Clip id -> the fields of what is stored of it."""
    index: dict[str, list[Any]] = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    return index


def _check_space(folder: Path, wanted: int, done: int, clips: int) -> None:
    if shutil.disk_usage(folder).free < wanted + _SPARE:
        raise ValueError(
            f"{folder.parent}: the disk is full after {done} of {clips} clips; free some space, point QUATREFOIL_CACHE "
            "at a larger disk, sample at a lower fps, or set cache_frames=false"
        )


def _read_all(clips: Sequence[Clip], read: ReadClip[Found], workers: int) -> Iterator[tuple[Found, npt.NDArray[Any]]]:
    """In order."""
    if workers <= 1:
        yield from map(read, clips)
        return
    with ProcessPoolExecutor(workers, get_context("forkserver")) as pool:
        for start in range(0, len(clips), _AT_ONCE):
            yield from pool.map(read, clips[start : start + _AT_ONCE], chunksize=4)
