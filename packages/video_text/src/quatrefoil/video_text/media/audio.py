"""Reading sound at a wanted rate, through libav and its resampler.

C: channels, T: samples.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from quatrefoil.video_text.media.container import Deadline, check_window, libav_errors, open_container, origin_s
from quatrefoil.video_text.media.errors import CorruptMediaError, EmptyMediaError, MediaError
from quatrefoil.video_text.media.stored import Media, place_of


class Waveform(NamedTuple):
    """Sound: float32 (C, T) with full scale at 1, samples a second, and the time of the first sample.

    `start_s` counts from the container's start, as frames' times do.
    """

    samples_CT: Tensor
    rate: int
    start_s: float


def read_audio(
    media: Media | str,
    *,
    rate: int,
    start_s: float | None = None,
    end_s: float | None = None,
    mono: bool = True,
    timeout_s: float | None = None,
) -> Waveform | None:
    """The first audio stream of a file, or None where there is none: a missing modality is no error.

    A window is cut from the resampled stream, so it holds the same samples as the whole. What lies outside the stream
    is never filled up: the waveform is then shorter than the window, and `start_s` and its length say what it covers; a
    window with no sound at all is an error. Decoding starts at the file's beginning, where times are certain.

    Args:
        rate: samples a second to resample to.
        start_s, end_s: seconds from the container's start; None leaves that end open.
        mono: one channel, the mean of all; else keep the file's channels.
        timeout_s: wall time, as `container.Deadline` guarantees it.

    Raises: FileNotFoundError; CorruptMediaError, for a stream that does not decode; EmptyMediaError, for one without
    samples (in the window); MediaTimeoutError; ValueError, for a rate below 1 or an empty window.
    """
    path = place_of(media)
    if rate < 1:
        raise ValueError(f"rate is {rate}; give the samples a second to resample to, at least 1")
    window = check_window(start_s, end_s)
    deadline = Deadline(path, timeout_s)
    with open_container(media, deadline) as container:
        if not container.streams.audio:
            return None
        return _read_window(path, container, rate, window, mono, deadline)


def _read_window(
    path: Path, container: Any, rate: int, window: tuple[float, float], mono: bool, deadline: Deadline
) -> Waveform:
    chunks: list[Tensor] = []
    first_s, samples = 0.0, 0
    for time_s, chunk_CT in _resampled(path, container, rate, mono, deadline):
        if not chunks:
            first_s = time_s
        chunks.append(chunk_CT)
        samples += chunk_CT.shape[1]
        if first_s + samples / rate >= window[1]:
            break
    if not samples:
        raise EmptyMediaError(path, "its audio stream holds no samples")
    start, end = (_sample_at(edge_s - first_s, rate, samples) for edge_s in window)
    if start == end:
        last_s = first_s + samples / rate
        raise EmptyMediaError(path, f"no sound from {window[0]} to {window[1]} s; it lies from {first_s} to {last_s} s")
    return Waveform(torch.cat(chunks, dim=1)[:, start:end].clone(), rate, first_s + start / rate)


def _sample_at(time_s: float, rate: int, samples: int) -> int:
    """The sample nearest to a time in the stream, within it (times may be infinite)."""
    return round(min(max(time_s * rate, 0.0), float(samples)))


def _resampled(path: Path, container: Any, rate: int, mono: bool, deadline: Deadline) -> Iterator[tuple[float, Tensor]]:
    """Chunks of float32 (C, T) samples, each with its time in seconds from the container's start."""
    from av import AudioResampler

    resampler = AudioResampler(format="fltp", rate=rate)
    origin = origin_s(container)
    try:
        with libav_errors(path):
            for frame in _frames(container, deadline):
                for out in resampler.resample(frame):
                    time_s = float((out.pts or 0) * out.time_base - origin)
                    samples_CT = torch.from_numpy(out.to_ndarray())
                    # libav's own mix is louder by 3 dB and leaves [-1, 1]
                    yield time_s, samples_CT.mean(dim=0, keepdim=True) if mono else samples_CT
    except MediaError:
        raise
    except ValueError as error:  # PyAV's resampler takes one form of sound only
        raise CorruptMediaError(path, f"its sound changes form on the way ({error})") from error


def _frames(container: Any, deadline: Deadline) -> Iterator[Any]:
    for frame in container.decode(audio=0):
        deadline.check()
        yield frame
    yield None  # the resampler gives what it still holds
