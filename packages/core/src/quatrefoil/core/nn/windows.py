"""Attention within windows of a grid of any number of axes (Swin, Liu et al. 2021, arXiv 2103.14030, section 3.2).

Legend: B rows, G the axes of the grid, W windows, N tokens of a window, H heads, d width of a head, D width.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from math import prod
from typing import NamedTuple

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from quatrefoil.core.nn.attention import Attention, Visibility, attend

Sizes = tuple[int, ...]


@dataclass(frozen=True)
class Tiling:
    """A grid cut into windows: padded at the end of each axis to whole windows, then rolled back by `shift`.

    Make it with `of`, which keeps windows within the grid.
    """

    grid: Sizes
    window: Sizes
    shift: Sizes

    @classmethod
    def of(cls, grid: Sizes, window: Sizes, *, shifted: bool, together: bool) -> "Tiling":
        """Windows no larger than the grid, and no shift on an axis that one window covers.

        Args:
            shifted: move the windows by half their sides.
            together: one covered axis stops the shift on all, as the 2-D Swin has it; the 3-D one stops each alone.
        """
        covered = [size <= side for size, side in zip(grid, window, strict=True)]
        still = not shifted or (together and any(covered))
        shift = tuple(0 if still or whole else side // 2 for whole, side in zip(covered, window, strict=True))
        return cls(grid, tuple(map(min, grid, window)), shift)

    @property
    def counts(self) -> Sizes:
        """Windows along each axis."""
        return tuple(-(-size // side) for size, side in zip(self.grid, self.window, strict=True))

    @property
    def padded(self) -> Sizes:
        """The grid, rounded up to whole windows."""
        return tuple(count * side for count, side in zip(self.counts, self.window, strict=True))

    @property
    def tokens(self) -> int:
        """N."""
        return prod(self.window)

    def split(self, x_BGD: Tensor) -> Tensor:
        """(B, *grid, D) to (B, W, N, D); padding is zeros, or False."""
        x, axes = pad_end(x_BGD, self.padded), len(self.grid)
        if any(self.shift):
            x = x.roll([-step for step in self.shift], self._axes)
        cells = x.reshape(len(x), *chain(*zip(self.counts, self.window, strict=True)), x.shape[-1])
        order = (0, *range(1, 2 * axes, 2), *range(2, 2 * axes + 1, 2), 2 * axes + 1)
        return cells.permute(order).reshape(len(x), prod(self.counts), self.tokens, x.shape[-1])

    def join(self, x_BWND: Tensor) -> Tensor:
        """The inverse of `split`, (B, W, N, D) to (B, *grid, D)."""
        axes, (rows, width) = len(self.grid), (x_BWND.shape[0], x_BWND.shape[-1])
        order = (0, *chain(*((1 + axis, 1 + axes + axis) for axis in range(axes))), 2 * axes + 1)
        x = x_BWND.reshape(rows, *self.counts, *self.window, width).permute(order).reshape(rows, *self.padded, width)
        if any(self.shift):
            x = x.roll(self.shift, self._axes)
        return x[(slice(None), *map(slice, self.grid))]

    @property
    def _axes(self) -> Sizes:
        return tuple(range(1, 1 + len(self.grid)))


def pad_end(x_BGD: Tensor, sizes: Sizes) -> Tensor:
    """Pad the axes between the first and the last with zeros (or False), at their ends, to `sizes`."""
    missing = [size - have for size, have in zip(sizes, x_BGD.shape[1:-1], strict=True)]
    return nnf.pad(x_BGD, (0, 0, *chain(*((0, count) for count in reversed(missing))))) if any(missing) else x_BGD


# The two tables below are made once per shape and device. Both outlive the step that first asks for them, so they must
# not be inference tensors, which a later backward pass could not use.


@lru_cache(maxsize=64)
@torch.inference_mode(False)
def apart_by_shift(tiling: Tiling, device: torch.device) -> Tensor:
    """(W, N, N), True where two tokens of a rolled window were apart before the roll."""
    labels = torch.zeros(tiling.padded, dtype=torch.long, device=device)
    for axis, (size, step) in enumerate(zip(tiling.padded, tiling.shift, strict=True)):
        came_round = torch.arange(size, device=device) >= size - step
        labels = 2 * labels + came_round.view(-1, *[1] * (len(tiling.grid) - axis - 1))
    unrolled = replace(tiling, grid=tiling.padded, shift=(0,) * len(tiling.grid))
    labels_WN = unrolled.split(labels[None, ..., None])[0, ..., 0]
    return labels_WN[:, :, None] != labels_WN[:, None, :]


@lru_cache(maxsize=16)
@torch.inference_mode(False)
def relative_positions(window: Sizes, device: torch.device) -> Tensor:
    """(N, N), the row of the table of biases for the offset between two tokens of a full window."""
    places = torch.cartesian_prod(*(torch.arange(side, device=device) for side in window)).view(-1, len(window))
    rows = torch.zeros(len(places), len(places), dtype=torch.long, device=device)
    for side, place_N in zip(window, places.unbind(1), strict=True):
        rows = rows * (2 * side - 1) + place_N[:, None] - place_N[None, :] + side - 1
    return rows


class Windows(NamedTuple):
    """A tiling and what its tokens may not see; made once by `of` for all blocks that share it.

    Args:
        hidden: boolean, broadcastable to (B, W, H, N, N), True = not seen; None = all is seen.
        attends: boolean (B, W, 1, N or 1, 1), False where a token may see nothing; None = every token sees some.
    """

    tiling: Tiling
    hidden: Tensor | None
    attends: Tensor | None

    @classmethod
    def of(cls, tiling: Tiling, device: torch.device, real_BG: Tensor | None = None) -> "Windows":
        """Combine the shift with a padding mask.

        Args:
            real_BG: boolean, True = a real cell of the grid. Given one, what pads the grid to whole windows is hidden
                too; without, it is seen, as in the papers' code.
        """
        apart = apart_by_shift(tiling, device)[None, :, None] if any(tiling.shift) else None
        if real_BG is None:
            return cls(tiling, apart, None)
        padding = ~tiling.split(real_BG[..., None])[:, :, None, None, :, 0]
        hidden = padding if apart is None else padding | apart
        attends = ~hidden.all(-1, keepdim=True)
        return cls(tiling, hidden & attends, attends)  # a softmax over nothing is NaN: see all, to no effect

    def visibility(self, bias_HNN: Tensor) -> Visibility:
        """For `attend`: windows stand with the heads where they see differently, otherwise with the rows."""
        if self.hidden is None:
            return Visibility(bias_HNN[None])
        mask = bias_HNN.masked_fill(self.hidden, -torch.inf).flatten(1, 2)
        if self.attends is None:
            return Visibility(mask)
        return Visibility(mask, self.attends.expand(-1, -1, len(bias_HNN), -1, -1).flatten(1, 2))


class WindowAttention(Attention):
    """Self-attention within windows, with a learned bias for every offset between two tokens.

    Where a window is clamped to a small grid, offsets are read from the first N rows and columns of the full window's
    table: exact when only the first axis is clamped, and for the others the papers' code, which weights rely on.

    Args:
        width: D, a multiple of `heads`.
        window: sides of a full window.

    Raises:
        ValueError: `heads` does not divide `width`.
    """

    def __init__(self, width: int, heads: int, window: Sizes) -> None:
        super().__init__(width, heads)
        self.window = window
        # An embedding, so that the optimizer does not decay it: most offsets are rare.
        self.positions = nn.Embedding(prod(2 * side - 1 for side in window), heads)

    def forward(self, x_BGD: Tensor, windows: Windows) -> Tensor:  # type: ignore[override]  # a grid, not a sequence
        """(B, *grid, D)."""
        tiling, fold = windows.tiling, (0, 1) if windows.hidden is None else (1, 2)
        qkv_3BWHNd = self.qkv(tiling.split(x_BGD)).unflatten(-1, (3, self.heads, -1)).permute(3, 0, 1, 4, 2, 5)
        shape = qkv_3BWHNd.shape[1:]
        q, k, v = (part.flatten(*fold) for part in qkv_3BWHNd.unbind())
        attended = attend(q, k, v, windows.visibility(self._bias(tiling.tokens))).view(shape)
        out: Tensor = tiling.join(self.out(attended.transpose(2, 3).flatten(3)))
        return out

    def _bias(self, tokens: int) -> Tensor:
        table = self.positions.weight
        rows_NN = relative_positions(self.window, table.device)[:tokens, :tokens]
        return table[rows_NN].permute(2, 0, 1).contiguous()  # the gradient of a lookup is faster than an embedding's
