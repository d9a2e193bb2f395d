"""Contrast in tiles is contrast, in less memory. Legend: B rows, D width."""

import importlib

import pytest
import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.functional import normalize

from quatrefoil.core.losses import ContrastiveResult, contrastive
from tests.core.losses.worlds import Sizes, Towers, assert_independent_of_world_size, mine

GROUPS = torch.tensor([0, 1, 2, 0, 3, 1, 4, 4, 4, 5])


def _leaves(rows: int, dtype: torch.dtype) -> list[Tensor]:
    """Codes of both sides and the scale."""
    seed = torch.Generator().manual_seed(rows)
    a, b = normalize(torch.randn(2, rows, 8, generator=seed, dtype=torch.float64), dim=-1)
    return [x.to(dtype).requires_grad_() for x in (a, normalize(a + b, dim=1), torch.tensor(7.0))]


def _both(rows: int, dtype: torch.dtype, tile_rows: int, groups: Tensor | None) -> list[tuple[Tensor, ...]]:
    """Loss, the metrics in one tensor, and the gradients, at once and in tiles."""
    found = []
    for tile in (None, tile_rows):
        leaves = _leaves(rows, dtype)
        result = contrastive(*leaves, groups_B=groups, tile_rows=tile)
        result.loss.backward()
        found.append((result.loss, torch.stack(list(result.metrics().values())), *(leaf.grad for leaf in leaves)))
    return found


def _tiled(towers: Towers, sizes: Sizes) -> ContrastiveResult:
    return contrastive(*towers.codes(sizes), towers.scale, groups_B=mine(GROUPS, sizes), tile_rows=2)


def test_metrics_and_gradients_do_not_depend_on_world_size() -> None:
    assert_independent_of_world_size(_tiled)


@pytest.mark.parametrize("tile_rows", [1, 3, 10, 99])
@pytest.mark.parametrize("groups", [None, GROUPS, torch.zeros(10, dtype=torch.int64)])
def test_value_and_gradients_are_those_of_all_rows_at_once(tile_rows: int, groups: Tensor | None) -> None:
    whole, tiled = _both(10, torch.float64, tile_rows, groups)
    for expected, value in zip(whole, tiled, strict=True):
        torch.testing.assert_close(value, expected, rtol=1e-12, atol=1e-14)


def test_in_single_precision_values_differ_by_1e_6_at_most_and_gradients_by_1e_5() -> None:
    (loss, metrics, *grads), (tiled_loss, tiled_metrics, *tiled_grads) = _both(700, torch.float32, 64, None)
    torch.testing.assert_close(tiled_loss, loss, rtol=1e-6, atol=0)
    torch.testing.assert_close(tiled_metrics, metrics, rtol=1e-6, atol=0)
    for expected, grad in zip(grads, tiled_grads, strict=True):
        assert (grad - expected).norm() <= 1e-5 * expected.norm()


def test_nothing_is_kept_that_grows_with_the_square_of_the_batch() -> None:
    kept: list[int] = []
    with saved_tensors_hooks(lambda tensor: kept.append(tensor.numel()) or tensor, lambda tensor: tensor):
        contrastive(*_leaves(300, torch.float32), tile_rows=32)
    assert max(kept) <= 2 * 300 * 8  # both sides' codes


def test_large_batches_go_in_tiles_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = contrastive(*_leaves(40, torch.float64))
    module = importlib.import_module("quatrefoil.core.losses.contrastive")  # as an attribute it is the function
    monkeypatch.setattr(module, "WHOLE_UP_TO", 40 * 40 - 1)
    monkeypatch.setattr(module, "TILE_ROWS", 16)
    monkeypatch.setattr(module, "score_rows", None)  # what does not go in tiles needs it
    torch.testing.assert_close(contrastive(*_leaves(40, torch.float64)).loss, whole.loss, rtol=1e-13, atol=0)


def test_without_gradients_none_are_computed() -> None:
    with torch.no_grad():
        assert not contrastive(*_leaves(10, torch.float32), tile_rows=4).loss.requires_grad


def test_tiles_of_no_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="tile_rows must be at least 1, got 0"):
        contrastive(*_leaves(4, torch.float32), tile_rows=0)
