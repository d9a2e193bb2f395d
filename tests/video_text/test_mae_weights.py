"""The unified encoder computes what Hugging Face's ViTMAE does, from the weights that it saves."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from quatrefoil.core.weights import described_transformer, require_same
from quatrefoil.video_text.encoders.patches import patches_of
from quatrefoil.video_text.models.vlsa import MAE_BERT, Vlsa
from tests.video_text.small_vlsa import SMALL

transformers = pytest.importorskip("transformers")

SIZES: dict[str, Any] = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "image_size": 16,
    "patch_size": 4, "decoder_hidden_size": 8, "decoder_num_hidden_layers": 1, "decoder_num_attention_heads": 2,
    "decoder_intermediate_size": 32, "mask_ratio": 0.0, "layer_norm_eps": 1e-6,
}  # fmt: skip


def theirs(kind: str = "ViTMAEForPreTraining", **sizes: Any) -> Any:
    torch.manual_seed(0)
    model = getattr(transformers, kind)(transformers.ViTMAEConfig(**(SIZES | sizes))).eval()
    for parameter in model.parameters():  # norms and biases too
        parameter.data += 0.1 * torch.randn_like(parameter)
    return model


def saved(folder: Path, model: Any) -> Path:
    model.save_pretrained(folder)
    return folder


def mae_of(model: Any) -> Any:
    return getattr(model, "vit", model)


@pytest.mark.parametrize("kind", ["ViTMAEForPreTraining", "ViTMAEModel"])
@pytest.mark.parametrize("shared", [("video", "text", "audio"), ("video", "audio"), ()])
def test_tokens_and_states_are_those_of_transformers(kind: str, shared: Any, tmp_path: Path) -> None:
    mae = theirs(kind)
    ours = replace(SMALL, encoder_shared=shared, mae=str(saved(tmp_path, mae))).build().eval()
    pixels = torch.randn(3, 3, 16, 16)
    with torch.inference_mode():
        embeddings = mae_of(mae).embeddings
        placed = embeddings.patch_embeddings(pixels) + embeddings.position_embeddings[:, 1:]
        (table, _), patches = ours.video_embed.positions.axes, patches_of(pixels, 4)
        extra = table.weight[0] + ours.video_embed.positions.modality
        torch.testing.assert_close(ours.video_embed(patches) - extra, placed, rtol=0, atol=1e-5)
        first = embeddings.cls_token + embeddings.position_embeddings[:, :1]
        tokens = torch.cat([first.expand(3, -1, -1), placed], 1)
        order = torch.arange(16.0).expand(3, -1)  # theirs are shuffled by noise: in order, none is
        states = mae_of(mae)(pixels, noise=order).last_hidden_state
        for modality in ("video", "text", "audio"):
            torch.testing.assert_close(ours.encoder({modality: tokens})[modality], states, rtol=0, atol=1e-5)


def test_what_has_no_weights_there_keeps_its_start_and_times_start_near_zero(tmp_path: Path) -> None:
    source, states = str(saved(tmp_path, theirs())), []
    for mae in (None, source):
        torch.manual_seed(1)
        states.append(replace(SMALL, mae=mae).build().state_dict())
    other = {name for name, value in states[0].items() if not torch.equal(value, states[1][name])}
    loaded = {name for name in states[0] if name.startswith(("encoder.", "video_embed."))}
    assert other == loaded - {"video_embed.positions.modality"}
    assert states[1]["video_embed.positions.axes.0.weight"].abs().max() < 0.1  # a frame is at first what MAE knows


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_attention_heads": 4}, "heads=4"),
        ({"hidden_act": "quick_gelu"}, "activation=quick_gelu"),
        ({"num_hidden_layers": 3}, "layers=3"),
        ({"qkv_bias": False}, "no biases"),
        ({"patch_size": 2}, "patch_embeddings.projection.weight"),
    ],
)
def test_weights_of_another_shape_are_refused(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SMALL, mae=str(saved(tmp_path, theirs(**change)))).build()


def test_a_key_that_is_missing_or_unknown_is_named(tmp_path: Path) -> None:
    file = saved(tmp_path, theirs()) / "model.safetensors"
    weights = load_file(file)
    weights["vit.pooler.weight"] = weights.pop("vit.layernorm.weight")
    save_file(weights, file)
    with pytest.raises(ValueError, match=r"missing keys \['layernorm.weight'\], unexpected keys \['pooler.weight'\]"):
        replace(SMALL, mae=str(tmp_path)).build()


def test_a_configuration_that_leaves_out_defaults_is_the_base_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "vit_mae"}))
    with pytest.raises(ValueError, match=r"width=768 \(not 16\), layers=12"):
        replace(SMALL, mae=str(tmp_path)).build()


def test_the_preset_has_the_sizes_of_the_base_models_that_it_names() -> None:
    mae, bert, ours = transformers.ViTMAEConfig(), transformers.BertConfig(), MAE_BERT
    require_same("ViTMAE", ours.encoder, described_transformer(mae.to_dict()), free=("norm_eps",))
    assert (ours.image_size, ours.patch_size) == (mae.image_size, mae.patch_size)
    assert (ours.vocab_size, ours.encoder.width) == (bert.vocab_size, bert.hidden_size)


def test_a_model_tells_which_weights_of_others_it_started_from(tmp_path: Path) -> None:
    source = str(saved(tmp_path, theirs()))
    model = replace(SMALL, mae=source).build()
    assert model.started_from == f"{source} (encoder, patches of frames), fresh: all else"
    assert SMALL.build().started_from == "random weights"


def test_words_start_from_berts(tmp_path: Path) -> None:
    config = transformers.BertConfig(
        vocab_size=40, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    bert = transformers.BertModel(config)
    model: Vlsa = replace(SMALL, bert=str(saved(tmp_path, bert))).build()
    assert model.started_from == f"{tmp_path} (words), fresh: all else"
    assert torch.equal(model.token_embedding.weight, bert.embeddings.word_embeddings.weight)
    with pytest.raises(ValueError, match=r"word_embeddings.weight: \(40, 16\) for \(41, 16\)"):
        replace(SMALL, vocab_size=41, bert=str(tmp_path)).build()
