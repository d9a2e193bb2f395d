"""Swin (Liu et al. 2021, arXiv 2103.14030) over grids of any number of axes; for three, see arXiv 2106.13230.

Legend: B rows, C channels, S the axes of the input, P the axes of a patch, G the axes of the grid of patches, D width.
"""

from dataclasses import dataclass
from itertools import islice
from math import prod
from typing import NamedTuple

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from quatrefoil.core.nn.transformer import FeedForward, initialise
from quatrefoil.core.nn.windows import Sizes, Tiling, WindowAttention, Windows, pad_end


@dataclass(frozen=True, kw_only=True)
class SwinConfig:
    """Sizes and habits of a Swin; the number of axes is the length of `patch`.

    Args:
        in_channels: C.
        patch, window: sides along each axis, in cells of the input and in patches.
        stride: from patch to patch, at most the patch; None = the patch, so that patches do not overlap.
        width: of the first stage; it doubles with each stage.
        depths, heads: blocks and heads of each stage; heads divide the stage's width.
        merged: the axes whose neighbours are merged between stages, e.g. (1, 2) to keep the first of three.
        mlp_ratio: width of the hidden layer of a block's MLP, in units of the block's.
        drop_path: chance that the last block's branches are left out of a row while training; earlier blocks have
            less, in proportion to their place (Huang et al. 2016, arXiv 1603.09382).
        shift_together: see `Tiling.of`; True is the 2-D Swin, False the 3-D one. They differ only where some but not
            all axes of a grid fit into one window.
        mask_token: learn what stands in the place of masked patches.
        final_norm: normalise the last stage's tokens.
        checkpoint: recompute each block in the backward pass: memory of one block's activations, a third more time.

    Raises:
        ValueError: settings that do not fit one another, which are named.
    """

    in_channels: int
    patch: Sizes
    stride: Sizes | None = None
    width: int
    depths: Sizes
    heads: Sizes
    window: Sizes
    merged: Sizes
    mlp_ratio: float = 4.0
    drop_path: float = 0.0
    shift_together: bool = False
    mask_token: bool = False
    final_norm: bool = True
    checkpoint: bool = False

    def __post_init__(self) -> None:
        axes = len(self.patch)
        if not axes or len(self.window) != axes or len(self.step) != axes:
            raise ValueError(f"patch, stride and window need one side for each axis: {self}")
        if not self.depths or len(self.depths) != len(self.heads):
            raise ValueError(f"depths and heads need one number for each stage: {self.depths=}, {self.heads=}")
        if min(self.in_channels, self.width, *self.patch, *self.step, *self.window, *self.depths, *self.heads) < 1:
            raise ValueError(f"every size of a Swin must be positive: {self}")
        if any(step > side for step, side in zip(self.step, self.patch, strict=True)):
            raise ValueError(f"a stride {self.step} beyond the patch {self.patch} would leave cells unread")
        if sorted(set(self.merged)) != list(self.merged) or any(axis not in range(axes) for axis in self.merged):
            raise ValueError(f"merged names axes of 0..{axes - 1} in order, once each, not {self.merged}")
        if not 0 <= self.drop_path < 1 or round(self.width * self.mlp_ratio) < 1:
            raise ValueError(f"drop_path is in [0, 1), mlp_ratio positive: {self.drop_path=}, {self.mlp_ratio=}")
        for width, heads in zip(self.widths, self.heads, strict=True):
            if width % heads:
                raise ValueError(f"heads {heads} do not divide their stage's width {width}; change one of them")

    @property
    def step(self) -> Sizes:
        """From patch to patch."""
        return self.patch if self.stride is None else self.stride

    @property
    def widths(self) -> Sizes:
        """D of each stage."""
        return tuple(self.width * 2**stage for stage in range(len(self.depths)))

    def build(self) -> "Swin":
        return Swin(self)


