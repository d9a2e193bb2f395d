"""The words of texts that may be masked, as mapped columns: millions of texts cost a worker the pages that it reads.

Shapes: N texts, S words of all texts.
"""

import hashlib
from array import array
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from quatrefoil.core.files import locked, whole_folder
from quatrefoil.video_text.datasets.columns import Numbers
from quatrefoil.video_text.text.semantic import Span


class Candidates(Protocol):
    """Text -> the words in it that may be masked."""

    def __getitem__(self, text: str, /) -> Sequence[Span]: ...


class StoredCandidates:
    """What `store_candidates` wrote to `folder`; pickled as its path."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def _columns(self) -> tuple[Numbers, Numbers, Numbers]:
        keys_N, first_N1, spans_S2 = (Numbers(self._folder / f"{name}.npy") for name in ("keys", "first", "spans"))
        return keys_N, first_N1, spans_S2

    def __getitem__(self, text: str, /) -> tuple[Span, ...]:
        """Raises KeyError for a text that was not stored."""
        keys_N, first_N1, spans_S2 = self._columns
        key = _key(text)
        row = int(np.searchsorted(keys_N.values, key))
        if row == len(keys_N) or keys_N[row] != key:
            raise KeyError(text)
        return tuple(Span(*span) for span in spans_S2.values[first_N1[row] : first_N1[row + 1]].tolist())

    def __reduce__(self) -> tuple[type["StoredCandidates"], tuple[Path]]:
        return StoredCandidates, (self._folder,)


def store_candidates(folder: Path, found: Mapping[str, Sequence[Span]]) -> None:
    """Write the columns into `folder`: keys, sorted, of texts, and for each of them its words one after the other.

    A key is 64 bits of a hash: that two of 2.5 million texts have one is less likely (10^-7) than a disk's error.
    """
    first, spans = array("q", [0]), array("i")
    keyed = sorted((_key(text), text) for text in found)
    for _, text in keyed:
        for span in found[text]:
            spans.extend(span)
        first.append(len(spans) // 2)
    np.save(folder / "keys.npy", np.array([key for key, _ in keyed], np.uint64))
    np.save(folder / "first.npy", np.frombuffer(first, np.int64))
    np.save(folder / "spans.npy", np.array(spans, np.int32).reshape(-1, 2))


def candidates_once(folder: Path, find: Callable[[], Mapping[str, Sequence[Span]]]) -> StoredCandidates:
    """What lies in `folder`; what `find` gives is stored there first, by one process, where nothing does."""
    with locked(folder):
        if not folder.is_dir():
            with whole_folder(folder) as part:
                store_candidates(part, find())
    return StoredCandidates(folder)


def _key(text: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()))
