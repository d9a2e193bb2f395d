"""Facts to frames: background, actors with their marks, sign, light and noise.

Legend: T frames, H = W = `FRAME_SIZE` rows and columns, C the three colours.
"""

import random
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quatrefoil.video_text.datasets.stage.motion import FRAME_SIZE, FRAMES, Track
from quatrefoil.video_text.datasets.stage.shapes import SHAPE_OF, mark
from quatrefoil.video_text.datasets.stage.world import Actor, Facts

Array = npt.NDArray[np.floating]

RGB = {
    "red": (215, 35, 35),
    "green": (40, 170, 50),
    "blue": (40, 70, 220),
    "yellow": (235, 215, 40),
    "purple": (165, 50, 190),
    "cyan": (50, 210, 220),
    "white": (245, 245, 245),
    "black": (15, 15, 15),
}
GRAIN = np.float32(1.8)
"""Standard deviation of the noise of every pixel, of 255."""

ACTOR_REACH = 1.25
"""Distance of the farthest point of any shape from its middle, in radii."""

MARGIN = 4
"""Pixels of background beyond each edge, room for the jitter of the camera."""

GLYPH_COLUMNS = {
    "A": "7C1211127C", "B": "7F49494936", "C": "3E41414122", "E": "7F49494941", "F": "7F09090901", "G": "3E41415173",
    "I": "00417F4100", "K": "7F08142241", "L": "7F40404040", "M": "7F021C027F", "N": "7F0408107F", "O": "3E4141413E",
    "P": "7F09090906", "R": "7F09192946", "S": "2649494932", "T": "03017F0103", "X": "6314081463",
}  # fmt: skip
"""Letters, five columns of seven dots each, the lowest bit on top."""


def render(facts: Facts, tracks: list[Track], rng: random.Random) -> npt.NDArray[np.uint8]:
    """The frames [T, H, W, 3] of a clip. Light, noise, camera jitter and the place of the sign come from `rng`."""
    pixels = np.random.default_rng(rng.getrandbits(63))
    stage_THWC = backdrop(facts.background, rng, pixels)
    for actor, track in zip(facts.actors, tracks, strict=True):
        draw_actor(stage_THWC, actor, track)
    if facts.sign is not None:
        draw_sign(stage_THWC, facts.sign, rng)
    stage_THWC *= light(rng)[:, None, None, None]
    stage_THWC += GRAIN * pixels.standard_normal((FRAMES, FRAME_SIZE, FRAME_SIZE, 1), np.float32)
    return np.clip(stage_THWC, 0, 255).astype(np.uint8)


def light(rng: random.Random) -> Array:
    """Brightness of each frame [T]: a level and a slow drift."""
    return np.linspace(rng.uniform(0.85, 1.1), rng.uniform(0.85, 1.1), FRAMES, dtype=np.float32)


def backdrop(background: str, rng: random.Random, pixels: np.random.Generator) -> Array:
    """The texture [T, H, W, 3] under a shaky camera, in muted brownish grey so that no actor's colour is lost on it."""
    side = FRAME_SIZE + 2 * MARGIN
    rows, columns = np.mgrid[:side, :side].astype(np.float32)
    level_HW = 105 + rng.uniform(22, 30) * texture(background, rows + rng.randrange(16), columns + rng.randrange(16))
    image_HWC = level_HW[..., None] * np.array((1.06, 1.0, 0.92), np.float32)
    corners = pixels.integers(MARGIN - 1, MARGIN + 2, (FRAMES, 2))
    return np.stack([image_HWC[y : y + FRAME_SIZE, x : x + FRAME_SIZE] for y, x in corners])


