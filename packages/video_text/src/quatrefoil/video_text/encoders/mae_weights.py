"""Weights of masked autoencoders in Hugging Face's layout (ViTMAE), and BERT's words, read into the unified encoder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from quatrefoil.core.nn.bert_weights import read_bert
from quatrefoil.core.weights import (
    Names,
    Place,
    State,
    check_keys,
    copy_weights,
    described_transformer,
    keys_of,
    places,
    read_described,
    read_state,
    require_same,
)
from quatrefoil.video_text.encoders.patches import PatchEmbedding
from quatrefoil.video_text.encoders.unified import UnifiedEncoder

# transformers leaves out of config.json what equals its own defaults (ViTMAEConfig).
_DEFAULTS: dict[str, Any] = {
    "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072,
    "hidden_act": "gelu", "layer_norm_eps": 1e-12, "qkv_bias": True,
}  # fmt: skip
_NAMES = Names(
    renames=(
        (".attention.out.", ".attention.output.dense."),
        (".feed_forward.expand.", ".intermediate.dense."),
        (".feed_forward.contract.", ".output.dense."),
        ("attention_norm.", "layernorm_before."),
        ("feed_forward_norm.", "layernorm_after."),
        ("transformer.blocks.", "encoder.layer."),
        ("norm.", "layernorm."),
    ),
    qkv=tuple(f".attention.attention.{part}." for part in ("query", "key", "value")),
)
_POSITIONS, _PATCHES = "embeddings.position_embeddings", "embeddings.patch_embeddings.projection."
_SKIPPED = ("decoder.", "embeddings.cls_token")  # a decoder of pixels alone, and a token that VLSA has not
_WORDS = "embeddings.word_embeddings.weight"


def initialise_from_mae(encoder: UnifiedEncoder, embed: PatchEmbedding, source: str | Path) -> None:
    """Start from a ViTMAE in a folder, a file of weights (config.json beside it) or a hub id.

    Every stack of the encoder starts from it, whoever shares it. The epsilon may differ: Hugging Face's configuration
    says 1e-12 of weights that were trained with 1e-6.

    Args:
        embed: of flattened patches, the channel outermost; its last axis takes the patches' positions, others keep
            their start.

    Raises:
        ValueError: an encoder of other sizes or habits (what differs is named), without biases, or unknown weights.
    """
    described = _DEFAULTS | read_described(source)
    if not described["qkv_bias"]:
        raise ValueError(f"{source}: its attention has no biases (qkv_bias=false), which ours has")
    theirs = described_transformer(described)
    require_same(f"{source}: ViTMAE", encoder.config, theirs, free=("norm_eps",))
    load_mae(encoder, embed, read_state(source))


def load_mae(encoder: UnifiedEncoder, embed: PatchEmbedding, state: State) -> None:
    """Copy the encoder of a ViTMAE's state dict, with or without the prefix `vit.`; every key must find its place.

    Raises:
        ValueError: missing or unexpected keys or wrong shapes, all named; nothing is copied then.
    """
    flat = _flattened(state)
    found = [place for stack in encoder.stacks for place in places(stack, _NAMES)]
    found += [Place(parameter, (_PATCHES + name,)) for name, parameter in embed.linear.named_parameters()]
    found += [Place(parameter, (_POSITIONS,)) for parameter in embed.positions.axes[-1].parameters()]
    check_keys("ViTMAE", keys_of(found), flat, [key for key in flat if key.startswith(_SKIPPED)])
    copy_weights(found, flat)


def _flattened(state: State) -> State:
    """Patches as rows of numbers, and positions without that of the class token."""
    bare = {key.removeprefix("vit."): value for key, value in state.items()}
    changes: dict[str, Callable[[Tensor], Tensor]] = {
        _PATCHES + "weight": lambda kernel_DCPP: kernel_DCPP.flatten(1),
        _POSITIONS: lambda rows_1TD: rows_1TD[0, 1:],
    }
    return bare | {key: change(bare[key]) for key, change in changes.items() if key in bare}


def initialise_words(embedding: nn.Embedding, source: str | Path) -> None:
    """Start from the word embeddings of a BERT (see `read_bert`).

    Raises:
        ValueError: tables of another shape.
    """
    copy_weights([Place(parameter, (_WORDS,)) for parameter in embedding.parameters()], read_bert(source).state)
