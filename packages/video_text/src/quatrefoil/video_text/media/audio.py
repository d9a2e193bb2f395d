"""Reading sound at a wanted rate, through libav and its resampler.

C: channels, T: samples.
"""

from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from quatrefoil.video_text.media.container import Deadline, check_window, libav_errors, open_container, origin_s
from quatrefoil.video_text.media.errors import CorruptMediaError, EmptyMediaError, MediaError
from quatrefoil.video_text.media.stored import Media, place_of

FAR_S = 10.0
"""Seconds from which a jump is worth it: what lies before is decoded in about a tenth of a second."""
CERTAIN = frozenset(("mov", "matroska", "flac", "wav"))
"""Kinds of files (names of libav's demuxers) that say the time of every packet; MP3 and AVI let it be guessed."""
PAUSE_S = 0.02
"""What is longer is a pause: half a frame of video. What is shorter is how coarsely a container writes times."""
LONGEST_PAUSE_S = 3600.0
"""What is longer is no pause but a damaged time, and its silence would fill the memory."""
_WARM_UP_S = 1.0  # decoders and resamplers need what comes before
_MANY = 1e15  # samples, where a window is open


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
    window with no sound at all is an error. A pause within the stream is silence, so that what follows keeps its time.

    Decoding starts at the file's beginning. To a window far in a file (`FAR_S`) of a kind whose times are certain
    everywhere (`CERTAIN`), it jumps: the sound is then that of the whole to within its container's clock, 1 ms.

    Args:
        rate: samples a second to resample to.
        start_s, end_s: seconds from the container's start; None leaves that end open.
        mono: one channel, the mean of all; else keep the file's channels.
        timeout_s: wall time, as `container.Deadline` guarantees it.

    Raises: FileNotFoundError; CorruptMediaError, for a stream that does not decode, or not to finite numbers;
    EmptyMediaError, for one without samples (in the window); MediaTimeoutError; ValueError, for a rate below 1 or an
    empty window.
    """
    path = place_of(media)
    if rate < 1:
        raise ValueError(f"rate is {rate}; give the samples a second to resample to, at least 1")
    window = check_window(start_s, end_s)
    deadline = Deadline(path, timeout_s)
    with open_container(media, deadline) as container:
        if not container.streams.audio:
            return None
        jumped = _jump(container, window[0])
        return _window(path, _resampled(path, container, rate, mono, deadline), rate, window, jumped)


def _jump(container: Any, start_s: float) -> bool:
    """Whether decoding goes on close before a window, and not at the file's beginning."""
    from av import FFmpegError

    if start_s < FAR_S or not CERTAIN & set(container.format.name.split(",")):
        return False
    try:
        container.seek(int(1_000_000 * (origin_s(container) + Fraction(start_s - _WARM_UP_S))))
    except FFmpegError:  # a file without an index, which is then read from where it is: its beginning
        return False
    return True


def _window(
    path: Path, resampled: Iterator[tuple[float, Tensor]], rate: int, window: tuple[float, float], jumped: bool
) -> Waveform:
    chunks: list[Tensor] = []
    first_s, samples = 0.0, 0
    for time_s, chunk_CT in _without_pauses(path, resampled, rate):
        if not chunks:
            first_s = time_s
        chunks.append(chunk_CT)
        samples += chunk_CT.shape[1]
        if first_s + samples / rate >= window[1]:
            break
    if not samples and not jumped:
        raise EmptyMediaError(path, "its audio stream holds no samples")
    start, end = (min(max(nearest_sample(edge_s - first_s, rate), 0), samples) for edge_s in window)
    if start == end:
        lies = "it ends before" if jumped else f"it lies from {first_s} to {first_s + samples / rate} s"
        raise EmptyMediaError(path, f"no sound from {window[0]} to {window[1]} s; {lies}")
    samples_CT = torch.cat(chunks, dim=1)[:, start:end].clone()
    if not samples_CT.isfinite().all():
        raise CorruptMediaError(path, "its sound holds samples that are no finite numbers; write the file anew")
    return Waveform(samples_CT, rate, first_s + start / rate)


def _without_pauses(path: Path, chunks: Iterator[tuple[float, Tensor]], rate: int) -> Iterator[tuple[float, Tensor]]:
    """The chunks, and silence where one comes later than its forerunners end."""
    first_s, samples = None, 0
    for time_s, chunk_CT in chunks:
        first_s = time_s if first_s is None else first_s
        due_s = first_s + samples / rate
        if time_s - due_s > LONGEST_PAUSE_S:
            raise CorruptMediaError(path, f"its times jump from {due_s:.3f} to {time_s:.3f} s; write the file anew")
        if time_s - due_s > PAUSE_S:
            silence_CT = chunk_CT.new_zeros(len(chunk_CT), round((time_s - due_s) * rate))
            yield due_s, silence_CT
            samples += silence_CT.shape[1]
        yield time_s, chunk_CT
        samples += chunk_CT.shape[1]


def nearest_sample(time_s: float, rate: int) -> int:
    """The number of the sample nearest to a time; the earlier of two, whatever rounding makes of the middle."""
    return ceil(min(max(time_s * rate, -_MANY), _MANY) - 0.5 - 1e-6)


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
