"""Windows cut a grid and put it together again; attention within them equals its definition, cell by cell."""

from itertools import product
from math import prod

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from quatrefoil.core.nn.windows import Tiling, WindowAttention, Windows, apart_by_shift, relative_positions

CPU = torch.device("cpu")
AXES = st.integers(1, 3)


@st.composite
def tilings(draw: st.DrawFn) -> Tiling:
    axes = draw(AXES)
    sizes = st.lists(st.integers(1, 7), min_size=axes, max_size=axes).map(tuple)
    return Tiling.of(draw(sizes), draw(sizes), shifted=draw(st.booleans()), together=draw(st.booleans()))


def attention(axes: int, window: tuple[int, ...]) -> WindowAttention:
    torch.manual_seed(0)
    layer = WindowAttention(8, 2, window).double()
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return layer


def plain(layer: WindowAttention, x_GD: Tensor, shift: tuple[int, ...], real_G: Tensor) -> Tensor:
    """The definition, one cell at a time; needs a grid of whole windows, none of them clamped."""
    grid, heads, window = tuple(x_GD.shape[:-1]), layer.heads, layer.window
    out = torch.empty_like(x_GD)
    cells = list(product(*map(range, grid)))

    def block(cell: tuple[int, ...]) -> tuple[int, ...]:
        # Shifted windows begin `shift` cells late; what they cut off at both ends are windows of their own.
        return tuple((place + side - step) // side for place, side, step in zip(cell, window, shift, strict=True))

    def row(cell: tuple[int, ...], other: tuple[int, ...]) -> int:
        number = 0
        for a, b, side in zip(cell, other, window, strict=True):
            number = number * (2 * side - 1) + a - b + side - 1
        return number

    q, k, v = layer.qkv(x_GD).unflatten(-1, (3, heads, -1)).unbind(-3)
    for cell in cells:
        seen = [other for other in cells if block(other) == block(cell) and real_G[other]]
        if not seen:
            out[cell] = layer.out.bias
            continue
        keys, values = (torch.stack([part[other] for other in seen]) for part in (k, v))
        bias_SH = layer.positions.weight[[row(cell, other) for other in seen]]
        scores_SH = (keys * q[cell]).sum(-1) * q.shape[-1] ** -0.5 + bias_SH
        out[cell] = layer.out((scores_SH.softmax(0)[..., None] * values).sum(0).flatten())
    return out


@given(tilings(), st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_joining_is_the_inverse_of_splitting(tiling: Tiling, rows: int) -> None:
    x_BGD = torch.randn(rows, *tiling.grid, 3)
    windows = tiling.split(x_BGD)
    assert windows.shape == (rows, prod(tiling.counts), tiling.tokens, 3)
    assert torch.equal(tiling.join(windows), x_BGD)


@given(tilings())
@settings(max_examples=60, deadline=None)
def test_tokens_of_a_window_see_each_other_exactly_where_they_were_neighbours(tiling: Tiling) -> None:
    """Within a window of the rolled grid, two cells see each other if they are less than a window apart unrolled."""
    cells = torch.cartesian_prod(*(torch.arange(size) for size in tiling.padded)).view(*tiling.padded, -1)
    whole = Tiling(tiling.padded, tiling.window, tiling.shift)
    places_WNA = whole.split(cells[None])[0]
    distances = (places_WNA[:, :, None] - places_WNA[:, None]).abs()
    assert torch.equal(apart_by_shift(tiling, CPU), (distances >= torch.tensor(tiling.window)).any(-1))


@pytest.mark.parametrize(("grid", "window"), [((12,), (4,)), ((6, 8), (3, 4)), ((4, 4, 6), (2, 2, 3))])
@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("padded", [False, True])
def test_values_and_gradients_equal_the_definition(
    grid: tuple[int, ...], window: tuple[int, ...], shifted: bool, padded: bool
) -> None:
    layer = attention(len(grid), window)
    tiling = Tiling.of(grid, window, shifted=shifted, together=False)
    x_BGD = torch.randn(2, *grid, 8, dtype=torch.float64)
    real_BG = torch.rand(2, *grid, generator=torch.Generator().manual_seed(1)) < 0.7
    real_BG[1] = False  # windows without a real token too
    ours = layer(x_BGD, Windows.of(tiling, CPU, real_BG if padded else None))
    seen = real_BG if padded else torch.ones_like(real_BG)
    theirs = torch.stack([plain(layer, x, tiling.shift, real) for x, real in zip(x_BGD, seen, strict=True)])
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)
    upstream, leaves = torch.randn_like(ours), list(layer.parameters())
    gradients = [torch.autograd.grad(out, leaves, upstream, allow_unused=True) for out in (ours, theirs)]
    for got, want in zip(*gradients, strict=True):
        assert got is not None
        assert want is not None
        torch.testing.assert_close(got, want, rtol=0, atol=1e-9)


def test_a_window_no_larger_than_its_grid_is_never_shifted_and_one_axis_may_stop_the_others() -> None:
    alone = Tiling.of((4, 9, 2), (4, 3, 7), shifted=True, together=False)
    assert (alone.window, alone.shift, alone.padded) == ((4, 3, 2), (0, 1, 0), (4, 9, 2))
    assert Tiling.of((4, 9, 2), (4, 3, 7), shifted=True, together=True).shift == (0, 0, 0)
    assert Tiling.of((5, 9), (4, 3), shifted=True, together=True).shift == (2, 1)


def test_positions_of_a_window_shorter_on_its_first_axis_are_those_of_the_full_window() -> None:
    short, full = relative_positions((2, 3, 2), CPU), relative_positions((4, 3, 2), CPU)[:12, :12]
    assert torch.equal(full - full[0, 0], short - short[0, 0])


def test_without_a_padding_mask_padding_is_seen_and_with_one_it_is_not() -> None:
    layer, grid = attention(1, (4,)), (5,)
    x_BGD = torch.randn(1, 5, 8, dtype=torch.float64)
    tiling = Tiling.of(grid, (4,), shifted=False, together=False)
    free, masked = (layer(x_BGD, Windows.of(tiling, CPU, real)) for real in (None, torch.ones(1, 5, dtype=torch.bool)))
    torch.testing.assert_close(free[:, :4], masked[:, :4])
    assert (free[:, 4] - masked[:, 4]).abs().max() > 1e-3


def test_tables_first_made_in_inference_serve_a_backward_pass() -> None:
    layer, tiling = attention(2, (5, 5)), Tiling.of((11, 11), (5, 5), shifted=True, together=False)
    x_BGD = torch.randn(1, 11, 11, 8, dtype=torch.float64)
    with torch.inference_mode():
        layer(x_BGD, Windows.of(tiling, CPU))
    layer(x_BGD, Windows.of(tiling, CPU)).sum().backward()
    assert layer.positions.weight.grad is not None
    assert apart_by_shift(tiling, CPU) is apart_by_shift(Tiling.of((11, 11), (5, 5), shifted=True, together=False), CPU)
