"""Opening a file with libav (through PyAV): one place that turns its errors into ours and bounds its time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

from quatrefoil.video_text.media.errors import CorruptMediaError, EmptyMediaError, MediaError, MediaTimeoutError
from quatrefoil.video_text.media.stored import Media, Stored, place_of


class Deadline:
    """A budget of wall time for one file, asked about between packets: no thread, no signal, nothing to leak.

    It guarantees an end within one packet's work of the budget, and an interrupt of network input that blocks. A single
    call that hangs inside a codec or in the kernel (a dead network file system) is out of its reach: that takes the end
    of the process, which a data loader's own `timeout` gives.
    """

    def __init__(self, path: Path, seconds: float | None) -> None:
        if seconds is not None and seconds <= 0:
            raise ValueError(f"timeout_s is {seconds}; give a number of seconds above 0, or None for no limit")
        self.path = path
        self.seconds = seconds
        self._end = None if seconds is None else time.monotonic() + seconds

    def check(self) -> None:
        """Raises: MediaTimeoutError, once the budget is spent."""
        if self._end is not None and time.monotonic() > self._end:
            raise MediaTimeoutError(self.path, f"not read within {self.seconds} s (timeout_s)")


@contextmanager
def libav_errors(path: Path) -> Iterator[None]:
    """Raise what libav reports about `path` as a MediaError."""
    import av

    try:
        yield
    except (av.error.TimeoutError, av.error.ExitError) as error:
        raise MediaTimeoutError(path, f"input not read within its time, timeout_s ({error.strerror})") from error
    except av.FFmpegError as error:
        raise CorruptMediaError(path, f"cannot be decoded ({error.strerror})") from error


def open_container(media: Media | str, deadline: Deadline) -> Any:
    """The file as a PyAV input container, which the caller closes.

    Raises: FileNotFoundError; MediaError, for what is not a file, holds no bytes, or is no media.
    """
    import av

    source = _bytes_of(media) if isinstance(media, Stored) else _checked(Path(media))
    with libav_errors(place_of(media)):
        return av.open(source, timeout=deadline.seconds)


def _bytes_of(media: Stored) -> BytesIO:
    content = media.read()
    if not content:
        raise EmptyMediaError(media.place, "the file holds no bytes")
    return BytesIO(content)


def _checked(path: Path) -> str:
    if not path.exists():
        raise FileNotFoundError(f"no such media file: {path}")
    if not path.is_file():
        raise MediaError(path, "not a regular file (opening a pipe or a folder could block for ever)")
    if path.stat().st_size == 0:
        raise EmptyMediaError(path, "the file holds no bytes")
    return str(path)


def origin_s(container: Any) -> Fraction:
    """The container's own start in seconds, from which all our times count, as players do: sound and picture agree."""
    return Fraction(container.start_time or 0, 1_000_000)


def length_s(media: Media | str, timeout_s: float | None = None) -> float:
    """Seconds from a file's start to its end: as it says, or, where it does not say, to that of its last packet.

    Raises: as `open_container`; CorruptMediaError, MediaTimeoutError, while packets are read; MediaError, where none
        has a time.
    """
    path, deadline = place_of(media), Deadline(place_of(media), timeout_s)
    with open_container(media, deadline) as container:
        if container.duration is not None:
            return float(container.duration / 1_000_000)
        with libav_errors(path):
            ends_s = list(_ends_s(container, deadline))
        if not ends_s:
            raise MediaError(path, "does not say how long it is, nor does any packet its time: give the clip an end")
        return float(max(ends_s) - origin_s(container))


def _ends_s(container: Any, deadline: Deadline) -> Iterator[Fraction]:
    for packet in container.demux():
        deadline.check()
        if packet.pts is not None:
            yield (packet.pts + (packet.duration or 0)) * packet.time_base


def check_window(start_s: float | None, end_s: float | None) -> tuple[float, float]:
    """The window [start_s, end_s) in seconds, open ends as infinities.

    Raises: ValueError, where it ends before it starts.
    """
    start, end = float("-inf") if start_s is None else start_s, float("inf") if end_s is None else end_s
    if not start < end:
        raise ValueError(f"the window from {start_s} s to {end_s} s is empty; start_s must lie before end_s")
    return start, end
