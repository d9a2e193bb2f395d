"""Files that may be compressed."""

import gzip
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

GZIP: Final = b"\x1f\x8b"
DAMAGED: Final = (OSError, EOFError, zlib.error, struct.error)
"""What Python raises while it reads a damaged gzip file."""

HEAD: Final = 18
"""Bytes of a file by which `is_bgzip` knows it."""

_BGZIP_FIELD: Final = b"BC"
_BGZIP_END: Final = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


def is_bgzip(head: bytes) -> bool:
    """Whether a file that begins so is compressed block by block (bgzip)."""
    return head.startswith(GZIP) and head[12:14] == _BGZIP_FIELD


def refuse_missing(path: Path, error: type[ValueError]) -> None:
    """Raise `error` for a file that is not there, and for a folder in its place."""
    if not path.is_file():
        raise error(f"{path}: {'a folder; name a file' if path.is_dir() else 'no such file; check its path'}")


def refuse_cut_off(path: Path, error: type[ValueError]) -> None:
    """Raise `error` for a bgzip file without the empty block at its end: cut between blocks, it would read as whole."""
    with path.open("rb") as file:
        if not is_bgzip(file.read(HEAD)):
            return
        file.seek(max(0, file.seek(0, os.SEEK_END) - len(_BGZIP_END)))
        if file.read() != _BGZIP_END:
            raise error(f"{path}: damaged bgzip file (it is cut off: its last block is missing); fetch it again")


def content_of(path: Path, error: type[ValueError]) -> bytes:
    """The bytes of a file, plain, gzip or bgzip.

    Raises:
        error: no such file, a folder, or a gzip file that is damaged or cut off.
    """
    with opened(path, error) as file:
        return file.read()


def lines_in(path: Path, error: type[ValueError]) -> Iterator[bytes]:
    """The lines of a file, plain, gzip or bgzip, each read when it is asked for.

    Raises:
        error: as `content_of`; what is damaged is found where it is read, and what is done with a line is not meant.
    """
    with opened(path, error) as file:
        yield from file


@contextmanager
def opened(path: Path, error: type[ValueError]) -> Iterator[IO[bytes]]:
    """The bytes of a file, plain, gzip or bgzip, to be read bit by bit.

    Nothing but reading belongs in the block: an `OSError` in it is taken for a damaged file.

    Raises:
        error: as `content_of`; what is damaged is found where it is read.
    """
    refuse_missing(path, error)
    refuse_cut_off(path, error)
    with path.open("rb") as file:
        if file.peek(len(GZIP))[: len(GZIP)] != GZIP:
            yield file
            return
        try:
            with gzip.open(file) as content:
                yield content  # type: ignore[misc]  # a stream of bytes, by another name
        except DAMAGED as reason:
            raise error(f"{path}: damaged gzip file ({reason}); fetch it again") from reason
