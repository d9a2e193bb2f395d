"""The official Clover's sizes for our model: from the file's config and, where it is silent, from the weights."""

import re
from dataclasses import fields
from typing import Any

from torch import Tensor

from quatrefoil.core.nn.bert import BertConfig, bert_transformer
from quatrefoil.core.nn.swin import SwinConfig
from quatrefoil.core.nn.transformer import TransformerConfig
from quatrefoil.video_text.models.clover_fusion import FusionConfig
from quatrefoil.video_text.models.clover_heads import HeadWidths
from tests.golden.files import Golden

TEXT, FUSION, VIDEO = "text_backbone.bert.", "multimodal_backbone.", "backbone."
# What the files of questions do not say and no weight shows; the pre-training file says the same.
UNSAID = {"bh": 4, "window": [8, 7, 7]}
# The first layer of each head; what a file lacks keeps our default and is not read.
FIRST_LAYERS = {
    "video": "ssl_head.img_projector.0",
    "text": "ssl_head.text_projector.0",
    "fused_video": "mlm_ssl_V_head.img_fc1",
    "fused_text": "mlm_ssl_T_head.fc1",
}


def weights_of(golden: Golden) -> dict[str, Tensor]:
    """The official state dict."""
    return {key.removeprefix("weight."): value for key, value in golden.tensors.items() if key.startswith("weight.")}


def clover_sizes(golden: Golden) -> dict[str, Any]:
    """The arguments of CloverConfig that sizes decide."""
    state, size = weights_of(golden), golden.field("size")
    widths = {name: len(state[f"{key}.weight"]) for name, key in FIRST_LAYERS.items() if f"{key}.weight" in state}
    assert widths.keys() <= {field.name for field in fields(HeadWidths)}
    return {
        "video": _swin(golden, state),
        "text": BertConfig(
            vocab_size=golden.field("vocab"),
            max_positions=len(state[f"{TEXT}embeddings.position_embeddings.weight"]),
            type_vocab_size=len(state[f"{TEXT}embeddings.token_type_embeddings.weight"]),
            transformer=_bert_blocks(golden, state, f"{TEXT}encoder.layer."),
        ),
        "fusion": FusionConfig(
            times=state[f"{FUSION}vis_tempor_pos"].shape[1],
            joint="token" if f"{FUSION}all_cls_token" in state else "text",
            transformer=_bert_blocks(golden, state, f"{FUSION}bert_encoder.layer."),
        ),
        "heads": HeadWidths(**widths),
        "image_size": size,
    }


def _bert_blocks(golden: Golden, state: dict[str, Tensor], prefix: str) -> TransformerConfig:
    hidden, width = state[f"{prefix}0.intermediate.dense.weight"].shape
    return bert_transformer(width, _count(state, prefix), _said(golden, "bh"), mlp_ratio=hidden / width)


def _swin(golden: Golden, state: dict[str, Tensor]) -> SwinConfig:
    stages = [f"{VIDEO}layers.{stage}.blocks." for stage in range(_count(state, f"{VIDEO}layers."))]
    embedding = state[f"{VIDEO}patch_embed.proj.weight"]
    return SwinConfig(
        in_channels=embedding.shape[1],
        patch=tuple(embedding.shape[2:]),
        width=golden.field("embed"),
        depths=tuple(_count(state, stage) for stage in stages),
        heads=tuple(state[f"{stage}0.attn.relative_position_bias_table"].shape[1] for stage in stages),
        window=tuple(_said(golden, "window")),
        merged=(1, 2),
        mlp_ratio=len(state[f"{stages[0]}0.mlp.fc1.bias"]) / golden.field("embed"),
        mask_token=f"{VIDEO}mask_token" in state,
    )


def _said(golden: Golden, name: str) -> Any:
    return golden.config.get(name, UNSAID[name])


def _count(state: dict[str, Tensor], prefix: str) -> int:
    """How many numbers follow the prefix."""
    return len({found[1] for key in state if (found := re.match(rf"{re.escape(prefix)}(\d+)\.", key))})