def swin_t(in_channels: int, window: int) -> SwinConfig:
    """Swin-T over two axes, the sizes of the paper's section 3.3 (there: 3 channels, window 7).

    With window 9, no stage of a grid of 288 x 288 cells needs padding.
    """
    return SwinConfig(
        in_channels=in_channels,
        patch=(4, 4),
        width=96,
        depths=(2, 2, 6, 2),
        heads=(3, 6, 12, 24),
        window=(window, window),
        merged=(0, 1),
        drop_path=0.2,
        shift_together=True,
    )


class SwinOutput(NamedTuple):
    """Tokens of the last stage on their grid, (B, *G, D), and which are real, boolean (B, *G); None = all are.

    A token is real if any of the cells that it stands for is. The others are finite and mean nothing.
    """

    tokens_BGD: Tensor
    real_BG: Tensor | None

    def pooled(self) -> Tensor:
        """(B, D), the mean of the real tokens; zero for a row that has none."""
        tokens_BTD = self.tokens_BGD.flatten(1, -2)
        if self.real_BG is None:
            return tokens_BTD.mean(1)
        real_BT1 = self.real_BG.flatten(1)[..., None]
        return tokens_BTD.masked_fill(~real_BT1, 0.0).sum(1) / real_BT1.sum(1).clamp(min=1)


