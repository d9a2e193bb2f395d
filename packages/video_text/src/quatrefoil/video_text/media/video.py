"""Reading the frames of a video: one seam over PyAV, decord and torchcodec, with the same frames from each.

PyAV is always there, and alone says which frames a file shows and when (`index.py`). A backend only fetches pixels, and
only from files of the kind on which it was found to give PyAV's bytes; for the others `open_video` takes PyAV, and the
reader's `fallback` says why (`fetch.py` holds the rule).

F: frames, H, W: height and width in pixels, upright (after the file's rotation).
"""

import os
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NamedTuple, NoReturn, Self

import torch
from torch import Tensor

from quatrefoil.video_text.media.container import Deadline, check_window, libav_errors, open_container
from quatrefoil.video_text.media.errors import NoVideoError
from quatrefoil.video_text.media.fetch import Backend, choose_backend, fetch_foreign
from quatrefoil.video_text.media.index import index_frames
from quatrefoil.video_text.media.pyav import PacketDecoder
from quatrefoil.video_text.media.sampling import FrameSampling
from quatrefoil.video_text.media.stored import Media, Stored, place_of


class VideoReader:
    """An open video. Belongs to the process that opened it: it can be neither pickled nor used after a fork.

    Attributes:
        backend: the decoder that fetches pixels; `fallback`: why it is not the one asked for, or None.
        frame_count: how many frames the file (or the window) shows.
        times_F: when each is shown, in seconds from the container's start (float64, increasing).
    """

    def __init__(
        self,
        media: Media | str,
        backend: Backend = "auto",
        start_s: float | None = None,
        end_s: float | None = None,
        timeout_s: float | None = None,
    ) -> None:
        self.path = place_of(media)
        self._process = os.getpid()
        self._container: Any = None
        window = check_window(start_s, end_s)
        deadline = Deadline(self.path, timeout_s)
        self._container = open_container(media, deadline)
        try:
            self._index = index_frames(self.path, self._container, self._first_stream(), window, deadline)
            self._decoder = PacketDecoder(self.path, self._first_stream().codec_context, self._index, deadline)
            whole = start_s is None and end_s is None and not isinstance(media, Stored)
            self.backend, self.fallback = choose_backend(backend, self._container, self._decoder, whole, timeout_s)
        except BaseException:
            self.close()
            raise
        self.times_F = self._index.times_F
        self.frame_count = len(self.times_F)

    @property
    def height(self) -> int:
        """Pixels, upright."""
        return self._decoder.upright_size[0]

    @property
    def width(self) -> int:
        """Pixels, upright."""
        return self._decoder.upright_size[1]

    def frames(self, indices: Sequence[int] | Tensor) -> Tensor:
        """The frames at `indices` (any order, repeats allowed) as RGB, uint8 (F, 3, H, W).

        Raises: IndexError, outside 0 <= index < frame_count; MediaError, where a frame does not decode, saying how
        many do; MediaTimeoutError; ValueError, in another process than that which opened the reader.
        """
        wanted = [int(index) for index in indices]
        self._check(wanted)
        if self.backend == "pyav":
            return self._decoder.frames(wanted)
        fetched = fetch_foreign(self.backend, self.path, [index + self._index.offset for index in wanted])
        # A backend that stumbles is no verdict on the file: PyAV reads it, or says what is wrong with it.
        return self._decoder.frames(wanted) if fetched is None else fetched

    def close(self) -> None:
        """Let go of the file."""
        if self._container is not None:
            self._container.close()
            self._container = None

    def _first_stream(self) -> Any:
        if not self._container.streams.video:
            raise NoVideoError(self.path, "holds no video stream")
        stream = self._container.streams.video[0]
        # One thread: loaders have many processes, and frame threads delay errors and the deadline by several packets.
        with libav_errors(self.path):
            if not stream.codec_context.is_open:
                stream.thread_type, stream.codec_context.thread_count = "NONE", 1
        return stream

    def _check(self, indices: list[int]) -> None:
        if self._container is None:
            raise ValueError(f"{self.path}: the reader is closed")
        if os.getpid() != self._process:
            raise ValueError(f"{self.path}: the reader was opened in another process; open it in the worker")
        outside = [index for index in indices if not 0 <= index < self.frame_count]
        if outside:
            raise IndexError(f"{self.path}: no frame {outside[0]}; it has frames 0 to {self.frame_count - 1}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a VideoReader is not pickled, on purpose: pass {str(self.path)!r} and open it in the worker")


def open_video(
    path: Media | str,
    backend: Backend = "auto",
    *,
    start_s: float | None = None,
    end_s: float | None = None,
    timeout_s: float | None = None,
) -> VideoReader:
    """Open the first video stream of a file (use as a context manager).

    Args:
        backend: "auto" is decord where it is installed, else PyAV; "torchcodec" is taken only when asked for.
        start_s, end_s: show only frames with start_s <= time < end_s, in seconds; None leaves that end open.
        timeout_s: wall time for all work with this reader, as `container.Deadline` guarantees it. Only PyAV can be
            stopped, so "auto" is then PyAV.

    Raises: FileNotFoundError; MediaError (NoVideoError, CorruptMediaError, EmptyMediaError, MediaTimeoutError);
    ImportError, for a backend that is asked for by name and not installed; ValueError, for settings that exclude each
    other.
    """
    return VideoReader(path, backend, start_s, end_s, timeout_s)


class Clip(NamedTuple):
    """Sampled frames, uint8 (F, 3, H, W), and when each is shown, seconds, float64 (F,)."""

    frames_F3HW: Tensor
    times_F: Tensor


def read_clip(
    path: Media | str,
    sampling: FrameSampling,
    generator: torch.Generator | None,
    *,
    timeout_s: float | None,
    start_s: float | None = None,
    end_s: float | None = None,
) -> Clip:
    """Open, sample, read, close: what a dataset does for each sample. `generator=None` takes the frames of a test.

    Always PyAV, which can be stopped and was faster: 8 of 32 frames of a 96 x 96 H.264 clip (GOP 8) took 5 ms on one
    core with it and 10 ms with decord, 8 of 390 frames of 320 x 240 took 61 and 99 ms.

    Raises: as `open_video` and `VideoReader.frames`.
    """
    with open_video(path, "pyav", start_s=start_s, end_s=end_s, timeout_s=timeout_s) as reader:
        indices = sampling.indices(reader.times_F, generator)
        return Clip(reader.frames(indices), reader.times_F[indices])
