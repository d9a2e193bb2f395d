"""How acts move an actor: position, scale, angle and visibility over time. What is not a fact varies freely here."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from quatrefoil.video_text.datasets.stage.world import REPEATABLE, Act, Actor

FRAME_SIZE = 96
FRAME_RATE = 8
SECONDS = 4
FRAMES = FRAME_RATE * SECONDS
RADIUS = {"small": 9.0, "large": 14.5}
"""Pixels from the middle of an actor to its rim."""

Array = npt.NDArray[np.float32]


@dataclass
class Track:
    """The way of one actor through a clip, one value a frame (T = `FRAMES`); x and y in pixels, angle in radians."""

    x_T: Array
    y_T: Array
    radius_T: Array
    angle_T: Array
    opacity_T: Array
    onsets: dict[str, list[float]] = field(default_factory=dict)
    """For each action, the second at which each of its turns begins."""

    def moved(self, dx: float, dy: float) -> "Track":
        """The same way, elsewhere on the stage."""
        return Track(self.x_T + dx, self.y_T + dy, self.radius_T, self.angle_T, self.opacity_T, self.onsets)


@dataclass(frozen=True)
class Style:
    """Nuisance of one act: reach in pixels and the direction of turning."""

    reach: float
    turn: int


Move = Callable[[Track, Array, Array, Style], None]
"""Adds one act to a track, given the progress of the act (0 before, 1 after) and the progress of its present turn."""


def shift(channel: str, sign: int) -> Move:
    """Go one way and stay there."""

    def move(track: Track, progress_T: Array, turn_T: Array, style: Style) -> None:
        getattr(track, channel)[:] += sign * 2.2 * style.reach * progress_T

    return move


def bounce(track: Track, progress_T: Array, turn_T: Array, style: Style) -> None:
    """Hop up and come back."""
    track.y_T -= 1.4 * style.reach * np.abs(np.sin(np.pi * turn_T))


def orbit(track: Track, progress_T: Array, turn_T: Array, style: Style) -> None:
    """Go round a point beside the actor."""
    track.x_T += style.reach * (np.cos(2 * np.pi * turn_T) - 1)
    track.y_T += style.turn * style.reach * np.sin(2 * np.pi * turn_T)


def spin(track: Track, progress_T: Array, turn_T: Array, style: Style) -> None:
    """Turn about the own middle."""
    track.angle_T += style.turn * 2 * np.pi * turn_T


def blink(track: Track, progress_T: Array, turn_T: Array, style: Style) -> None:
    """Vanish for the middle of a turn."""
    track.opacity_T *= (np.abs(turn_T - 0.5) > 0.22).astype(np.float32)


def swing(track: Track, progress_T: Array, turn_T: Array, style: Style) -> None:
    """Go to one side, to the other, and back."""
    track.x_T += style.turn * style.reach * np.sin(2 * np.pi * turn_T)


def scale(factor: float) -> Move:
    """Change size and keep it."""

    def move(track: Track, progress_T: Array, turn_T: Array, style: Style) -> None:
        track.radius_T *= 1 + (factor - 1) * progress_T

    return move


MOVES: dict[str, Move] = {
    "slide left": shift("x_T", -1),
    "slide right": shift("x_T", 1),
    "rise": shift("y_T", -1),
    "fall": shift("y_T", 1),
    "grow": scale(1.7),
    "shrink": scale(0.5),
    "bounce": bounce,
    "orbit": orbit,
    "spin": spin,
    "blink": blink,
    "swing": swing,
}


def tracks(actors: tuple[Actor, ...], rng: random.Random) -> list[Track]:
    """The ways of all actors; of several random placements, the one in which they are farthest apart is taken."""
    ways = [act_out(actor, rng) for actor in actors]
    placements = [[placed(way, rng) for way in ways] for _ in range(8 if len(ways) > 1 else 1)]
    return max(placements, key=closest)


def act_out(actor: Actor, rng: random.Random) -> Track:
    """The way of an actor that starts at the origin: its acts one after the other, at varying speed."""
    zeros, ones = np.zeros(FRAMES, np.float32), np.ones(FRAMES, np.float32)
    track = Track(zeros.copy(), zeros.copy(), ones * RADIUS[actor.size], zeros.copy(), ones.copy())
    seconds_T = np.arange(FRAMES, dtype=np.float32) / FRAME_RATE
    for act, (start, length) in zip(actor.acts, schedule(actor.acts, rng), strict=True):
        progress_T = np.clip((seconds_T - start) / length, 0, 1).astype(np.float32)
        style = Style(rng.uniform(13, 17), rng.choice((-1, 1)))
        MOVES[act.action](track, progress_T, progress_T * act.times % 1, style)
        track.onsets[act.action] = [start + length * turn / act.times for turn in range(act.times)]
    return track


def schedule(acts: tuple[Act, ...], rng: random.Random) -> list[tuple[float, float]]:
    """(start, length) of each act in seconds: time goes by turns, after a short pause and before another."""
    weights = [(act.times if act.action in REPEATABLE else 1.3) * rng.uniform(0.9, 1.1) for act in acts]
    start, end = rng.uniform(0.05, 0.3), SECONDS - rng.uniform(0.1, 0.3)
    spans: list[tuple[float, float]] = []
    for weight in weights:
        length = (end - start) * weight / sum(weights[len(spans) :])
        spans.append((start, length))
        start += length
    return spans


def placed(way: Track, rng: random.Random) -> Track:
    """The way at a random place where all of it is on stage (or in the middle, if it is too long for that)."""
    dx = offset(way.x_T - way.radius_T, way.x_T + way.radius_T, rng)
    return way.moved(dx, offset(way.y_T - way.radius_T, way.y_T + way.radius_T, rng))


def offset(low_T: Array, high_T: Array, rng: random.Random) -> float:
    """A shift that brings [low, high] inside the frame."""
    low, high = float(low_T.min()), float(high_T.max())
    first, last = -low, FRAME_SIZE - high
    return rng.uniform(first, last) if first < last else (first + last) / 2


def closest(placement: list[Track]) -> float:
    """Mean distance in pixels between the first two actors; the same for all placements of a single one."""
    if len(placement) == 1:
        return 0.0
    one, two = placement[:2]
    return float(np.mean([math.hypot(*gap) for gap in zip(one.x_T - two.x_T, one.y_T - two.y_T, strict=True)]))
