"""BERT weights in Hugging Face's layout (BertModel, BertForMaskedLM and their like), read into `Bert`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from quatrefoil.core.nn.bert import Bert, BertConfig
from quatrefoil.core.nn.heads import TokenHead
from quatrefoil.core.nn.transformer import Transformer
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

# transformers leaves out of config.json what equals its own defaults (BertConfig).
_DEFAULTS: dict[str, Any] = {
    "vocab_size": 30522, "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
    "intermediate_size": 3072, "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1,
    "max_position_embeddings": 512, "type_vocab_size": 2, "layer_norm_eps": 1e-12,
    "position_embedding_type": "absolute", "is_decoder": False,
}  # fmt: skip
NAMES = Names(
    renames=(
        ("token_embedding.", "embeddings.word_embeddings."),
        ("position_embedding.", "embeddings.position_embeddings."),
        ("type_embedding.", "embeddings.token_type_embeddings."),
        ("embedding_norm.", "embeddings.LayerNorm."),
        ("pooler.", "pooler.dense."),
        ("transformer.blocks.", "encoder.layer."),
        (".attention_norm.", ".attention.output.LayerNorm."),
        (".attention.out.", ".attention.output.dense."),
        (".feed_forward_norm.", ".output.LayerNorm."),
        (".feed_forward.expand.", ".intermediate.dense."),
        (".feed_forward.contract.", ".output.dense."),
    ),
    qkv=tuple(f".attention.self.{part}." for part in ("query", "key", "value")),
)
HEAD_NAMES = Names(renames=(("dense.", "transform.dense."), ("norm.", "transform.LayerNorm.")), qkv=())
_HEAD, _WORDS = "cls.predictions.", "embeddings.word_embeddings.weight"
_SKIPPED = ("cls.", "pooler.", "embeddings.position_ids")  # heads of pre-training, and positions 0, 1, 2, ...


@dataclass(frozen=True)
class BertCheckpoint:
    """What a folder of BERT weights holds; keys are without `bert.`, the masked-token head's begin with `cls.`."""

    config: BertConfig
    state: State


def read_bert(source: str | Path, revision: str | None = None) -> BertCheckpoint:
    """Read a folder, a file of weights (config.json beside it) or a hub id.

    Raises:
        ValueError: a path without these files, or a configuration that `Bert` cannot express.
    """
    described = read_described(source, revision)
    if not described.keys() & {"vocab_size", "model_type"}:  # else its defaults would be taken for its sizes
        raise ValueError(
            f"{source}: a config.json without vocab_size and model_type is of no BERT; give the folder of one"
        )
    state = bert_state(read_state(source, revision))
    return BertCheckpoint(bert_config(described, pooler="pooler.dense.weight" in state), state)


def bert_config(described: Mapping[str, Any], *, pooler: bool = False) -> BertConfig:
    """Our configuration of the model that a Hugging Face BERT config.json describes.

    Raises:
        ValueError: relative positions, a decoder, or an activation that our blocks do not have.
    """
    full = _DEFAULTS | dict(described)
    if full["position_embedding_type"] != "absolute" or full["is_decoder"]:
        raise ValueError(
            f"need absolute positions, no decoder: {full['position_embedding_type']=}, {full['is_decoder']=}"
        )
    transformer = replace(
        described_transformer(full),
        norm_order="post",
        dropout=full["hidden_dropout_prob"],
        attention_dropout=full["attention_probs_dropout_prob"],
        depth_scaled=False,
    )
    return BertConfig(
        vocab_size=full["vocab_size"],
        max_positions=full["max_position_embeddings"],
        type_vocab_size=full["type_vocab_size"],
        pooler=pooler,
        transformer=transformer,
    )


def bert_state(state: State) -> dict[str, Tensor]:
    """The same weights without the prefix `bert.` and without the names of TensorFlow's norms (gamma and beta)."""
    return {_modern(key): value for key, value in state.items()}


def _modern(key: str) -> str:
    for old, new in (("LayerNorm.gamma", "LayerNorm.weight"), ("LayerNorm.beta", "LayerNorm.bias")):
        key = key.replace(old, new)
    return key.removeprefix("bert.")


def initialise_from_bert(bert: Bert, source: str | Path, head: TokenHead | None = None) -> None:
    """Start from the weights at `source` (see `read_bert`).

    Raises:
        ValueError: an encoder of other sizes or habits than `bert`; what differs is named. Dropout, checkpointing and
            the pooler may differ, but a pooler of ours must find its weights.
    """
    checkpoint = read_bert(source)
    require_same(f"{source}: BERT", bert.config, checkpoint.config, free=("pooler",))
    load_bert(bert, checkpoint.state, head)


def load_bert(bert: Bert, state: State, head: TokenHead | None = None) -> None:
    """Copy the weights of a state dict as `bert_state` gives it; every key must find its place, every weight its key.

    Heads of theirs for which there is none of ours (`cls.`, `pooler.`) are left out.

    Raises:
        ValueError: missing or unexpected keys or wrong shapes, all named; or a decoder that is not the embedding, for a
            head whose decoder is. Nothing is copied then.
    """
    found = places(bert, NAMES)
    if head is not None:
        state = _with_decoder(state)
        found += _head_places(bert, head, state)
    check_keys("BERT", keys_of(found), state, [key for key in state if key.startswith(_SKIPPED)])
    copy_weights(found, state)


def load_blocks(transformer: Transformer, state: State) -> None:
    """Copy the first layers of a state dict as `bert_state` gives it, as many as `transformer` has.

    Raises:
        ValueError: too few layers, or wrong shapes; nothing is copied then.
    """
    found = places(transformer, NAMES, "transformer.")
    wanted = keys_of(found)
    check_keys("stack of BERT's layers", wanted, state, state.keys() - wanted)
    copy_weights(found, state)


def _with_decoder(state: State) -> State:
    """A decoder that was not saved is the embedding, and its bias has another name."""
    defaults = {f"{_HEAD}decoder.weight": _WORDS, f"{_HEAD}decoder.bias": f"{_HEAD}bias"}
    return {ours: state[theirs] for ours, theirs in defaults.items() if theirs in state} | dict(state)


def _head_places(bert: Bert, head: TokenHead, state: State) -> list[Place]:
    if head.decoder.weight is bert.token_embedding.weight and not _is_tied(state):
        raise ValueError(
            f"{_HEAD}decoder.weight is not the embedding, but it is in our head; give it a copy of its own"
        )
    return [Place(place.parameter, tuple(_HEAD + key for key in place.keys)) for place in places(head, HEAD_NAMES)]


def _is_tied(state: State) -> bool:
    words, decoder = state.get(_WORDS), state.get(f"{_HEAD}decoder.weight")
    return words is None or decoder is None or torch.equal(words, decoder)
