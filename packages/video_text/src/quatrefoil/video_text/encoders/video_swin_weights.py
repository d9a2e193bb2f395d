"""Video Swin weights in the layout of its official code, mmaction's and Clover's, and 2-D ones carried over to time."""

from dataclasses import replace
from pathlib import Path

from torch import Tensor

from quatrefoil.core.nn.swin import Swin
from quatrefoil.core.nn.swin_weights import OFFICIAL, inflate, load_swin
from quatrefoil.core.weights import State, read_state

_BACKBONE = "backbone."
_PATCHES = "patch_embed.proj.weight"  # output, input, and the axes of a patch


def initialise_from_video_swin(swin: Swin, source: str | Path, *, mask_token: bool) -> None:
    """Start from the file at `source`: Video Swin's own `.pth` of Kinetics, a checkpoint of Clover's, or safetensors.

    Weights of a 2-D Swin (of ImageNet, say) are known by their patches, and inflated.

    Args:
        mask_token: read it too. Only checkpoints of masked pre-training hold one.

    Raises:
        ValueError: see `read_state`, `load_video_swin` and `load_inflated`.
    """
    state = read_state(source)
    patches = _backbone(state).get(_PATCHES)
    if patches is not None and patches.ndim == len(swin.config.patch) + 1:
        load_inflated(swin, state)
    else:
        load_video_swin(swin, state, mask_token=mask_token)


def load_video_swin(swin: Swin, state: State, *, mask_token: bool = True) -> None:
    """Copy the weights of a 3-D state dict, with or without the prefix `backbone.`; every one must find its place.

    Where the prefix is there, what lacks it belongs to other parts of that model, and is left out.

    Raises:
        ValueError: missing or unexpected keys or wrong shapes, all named; nothing is copied then.
    """
    load_swin(swin, _backbone(state), OFFICIAL, mask_token=mask_token)


def load_inflated(swin: Swin, state: State) -> None:
    """Start from the weights of a 2-D Swin in its official layout: see `inflate`. The mask token keeps its start.

    Raises:
        ValueError: missing or unexpected keys or wrong shapes, all named; nothing is copied then.
    """
    deep = swin.config
    flat = replace(
        deep,
        patch=deep.patch[1:],
        stride=deep.step[1:],
        window=deep.window[1:],
        merged=tuple(axis - 1 for axis in deep.merged),
        mask_token=False,
    ).build()
    load_swin(flat, _backbone(state), OFFICIAL)
    inflate(flat, swin)


def _backbone(state: State) -> dict[str, Tensor]:
    part = {key.removeprefix(_BACKBONE): value for key, value in state.items() if key.startswith(_BACKBONE)}
    return part or dict(state)
