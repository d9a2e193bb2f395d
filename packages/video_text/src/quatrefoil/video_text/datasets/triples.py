"""Video, sound and words by manifest: how a set such as the clips that HowTo100M and AudioSet share is given.

Such sets are lists of stretches of videos of the web, of which everyone has another part; so most uses set
`missing="drop"`, and the protocol's id says how many are there.

Shapes: A clips as annotated, P numbers of a place.
"""

import hashlib
import reprlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quatrefoil.video_text.datasets.columns import Lazy
from quatrefoil.video_text.datasets.corpus import Clip, CorpusError, SplitName
from quatrefoil.video_text.datasets.pair_table import Pair, PairTable, table_of
from quatrefoil.video_text.datasets.readers import read_table
from quatrefoil.video_text.datasets.table_corpus import ABSENT, Locator, Source, TableCorpus
from quatrefoil.video_text.media.stored import Media

_NEEDED = ("id", "video", "text")
_FILLED = {"train": ("id", "video")}  # what may not be empty, where that is not all that is needed
_WORDS = (*_NEEDED, "audio")
_COLUMNS = (*_WORDS, "start", "end")
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_ROWS = 10_000  # of a parquet file, read at once
_NONE = -1  # in the place of an end, or of a file of sound, that is not given
_TICKS = 1_000_000  # a second
_LONGEST_S = 1e9  # no stretch lies decades from the start of its file; more ticks would not fit into 64 bits


class Triple(NamedTuple):
    """A row: a stretch in microseconds of a video, the file of its sound if it has one of its own, and what is said
    (nothing, if it is empty)."""

    id: str
    start: int
    end: int
    video: str
    audio: str
    text: str


class Triples(TableCorpus):
    """Stretches of videos with sound and text, under `triples`.

    Files: `train`, `val` and `test`, each as `.parquet`, `.csv` or `.tsv` with a header: `id`, `video`, `text`, and
    where they are needed `start`, `end` (seconds; empty: the ends of the file) and `audio`. `video` and `audio` are
    paths below the folder, or absolute ones; without `audio` the sound is that of the video, and one that has none is
    no error. A text of `train` may be empty: nothing is said there. Several rows of one id are several texts of one
    clip; that they name several stretches or files is an error. Read once into mapped columns.
    """

    name = "triples"
    protocols = ("triples",)

    def _find(self, protocol: str, split: SplitName) -> Source | None:
        path = self._path(split)
        if path is None:
            return None
        rows = partial(_rows, path, _FILLED.get(split, _NEEDED))
        names = table_of([path], "files of triples", (Pair(name, "") for name in _files(rows()))).ids
        table = table_of([path], "triples of one place", _pairs(rows(), names), one_place=True)
        sizes_A = _sizes(table.places_CP.values, [self._size(name) for name in names])
        return Source(_known_by_stretches(table), _Stretches(self.root, names), sizes_A)

    def _path(self, split: SplitName) -> Path | None:
        names = (f"{split}{end}" for end in (".parquet", *_DELIMITERS))
        return next((path for path in map(self.find_annotation, names) if path), None)

    def _size(self, name: str) -> int:
        path = self.root / name
        try:
            return path.stat().st_size if path.is_file() else ABSENT
        except OSError as error:  # a text in the place of a name, a folder that may not be read
            raise CorpusError(
                f"{self.root}: cannot look for {reprlib.repr(name)} ({error.strerror}); the columns video and audio "
                f"name files that may be read"
            ) from error

    def _nothing(self, protocol: str) -> str:
        return f"there is no train, val or test as .parquet, .csv or .tsv under {self.root}"

    def _mend_missing(self) -> str:
        return f"Put the files of the columns video and audio below {self.root}"


@dataclass(frozen=True)
class _Stretches(Locator):
    """Places are start and end in microseconds, and the numbers of the files of video and sound."""

    root: Path
    names: Lazy[str]

    def media(self, id: str, place_P: Sequence[int]) -> Media:
        """The video."""
        return self.root / self.names[place_P[2]]

    def clip(self, id: str, place_P: Sequence[int]) -> Clip:
        """The stretch."""
        start, end, _, audio = place_P
        end_s = None if end == _NONE else end / _TICKS
        sound = None if audio == _NONE else self.root / self.names[audio]
        return Clip(id, self.media(id, place_P), start / _TICKS, end_s, sound)


