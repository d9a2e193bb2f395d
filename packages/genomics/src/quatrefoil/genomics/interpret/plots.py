"""Pictures of what substitutions change. Needs matplotlib (the extra `gallery`).

Legend: L places; 4 = A, C, G, T.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from quatrefoil.core.evaluation.statistics import Floats
from quatrefoil.genomics.interpret.logos import draw_letters
from quatrefoil.genomics.interpret.mutagenesis import Mutagenesis
from quatrefoil.genomics.sequence.codes import LETTERS, UNKNOWN

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INCHES_A_BASE, _NARROWEST = 0.14, 6.0


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
