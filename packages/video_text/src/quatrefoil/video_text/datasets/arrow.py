"""Corpora in arrow or parquet files, through Hugging Face `datasets`: mapped, read at random, nothing downloaded."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quatrefoil.core.files import cache_home
from quatrefoil.video_text.datasets.corpus import CorpusError, SplitName
from quatrefoil.video_text.datasets.pair_table import Pair, table_of
from quatrefoil.video_text.datasets.table_corpus import ABSENT, Locator, Source, TableCorpus
from quatrefoil.video_text.media.errors import MediaError
from quatrefoil.video_text.media.stored import Stored

_MEDIA = ("video", "image", "mp4", "webm", "gif", "jpg", "png")
_CAPTION = ("caption", "captions", "sentence", "text", "txt")
_ID = ("id", "clip_id", "videoid", "image_id", "key", "__key__")
_ROWS = 10_000  # read at once


class Columns(NamedTuple):
    """The columns of a data set that are read; without `id`, clips are named by their rows."""

    media: str
    caption: str
    id: str | None


class ArrowFolder(TableCorpus):
    """What `datasets` saved with `save_to_disk`, or parquet files as hubs lay them out, with protocol `arrow`.

    Splits are train, val (or validation) and test; a data set without splits is `train`. Parquet files are
    `<split>-*.parquet`, in `data/` or not, and are unpacked once to arrow files, as long as they are, below
    `cache_home()`. Of its columns exactly one is called `video`, `image` or by an extension, exactly one `caption`,
    `captions`, `sentence`, `text` or `txt` (a text, or a list of them), and at most one is the id; rows of one id are
    captions of one clip. Media are bytes, or paths (from the folder), or both as `datasets` keeps its own.

    Data sets that can only be streamed are not read: without random access neither the order nor groups nor a resume
    at another world size could be kept.
    """

    name = "arrow"
    protocols = ("arrow",)

    def _find(self, protocol: str, split: SplitName) -> Source | None:
        rows = opened(self.root).get(split)
        if rows is None:
            return None
        columns = _columns(rows.column_names, f"{self.root}: {split}")
        files = [Path(file["filename"]) for file in rows.cache_files]
        table = table_of(files, f"arrow {split} {columns}", _pairs(rows, columns, split))
        row_A = table.places_CP.values[:, 0]
        return Source(table, _InRows(self.root, split, columns.media), _sizes(rows, columns.media, self.root)[row_A])

    def _nothing(self, protocol: str) -> str:
        return f"{self.root} holds no data set of save_to_disk, and no <split>-*.parquet, with train, val or test"

    def _mend_missing(self) -> str:
        return "Put the files where the rows say"


@cache
def opened(root: Path) -> Mapping[str, Any]:
    """The splits of a folder as mapped `datasets.Dataset`s, opened once in each process.

    Raises:
        ImportError: `datasets` is not installed.
    """
    try:
        import datasets
    except ImportError as error:
        raise ImportError("arrow corpora need `datasets`: pip install 'quatrefoil-video-text[datasets]'") from error
    if (root / "dataset_dict.json").is_file() or (root / "state.json").is_file():
        held: Any = datasets.load_from_disk(str(root))
    elif files := _parquet_files(root):
        held = datasets.DatasetDict.from_parquet(files, cache_dir=str(cache_home() / "parquet"))
    else:
        return {}
    splits = held if isinstance(held, dict) else {"train": held}
    return {"val" if name == "validation" else str(name): rows for name, rows in splits.items()}


def _parquet_files(root: Path) -> dict[str, list[str]]:
    names = ("train", "val", "validation", "test")
    paths = {
        name: sorted(path for folder in ("", "data/") for path in root.glob(f"{folder}{name}-*.parquet"))
        for name in names
    }
    return {name: [str(path) for path in found] for name, found in paths.items() if found}


def _columns(names: Sequence[str], where: str) -> Columns:
    media, caption, id = ([name for name in names if name in known] for known in (_MEDIA, _CAPTION, _ID))
    if len(media) != 1 or len(caption) != 1 or len(id) > 1:
        raise CorpusError(
            f"{where}: needs one column of {', '.join(_MEDIA)}, one of {', '.join(_CAPTION)} and at most one of "
            f"{', '.join(_ID)}; it has {', '.join(names)}. Rename or remove columns"
        )
    return Columns(media[0], caption[0], id[0] if id else None)


def _pairs(rows: Any, columns: Columns, split: SplitName) -> Iterator[Pair]:
    names = [name for name in (columns.caption, columns.id) if name]
    number = 0
    for batch in rows.select_columns(names).with_format("arrow").iter(_ROWS):
        ids = batch[columns.id].to_pylist() if columns.id else [None] * len(batch)
        for id, held in zip(ids, batch[columns.caption].to_pylist(), strict=True):
            texts = [held] if isinstance(held, str) else held
            if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
                raise CorpusError(f"{split}: row {number} needs a text or texts in {columns.caption!r}, has {held!r}")
            yield from (Pair(f"{split}/{number}" if id is None else str(id), text, (number,)) for text in texts)
            number += 1


def _sizes(rows: Any, column: str, root: Path) -> NDArray[np.int64]:
    """The length of the media of each row in bytes, or `ABSENT`. Bytes are not read, only where they end."""
    import pyarrow as pa
    from pyarrow import compute

    cells = rows.select_columns([column]).with_format("arrow")[:][column]
    held = compute.struct_field(cells, "bytes") if pa.types.is_struct(cells.type) else cells
    if pa.types.is_string(held.type):
        return np.array([_size(root, path) for path in held.to_pylist()], np.int64)
    if pa.types.is_null(held.type):  # all are paths
        held = held.cast(pa.binary())
    sizes = np.asarray(compute.fill_null(compute.binary_length(held), ABSENT), np.int64)
    if pa.types.is_struct(cells.type):
        paths = compute.struct_field(cells, "path")
        for row in np.flatnonzero(sizes == ABSENT).tolist():
            sizes[row] = _size(root, paths[row].as_py())
    return sizes


def _size(root: Path, path: str | None) -> int:
    return (root / path).stat().st_size if path and (root / path).is_file() else ABSENT


@dataclass(frozen=True)
class _InRows(Locator):
    """Media are cells of a column; places are rows."""

    root: Path
    split: str
    column: str

    def media(self, id: str, place_P: Sequence[int]) -> "ArrowCell":
        """The cell."""
        return ArrowCell(self.root, self.split, self.column, place_P[0], id)


@dataclass(frozen=True)
class ArrowCell(Stored):
    """A cell of a data set that holds media, or says where they are."""

    root: Path
    split: str
    column: str
    row: int
    id: str

    @property
    def place(self) -> Path:
        """The folder of the data set, split and id."""
        return self.root / self.split / self.id

    def read(self) -> bytes:
        """The media. Raises: MediaError, for an empty cell; FileNotFoundError, where it names no file."""
        rows = opened(self.root)[self.split].select_columns([self.column]).with_format("arrow")
        held = rows[self.row][self.column][0].as_py()
        content = held["bytes"] if isinstance(held, dict) else held
        path = held["path"] if isinstance(held, dict) else held
        if isinstance(content, bytes):
            return content
        if not isinstance(path, str):
            raise MediaError(self.place, f"the cell of {self.column!r} holds nothing")
        return (self.root / path).read_bytes()