def _files(rows: Iterator[Triple]) -> Iterator[str]:
    return (name for row in rows for name in (row.video, row.audio) if name)


def _pairs(rows: Iterator[Triple], names: Lazy[str]) -> Iterator[Pair]:
    numbers = {name: number for number, name in enumerate(names)} | {"": _NONE}
    for row in rows:
        yield Pair(row.id, row.text, (row.start, row.end, numbers[row.video], numbers[row.audio]))


def _known_by_stretches(table: PairTable) -> PairTable:
    """The same, but its digest knows the stretches too: by a split's fingerprint caches of it are found."""
    stretches_C2 = table.places_CP.values[:, :2].astype("<i8")
    return table._replace(digest=hashlib.sha256(table.digest.encode() + stretches_C2.tobytes()).hexdigest())


def _sizes(places_AP: NDArray[np.int64], sizes: Sequence[int]) -> NDArray[np.int64]:
    """Bytes of the media of each clip, `ABSENT` where one of its files is not there."""
    size_F = np.array([*sizes, 0], np.int64)  # the last one for `_NONE`
    both_A2 = size_F[places_AP[:, 2:]]
    return np.where((both_A2 == ABSENT).any(1), ABSENT, both_A2.sum(1))


def _rows(path: Path, filled: Sequence[str]) -> Iterator[Triple]:
    rows: Iterator[Mapping[str, Any]]
    rows = _parquet(path) if path.suffix == ".parquet" else read_table(path, filled, _DELIMITERS[path.suffix])
    for number, row in enumerate(rows, start=1):
        yield _triple(row, filled, f"{path}: row {number}")


def _triple(row: Mapping[str, Any], filled: Sequence[str], where: str) -> Triple:
    if absent := [name for name in _NEEDED if name not in row]:
        raise CorpusError(f"{where}: there is no column {', '.join(absent)}; it has {', '.join(map(str, row))}")
    texts = {name: _text(row.get(name), name, where) for name in _COLUMNS}
    if missing := [name for name in filled if not texts[name]]:
        raise CorpusError(f"{where}: needs {', '.join(filled)}; {', '.join(missing)} is empty. Leave such rows out")
    start = _ticks(texts["start"], where) if texts["start"] else 0
    end = _ticks(texts["end"], where) if texts["end"] else _NONE
    if start < 0:
        raise CorpusError(f"{where}: start is {texts['start']} s; a stretch starts at 0 s of its video or later")
    if end != _NONE and end <= start:
        raise CorpusError(f"{where}: the stretch from {texts['start']} to {texts['end']} s is empty")
    return Triple(texts["id"], start, end, texts["video"], texts["audio"], texts["text"])


def _text(value: object, name: str, where: str) -> str:
    """A value as text; what is null is empty. What is no text would become one (`nan`, `b'...'`, `['a', 'b']`)."""
    if value is not None and name in _WORDS and type(value) not in (str, int):
        raise CorpusError(
            f"{where}: {name} is {reprlib.repr(value)}, of type {type(value).__name__}; write the column as text, and "
            f"null where there is none"
        )
    return "" if value is None else str(value).strip()


def _ticks(seconds: str, where: str) -> int:
    try:
        value = float(seconds)
    except ValueError:
        value = float("nan")
    if not abs(value) < _LONGEST_S:
        raise CorpusError(
            f"{where}: start and end are seconds, not {seconds!r}; leave both empty for the ends of the file"
        )
    return round(value * _TICKS)


def _parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        from pyarrow import ArrowInvalid, parquet
    except ImportError as error:
        raise ImportError("parquet files need pyarrow: pip install 'quatrefoil-video-text[datasets]'") from error
    try:
        file = parquet.ParquetFile(path)
    except ArrowInvalid as error:
        raise CorpusError(f"{path}: no parquet file ({error}); fetch it again") from error
    if missing := set(_NEEDED) - set(file.schema_arrow.names):
        raise CorpusError(f"{path}: has no columns {', '.join(sorted(missing))}; it has {file.schema_arrow.names}")
    columns = [name for name in _COLUMNS if name in file.schema_arrow.names]
    for batch in file.iter_batches(_ROWS, columns=columns):
        yield from batch.to_pylist()
