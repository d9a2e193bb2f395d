"""Facts to sound: eight timbres that differ in pitch, sweep, harmonics or envelope, over noise of varying level."""

import random
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from quatrefoil.video_text.datasets.stage.motion import SECONDS, Track
from quatrefoil.video_text.datasets.stage.world import OFF_STAGE, Sound

SAMPLE_RATE = 16_000

Array = npt.NDArray[np.floating]
Timbre = Callable[[Array, float, np.random.Generator], Array]
"""Wave of a sound at the given seconds, at a relative pitch near 1."""


def bell(t: Array, pitch: float, _: np.random.Generator) -> Array:
    """Inharmonic partials that ring out."""
    partials = ((740, 1.0, 4), (1370, 0.6, 6), (2150, 0.4, 8))
    return sum_of([gain * np.exp(-decay * t) * tone(hertz * pitch * t) for hertz, gain, decay in partials])


def drum(t: Array, pitch: float, noise: np.random.Generator) -> Array:
    """A low thud that drops in pitch."""
    return np.exp(-14 * t) * (1.3 * tone(pitch * (70 * t + 3 * (1 - np.exp(-20 * t)))) + 0.2 * hiss(t, noise))


def whistle_up(t: Array, pitch: float, _: np.random.Generator) -> Array:
    """A tone that climbs from 700 Hz to 2.1 kHz."""
    return 0.7 * hump(t) * tone(pitch * (700 * t + 700 * t * t / t[-1]))


def whistle_down(t: Array, pitch: float, _: np.random.Generator) -> Array:
    """A tone that drops from 2.1 kHz to 700 Hz."""
    return 0.7 * hump(t) * tone(pitch * (2100 * t - 700 * t * t / t[-1]))


def buzz(t: Array, pitch: float, _: np.random.Generator) -> Array:
    """A rough sawtooth."""
    return 0.5 * hump(t) * (2 * (130 * pitch * t % 1) - 1)


def clap(t: Array, _: float, noise: np.random.Generator) -> Array:
    """Three bursts of noise, 30 ms apart."""
    bursts = [np.where(t >= start, np.exp(-60 * np.maximum(t - start, 0)), 0) for start in (0, 0.03, 0.06)]
    return 0.7 * sum_of(bursts) * hiss(t, noise)


def chirp(t: Array, pitch: float, _: np.random.Generator) -> Array:
    """Quick high upward sweeps."""
    local = t % 0.11
    wave: Array = 0.6 * np.sin(np.pi * local / 0.11) ** 2 * tone(pitch * (2900 * local + 8000 * local * local))
    return wave


def hum(t: Array, pitch: float, _: np.random.Generator) -> Array:
    """A soft steady tone with two harmonics."""
    return 0.6 * hump(t) * sum_of([tone(220 * pitch * k * t) / k**2 for k in (1, 2, 3)])


TIMBRES: dict[str, tuple[Timbre, float]] = {
    "bell": (bell, 0.9),
    "drum": (drum, 0.4),
    "whistle up": (whistle_up, 0.5),
    "whistle down": (whistle_down, 0.5),
    "buzz": (buzz, 0.5),
    "clap": (clap, 0.25),
    "chirp": (chirp, 0.44),
    "hum": (hum, 0.8),
}
"""Timbre and length in seconds of each sound."""


def synthesise(sounds: tuple[Sound, ...], onsets: dict[str, list[float]], rng: random.Random) -> Array:
    """The mono sound [SECONDS * SAMPLE_RATE] of a clip, in [-1, 1]; `onsets` are those of the first actor's acts."""
    noise = np.random.default_rng(rng.getrandbits(63))
    wave = noise.normal(0, 10 ** rng.uniform(-3, -1.7), SECONDS * SAMPLE_RATE).astype(np.float32)
    for sound in sounds:
        gain, pitch = rng.uniform(0.3, 0.5), rng.uniform(0.95, 1.05)
        for start in times_of(sound, onsets, rng):
            add(wave, start, gain * play(sound.name, pitch, noise))
    return np.clip(wave, -1, 1)


def times_of(sound: Sound, onsets: dict[str, list[float]], rng: random.Random) -> list[float]:
    """Seconds at which a sound starts: at each turn of its act, or once anywhere."""
    if sound.on != OFF_STAGE:
        return onsets[sound.on]
    return [rng.uniform(0.1, SECONDS - TIMBRES[sound.name][1] - 0.1)]


def onsets_of(tracks: list[Track]) -> dict[str, list[float]]:
    """The turns that a synchronous sound may follow: those of the first actor."""
    return tracks[0].onsets


def play(name: str, pitch: float, noise: np.random.Generator) -> Array:
    """One sound event."""
    timbre, seconds = TIMBRES[name]
    t = np.arange(int(seconds * SAMPLE_RATE), dtype=np.float32) / SAMPLE_RATE
    return timbre(t, pitch, noise).astype(np.float32)


def add(wave: Array, start: float, event: Array) -> None:
    """Mix an event in; what would sound after the end of the clip is cut."""
    first = int(start * SAMPLE_RATE)
    wave[first : first + len(event)] += event[: len(wave) - first]


def tone(cycles: Array) -> Array:
    """A sine, by the number of cycles passed."""
    wave: Array = np.sin(2 * np.pi * cycles)
    return wave


def hump(t: Array) -> Array:
    """An envelope that swells and fades within 60 ms, flat between."""
    wave: Array = np.clip(np.minimum(t, t[-1] - t) / 0.06, 0, 1)
    return wave


def hiss(t: Array, noise: np.random.Generator) -> Array:
    """White noise."""
    return noise.uniform(-1, 1, len(t)).astype(np.float32)


def sum_of(parts: list[Array]) -> Array:
    """The parts mixed."""
    wave: Array = np.sum(parts, axis=0)
    return wave
