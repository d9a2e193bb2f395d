"""CLIP weights in Hugging Face's layout, read into our towers. Safetensors only, never pickle."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from quatrefoil.core.hub import locate
from quatrefoil.core.nn.heads import LogitScale
from quatrefoil.core.nn.transformer import TransformerConfig
from quatrefoil.core.weights import (
    Names,
    check_keys,
    copy_weights,
    described_transformer,
    keys_of,
    places,
    read_described,
    require_same,
)
from quatrefoil.video_text.encoders.clip import ClipConfig, ClipText, ClipTextConfig, ClipVision, ClipVisionConfig

# transformers leaves out of config.json what equals its own defaults (CLIPVisionConfig, CLIPTextConfig).
_SHARED_DEFAULTS = {
    "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5, "attention_dropout": 0.0, "num_hidden_layers": 12,
}  # fmt: skip
_VISION_DEFAULTS = _SHARED_DEFAULTS | {
    "hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "num_channels": 3, "image_size": 224,
    "patch_size": 32,
}  # fmt: skip
_TEXT_DEFAULTS = _SHARED_DEFAULTS | {
    "hidden_size": 512, "intermediate_size": 2048, "num_attention_heads": 8, "vocab_size": 49408,
    "max_position_embeddings": 77, "eos_token_id": 49407,
}  # fmt: skip
_LEGACY_END = 2  # configurations before transformers PR 24773 say 2 and mean the highest id

# Ours -> theirs; `pre_layrnorm` is their spelling.
_BLOCK_RENAMES = (
    (".attention_norm.", ".layer_norm1."),
    (".attention.out.", ".self_attn.out_proj."),
    (".feed_forward_norm.", ".layer_norm2."),
    (".feed_forward.expand.", ".mlp.fc1."),
    (".feed_forward.contract.", ".mlp.fc2."),
)
_QKV = tuple(f".self_attn.{part}_proj." for part in "qkv")
_VISION_NAMES = Names(
    (
        ("class_token", "vision_model.embeddings.class_embedding"),
        ("patches.", "vision_model.embeddings.patch_embedding."),
        ("position_embedding.", "vision_model.embeddings.position_embedding."),
        ("input_norm.", "vision_model.pre_layrnorm."),
        ("transformer.blocks.", "vision_model.encoder.layers."),
        ("final_norm.", "vision_model.post_layernorm."),
        ("project.", "visual_projection."),
        *_BLOCK_RENAMES,
    ),
    _QKV,
)
_TEXT_NAMES = Names(
    (
        ("token_embedding.", "text_model.embeddings.token_embedding."),
        ("position_embedding.", "text_model.embeddings.position_embedding."),
        ("transformer.blocks.", "text_model.encoder.layers."),
        ("final_norm.", "text_model.final_layer_norm."),
        ("project.", "text_projection."),
        *_BLOCK_RENAMES,
    ),
    _QKV,
)
_WORDS = "text_model.embeddings.token_embedding.weight"
# Buffers of positions 0, 1, 2, ... that old versions saved with the weights.
_NOT_WEIGHTS = {"text_model.embeddings.position_ids", "vision_model.embeddings.position_ids"}


@dataclass(frozen=True)
class ClipCheckpoint:
    """What a folder of CLIP weights holds."""

    config: ClipConfig
    state: dict[str, Tensor]


def read_clip(source: str | Path, revision: str | None = None) -> ClipCheckpoint:
    """Read a folder, a `.safetensors` file (config.json beside it) or a hub id.

    Raises:
        ValueError: a path without these files, or a configuration that our towers cannot express.
    """
    alone = Path(source).suffix == ".safetensors"
    weights = Path(source) if alone else locate(source, "model.safetensors", revision)
    return ClipCheckpoint(clip_config(read_described(source, revision)), load_file(weights))


def clip_config(described: Mapping[str, Any]) -> ClipConfig:
    """Our configuration of the model that a Hugging Face CLIP config.json describes.

    Raises:
        ValueError: an activation, a number of channels or an end token that our towers do not have.
    """
    # `*_config_dict` is how old files spell the same thing; where both are there, transformers follows it.
    vision, text = (
        defaults | (described.get(f"{tower}_config") or {}) | (described.get(f"{tower}_config_dict") or {})
        for tower, defaults in (("vision", _VISION_DEFAULTS), ("text", _TEXT_DEFAULTS))
    )
    if vision["num_channels"] != 3 or not isinstance(text["eos_token_id"], int):
        raise ValueError(f"need three channels and one end: {vision['num_channels']=}, {text['eos_token_id']=}")
    end = text["eos_token_id"]
    projection = described.get("projection_dim", 512)
    return ClipConfig(
        vision=ClipVisionConfig(
            image_size=vision["image_size"],
            patch_size=vision["patch_size"],
            projection=projection,
            transformer=_transformer(vision),
        ),
        text=ClipTextConfig(
            vocab_size=text["vocab_size"],
            context_length=text["max_position_embeddings"],
            projection=projection,
            end_of_text=text["vocab_size"] - 1 if end == _LEGACY_END else end,
            transformer=_transformer(text),
        ),
    )


def _transformer(tower: Mapping[str, Any]) -> TransformerConfig:
    return replace(described_transformer(tower), attention_dropout=tower["attention_dropout"])


def initialise_from_clip(vision: ClipVision, text: ClipText, scale: LogitScale, source: str | Path) -> None:
    """Start both towers and the logit scale from the weights at `source` (see `read_clip`).

    Raises:
        ValueError: the towers are not those of the checkpoint; what differs is named. Dropout, checkpointing and extra
            tokens may differ.
    """
    checkpoint = read_clip(source)
    require_same(f"{source}: vision tower", vision.config, checkpoint.config.vision)
    require_same(f"{source}: text tower", text.config, checkpoint.config.text, free=("extra_tokens",))
    scale.set(load_clip(vision, text, checkpoint.state))


def load_clip(vision: ClipVision, text: ClipText, state: Mapping[str, Tensor]) -> float:
    """Copy the weights of a Hugging Face `CLIPModel` state dict; every key must find its place, every weight its key.

    Rows that `text` has beyond the vocabulary (`extra_tokens`) become the mean of the vocabulary's.

    Returns:
        exp(logit_scale). CLIP holds it to 100 at most; the excess that rounding to half precision leaves is taken off.

    Raises:
        ValueError: missing or unexpected keys or wrong shapes, all named; nothing is copied then.
    """
    found = [*places(vision, _VISION_NAMES), *places(text, _TEXT_NAMES)]
    check_keys("CLIP", {*keys_of(found), "logit_scale"}, state, _NOT_WEIGHTS)
    words = state[_WORDS]
    means = words.float().mean(0, keepdim=True).to(words.dtype).expand(text.config.extra_tokens, -1)
    copy_weights(found, {**state, _WORDS: torch.cat([words, means])})
    scale = math.exp(state["logit_scale"].float().item())
    return 100.0 if 100.0 < scale < 100.1 else scale
