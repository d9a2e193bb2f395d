"""Video Swin with the weights of others: what is read, from which files, and what is refused."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from quatrefoil.core.nn.swin import Swin
from quatrefoil.core.nn.swin_weights import OFFICIAL
from quatrefoil.core.weights import places
from quatrefoil.video_text.encoders.video_swin import VIDEO_SWIN_B, VIDEO_SWIN_T, video_swin
from quatrefoil.video_text.encoders.video_swin_weights import (
    initialise_from_video_swin,
    load_inflated,
    load_video_swin,
)
from tests.golden.files import read_golden
from tests.golden.video_swin import golden_swin

SMALL = video_swin(8, (2, 2), (1, 2), window=(4, 3, 3), drop_path=0.1, mask_token=True)
KINETICS = replace(SMALL, mask_token=False)


def official(swin: Swin) -> dict[str, Tensor]:
    """Random weights under the names of the official code, with the tables that it saves beside them."""
    state = {place.keys[0]: torch.randn_like(place.parameter) for place in places(swin, OFFICIAL)}
    if "mask_token" in state:
        state["mask_token"] = state["mask_token"].view(1, -1, 1, 1, 1)
    return state | {"layers.0.blocks.0.attn.relative_position_index": torch.zeros(36, 36, dtype=torch.long)}


def loaded(config_mask: bool, state: dict[str, Tensor]) -> Swin:
    swin = replace(SMALL, mask_token=config_mask).build()
    load_video_swin(swin, state, mask_token=config_mask)
    return swin


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors", "wrapped.pth", "model.pth"])
def test_weights_of_kinetics_are_read_from_any_wrapping_and_leave_a_mask_token_alone(name: str, tmp_path: Path) -> None:
    state = official(KINETICS.build())
    held = {f"backbone.{key}": value for key, value in state.items()} | {"cls_head.fc_cls.weight": torch.ones(2, 16)}
    path = tmp_path / name
    if path.suffix == ".safetensors":
        save_file(held, path)
    else:
        wrapped = {"wrapped.pth": {"meta": {"epoch": 30}, "state_dict": held}, "model.pth": {"model": held, "epoch": 1}}
        torch.save(wrapped.get(name, held), path)
    swin = SMALL.build()
    assert swin.mask_token is not None
    before = swin.mask_token.clone()
    initialise_from_video_swin(swin, path, mask_token=False)
    assert torch.equal(swin.mask_token, before)
    kinetics = KINETICS.build()
    load_video_swin(kinetics, state)
    assert all(torch.equal(p, dict(swin.named_parameters())[name]) for name, p in kinetics.named_parameters())


def test_a_checkpoint_of_clover_is_its_backbone_and_its_mask_token_is_read_or_left() -> None:
    state = official(SMALL.build())
    whole = {f"backbone.{key}": value for key, value in state.items()} | {"text_backbone.bert.x": torch.ones(1)}
    swin, fine_tuned = loaded(True, whole), loaded(False, whole)
    assert swin.mask_token is not None
    assert torch.equal(swin.mask_token, state["mask_token"].flatten())
    for name, parameter in fine_tuned.named_parameters():
        assert torch.equal(parameter, dict(swin.named_parameters())[name])


def test_missing_unexpected_and_misshapen_weights_are_named_and_nothing_is_copied() -> None:
    state, swin = official(SMALL.build()), SMALL.build()
    before = {name: value.clone() for name, value in swin.state_dict().items()}
    lacking = {key: value for key, value in state.items() if key != "norm.bias"} | {"layers.7.x": torch.ones(1)}
    with pytest.raises(ValueError, match=r"missing keys \['norm\.bias'\], unexpected keys \['layers\.7\.x'\]"):
        load_video_swin(swin, lacking)
    with pytest.raises(ValueError, match=r"patch_embed\.proj\.weight: \(8, 3, 4, 4\) for \(8, 3, 2, 4, 4\)"):
        load_video_swin(swin, state | {"patch_embed.proj.weight": torch.ones(8, 3, 4, 4)})
    with pytest.raises(ValueError, match=r"missing keys \['mask_token'\]"):
        load_video_swin(swin, official(KINETICS.build()))
    assert all(torch.equal(before[name], value) for name, value in swin.state_dict().items())


def test_files_with_code_in_them_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    torch.save({"model": Path("x")}, path)
    with pytest.raises(ValueError, match="more than weights"):
        initialise_from_video_swin(SMALL.build(), path, mask_token=True)


def test_two_dimensional_weights_see_a_still_film_as_the_still(tmp_path: Path) -> None:
    flat = replace(KINETICS, patch=(4, 4), window=(3, 3), merged=(0, 1)).build().eval()
    state = official(flat) | {"head.weight": torch.ones(5, 16)}
    swin = SMALL.build().eval()
    torch.save({"model": state}, tmp_path / "flat.pth")  # as Swin's authors publish it
    initialise_from_video_swin(swin, tmp_path / "flat.pth", mask_token=False)
    load_video_swin(flat, state)
    stills = torch.randn(2, 3, 48, 40)
    tokens, still = swin(stills[:, :, None].expand(-1, -1, 6, -1, -1)).tokens_BGD, flat(stills).tokens_BGD
    torch.testing.assert_close(tokens, still[:, None].expand_as(tokens), rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="relative_position_bias_table"):
        load_inflated(replace(SMALL, window=(4, 7, 7)).build(), state)


@pytest.mark.parametrize("index", range(3))
def test_gradients_of_the_official_model_flow_at_every_size(index: int, shared: Path) -> None:
    """Values are held to it by the golden runner; here no parameter is cut off, and each clip stands alone."""
    golden = read_golden(shared / "golden" / "clover" / "video_swin.safetensors")
    swin, clips = golden_swin(golden), golden.tensor(f"in.{index}")
    tokens = swin(clips).tokens_BGD
    torch.testing.assert_close(swin(clips[1:]).tokens_BGD, tokens[1:], rtol=0, atol=1e-5)
    (tokens * torch.randn_like(tokens)).sum().backward()
    idle = [name for name, p in swin.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == ["mask_token"]


def test_an_odd_last_frame_is_beside_one_of_zeros_and_a_mask_is_the_same_at_all_times() -> None:
    swin = SMALL.build().eval()
    clips = torch.randn(1, 3, 3, 32, 32)
    padded = torch.cat([clips, torch.zeros(1, 3, 1, 32, 32)], dim=2)
    assert torch.equal(swin(clips).tokens_BGD, swin(padded).tokens_BGD)
    masked = torch.tensor([[[True, False], [False, False]]])
    changed = clips.clone()
    changed[..., :16, :16] = 5.0
    assert torch.equal(swin(clips, masked=masked[:, None]).tokens_BGD, swin(changed, masked=masked[:, None]).tokens_BGD)


def test_the_presets_have_the_sizes_of_their_papers() -> None:
    with torch.device("meta"):
        counts = [sum(p.numel() for p in config.build().parameters()) for config in (VIDEO_SWIN_T, VIDEO_SWIN_B)]
    assert counts == [27_850_470, 87_638_984]  # torchvision's swin3d_t and swin3d_b without their classifiers
    assert VIDEO_SWIN_B.widths == (128, 256, 512, 1024)
