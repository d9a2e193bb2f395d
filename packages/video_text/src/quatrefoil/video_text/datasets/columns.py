"""Columns of texts and numbers in mapped files: read in place, shared by all processes, pickled as their paths.

Millions of rows as Python objects cost gigabytes in every worker; as mapped columns they cost each worker the pages
that it reads, which the system shares among processes and takes back where memory is short.
"""

from abc import abstractmethod
from array import array
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


class Lazy(Sequence[T]):
    """A sequence whose items are made when they are asked for; a slice is a list."""

    @abstractmethod
    def _at(self, index: int) -> T:
        """The item at 0 <= index < len(self)."""

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self._at(place) for place in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"no item {index}; there are {len(self)}")
        return self._at(int(index) % len(self))


class Numbers:
    """A column of numbers: a `.npy` file, mapped where it is first asked for, or an array in memory."""

    def __init__(self, source: Path | NDArray[Any]) -> None:
        self._source = source

    @cached_property
    def values(self) -> NDArray[Any]:
        """All of them, first dimension rows."""
        return np.load(self._source, mmap_mode="r") if isinstance(self._source, Path) else self._source

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: int) -> Any:
        return self.values[index]

    def __reduce__(self) -> tuple[type["Numbers"], tuple[Any]]:
        return Numbers, (self._source,)


class Texts(Lazy[str]):
    """A column of texts: `<path>.utf8`, all of them one after the other, and `<path>.npy`, where each ends (bytes)."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def _ends(self) -> NDArray[np.int64]:
        ends: NDArray[np.int64] = np.load(f"{self._path}.npy", mmap_mode="r")
        return ends

    @cached_property
    def _bytes(self) -> NDArray[np.uint8]:
        return np.memmap(f"{self._path}.utf8", np.uint8, "r")

    def __len__(self) -> int:
        return len(self._ends)

    def _at(self, index: int) -> str:
        start, end = self._ends[index - 1] if index else 0, self._ends[index]
        return self._bytes[start:end].tobytes().decode() if end > start else ""  # a file of no bytes has no map

    def __reduce__(self) -> tuple[type["Texts"], tuple[Path]]:
        return Texts, (self._path,)


class TextWriter:
    """Writes a column of `Texts`, text by text; the texts are not kept in memory. A context manager."""

    def __init__(self, path: Path) -> None:
        self._path, self._ends = path, array("q")
        self._file = Path(f"{path}.utf8").open("wb")  # noqa: SIM115 - closed where the context ends

    def add(self, text: str) -> None:
        """Append a text."""
        coded = text.encode()
        self._file.write(coded)
        self._ends.append(len(coded) + (self._ends[-1] if self._ends else 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        np.save(f"{self._path}.npy", np.frombuffer(self._ends, np.int64))


class Picked(Lazy[str]):
    """The texts at some rows of a column, in that order."""

    def __init__(self, texts: Sequence[str], rows: Numbers) -> None:
        self._texts, self._rows = texts, rows

    def __len__(self) -> int:
        return len(self._rows)

    def _at(self, index: int) -> str:
        return self._texts[int(self._rows[index])]
