"""Pictures of motifs and of what substitutions change. Needs matplotlib (the extra `gallery`).

Letters are drawn as such, in the height of their value (Schneider and Stephens 1990).

Legend: L places, W positions of a motif; 4 = A, C, G, T.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from quatrefoil.core.evaluation.statistics import Floats
from quatrefoil.genomics.interpret.mutagenesis import Mutagenesis
from quatrefoil.genomics.sequence.codes import LETTERS, UNKNOWN

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from quatrefoil.genomics.regions.motifs import Motif

COLOURS: Final = dict(zip("ACGT", ("#2a9d4a", "#2a6fbb", "#e0a020", "#c8352f"), strict=True))
_INCHES_A_BASE, _NARROWEST = 0.14, 6.0
_COLUMNS: Final = 4


def information(frequencies_W4: Floats) -> Floats:
    """Heights (W, 4) of letters in bits: the share of each times what the position tells over equal shares."""
    shares_W4 = np.clip(frequencies_W4, np.finfo(float).tiny, 1)
    heights_W4: Floats = frequencies_W4 * (2 + (shares_W4 * np.log2(shares_W4)).sum(1, keepdims=True))
    return heights_W4


def draw_letters(axes: "Axes", heights_L4: Floats) -> None:
    """A column of letters at each place, the highest on top; those below zero hang from it."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.patches import PathPatch
    from matplotlib.textpath import TextPath
    from matplotlib.transforms import Affine2D

    glyphs = {letter: TextPath((0, 0), letter, size=1, prop=FontProperties(weight="bold")) for letter in COLOURS}
    for place, heights in enumerate(heights_L4):
        ends = {True: 0.0, False: 0.0}
        for base in np.argsort(np.abs(heights)):
            letter, height = "ACGT"[base], float(heights[base])
            box = glyphs[letter].get_extents()
            fit = Affine2D().translate(-box.x0, -box.y0).scale(0.9 / box.width, height / box.height)
            moved = fit.translate(place - 0.45, ends[height > 0])
            axes.add_patch(PathPatch(glyphs[letter].transformed(moved), color=COLOURS[letter], linewidth=0))
            ends[height > 0] += height
    low, high = np.minimum(heights_L4, 0).sum(1).min(), np.maximum(heights_L4, 0).sum(1).max()
    axes.set_xlim(-0.5, len(heights_L4) - 0.5)
    axes.set_ylim(low, high if high > low else low + 1)


def draw_logos(motifs: Sequence["Motif"], out: Path) -> None:
    """One logo a motif, in bits.

    Raises:
        ValueError: no motif, or a format that matplotlib cannot write.
    """
    from matplotlib.figure import Figure

    if not motifs:
        raise ValueError("no motif to draw; name one that the file has")
    rows = -(-len(motifs) // _COLUMNS)
    figure = Figure(figsize=(3.2 * min(_COLUMNS, len(motifs)), 1.5 * rows), layout="constrained")
    for number, motif in enumerate(motifs):
        axes = figure.add_subplot(rows, min(_COLUMNS, len(motifs)), number + 1)
        draw_letters(axes, information(motif.frequencies_W4))
        axes.set_ylim(0, 2)
        axes.set_xticks([])
        axes.set_title(motif.name if motif.factor == motif.name else f"{motif.factor} ({motif.name})", fontsize=8)
    figure.savefig(out, dpi=120)


def draw_mutagenesis(found: Sequence[tuple[str, Mutagenesis]], out: Path) -> None:
    """For each named sequence two panels: its letters in the height of their importance, and every substitution.

    Raises:
        ValueError: no sequence, or a format that matplotlib cannot write.
    """
    from matplotlib.figure import Figure

    if not found:
        raise ValueError("no sequence to draw; give one at least")
    longest = max(len(one.codes_L) for _, one in found)
    size = (max(_NARROWEST, _INCHES_A_BASE * longest), 3.2 * len(found))
    figure = Figure(figsize=size, layout="constrained")
    grid: Any = figure.add_gridspec(2 * len(found), 1, height_ratios=(3, 2) * len(found))
    for number, (name, one) in enumerate(found):
        above = figure.add_subplot(grid[2 * number])
        above.set_title(f"{name}: class {one.class_name}, log odds {one.log_odds:.2f}", loc="left", fontsize=9)
        draw_letters(above, _shown(one))
        above.set_ylabel("mean loss")
        _draw_changes(figure.add_subplot(grid[2 * number + 1], sharex=above), one)
    figure.savefig(out, dpi=120)


def _shown(one: Mutagenesis) -> Floats:
    """Heights (L, 4) that are zero but for the base that is there."""
    heights_L4 = np.zeros((len(one.codes_L), UNKNOWN))
    known = np.flatnonzero(one.codes_L < UNKNOWN)
    heights_L4[known, one.codes_L[known]] = one.importance_L[known]
    return heights_L4


def _draw_changes(axes: "Axes", one: Mutagenesis) -> None:
    most = float(np.nanmax(np.abs(one.change_L4), initial=1e-12))
    picture = axes.imshow(one.change_L4.T, aspect="auto", cmap="RdBu_r", vmin=-most, vmax=most, interpolation="none")
    axes.set_yticks(range(UNKNOWN), list(LETTERS[:UNKNOWN].tobytes().decode()))
    axes.set_xlabel("base, from 0")
    axes.figure.colorbar(picture, ax=axes, label="change of log odds")
