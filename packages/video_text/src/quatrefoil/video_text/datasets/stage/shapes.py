"""What actors look like: one signed distance per shape, in units of the actor's radius (v points down).

Negative inside, positive outside; approximate distances are enough for smooth edges.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]
Shape = Callable[[Array, Array], Array]


def union(*parts: Array) -> Array:
    """Inside any of the parts."""
    distance: Array = np.minimum.reduce(parts)
    return distance


def overlap(*parts: Array) -> Array:
    """Inside all of the parts."""
    distance: Array = np.maximum.reduce(parts)
    return distance


def disc(u: Array, v: Array, radius: float) -> Array:
    """A disc about the origin."""
    return np.hypot(u, v) - np.float32(radius)


def box(u: Array, v: Array, width: float, height: float) -> Array:
    """A box about the origin, by its half width and half height."""
    return overlap(np.abs(u) - np.float32(width), np.abs(v) - np.float32(height))


def triangle(u: Array, v: Array) -> Array:
    """Point up."""
    return overlap(v - 0.65, 0.87 * np.abs(u) - 0.5 * v - 0.5)


def star(u: Array, v: Array) -> Array:
    """Five points, one of them up."""
    distance: Array = np.hypot(u, v) - (0.68 + 0.3 * np.cos(5 * np.arctan2(u, -v)))
    return distance


def ring(u: Array, v: Array) -> Array:
    """A disc with a hole."""
    return np.abs(np.hypot(u, v) - 0.72) - 0.26


def cross(u: Array, v: Array) -> Array:
    """Two bars."""
    return union(box(u, v, 0.34, 1), box(u, v, 1, 0.34))


def moon(u: Array, v: Array) -> Array:
    """A crescent, open to the right."""
    return overlap(disc(u, v, 1), -disc(u - 0.55, v, 0.78))


def person(u: Array, v: Array) -> Array:
    """A stick figure."""
    head, body, arms = disc(u, v + 0.65, 0.34), box(u, v, 0.15, 0.4), box(u, v + 0.1, 0.65, 0.13)
    legs = overlap(np.abs(np.abs(u) - 0.7 * (v - 0.3)) - 0.15, np.abs(v - 0.65) - 0.35)
    return union(head, body, arms, legs)


def robot(u: Array, v: Array) -> Array:
    """A square head on a square body on two legs."""
    legs = box(np.abs(u) - 0.35, v - 0.8, 0.16, 0.2)
    return union(box(u, v + 0.68, 0.36, 0.3), box(u, v - 0.1, 0.7, 0.42), legs)


def ghost(u: Array, v: Array) -> Array:
    """A round top and a frayed hem."""
    hem = v - 0.85 + 0.15 * np.cos(12 * u)
    return union(disc(u, v + 0.2, 0.75), overlap(np.abs(u) - 0.75, -v - 0.2, hem))


def snowman(u: Array, v: Array) -> Array:
    """Two balls and a hat."""
    return union(disc(u, v - 0.38, 0.6), disc(u, v + 0.42, 0.38), box(u, v + 0.82, 0.42, 0.12))


SHAPE_OF: dict[str, Shape] = {
    "circle": lambda u, v: disc(u, v, 1),
    "square": lambda u, v: box(u, v, 0.85, 0.85),
    "triangle": triangle,
    "star": star,
    "ring": ring,
    "cross": cross,
    "moon": moon,
    "person": person,
    "robot": robot,
    "ghost": ghost,
    "snowman": snowman,
}


def mark(u: Array, v: Array) -> Array:
    """A dot near the top of every shape: without it no one could see a disc or a ring spin."""
    return disc(u, v + 0.68, 0.2)
