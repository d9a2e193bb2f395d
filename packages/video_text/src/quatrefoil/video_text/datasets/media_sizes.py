"""How long the files of a manifest are: asked of the disk once, and again only where one of their folders has changed.

A file that comes, goes or takes another's place changes its folder, so later starts ask for folders, of which there is
one to hundreds of files, and read the rest from the cache. What that cannot see is a file that is overwritten in place:
it keeps the size that it had in the fingerprint, and if it cannot be read it is a bad sample, which is counted.

Shapes: A clips as annotated.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quatrefoil.core.files import cache_home, locked, whole_folder

_SETTLED_S = 2.0  # a folder that changed later than so long ago may change again within one tick of its file system
State = list[int] | None
"""What changes where a folder does; None = it is not there."""


def sizes_once(
    ids: Sequence[str], folders: Sequence[Path], content: str, size: Callable[[str], int]
) -> NDArray[np.int64]:
    """The size of the file of each clip (A,), as `size` finds it where the cache does not know.

    Args:
        ids: paths of files below one of `folders`.
        content: a hash of `ids`.
    """
    where = json.dumps([content, *(str(folder.resolve()) for folder in folders)])
    kept = cache_home() / "media-sizes" / hashlib.sha256(where.encode()).hexdigest()[:16]
    with locked(kept):
        parents = _read(kept / "parents.json") or sorted({id.rpartition("/")[0] for id in ids})
        states = [_state(f"{folder}/{parent}") for folder in folders for parent in parents]
        if states == _read(kept / "states.json"):
            found: NDArray[np.int64] = np.load(kept / "sizes.npy", mmap_mode="r")
            return found
        sizes_A = np.fromiter(map(size, ids), np.int64, len(ids))
        shutil.rmtree(kept, ignore_errors=True)
        if _settled(states):
            _keep(kept, parents, states, sizes_A)
    return sizes_A


def _keep(kept: Path, parents: list[str], states: list[State], sizes_A: NDArray[np.int64]) -> None:
    with whole_folder(kept) as part:
        np.save(part / "sizes.npy", sizes_A)
        (part / "parents.json").write_text(json.dumps(parents), encoding="utf-8")
        (part / "states.json").write_text(json.dumps(states), encoding="utf-8")


def _read(path: Path) -> Any:
    """None where nothing is kept."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _state(folder: str) -> State:
    try:
        found = os.stat(folder)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return [found.st_ino, found.st_ctime_ns, found.st_mtime_ns]


def _settled(states: Iterable[State]) -> bool:
    """Whether no folder has changed just now. States are taken before sizes, so what changes in between is noticed."""
    latest = max((state[-1] for state in states if state), default=0)
    return latest < (time.time() - _SETTLED_S) * 1e9