class PatchEmbedding(nn.Module):
    """A convolution over patches, (B, C, *S) to (B, *G, D), and a norm; axes are padded with zeros to whole patches."""

    def __init__(self, config: SwinConfig) -> None:
        super().__init__()
        self.config = config
        self.weight = nn.Parameter(torch.empty(config.width, config.in_channels, *config.patch))
        self.bias = nn.Parameter(torch.zeros(config.width))
        self.norm = nn.LayerNorm(config.width)
        nn.init.trunc_normal_(self.weight, std=0.02, a=-0.04, b=0.04)

    def forward(self, x_BCS: Tensor) -> Tensor:
        """(B, *G, D)."""
        patches = self._cut(x_BCS.movedim(1, -1)).flatten(-len(self.config.patch) - 1)
        out: Tensor = self.norm(nnf.linear(patches, self.weight.flatten(1), self.bias))
        return out

    def real(self, real_BS: Tensor) -> Tensor:
        """(B, *G), True for the patches that hold a real cell."""
        return self._cut(real_BS[..., None]).flatten(-len(self.config.patch) - 1).any(-1)

    def _cut(self, x_BSC: Tensor) -> Tensor:
        """(B, *G, C, *P)."""
        patch = self.config.patch
        whole = tuple(-(-size // side) * side for size, side in zip(x_BSC.shape[1:-1], patch, strict=True))
        x = pad_end(x_BSC, whole)
        for axis, (side, step) in enumerate(zip(patch, self.config.step, strict=True), 1):
            x = x.unfold(axis, side, step)
        return x


class SwinBlock(nn.Module):
    """x + attention(norm(x)) within windows, then x + MLP(norm(x)); while training, branches drop out row by row."""

    def __init__(self, config: SwinConfig, stage: int, drop_path: float) -> None:
        super().__init__()
        width, self.drop_path = config.widths[stage], drop_path
        self.attention_norm = nn.LayerNorm(width)
        self.attention = WindowAttention(width, config.heads[stage], config.window)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width, round(width * config.mlp_ratio), "gelu")

    def forward(self, x_BGD: Tensor, windows: Windows) -> Tensor:
        """(B, *G, D)."""
        x_BGD = x_BGD + self._drop_rows(self.attention(self.attention_norm(x_BGD), windows))
        return x_BGD + self._drop_rows(self.feed_forward(self.feed_forward_norm(x_BGD)))

    def _drop_rows(self, branch_BGD: Tensor) -> Tensor:
        if not self.training or not self.drop_path:
            return branch_BGD
        keep = branch_BGD.new_empty(len(branch_BGD), *[1] * (branch_BGD.ndim - 1)).bernoulli_(1 - self.drop_path)
        return branch_BGD * (keep / (1 - self.drop_path))


class PatchMerging(nn.Module):
    """Neighbours along the merged axes become one token of twice the width; odd sizes are padded with zeros."""

    def __init__(self, width: int, merged: Sizes) -> None:
        super().__init__()
        self.merged, parts = merged, 2 ** len(merged)
        self.norm = nn.LayerNorm(parts * width)
        self.reduction = nn.Linear(parts * width, 2 * width, bias=False)

    def forward(self, x_BGD: Tensor, real_BG: Tensor | None) -> SwinOutput:
        """(B, *G, D) to (B, *G', 2 D)."""
        if real_BG is None:
            return SwinOutput(self.reduction(self.norm(self._gather(x_BGD))), None)
        # Padding beside a real neighbour becomes what pads odd sizes: zero.
        parts = self._gather(x_BGD.masked_fill(~real_BG[..., None], 0.0))
        return SwinOutput(self.reduction(self.norm(parts)), self._gather(real_BG[..., None]).any(-1))

    def _gather(self, x_BGD: Tensor) -> Tensor:
        """(B, *G', parts * D); of the neighbours' order, the first axis runs fastest, as in the papers' code."""
        grid = x_BGD.shape[1:-1]
        x = pad_end(x_BGD, tuple(size + size % 2 * (axis in self.merged) for axis, size in enumerate(grid)))
        for axis in self.merged:
            x = torch.unflatten(x, axis + 1, (-1, 2)).movedim(axis + 2, len(grid) + 1)
        return x.flatten(len(grid) + 1)


class SwinStage(nn.Module):
    """Blocks whose windows are shifted in every other one and, unless it is the last stage, a merging."""

    def __init__(self, config: SwinConfig, stage: int, drop_paths: list[float]) -> None:
        super().__init__()
        self.config, is_last = config, stage == len(config.depths) - 1
        self.blocks = nn.ModuleList(SwinBlock(config, stage, drop_path) for drop_path in drop_paths)
        self.merging = None if is_last else PatchMerging(config.widths[stage], config.merged)

    def forward(self, x: SwinOutput) -> SwinOutput:
        """Tokens of the stage before to those for the next."""
        tokens_BGD = x.tokens_BGD
        windows = [self._windows(x, shifted=shifted) for shifted in (False, True)]
        for index, block in enumerate(self.blocks):
            if self.config.checkpoint and torch.is_grad_enabled():
                tokens_BGD = checkpoint(block, tokens_BGD, windows[index % 2], use_reentrant=False)
            else:
                tokens_BGD = block(tokens_BGD, windows[index % 2])
        return x._replace(tokens_BGD=tokens_BGD) if self.merging is None else self.merging(tokens_BGD, x.real_BG)

    def _windows(self, x: SwinOutput, *, shifted: bool) -> Windows:
        grid, together = tuple(x.tokens_BGD.shape[1:-1]), self.config.shift_together
        tiling = Tiling.of(grid, self.config.window, shifted=shifted, together=together)
        return Windows.of(tiling, x.tokens_BGD.device, x.real_BG)


class Swin(nn.Module):
    """Patches to stages of windowed attention."""

    def __init__(self, config: SwinConfig) -> None:
        super().__init__()
        self.config = config
        self.patches = PatchEmbedding(config)
        self.mask_token = nn.Parameter(torch.empty(config.width)) if config.mask_token else None
        last = max(sum(config.depths) - 1, 1)
        rates = (config.drop_path * block / last for block in range(sum(config.depths)))
        self.stages = nn.ModuleList(
            SwinStage(config, stage, list(islice(rates, depth))) for stage, depth in enumerate(config.depths)
        )
        self.final_norm = nn.LayerNorm(config.widths[-1]) if config.final_norm else nn.Identity()
        initialise(self)
        if self.mask_token is not None:
            nn.init.trunc_normal_(self.mask_token, std=0.02, a=-0.04, b=0.04)

    def forward(
        self,
        x_BCS: Tensor,
        *,
        real_BS: Tensor | None = None,
        masked: Tensor | None = None,
        places_GD: Tensor | None = None,
    ) -> SwinOutput:
        """Cells of a grid to tokens of the last stage.

        Args:
            real_BS: boolean, True = a real cell; what the others hold changes no real token. None, the fast path, where
                nothing is padded.
            masked: boolean (B, *cells), True = patches that the mask token replaces (after their norm). Each axis of
                `cells` divides that of the grid of patches, and a cell covers a block of patches: 1 covers the axis.
            places_GD: embedding of the places (*G, D), 1 for an axis along which all share one; it is added to the
                patches, masked or not (`ape` in the paper's code). None: nothing says where on the grid a patch is.

        Raises:
            ValueError: another number of axes or channels, masks or places that do not fit, or `masked` without a mask
                token.
        """
        self._check(x_BCS, real_BS)
        if real_BS is not None:
            x_BCS = x_BCS.masked_fill(~real_BS[:, None], 0.0)
        tokens_BGD = self._mask(self.patches(x_BCS), masked)
        if places_GD is not None:
            tokens_BGD = tokens_BGD + _checked(places_GD, tokens_BGD)
        state = SwinOutput(tokens_BGD, None if real_BS is None else self.patches.real(real_BS))
        for stage in self.stages:
            state = stage(state)
        return state._replace(tokens_BGD=self.final_norm(state.tokens_BGD))

    def _check(self, x_BCS: Tensor, real_BS: Tensor | None) -> None:
        channels, axes = self.config.in_channels, len(self.config.patch)
        if x_BCS.ndim != axes + 2 or x_BCS.shape[1] != channels or not prod(x_BCS.shape[2:]):
            raise ValueError(
                f"this Swin takes (B, {channels}, {axes} axes that are not empty), not {tuple(x_BCS.shape)}"
            )
        if real_BS is not None and (real_BS.dtype != torch.bool or real_BS.shape != (len(x_BCS), *x_BCS.shape[2:])):
            wanted = (len(x_BCS), *x_BCS.shape[2:])
            raise ValueError(f"real_BS is boolean {wanted}, True = a real cell, not {real_BS.dtype} {real_BS.shape}")

    def _mask(self, tokens_BGD: Tensor, masked: Tensor | None) -> Tensor:
        if masked is None:
            return tokens_BGD
        if self.mask_token is None:
            raise ValueError("`masked` needs a mask token; set mask_token=true in the configuration")
        masked_BG1 = _spread(masked, tuple(tokens_BGD.shape[:-1]))[..., None]
        return torch.where(masked_BG1, self.mask_token.to(tokens_BGD.dtype), tokens_BGD)


def _checked(places_GD: Tensor, tokens_BGD: Tensor) -> Tensor:
    found, wanted = tuple(places_GD.shape), tuple(tokens_BGD.shape[1:])
    fits = len(found) == len(wanted) and found[-1] == wanted[-1]
    if not fits or any(side not in (1, size) for side, size in zip(found[:-1], wanted[:-1], strict=True)):
        raise ValueError(f"places are {wanted}, or 1 along an axis, not {found}")
    return places_GD


def _spread(masked: Tensor, shape: Sizes) -> Tensor:
    """Repeat each cell over the block of patches that it covers."""
    fits = masked.ndim == len(shape) and len(masked) == shape[0]
    if masked.dtype != torch.bool or not fits or any(g % c for g, c in zip(shape[1:], masked.shape[1:], strict=True)):
        raise ValueError(f"masked is boolean, each axis a divisor of {shape}, not {masked.dtype} {tuple(masked.shape)}")
    for axis in range(1, len(shape)):
        masked = masked.repeat_interleave(shape[axis] // masked.shape[axis], axis)
    return masked
