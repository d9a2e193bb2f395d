"""Our CLIP towers with the weights of transformers' CLIPModel compute what it computes."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from quatrefoil.core.nn.heads import LogitScale
from quatrefoil.video_text.encoders.clip import (
    PIXEL_MEAN,
    PIXEL_STD,
    VIT_B_16,
    VIT_B_32,
    ClipText,
    ClipTextConfig,
    ClipVision,
    ClipVisionConfig,
    clip_transformer,
    normalise_pixels,
)
from quatrefoil.video_text.encoders.clip_weights import clip_config, initialise_from_clip, load_clip, read_clip

transformers = pytest.importorskip("transformers")

VOCABULARY, END = 60, 59
SMALL = {"width": 32, "layers": 2, "heads": 4, "hidden": 64, "image": 32, "patch": 16, "activation": "quick_gelu"}
LARGER = {"width": 48, "layers": 3, "heads": 3, "hidden": 192, "image": 48, "patch": 8, "activation": "gelu"}


def their_model(size: dict[str, Any], end: int = END) -> Any:
    """A random CLIPModel whose weights are large enough for every path to matter."""
    tower = {
        "hidden_size": size["width"],
        "intermediate_size": size["hidden"],
        "num_hidden_layers": size["layers"],
        "num_attention_heads": size["heads"],
        "hidden_act": size["activation"],
    }
    config = transformers.CLIPConfig(
        text_config={**tower, "vocab_size": VOCABULARY, "max_position_embeddings": 12, "eos_token_id": end},
        vision_config={**tower, "image_size": size["image"], "patch_size": size["patch"]},
        projection_dim=24,
    )
    torch.manual_seed(0)
    model = transformers.CLIPModel(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        model.logit_scale.fill_(3.0)
    return model


def saved(model: Any, folder: Path) -> Path:
    model.save_pretrained(folder, safe_serialization=True)
    return folder


def our_towers(folder: Path) -> tuple[ClipVision, ClipText, float]:
    checkpoint = read_clip(folder)
    vision, text = checkpoint.config.vision.build().eval(), checkpoint.config.text.build().eval()
    return vision, text, load_clip(vision, text, checkpoint.state)


def texts() -> tuple[Tensor, Tensor]:
    """Ids of different lengths, padded with the end token, and their mask."""
    ids_BL = torch.randint(0, END, (4, 12), generator=torch.Generator().manual_seed(0))
    lengths_B1 = torch.tensor([[12], [7], [3], [2]])
    position_L = torch.arange(12)
    ids_BL[position_L >= lengths_B1 - 1] = END
    return ids_BL, position_L < lengths_B1


def difference(ours: Tensor, theirs: Tensor) -> float:
    return (ours - theirs).abs().max().item()


@torch.no_grad()
@pytest.mark.parametrize("size", [SMALL, LARGER], ids=["small", "larger"])
@pytest.mark.parametrize("end", [END, 2], ids=["first end", "legacy highest id"])
def test_towers_equal_transformers(size: dict[str, Any], end: int, tmp_path: Path) -> None:
    model = their_model(size, end)
    vision, text, scale = our_towers(saved(model, tmp_path))
    pixels = torch.randn(3, 3, size["image"], size["image"])
    theirs = model.vision_model(pixels)
    ours = vision(pixels)
    assert difference(ours.tokens, model.vision_model.post_layernorm(theirs.last_hidden_state)) <= 1e-5
    assert difference(ours.pooled, model.visual_projection(theirs.pooler_output)) <= 1e-5
    ids_BL, mask_BL = texts()
    for mask in (None, mask_BL):
        theirs = model.text_model(ids_BL, attention_mask=None if mask is None else mask.long())
        ours = text(ids_BL, mask)
        assert difference(ours.tokens, theirs.last_hidden_state) <= 1e-5
        assert difference(ours.pooled, model.text_projection(theirs.pooler_output)) <= 1e-5
        assert difference(text.project(ours.tokens)[0, 11], ours.pooled[0]) <= 1e-5
    assert scale == pytest.approx(model.logit_scale.exp().item(), rel=1e-6)


def test_a_short_configuration_means_transformers_defaults() -> None:
    """What save_pretrained leaves out is what transformers would fill in."""
    described = json.loads(transformers.CLIPConfig().to_json_string(use_diff=True))
    full = transformers.CLIPConfig().to_dict()
    assert clip_config(described) == clip_config(full) == VIT_B_32


def test_the_presets_have_the_published_sizes() -> None:
    with torch.device("meta"):
        parameters = {
            name: sum(p.numel() for tower in (preset.vision, preset.text) for p in tower.build().parameters())
            for name, preset in {"B/32": VIT_B_32, "B/16": VIT_B_16}.items()
        }
    assert parameters == {"B/32": 151_277_312, "B/16": 149_620_736}  # CLIPModel's, less the logit scale


def test_every_stray_key_is_named(tmp_path: Path) -> None:
    model = their_model(SMALL)
    vision, text, _ = our_towers(saved(model, tmp_path))
    state = dict(model.state_dict())
    state["text_model.embeddings.position_ids"] = torch.arange(12)[None]  # saved by old versions
    load_clip(vision, text, state)
    state["vision_model.head.weight"] = state.pop("text_model.final_layer_norm.bias")
    with pytest.raises(ValueError, match=r"missing .*final_layer_norm\.bias.*unexpected .*vision_model\.head"):
        load_clip(vision, text, state)


def test_weights_of_another_shape_are_named_and_nothing_is_copied(tmp_path: Path) -> None:
    model = their_model(SMALL)
    vision, text, _ = our_towers(saved(model, tmp_path))
    before = {name: value.clone() for name, value in vision.state_dict().items()}
    state = {key: 2 * value for key, value in model.state_dict().items()}
    state["text_projection.weight"] = torch.zeros(3, 3)
    with pytest.raises(ValueError, match=r"text_projection\.weight: \(3, 3\)"):
        load_clip(vision, text, state)
    assert all(torch.equal(before[name], value) for name, value in vision.state_dict().items())


def test_extra_tokens_start_as_the_mean_word(tmp_path: Path) -> None:
    model = their_model(SMALL)
    config = read_clip(saved(model, tmp_path)).config
    text = ClipText(ClipTextConfig(**{**vars(config.text), "extra_tokens": 2}))
    scale = LogitScale()
    initialise_from_clip(config.vision.build(), text, scale, tmp_path)
    words = model.text_model.embeddings.token_embedding.weight
    assert torch.equal(text.token_embedding.weight[:VOCABULARY], words)
    torch.testing.assert_close(text.token_embedding.weight[VOCABULARY:], words.mean(0).expand(2, -1))
    assert scale().item() == pytest.approx(model.logit_scale.exp().item(), rel=1e-5)


def test_another_activation_or_end_token_is_refused_though_every_weight_fits(tmp_path: Path) -> None:
    config = read_clip(saved(their_model(SMALL), tmp_path)).config
    vision, text = config.vision.build(), ClipText(ClipTextConfig(**{**vars(config.text), "end_of_text": 5}))
    with pytest.raises(ValueError, match=r"end_of_text=59 \(not 5\)"):
        initialise_from_clip(vision, text, LogitScale(), tmp_path)
    other = ClipVisionConfig(**{**vars(config.vision), "transformer": clip_transformer(32, 2, 4, "gelu")})
    with pytest.raises(ValueError, match=r"transformer\.activation=quick_gelu \(not gelu\)"):
        initialise_from_clip(other.build(), config.text.build(), LogitScale(), tmp_path)


def test_pickled_weights_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"no model\.safetensors"):
        read_clip(tmp_path)


def test_a_scale_rounded_above_its_bound_is_taken_back(tmp_path: Path) -> None:
    model = their_model(SMALL)
    vision, text, _ = our_towers(saved(model, tmp_path))
    state = dict(model.state_dict()) | {"logit_scale": torch.tensor(4.6055, dtype=torch.float16)}
    save_file({k: v.contiguous() for k, v in state.items()}, tmp_path / "model.safetensors")
    assert load_clip(vision, text, read_clip(tmp_path / "model.safetensors").state) == 100.0


def test_normalised_pixels_have_the_statistics_of_clip() -> None:
    frames = torch.randint(0, 256, (2, 3, 3, 8, 8), dtype=torch.uint8)
    mean, std = (torch.tensor(values)[:, None, None] for values in (PIXEL_MEAN, PIXEL_STD))
    torch.testing.assert_close(normalise_pixels(frames), (frames / 255 - mean) / std)
    with pytest.raises(ValueError, match="uint8"):
        normalise_pixels(frames.float())


def test_mistakes_in_inputs_are_named() -> None:
    blocks = clip_transformer(16, 1, 2)
    text = ClipTextConfig(vocab_size=10, context_length=4, end_of_text=9, transformer=blocks).build()
    with pytest.raises(ValueError, match="without the end token 9"):
        text(torch.tensor([[1, 2, 9], [1, 2, 3]]))
    with pytest.raises(ValueError, match="context_length 4"):
        text(torch.full((1, 5), 9))
    vision = ClipVisionConfig(image_size=16, patch_size=8, transformer=blocks).build()
    with pytest.raises(ValueError, match="normalise_pixels"):
        vision(torch.zeros(1, 3, 16, 16, dtype=torch.uint8))
    with pytest.raises(ValueError, match="does not divide"):
        ClipVisionConfig(image_size=224, patch_size=15)


def test_an_empty_batch_has_codes_of_no_rows() -> None:
    blocks = clip_transformer(16, 1, 2)
    text = ClipTextConfig(vocab_size=10, context_length=4, end_of_text=9, projection=6, transformer=blocks).build()
    vision = ClipVisionConfig(image_size=16, patch_size=8, projection=6, transformer=blocks).build()
    assert text(torch.zeros(0, 4, dtype=torch.long), torch.zeros(0, 4, dtype=torch.bool)).pooled.shape == (0, 6)
    assert vision(torch.zeros(0, 3, 16, 16)).pooled.shape == (0, 6)
