"""The whole 3-D Swin against the official Clover code, at every input size of a file."""

import torch

from quatrefoil.core.nn.swin import Swin, SwinConfig
from quatrefoil.video_text.encoders.video_swin_weights import load_video_swin
from tests.golden.checks import Check, activation
from tests.golden.files import Golden


def video_swin_kind(golden: Golden) -> list[Check]:
    """Every `in.i` gives its `out.i`, (batch, channels, time, height, width)."""
    swin = golden_swin(golden)
    numbers = sorted(int(name.removeprefix("in.")) for name in golden.tensors if name.startswith("in."))
    with torch.inference_mode():
        found = {number: swin(golden.tensor(f"in.{number}")).tokens_BGD.movedim(-1, 1) for number in numbers}
    return [activation(f"out.{number}", out, golden.tensor(f"out.{number}")) for number, out in found.items()]


def golden_swin(golden: Golden) -> Swin:
    """The model of the file's config, with its weights."""
    weights = {
        name.removeprefix("weight."): value for name, value in golden.tensors.items() if name.startswith("weight.")
    }
    width = golden.field("embed_dim")
    hidden = golden.tensor("weight.layers.0.blocks.0.mlp.fc1.bias")
    config = SwinConfig(
        in_channels=golden.tensor("weight.patch_embed.proj.weight").shape[1],
        patch=tuple(golden.field("patch_size")),
        stride=tuple(golden.config.get("stride") or golden.field("patch_size")),  # that code's default
        width=width,
        depths=tuple(golden.field("depths")),
        heads=tuple(golden.field("num_heads")),
        window=tuple(golden.field("window_size")),
        merged=(1, 2),
        mlp_ratio=len(hidden) / width,
        mask_token="mask_token" in weights,
    )
    swin = config.build().eval()
    load_video_swin(swin, weights)
    return swin
