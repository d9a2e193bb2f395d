"""The sound of a clip as pictures, in the very windows from which its frames are taken, so that both stay in step.

W: windows of a clip, T: samples, R: rows of a picture, S: its columns.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from quatrefoil.video_text.media.audio import Waveform, nearest_sample, read_audio
from quatrefoil.video_text.media.container import Deadline, open_container
from quatrefoil.video_text.media.errors import EmptyMediaError
from quatrefoil.video_text.media.spectrogram import SpectrogramConfig, spectrogram
from quatrefoil.video_text.media.stored import Media, place_of

ROUNDING_S = 1e-6
"""Differences of times that mean nothing: far below a sample, far above the rounding of hours in double precision."""


class Window(NamedTuple):
    """Seconds from the start of the file."""

    start_s: float
    end_s: float


class Heard(NamedTuple):
    """Pictures of W windows, float32 (W, R, S), and where there is sound (W,): elsewhere the picture is zeros."""

    pictures_WRS: Tensor
    mask_W: Tensor


def random_window(clip: Window, seconds: float, generator: torch.Generator) -> Window:
    """A window of training, anywhere in the clip; a clip that is shorter begins it."""
    room_s = max(0.0, clip.end_s - clip.start_s - seconds)
    start_s = clip.start_s + room_s * float(torch.rand((), generator=generator, dtype=torch.float64))
    return Window(start_s, start_s + seconds)


def even_windows(clip: Window, seconds: float, count: int) -> list[Window]:
    """Windows of a test, evenly spaced from the clip's start to its end; a single one lies in its middle.

    A clip that is shorter, or longer by rounding alone (less than a microsecond), begins the only window there is.

    Raises:
        ValueError: a count below one.
    """
    if count < 1:
        raise ValueError(f"cannot take {count} windows of a clip; take at least 1")
    room_s = clip.end_s - clip.start_s - seconds
    if room_s < ROUNDING_S:
        return [Window(clip.start_s, clip.start_s + seconds)]
    shares = [0.5] if count == 1 else [number / (count - 1) for number in range(count)]
    starts_s = [clip.start_s + share * room_s for share in shares]
    return [Window(start_s, start_s + seconds) for start_s in starts_s]


def hear(
    media: Media | str,
    windows: list[Window],
    config: SpectrogramConfig,
    generator: torch.Generator | None,
    *,
    timeout_s: float | None = None,
) -> Heard:
    """Read a file's sound once and picture it in each window; see `pictured`.

    Raises:
        FileNotFoundError; CorruptMediaError and MediaTimeoutError, as `read_audio`; EmptyMediaError, for a file of no
            bytes; ValueError, for no windows.
    """
    if not windows:
        raise ValueError(f"{media}: no windows to hear; give at least one")
    whole = Window(min(window.start_s for window in windows), max(window.end_s for window in windows))
    return pictured(read_sound(media, whole, config.rate, timeout_s=timeout_s), windows, config, generator)


def pictured(
    waveform: Waveform | None, windows: list[Window], config: SpectrogramConfig, generator: torch.Generator | None
) -> Heard:
    """Pictures of a sound in windows of its file.

    A window is silent, and its mask False, where the file has no audio stream, the stream lies elsewhere, or all of it
    stays below `config.silence`. Sound that ends before its window, and a window shorter than a picture, is repeated
    and training changes its loudness, as in Sound-of-Pixels; sound that starts late is preceded by silence (our
    choice), so that it stays in step.

    Args:
        waveform: one channel at `config.rate`, from the first window's start or the stream's; None = there is none.
        generator: draws a gain from 0.5 to 1.5 for training; None keeps the loudness.
    """
    gain = 1.0 if generator is None else 0.5 + float(torch.rand((), generator=generator))
    pictures: list[Tensor | None] = [_picture(waveform, window, gain, config) for window in windows]
    silence_RS = torch.zeros(config.rows, config.columns)
    return Heard(
        torch.stack([silence_RS if picture is None else picture for picture in pictures]),
        torch.tensor([picture is not None for picture in pictures]),
    )


def read_sound(media: Media | str, window: Window, rate: int, *, timeout_s: float | None = None) -> Waveform | None:
    """One channel of a window; None where the file has no sound there. Raises as `hear`."""
    # A sample more at both ends, or rounding could leave a window within one short.
    start_s, end_s = window.start_s - 1 / rate, window.end_s + 1 / rate
    try:
        return read_audio(media, rate=rate, start_s=start_s, end_s=end_s, timeout_s=timeout_s)
    except EmptyMediaError:  # a stream without a sample, or one elsewhere; or a file of no bytes, which is bad
        with open_container(media, Deadline(place_of(media), timeout_s)):
            return None


def _picture(waveform: Waveform | None, window: Window, gain: float, config: SpectrogramConfig) -> Tensor | None:
    sound_T = None if waveform is None else _sound_in(waveform, window, config)
    if sound_T is None or float(sound_T.abs().max()) < config.silence:
        return None
    whole_T = sound_T.repeat(-(-config.samples // len(sound_T)))[: config.samples]
    return spectrogram((gain * whole_T).clamp(-1, 1), config)


def _sound_in(waveform: Waveform, window: Window, config: SpectrogramConfig) -> Tensor | None:
    """The sound of a window, silent before the stream's start and no longer than the stream; None: all lies outside."""
    samples = min(config.samples, round((window.end_s - window.start_s) * config.rate))
    first = nearest_sample(window.start_s - waveform.start_s, waveform.rate)
    heard_T = waveform.samples_CT[0, max(first, 0) : max(first + samples, 0)]
    return torch.cat([heard_T.new_zeros(max(-first, 0)), heard_T]) if len(heard_T) else None
