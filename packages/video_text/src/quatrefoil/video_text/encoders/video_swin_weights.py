"""Video Swin weights in the layout of its official code, mmaction's and Clover's, and 2-D ones carried over to time."""

import pickle
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from quatrefoil.core.nn.swin import Swin
from quatrefoil.core.nn.swin_weights import OFFICIAL, inflate, load_swin
from quatrefoil.core.weights import State, read_state

_BACKBONE = "backbone."


def initialise_from_video_swin(swin: Swin, source: str | Path, *, mask_token: bool) -> None:
    """Start from the file at `source`: Video Swin's own `.pth` of Kinetics, a checkpoint of Clover's, or safetensors.

    Args:
        mask_token: read it too. Only checkpoints of masked pre-training hold one.

    Raises:
        ValueError: see `read_video_swin` and `load_video_swin`.
    """
    load_video_swin(swin, read_video_swin(source), mask_token=mask_token)


def read_video_swin(source: str | Path) -> State:
    """The weights of a file, by themselves or under `state_dict` (mmaction) or `model` (2-D Swin's own code).

    Raises:
        ValueError: no such file, or one that holds anything but plain data and named tensors.
    """
    if Path(source).suffix == ".pth":
        with suppress(pickle.UnpicklingError, FileNotFoundError):  # of which read_state says how to mend them
            held = torch.load(source, map_location="cpu", weights_only=True)
            if isinstance(held, dict) and isinstance(held.get("model"), dict):
                return dict(held["model"])
    return read_state(source)


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
