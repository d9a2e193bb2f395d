"""Files of our own: where caches lie, and what is made by one process at a time, whole or not at all."""

import fcntl
import hashlib
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer
from typing import IO

_SILENT_SECONDS = 3.0


def cache_home() -> Path:
    """The folder of all caches: QUATREFOIL_CACHE, or ~/.cache/quatrefoil."""
    return Path(os.environ.get("QUATREFOIL_CACHE") or Path.home() / ".cache" / "quatrefoil")


def sha256(path: Path) -> str:
    """Of a file's bytes, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def locked(target: Path) -> Iterator[None]:
    """Alone at work on `target`, whose folder is made: other processes on this machine wait for the block to end.

    The lock is a file `.<name>.lock` beside the target, which is removed in the end. The system takes the lock back
    when its process dies. Who waits for some seconds is told so.

    Raises:
        RuntimeError: this process has been started by one at work and is running its script anew: it would wait for
            its parent, which waits for it.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):  # so multiprocessing itself tells it
        raise RuntimeError(
            f"{target} is being made by worker processes, and each runs this script from its start; "
            "put what the script does under `if __name__ == '__main__':`"
        )
    path = target.with_name(f".{target.name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with _lock(path):
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _lock(path: Path) -> IO[str]:
    while True:
        file = path.open("w")
        _wait_for(file, path)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()  # whoever held it has removed it, and others lock a file that is not this one


def _wait_for(file: IO[str], path: Path) -> None:
    """Take the lock; who waits for longer than a moment is told for what."""
    made = path.with_name(path.name.removeprefix(".").removesuffix(".lock"))
    told = f"waiting for another process, which is at work on {made}"
    timer = Timer(_SILENT_SECONDS, print, [told], {"file": sys.stderr, "flush": True})
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        timer.start()
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        finally:
            timer.cancel()


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """An empty folder that becomes `target` when the block ends well, and is removed otherwise.

    It is `.<name>.part` beside the target. What a killed process left there is removed, so whoever is not alone holds
    `locked(target)`.

    Raises:
        OSError: in the end, where `target` has come to be and is not empty.
    """
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def readable(path: Path) -> None:
    """Give a file the rights of others that this process makes: temporary ones, and those of safetensors, are for their
    owner alone. Where a file system has no rights, nothing is done."""
    mask = os.umask(0o077)
    os.umask(mask)
    with suppress(OSError):
        path.chmod(0o666 & ~mask)


@contextmanager
def whole_file(path: Path) -> Iterator[IO[str]]:
    """A UTF-8 file that takes the place of `path` when the block ends well, and is removed otherwise.

    Lines end as they are written. Several processes may write `path` at once, the last one stands. Of a link the file
    that it leads to is replaced; what is no file (/dev/stdout) is written through.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".tmp-{path.name}-", dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file
        readable(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def replace_text(path: Path, text: str) -> None:
    """Write a UTF-8 file whole or not at all; several processes may do so at once, the last one stands."""
    with whole_file(path) as file:
        file.write(text)
