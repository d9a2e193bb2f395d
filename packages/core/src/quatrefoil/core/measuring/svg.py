"""Pieces of SVG, written by hand so that the same numbers are the same bytes.

Coordinates are counted from the upper left corner, rounded to a tenth.
"""

from collections.abc import Iterable
from html import escape

Point = tuple[float, float]


def path(points: Iterable[Point], kind: str, colour: str = "") -> str:
    """A line through points. `kind` is its class, `colour` overrides that of the style sheet."""
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    stroke = f' stroke="{colour}"' if colour else ""
    return f'<polyline class="{kind}"{stroke} points="{joined}"/>'


def label(x: float, y: float, words: str, kind: str, anchor: str) -> str:
    """Words at a point, which is their start, middle or end."""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def document(width: int, height: float, title: str, parts: Iterable[str], alone: bool = False) -> str:
    """The picture; `alone`: as a file of its own, which says that it is SVG."""
    names = ' xmlns="http://www.w3.org/2000/svg"' if alone else ""
    size = f'viewBox="0 0 {width} {height:.0f}" width="{width}"'
    head = f'<svg{names} {size} role="img" aria-label="{escape(title)}">'
    return "\n".join([head, *parts, "</svg>"])
