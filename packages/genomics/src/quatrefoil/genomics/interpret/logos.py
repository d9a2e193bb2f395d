"""Motifs as logos. Needs matplotlib (the extra `gallery`).

Letters are drawn as such, in the height of their value (Schneider and Stephens 1990).

Legend: L places, W positions of a motif; 4 = A, C, G, T.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from tqdm import tqdm

from quatrefoil.core.evaluation.statistics import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.path import Path as Outline

    from quatrefoil.genomics.regions.motifs import Motif

COLOURS: Final = dict(zip("ACGT", ("#2a9d4a", "#2a6fbb", "#e0a020", "#c8352f"), strict=True))
_COLUMNS: Final = 4
_FACTOR: Final = re.compile(r"\(([^()]+)\)|[^_()]+_([^()]+)$")


def information(frequencies_W4: Floats) -> Floats:
    """Heights (W, 4) of letters in bits: the share of each times what the position tells over equal shares."""
    shares_W4 = np.clip(frequencies_W4, np.finfo(float).tiny, 1)
    heights_W4: Floats = frequencies_W4 * (2 + (shares_W4 * np.log2(shares_W4)).sum(1, keepdims=True))
    return heights_W4


def draw_letters(axes: "Axes", heights_L4: Floats) -> None:
    """A column of letters at each place, the highest on top; those below zero hang from it."""
    from matplotlib.collections import PathCollection
    from matplotlib.transforms import Affine2D

    paths, colours = [], []
    for place, heights in enumerate(heights_L4):
        ends = {True: 0.0, False: 0.0}
        for base in np.argsort(np.abs(heights)):
            letter, height = "ACGT"[base], float(heights[base])
            moved = Affine2D().scale(0.9, height).translate(place - 0.45, ends[height > 0])
            paths.append(_glyph(letter).transformed(moved))
            colours.append(COLOURS[letter])
            ends[height > 0] += height
    axes.add_collection(PathCollection(paths, facecolors=colours, linewidths=0), autolim=False)
    low, high = np.minimum(heights_L4, 0).sum(1).min(), np.maximum(heights_L4, 0).sum(1).max()
    axes.set_xlim(-0.5, len(heights_L4) - 0.5)
    axes.set_ylim(low, high if high > low else low + 1)


@lru_cache
def _glyph(letter: str) -> "Outline":
    """A letter that fills the square from 0 to 1."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath
    from matplotlib.transforms import Affine2D

    drawn = TextPath((0, 0), letter, size=1, prop=FontProperties(weight="bold"))
    box = drawn.get_extents()
    return drawn.transformed(Affine2D().translate(-box.x0, -box.y0).scale(1 / box.width, 1 / box.height))


def names_of(motif: "Motif") -> set[str]:
    """What a motif may be called: its id, its factor, and the factor that either of them holds, behind an underscore
    (`MA0139.1_CTCF`) or in parentheses at its start (`(KLF12)_(Mus_musculus)_(DBD_1.00)`)."""
    own = {motif.name, motif.factor}
    return own | {found[1] or found[2] for found in map(_FACTOR.match, own) if found}


def title_of(motif: "Motif") -> str:
    """Its factor, and its id where that is another name."""
    return motif.name if motif.factor == motif.name else f"{motif.factor} ({motif.name})"


def draw_logos(motifs: Sequence["Motif"], out: Path, titles: Sequence[str] | None = None) -> None:
    """One logo a motif, in bits.

    Args:
        titles: above each; None = what the motifs are called.

    Raises:
        ValueError: no motif, or a format that matplotlib cannot write.
    """
    from matplotlib.figure import Figure

    if not motifs:
        raise ValueError("no motif to draw; name one that the file has")
    titles = [title_of(motif) for motif in motifs] if titles is None else titles
    columns = min(len(motifs), max(_COLUMNS, round((len(motifs) * 1.5 / 3.2) ** 0.5)))  # many make a square
    rows = -(-len(motifs) // columns)
    figure = Figure(figsize=(3.2 * columns, 1.5 * rows))
    width, height = figure.get_size_inches()
    # Fixed places, in inches: a layout engine takes time that grows with the square.
    edges = {"left": 0.3 / width, "right": 1 - 0.05 / width, "bottom": 0.1 / height, "top": 1 - 0.4 / height}
    figure.subplots_adjust(**edges, wspace=0.12, hspace=0.5)
    shown = tqdm(zip(motifs, titles, strict=True), "logos", len(motifs), leave=False, delay=1)
    for number, (motif, title) in enumerate(shown):
        axes = figure.add_subplot(rows, columns, number + 1)
        draw_letters(axes, information(motif.frequencies_W4))
        axes.set_ylim(0, 2)
        axes.set_xticks([])
        axes.set_title(title, fontsize=8)
    figure.savefig(out, dpi=120)
