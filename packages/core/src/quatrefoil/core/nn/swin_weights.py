"""Weights of others' 2-D and 3-D Swins, read into `Swin`, and those of a Swin carried to one with an axis more."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from quatrefoil.core.nn.swin import Swin, SwinConfig
from quatrefoil.core.weights import Names, State, check_keys, copy_weights, keys_of, places

# transformers leaves out of config.json what equals its own defaults (SwinConfig).
_DEFAULTS: dict[str, Any] = {
    "patch_size": 4, "num_channels": 3, "embed_dim": 96, "depths": (2, 2, 6, 2), "num_heads": (3, 6, 12, 24),
    "window_size": 7, "mlp_ratio": 4.0, "qkv_bias": True, "drop_path_rate": 0.1, "hidden_act": "gelu",
    "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "use_absolute_embeddings": False,
    "layer_norm_eps": 1e-5,
}  # fmt: skip
# What `Swin` has no setting for.
_FIXED = {
    "qkv_bias": True, "hidden_act": "gelu", "use_absolute_embeddings": False, "layer_norm_eps": 1e-5,
    "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
}  # fmt: skip
_BLOCK = ((".feed_forward.expand.", ".mlp.fc1."), (".feed_forward.contract.", ".mlp.fc2."))
OFFICIAL = Names(
    renames=(
        ("patches.norm.", "patch_embed.norm."),
        ("patches.", "patch_embed.proj."),
        ("stages.", "layers."),
        (".merging.", ".downsample."),
        (".attention_norm.", ".norm1."),
        (".attention.positions.weight", ".attn.relative_position_bias_table"),
        (".attention.out.", ".attn.proj."),
        (".feed_forward_norm.", ".norm2."),
        ("final_norm.", "norm."),
        *_BLOCK,
    ),
    qkv=(".attn.qkv.",),
)
HUGGING_FACE = Names(
    renames=(
        ("mask_token", "embeddings.mask_token"),
        ("patches.norm.", "embeddings.norm."),
        ("patches.", "embeddings.patch_embeddings.projection."),
        ("stages.", "encoder.layers."),
        (".merging.", ".downsample."),
        (".attention_norm.", ".layernorm_before."),
        (".attention.positions.weight", ".attention.relative_position_bias.relative_position_bias_table"),
        (".attention.out.", ".attention.o_proj."),
        (".feed_forward_norm.", ".layernorm_after."),
        ("final_norm.", "layernorm."),
        *_BLOCK,
    ),
    qkv=tuple(f".attention.{part}_proj." for part in "qkv"),
)
_HUGGING_FACE_BEFORE_5 = (
    (".attention.self.query.", ".attention.q_proj."),
    (".attention.self.key.", ".attention.k_proj."),
    (".attention.self.value.", ".attention.v_proj."),
    (".attention.self.relative_position", ".attention.relative_position_bias.relative_position"),
    (".attention.output.dense.", ".attention.o_proj."),
    (".intermediate.dense.", ".mlp.fc1."),
    (".output.dense.", ".mlp.fc2."),
)
_HEADS = ("classifier.", "head.")  # of classification
_TABLES = ("relative_position_index", "attn_mask")  # made from sizes, saved by some versions


def swin_config(described: Mapping[str, Any]) -> SwinConfig:
    """Our configuration of the 2-D model that a Hugging Face Swin config.json describes.

    Raises:
        ValueError: a setting that `Swin` does not have.
    """
    full = _DEFAULTS | dict(described)
    if wrong := [f"{key}={full[key]} (not {value})" for key, value in _FIXED.items() if full[key] != value]:
        raise ValueError(f"a Swin of other habits than ours: {', '.join(wrong)}")
    patch = full["patch_size"]
    return SwinConfig(
        in_channels=full["num_channels"],
        patch=(patch, patch) if isinstance(patch, int) else tuple(patch),
        width=full["embed_dim"],
        depths=tuple(full["depths"]),
        heads=tuple(full["num_heads"]),
        window=(full["window_size"],) * 2,
        merged=(0, 1),
        mlp_ratio=full["mlp_ratio"],
        drop_path=full["drop_path_rate"],
        shift_together=True,
    )


def hugging_face_state(state: State) -> dict[str, Tensor]:
    """The same weights without the prefix `swin.` and under the names that transformers has since version 5."""
    return {_modern(key): value for key, value in state.items()}


def _modern(key: str) -> str:
    for old, new in _HUGGING_FACE_BEFORE_5:
        key = key.replace(old, new)
    return key.removeprefix("swin.")


def load_swin(swin: Swin, state: State, names: Names, *, mask_token: bool = True) -> None:
    """Copy the weights of a state dict; every key must find its place, every weight its key.

    Heads of classification and tables that follow from the sizes are left out.

    Args:
        names: `OFFICIAL`, as the code of both papers and mmaction have them, or `HUGGING_FACE`, for a state as
            `hugging_face_state` gives it.
        mask_token: False leaves ours as it is and theirs unread: weights of classification have none.

    Raises:
        ValueError: missing or unexpected keys or wrong shapes, all named; nothing is copied then.
    """
    token, found = names.keys("mask_token")[0], places(swin, names)
    if not mask_token:
        found = [place for place in found if place.keys != (token,)]
    ignored = [key for key in state if key.startswith(_HEADS) or key.endswith(_TABLES)]
    check_keys("Swin", keys_of(found), state, ignored if mask_token else [*ignored, token])
    flat = {token: state[token].flatten()} if token in state else {}  # theirs has axes of size one
    copy_weights(found, {**state, **flat})


@torch.no_grad()
def inflate(flat: Swin, deep: Swin) -> None:
    """Start `deep`, whose first axis is new, from `flat`.

    A patch's weights are shared out evenly over the new axis, biases of offsets are repeated along it (I3D, Carreira &
    Zisserman 2017; Liu et al. 2021, arXiv 2106.13230, section 3.3). A mask token of `deep` keeps its start where `flat`
    has none.

    Raises:
        ValueError: sizes that differ in more than the new axis.
    """
    wrong = [name for name in ("in_channels", "width", "depths", "heads", "mlp_ratio", "final_norm")
             if getattr(flat.config, name) != getattr(deep.config, name)]  # fmt: skip
    wrong += [
        name for name in ("patch", "step", "window") if getattr(flat.config, name) != getattr(deep.config, name)[1:]
    ]
    if wrong or tuple(axis + 1 for axis in flat.config.merged) != deep.config.merged:
        raise ValueError(f"but for the first axis, sizes must be the same; these differ: {wrong or ['merged']}")
    theirs = dict(flat.named_parameters())
    for name, parameter in deep.named_parameters():
        if name in theirs:
            parameter.copy_(_repeated(name, theirs[name], parameter.shape))


def _repeated(name: str, value: Tensor, shape: torch.Size) -> Tensor:
    if name == "patches.weight":
        return value[:, :, None].expand(shape) / shape[2]
    return value.repeat(shape[0] // len(value), *[1] * (value.ndim - 1))
