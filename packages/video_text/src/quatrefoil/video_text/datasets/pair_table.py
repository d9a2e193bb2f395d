"""The annotation of one split of a large corpus as a table of mapped columns, made once below `cache_home()`.

Shapes: N captions, C clips, P numbers that say where the media of a clip lie.
"""

import hashlib
import json
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quatrefoil.core.files import cache_home, locked, whole_folder
from quatrefoil.core.wording import first_few
from quatrefoil.video_text.datasets.columns import Lazy, Numbers, Picked, Texts, TextWriter
from quatrefoil.video_text.datasets.corpus import CorpusError

_LAYOUT = 2  # of the table; one of another layout is made anew


class Pair(NamedTuple):
    """A caption and its clip; `place` says where the clip's media lie, in as many numbers as the corpus needs."""

    id: str
    caption: str
    place: tuple[int, ...] = ()


class Problem(NamedTuple):
    """What is wrong with a source, in words."""

    text: str


class PairTable(NamedTuple):
    """The clips of one split, in the order in which they first come, and their captions, clip by clip.

    Attributes:
        ids: of the clips (C).
        texts: captions (N); those of clip c are rows first_C1[c] up to first_C1[c + 1].
        keys_C: 64 bits of a hash of each id, sorted.
        places_CP: where the media lie.
        digest: SHA-256 over ids and captions in the order of the source.
        wordless: how many captions are empty, of clips in which nothing is said.
        problems: what was found wrong with the source.
    """

    ids: Lazy[str]
    texts: Lazy[str]
    first_C1: Numbers
    keys_C: Numbers
    places_CP: Numbers
    digest: str
    wordless: int
    problems: tuple[str, ...]


def table_of(
    sources: Iterable[Path], what: str, rows: Iterable[Pair | Problem], *, one_place: bool = False
) -> PairTable:
    """The table of `rows`, made once for these `sources` (path, size and time of change) and `what` is read of them.

    `rows` are drawn only where the table is not there yet. Ranks on one machine share it; a process that finds another
    one at work waits for it.

    Args:
        one_place: rows of one id have to say the same place; else that of the first is the clip's.

    Raises:
        CorpusError: there are no rows, two of one id say different places, or whatever `rows` raises; then nothing is
            left behind.
    """
    states = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in sources]
    where = first_few(path for path, *_ in states)
    key = hashlib.sha256(json.dumps([_LAYOUT, what, states]).encode()).hexdigest()[:16]
    folder = cache_home() / "tables" / key
    with locked(folder):
        if not folder.is_dir():
            with whole_folder(folder) as part:
                moved = _write(part, rows)
                if one_place and len(moved):
                    ids = first_few(Texts(part / "ids")[row] for row in moved)
                    raise CorpusError(
                        f"{where}: rows of one id say different stretches or files ({ids}); give each its own id"
                    )
    table = _opened(folder)
    if not table.ids:
        raise CorpusError(f"there is no clip in {where}")
    return table


def _write(folder: Path, rows: Iterable[Pair | Problem]) -> NDArray[np.int64]:
    """The first rows of the ids of which another row says another place."""
    keys, places, problems = array("Q"), array("q"), list[str]()
    digest, width, wordless = hashlib.sha256(), 0, 0
    with TextWriter(folder / "ids") as ids, TextWriter(folder / "texts") as texts:
        for row in rows:
            if isinstance(row, Problem):
                problems.append(row.text)
                continue
            ids.add(row.id)
            texts.add(row.caption)
            keys.append(_key(row.id))
            places.extend(row.place)
            width = len(row.place)
            wordless += not row.caption
            digest.update(f"{row.id}\0{row.caption}\0".encode())
    places_NP = np.frombuffer(places, np.int64).reshape(len(keys), width)
    moved = _write_clips(folder, np.frombuffer(keys, np.uint64), places_NP)
    about = {"digest": digest.hexdigest(), "wordless": wordless, "problems": problems}
    (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")
    return moved


def _key(id: str) -> int:
    return int.from_bytes(hashlib.blake2b(id.encode(), digest_size=8).digest())


def _write_clips(folder: Path, keys_N: NDArray[np.uint64], places_NP: NDArray[np.int64]) -> NDArray[np.int64]:
    """Clips are rows of one key, in the order of their first rows. That keys collide is less likely than a disk's error
    (10^-7 at 2.5 million ids). The first rows of clips of which another row says another place."""
    sorted_keys_C, row_C, clip_N, texts_C = np.unique(
        keys_N, return_index=True, return_inverse=True, return_counts=True
    )
    order_C = np.argsort(row_C)
    np.save(folder / "keys.npy", sorted_keys_C)
    np.save(folder / "first.npy", np.concatenate([[0], np.cumsum(texts_C[order_C])]))
    np.save(folder / "places.npy", places_NP[row_C[order_C]])
    if len(row_C) < len(keys_N):  # else rows are clips, in order
        np.save(folder / "rows.npy", row_C[order_C])
        rank_C = np.argsort(order_C)
        np.save(folder / "order.npy", np.argsort(rank_C[clip_N], kind="stable"))
    first_N = row_C[clip_N]
    return np.unique(first_N[(places_NP != places_NP[first_N]).any(1)])


def _opened(folder: Path) -> PairTable:
    ids: Lazy[str] = Texts(folder / "ids")
    texts: Lazy[str] = Texts(folder / "texts")
    if (folder / "order.npy").exists():
        ids, texts = Picked(ids, Numbers(folder / "rows.npy")), Picked(texts, Numbers(folder / "order.npy"))
    first_C1, keys_C, places_CP = (Numbers(folder / f"{name}.npy") for name in ("first", "keys", "places"))
    about: dict[str, Any] = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    told = about["digest"], about["wordless"], tuple(about["problems"])
    return PairTable(ids, texts, first_C1, keys_C, places_CP, *told)