def texture(background: str, rows: Array, columns: Array) -> Array:
    """Brightness of a background in [-1, 1] at the given pixels."""
    match background:
        case "bricks":
            shifted = columns + 8 * (rows // 8 % 2)
            return np.where((rows % 8 < 2) | (shifted % 16 < 2), 1.0, -0.4).astype(np.float32)
        case "stripes":
            return np.where(columns % 16 < 8, 0.8, -0.8).astype(np.float32)
        case "checks":
            return np.where((columns // 12 + rows // 12) % 2 < 1, 0.8, -0.8).astype(np.float32)
        case "dots":
            return np.where(np.hypot(columns % 12 - 6, rows % 12 - 6) < 3.2, 1.0, -0.4).astype(np.float32)
        case "waves":
            return np.asarray(np.sin((rows + 3 * np.sin(columns / 5)) / 2.2), np.float32)
        case "plain":
            return np.zeros_like(rows)
    raise AssertionError(f"no texture for background {background!r}")


@dataclass(frozen=True)
class Patch:
    """The square of S x S pixels around an actor in each frame: most of the stage need not be looked at.

    `u_TSS`, `v_TSS` are its pixels in the turned and scaled coordinates of the actor.
    """

    rows_TS: npt.NDArray[np.int64]
    columns_TS: npt.NDArray[np.int64]
    u_TSS: Array
    v_TSS: Array

    @staticmethod
    def around(track: Track) -> "Patch":
        """The patch that holds the actor in every frame; it may reach beyond the stage."""
        reach = int(np.ceil(track.radius_T.max() * ACTOR_REACH)) + 1
        span = np.arange(-reach, reach + 1)
        rows_TS, columns_TS = (np.rint(at_T).astype(np.int64)[:, None] + span for at_T in (track.y_T, track.x_T))
        cos, sin = (f(track.angle_T) / track.radius_T for f in (np.cos, np.sin))
        dy_TS1 = (rows_TS + 0.5 - track.y_T[:, None]).astype(np.float32)[:, :, None]
        dx_T1S = (columns_TS + 0.5 - track.x_T[:, None]).astype(np.float32)[:, None, :]
        cos_T11, sin_T11 = cos[:, None, None], sin[:, None, None]
        return Patch(rows_TS, columns_TS, dx_T1S * cos_T11 + dy_TS1 * sin_T11, dy_TS1 * cos_T11 - dx_T1S * sin_T11)

    def on_stage_TSS(self) -> npt.NDArray[np.bool_]:
        """Which pixels exist."""
        rows_TS, columns_TS = ((place >= 0) & (place < FRAME_SIZE) for place in (self.rows_TS, self.columns_TS))
        return rows_TS[:, :, None] & columns_TS[:, None, :]


def draw_actor(stage_THWC: Array, actor: Actor, track: Track) -> None:
    """Paint an actor and its mark over the stage, in place."""
    patch = Patch.around(track)
    paint(stage_THWC, patch, SHAPE_OF[actor.shape](patch.u_TSS, patch.v_TSS), track, RGB[actor.colour])
    dot = "white" if actor.colour == "black" else "black"
    # The mark is no smaller than 1.6 pixels, or nothing of it would be left after compression.
    growth_T11 = np.maximum(0, 1.6 / track.radius_T - 0.2)[:, None, None]
    paint(stage_THWC, patch, mark(patch.u_TSS, patch.v_TSS) - growth_T11, track, RGB[dot])


def paint(stage_THWC: Array, patch: Patch, distance_TSS: Array, track: Track, colour: tuple[int, int, int]) -> None:
    """Blend a colour in where the distance is negative, over an edge one pixel wide."""
    cover_TSS = np.clip(0.5 - distance_TSS * track.radius_T[:, None, None], 0, 1) * track.opacity_T[:, None, None]
    frame, row, column = np.nonzero(cover_TSS * patch.on_stage_TSS())
    where = frame, patch.rows_TS[frame, row], patch.columns_TS[frame, column]
    stage_THWC[where] += cover_TSS[frame, row, column][:, None] * (np.array(colour, np.float32) - stage_THWC[where])


def draw_sign(stage_THWC: Array, word: str, rng: random.Random) -> None:
    """Put a white board with dark letters of two-pixel strokes on the stage, in front of everyone."""
    letters = [np.pad(glyph(letter), ((1, 1), (1, 0))) for letter in word.upper()]
    dots = np.pad(np.concatenate(letters, axis=1), ((0, 0), (0, 1)))
    board_HW = np.where(np.kron(dots, np.ones((2, 2))) > 0, 20.0, 240.0).astype(np.float32)
    height, width = board_HW.shape
    top = rng.choice((rng.randrange(2, 6), FRAME_SIZE - height - rng.randrange(2, 6)))
    left = rng.randrange(2, FRAME_SIZE - width - 1)
    stage_THWC[:, top : top + height, left : left + width] = board_HW[..., None]


def glyph(letter: str) -> npt.NDArray[np.uint8]:
    """The dots [7, 5] of a letter."""
    columns = np.frombuffer(bytes.fromhex(GLYPH_COLUMNS[letter]), np.uint8)
    return np.unpackbits(columns[:, None], axis=1, bitorder="little")[:, :7].T
