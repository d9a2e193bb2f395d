"""Swin over two axes is transformers' SwinModel; over any number, padding, masks and memory savings change nothing."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from quatrefoil.core.nn.swin import Swin, SwinBlock, SwinConfig, swin_t
from quatrefoil.core.nn.swin_weights import HUGGING_FACE, hugging_face_state, inflate, load_swin, swin_config
from quatrefoil.core.training.optimizer import OptimizerConfig, parameter_groups

SMALL = SwinConfig(
    in_channels=1, patch=(2, 2), width=8, depths=(2, 2), heads=(1, 2), window=(3, 3), merged=(0, 1), mask_token=True
)


def built(config: SwinConfig) -> Swin:
    """In evaluation mode, with weights large enough for every path to matter."""
    torch.manual_seed(0)
    swin = config.build().eval()
    with torch.no_grad():
        for parameter in swin.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return swin


def their_model(**sizes: Any) -> Any:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = {"embed_dim": 16, "depths": (2, 2, 2), "num_heads": (1, 2, 4), "window_size": 4, "image_size": 64}
    model = transformers.SwinModel(transformers.SwinConfig(**config | sizes), use_mask_token=True).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def of_theirs(model: Any, state: dict[str, Tensor]) -> Swin:
    swin = replace(swin_config(model.config.to_dict()), mask_token=True).build().eval()
    load_swin(swin, hugging_face_state(state), HUGGING_FACE)
    return swin


@pytest.mark.parametrize("sizes", [(64, 64), (72, 88), (64, 96), (61, 70)])
def test_over_two_axes_it_computes_what_transformers_does(sizes: tuple[int, int]) -> None:
    """Whole windows, padded ones, grids of which one axis fits into a window, and padded patches."""
    model = their_model()
    swin = of_theirs(model, model.state_dict())
    x_BCS = torch.randn(2, 3, *sizes)
    theirs, ours = model(x_BCS), swin(x_BCS)
    assert (ours.tokens_BGD.flatten(1, 2) - theirs.last_hidden_state).abs().max() <= 1e-5
    assert (ours.pooled() - theirs.pooler_output).abs().max() <= 1e-5


def test_its_gradients_are_those_of_transformers() -> None:
    model = their_model()
    swin, x_BCS = of_theirs(model, model.state_dict()), torch.randn(2, 3, 72, 72)
    upstream = torch.randn(2, 64)
    (model(x_BCS).pooler_output * upstream).sum().backward()
    (swin(x_BCS).pooled() * upstream).sum().backward()
    gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    expected = built(swin.config)
    load_swin(expected, gradients, HUGGING_FACE, mask_token=False)
    for (name, ours), theirs in zip(swin.named_parameters(), expected.parameters(), strict=True):
        if name != "mask_token":
            assert ours.grad is not None
            assert (ours.grad - theirs).abs().max() <= 1e-5 * max(1.0, theirs.abs().max().item()), name


def test_masked_patches_are_those_of_transformers() -> None:
    model, masked = their_model(), torch.rand(2, 16, 16) < 0.5
    x_BCS = torch.randn(2, 3, 64, 64)
    theirs = model(x_BCS, bool_masked_pos=masked.flatten(1)).last_hidden_state
    ours = of_theirs(model, model.state_dict())(x_BCS, masked=masked).tokens_BGD
    assert (ours.flatten(1, 2) - theirs).abs().max() <= 1e-5


def test_places_are_the_absolute_positions_of_transformers_under_masked_patches_too() -> None:
    model, masked = their_model(use_absolute_embeddings=True), torch.rand(2, 16, 16) < 0.5
    state = model.state_dict()
    places_GD = state.pop("embeddings.position_embeddings").unflatten(1, (16, 16))[0]
    model.config.use_absolute_embeddings = False  # the weights of ours have none: they are handed in
    ours, x_BCS = of_theirs(model, state), torch.randn(2, 3, 64, 64)
    theirs = model(x_BCS, bool_masked_pos=masked.flatten(1)).last_hidden_state
    assert (ours(x_BCS, masked=masked, places_GD=places_GD).tokens_BGD.flatten(1, 2) - theirs).abs().max() <= 1e-5
    assert (ours(x_BCS, masked=masked).tokens_BGD.flatten(1, 2) - theirs).abs().max() > 1e-2


@pytest.mark.parametrize("shape", [(5, 1, 8), (1, 8), (6, 6, 4), (2, 3, 8)])
def test_places_of_another_grid_are_refused(shape: tuple[int, ...]) -> None:
    swin = built(SMALL)
    swin(torch.randn(1, 1, 12, 12), places_GD=torch.zeros(6, 1, 8))
    with pytest.raises(ValueError, match="places are"):
        swin(torch.randn(1, 1, 12, 12), places_GD=torch.zeros(shape))


def test_files_of_any_version_of_transformers_are_read(tmp_path: Any) -> None:
    model = their_model()
    model.save_pretrained(tmp_path)
    old = {f"swin.{key}": value for key, value in load_file(tmp_path / "model.safetensors").items()}
    assert "swin.encoder.layers.0.blocks.0.attention.self.query.weight" in old
    ours = of_theirs(model, old | {"classifier.weight": torch.zeros(2, 64)})
    for got, want in zip(ours.parameters(), of_theirs(model, model.state_dict()).parameters(), strict=True):
        assert torch.equal(got, want)


def test_what_padded_cells_hold_and_how_many_they_are_changes_no_real_token() -> None:
    swin = built(SMALL)
    x_BCS, real_BS = torch.randn(2, 1, 36, 40), torch.zeros(2, 36, 40, dtype=torch.bool)
    real_BS[0, :29, :31], real_BS[1, :25, :40] = True, True
    first = swin(x_BCS, real_BS=real_BS)
    other = swin(torch.where(real_BS[:, None], x_BCS, 7.0), real_BS=real_BS)
    assert torch.equal(first.tokens_BGD, other.tokens_BGD)
    wide, wide_real = torch.randn(2, 1, 48, 52), torch.zeros(2, 48, 52, dtype=torch.bool)
    wide[:, :, :36, :40], wide_real[:, :36, :40] = x_BCS, real_BS
    wider = swin(wide, real_BS=wide_real)
    assert first.real_BG is not None
    assert wider.real_BG is not None
    assert wider.real_BG.sum() == first.real_BG.sum()
    torch.testing.assert_close(wider.tokens_BGD[:, :9, :10][first.real_BG], first.tokens_BGD[first.real_BG])
    torch.testing.assert_close(wider.pooled(), first.pooled())


def test_a_row_without_a_real_cell_has_finite_tokens_and_gradients() -> None:
    swin, real_BS = built(SMALL), torch.zeros(2, 30, 30, dtype=torch.bool)
    real_BS[1, :5, :5] = True
    out = swin(torch.randn(2, 1, 30, 30), real_BS=real_BS)
    assert out.tokens_BGD.isfinite().all()
    assert (out.pooled()[0] == 0).all()
    out.tokens_BGD.sum().backward()
    assert all(p.grad.isfinite().all() for name, p in swin.named_parameters() if p.grad is not None)


def test_a_matrix_of_288_cells_a_side_needs_no_padding_with_windows_of_9() -> None:
    config = replace(swin_t(1, 9), depths=(1, 1, 1, 1), width=24)
    real_BS = torch.zeros(1, 288, 288, dtype=torch.bool)
    real_BS[:, :282, :200] = True
    out = config.build().eval()(torch.randn(1, 1, 288, 288), real_BS=real_BS)
    assert out.tokens_BGD.shape == (1, 9, 9, 192)
    assert out.real_BG is not None
    assert out.real_BG.sum() == 9 * 7
    assert sum(p.numel() for p in swin_t(3, 7).build().parameters()) == 27_519_354  # that of transformers' default


def test_recomputing_blocks_changes_neither_values_nor_gradients() -> None:
    x_BCS = torch.randn(3, 1, 14, 18)
    results = []
    for config in (SMALL, replace(SMALL, checkpoint=True)):
        swin = built(replace(config, drop_path=0.4)).train()
        torch.manual_seed(1)
        out = swin(x_BCS).tokens_BGD
        out.square().sum().backward()
        results.append([out, *(p.grad for p in swin.parameters() if p.grad is not None)])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_branches_drop_out_by_rows_in_training_only_and_keep_their_mean() -> None:
    swin = built(replace(SMALL, drop_path=0.5))
    blocks = [module for module in swin.modules() if isinstance(module, SwinBlock)]
    block, branch_BGD = blocks[-1], torch.ones(4000, 2, 2, 1)
    assert torch.equal(block._drop_rows(branch_BGD), branch_BGD)
    dropped = block.train()._drop_rows(branch_BGD)
    assert set(dropped.flatten().tolist()) == {0.0, 2.0}
    assert (dropped == dropped[:, :1, :1]).all()
    assert abs(dropped.mean().item() - 1) < 0.1
    assert [other.drop_path for other in blocks] == pytest.approx([0, 1 / 6, 1 / 3, 1 / 2])


def test_a_coarse_mask_is_the_fine_one_that_it_covers() -> None:
    swin, x_BCS = built(SMALL), torch.randn(2, 1, 16, 24)
    coarse = torch.rand(2, 1, 3) < 0.5
    fine = coarse.repeat_interleave(8, 1).repeat_interleave(4, 2)
    assert torch.equal(swin(x_BCS, masked=coarse).tokens_BGD, swin(x_BCS, masked=fine).tokens_BGD)
    hidden = torch.ones(2, 1, 1, dtype=torch.bool)
    assert torch.equal(swin(x_BCS, masked=hidden).tokens_BGD, swin(-x_BCS, masked=hidden).tokens_BGD)


def test_an_inflated_swin_computes_on_what_is_constant_what_the_flat_one_does() -> None:
    flat = built(SMALL)
    deep = replace(SMALL, patch=(2, 2, 2), window=(4, 3, 3), merged=(1, 2)).build().eval()
    inflate(flat, deep)
    x_BCS = torch.randn(2, 1, 18, 22)
    tokens = deep(x_BCS[:, :, None].expand(-1, -1, 8, -1, -1)).tokens_BGD
    torch.testing.assert_close(tokens, flat(x_BCS).tokens_BGD[:, None].expand_as(tokens), rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match="'window'"):
        inflate(flat, replace(deep.config, window=(4, 4, 4)).build())


def test_patches_with_a_stride_are_a_convolution() -> None:
    swin = built(replace(SMALL, patch=(4, 2), stride=(2, 2)))
    x_BCS = torch.randn(2, 1, 12, 10)
    theirs = torch.nn.functional.conv2d(x_BCS, swin.patches.weight, swin.patches.bias, stride=(2, 2)).movedim(1, -1)
    torch.testing.assert_close(swin.patches(x_BCS), swin.patches.norm(theirs))


def test_biases_of_offsets_and_the_mask_token_are_not_decayed() -> None:
    swin = SMALL.build()
    decayed = {n for g in parameter_groups(swin, OptimizerConfig()) if g["weight_decay"] for n, _ in g["params"]}
    assert not [name for name in decayed if "positions" in name or "norm" in name or name == "mask_token"]


def test_an_empty_batch_has_tokens_of_no_rows_and_gradients_of_zero() -> None:
    swin = built(SMALL)
    out = swin(torch.zeros(0, 1, 13, 30), real_BS=torch.zeros(0, 13, 30, dtype=torch.bool))
    assert out.pooled().shape == (0, 16)
    swin(torch.zeros(0, 1, 13, 30)).pooled().sum().backward()
    assert not any(p.grad.any() for p in swin.parameters() if p.grad is not None)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"window": (3,)}, "one side for each axis"),
        ({"depths": (2,)}, "one number for each stage"),
        ({"heads": (3, 2)}, "heads 3 do not divide"),
        ({"merged": (2,)}, "axes of 0..1"),
        ({"stride": (3, 2)}, "leave cells unread"),
        ({"drop_path": 1.0}, "drop_path"),
        ({"patch": (0, 2)}, "positive"),
    ],
)
def test_settings_that_do_not_fit_are_named(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        replace(SMALL, **change)


def test_mistakes_in_inputs_and_weights_are_named() -> None:
    swin, x_BCS = built(SMALL), torch.randn(1, 1, 8, 8)
    with pytest.raises(ValueError, match="takes"):
        swin(x_BCS[:, 0])
    with pytest.raises(ValueError, match="real_BS is boolean"):
        swin(x_BCS, real_BS=torch.ones(1, 8, 7, dtype=torch.bool))
    with pytest.raises(ValueError, match="each axis a divisor"):
        swin(x_BCS, masked=torch.ones(1, 3, 1, dtype=torch.bool))
    with pytest.raises(ValueError, match="mask_token=true"):
        replace(SMALL, mask_token=False).build()(x_BCS, masked=torch.ones(1, 1, 1, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"missing keys \['embeddings\.mask_token'.*unexpected keys \['x'\]"):
        load_swin(swin, {"x": torch.ones(1)}, HUGGING_FACE)
    with pytest.raises(ValueError, match="hidden_act=relu"):
        swin_config({"hidden_act": "relu"})
