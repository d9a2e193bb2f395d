"""Figures of clips: frames in a row, a picture of sound, and maps over both.

Legend: F frames, C channels, H W pixels, R S rows and columns of a picture of sound, h w patches of a picture, T
patches, P numbers of a patch.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW_INCHES, _WIDTH_INCHES, _DPI = 1.6, 18.0, 80


def joined(patches_TP: Tensor, channels: int, height: int, width: int) -> Tensor:
    """Pictures (N, C, H, W) of which `encoders.patches.patches_of` made these patches, one picture after the other."""
    side = round((patches_TP.shape[-1] / channels) ** 0.5)
    cells = patches_TP.reshape(-1, height // side, width // side, channels, side, side)
    return cells.permute(0, 3, 1, 4, 2, 5).reshape(-1, channels, height, width)


def rows_of_panels(rows: int, frames: int) -> "tuple[Figure, Any]":
    """A figure, and its axes (rows, 2): frames on the left and sound on the right.

    Raises:
        ImportError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("pictures need matplotlib: pip install 'quatrefoil-video-text[gallery]'") from error
    figure = Figure(figsize=(_WIDTH_INCHES, _ROW_INCHES * rows + 0.6), layout="constrained")
    return figure, figure.subplots(rows, 2, squeeze=False, width_ratios=(frames, 1.5))


def draw_frames(axes: "Axes", frames_FCHW: Tensor | None, over_FHW: Tensor | None = None) -> None:
    """Frames side by side, colours from 0 to 1; what is hidden (NaN) is grey. `over_FHW` is a map over them."""
    if frames_FCHW is None:
        _say(axes, "no frames")
        return
    axes.imshow(side_by_side(frames_FCHW.nan_to_num(0.5).clamp(0, 1).movedim(1, -1)))
    _lay_over(axes, None if over_FHW is None else side_by_side(over_FHW))


def draw_sound(axes: "Axes", sound_RS: Tensor | None, span: tuple[float, float], over_RS: Tensor | None = None) -> None:
    """A picture of sound, low frequencies at the bottom, on one scale for all; nothing where there is no sound."""
    if sound_RS is None:
        _say(axes, "no sound")
        return
    axes.imshow(sound_RS.numpy(), origin="lower", aspect="auto", vmin=span[0], vmax=span[1], cmap="gray")
    _lay_over(axes, None if over_RS is None else over_RS.numpy())


def _say(axes: "Axes", text: str) -> None:
    """Words in the place of a picture, whose label stays."""
    axes.text(0.5, 0.5, text, ha="center", va="center")
    axes.spines[:].set_visible(False)
    axes.set_xticks([])
    axes.set_yticks([])


def side_by_side(frames_FHW: Tensor) -> np.ndarray[Any, Any]:
    """One picture (H, F W), or with colours last (H, F W, 3)."""
    pictures: np.ndarray[Any, Any] = torch.cat(list(frames_FHW), dim=1).numpy()
    return pictures


def enlarged(map_hw: Tensor, side: int) -> Tensor:
    """Each number of a map (..., h, w) as a square of pixels, (..., h side, w side)."""
    return map_hw.repeat_interleave(side, -2).repeat_interleave(side, -1)


def entitle(figure: "Figure", lines: Sequence[str]) -> None:
    """Lines above a figure, as they are: no formula between dollars, and a dot for what cannot be printed (a token of
    bytes may be half a letter)."""
    shown = ["".join(sign if sign.isprintable() else "·" for sign in line) for line in lines]
    figure.suptitle("\n".join(shown), parse_math=False)


def save(figure: "Figure", folder: Path, id: str) -> Path:
    """As a PNG named by the clip; what file names should not hold becomes a dash."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{re.sub(r'[^A-Za-z0-9_.=+-]', '-', id)}.png"
    figure.savefig(path, dpi=_DPI)
    return path


def _lay_over(axes: "Axes", over: np.ndarray[Any, Any] | None) -> None:
    """A map in colour, red above zero and blue below, on a scale of its own."""
    if over is not None:
        most = max(float(np.abs(over).max()), 1e-12)
        axes.imshow(over, origin=axes.images[0].origin, aspect="auto", cmap="RdBu_r", vmin=-most, vmax=most, alpha=0.6)
    axes.set_xticks([])
    axes.set_yticks([])
