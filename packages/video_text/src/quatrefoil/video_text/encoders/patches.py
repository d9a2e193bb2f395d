"""Patches: cut from pictures, placed, hidden and shown.

Learned positions on every axis and one vector for each modality are TVLT's (github.com/zinengtang/TVLT), and our choice
for VLSA, whose paper names none.

Legend: B rows, C channels, H W sides, T tokens, V visible tokens, P numbers of a patch, D width.
"""

from math import prod

import torch
from torch import Tensor, nn

from quatrefoil.core.masking import choose_patches


class Positions(nn.Module):
    """What tells tokens apart by their place: a vector for each place of each axis and one for the modality, added."""

    def __init__(self, sizes: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.sizes = sizes
        self.axes = nn.ModuleList(nn.Embedding(size, width) for size in sizes)
        self.modality = nn.Parameter(torch.empty(width))

    def start_as_loud_as_sines(self) -> None:
        """Normal numbers whose sum over the axes has the root mean square of tables of sines and cosines, 0.7."""
        for axis in self.axes:
            assert isinstance(axis, nn.Embedding)
            nn.init.normal_(axis.weight, std=(0.5 / len(self.axes)) ** 0.5)

    def forward(self, tokens: int) -> Tensor:
        """(T, D), the last axis running fastest; fewer tokens take fewer places of the first axis.

        Raises:
            ValueError: more tokens than places, or no whole number of places of the first axis.
        """
        inner = prod(self.sizes[1:])
        if tokens % inner or tokens > prod(self.sizes):
            raise ValueError(f"{tokens} tokens have no positions among {' x '.join(map(str, self.sizes))} places")
        total: Tensor = self.modality
        for size, axis in zip((tokens // inner, *self.sizes[1:]), self.axes, strict=True):
            assert isinstance(axis, nn.Embedding)
            total = total[..., None, :] + axis.weight[:size]
        return total.flatten(0, -2)


class PatchEmbedding(nn.Module):
    """Patches to tokens: a linear map, and their positions."""

    def __init__(self, numbers: int, sizes: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.linear, self.positions = nn.Linear(numbers, width), Positions(sizes, width)

    def forward(self, patches: Tensor, visible_BV: Tensor | None = None) -> Tensor:
        """(..., T, P) to (..., T, D); of (B, T, P) only the visible ones, (B, V, D), where their places are given."""
        positions_TD = self.positions(patches.shape[-2])
        if visible_BV is None:
            tokens: Tensor = self.linear(patches) + positions_TD
        else:
            tokens = self.linear(take(patches, visible_BV)) + positions_TD[visible_BV]
        return tokens


def patches_of(x: Tensor, side: int) -> Tensor:
    """Square patches of (..., C, H, W), row by row: (..., H W / side^2, C side^2), the channel outermost in each.

    Raises:
        ValueError: sides that the patch's does not divide.
    """
    height, width = x.shape[-2:]
    if height % side or width % side:
        raise ValueError(f"patches of {side} x {side} do not divide {height} x {width}")
    cells = x.reshape(*x.shape[:-2], height // side, side, width // side, side)  # ..., C, h, p, w, q
    return cells.movedim((-4, -2), (-5, -4)).flatten(-5, -4).flatten(-3)


def draw_visible(groups: int, patches: int, generator: torch.Generator, rate: float) -> Tensor:
    """Places, ascending, of what stays visible where exactly `round(rate * patches)` of each group are hidden: int64.

    VLSA hides patches frame by frame (`groups` frames), of sound all in one.
    """
    hidden = torch.cat([choose_patches(patches, generator, rate) for _ in range(groups)])
    return (~hidden).nonzero()[:, 0]


def hidden_places(visible_BV: Tensor, tokens: int) -> Tensor:
    """Places, ascending, of the tokens that are not visible: int64 (B, T - V). The counts are in the shapes alone."""
    hidden_BT = torch.ones(len(visible_BV), tokens, dtype=torch.int8, device=visible_BV.device)
    hidden_BT = hidden_BT.scatter(1, visible_BV, 0)
    return hidden_BT.argsort(dim=1, descending=True, stable=True)[:, : tokens - visible_BV.shape[1]]


def take(x_BTD: Tensor, places_BV: Tensor) -> Tensor:
    """The tokens at these places, (B, V, D)."""
    return x_BTD.gather(1, wide(places_BV, x_BTD))


def wide(places_BV: Tensor, like_BTD: Tensor) -> Tensor:
    """The places, once for each of the D numbers of a token, as gathering and scattering want them."""
    return places_BV[..., None].expand(-1, -1, like_BTD.shape[-1])
