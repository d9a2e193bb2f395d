"""Other decoders behind the seam, and on which files they may be used.

F: frames, H, W: pixels.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from quatrefoil.video_text.media.pyav import PacketDecoder

Backend = Literal["auto", "decord", "pyav", "torchcodec"]

# The container and codec names of libav, and the pixel format, on which decord was compared with PyAV byte by byte.
SAME_CONTAINERS = {"mp4", "matroska"}
SAME_CODECS = {"h264", "mpeg4"}
SAME_PIXELS = {"yuv420p"}


def choose_backend(
    asked: Backend, container: Any, decoder: PacketDecoder, whole: bool, timeout_s: float | None
) -> tuple[Backend, str | None]:
    """The backend for an opened file, and why it is not the one that was asked for (None where it is).

    Raises: ImportError, for one asked for by name that is not installed; ValueError, for a time limit with a backend
    that cannot be stopped.
    """
    if asked not in get_args(Backend):
        raise ValueError(f"no backend {asked!r}; there are {', '.join(get_args(Backend))}")
    if asked == "pyav" or (asked == "auto" and (timeout_s is not None or not decord_imports())):
        return "pyav", None
    if timeout_s is not None:
        raise ValueError(f"{asked} cannot be stopped: leave timeout_s out, or take backend='pyav'")
    backend: Backend = "decord" if asked == "auto" else asked
    _import_backend(backend)
    reason = differs(container, decoder, whole)
    return (backend, None) if reason is None else ("pyav", f"{backend}: {reason}")


def differs(container: Any, decoder: PacketDecoder, whole: bool) -> str | None:
    """Why another decoder may give other frames of this file than PyAV, or None where they are the same.

    Found with decord 0.6.0 (libav 4.1) on real files: in AVI it seeks to wrong frames; of several video streams it
    takes the largest; it cannot open GIF, nor WebM without a duration; and it repeats neighbours in the place of frames
    that do not decode.
    """
    stream, index = container.streams.video[0], decoder.index
    rules = [
        ("part of the file is asked for", not whole),
        ("several video streams", len(container.streams.video) > 1),
        (f"container {container.format.name}", not SAME_CONTAINERS & set(container.format.name.split(","))),
        (f"codec {stream.codec_context.name}", stream.codec_context.name not in SAME_CODECS),
        (f"pixel format {stream.codec_context.pix_fmt}", stream.codec_context.pix_fmt not in SAME_PIXELS),
        ("no duration", container.duration is None),
        ("no presentation times", not index.timed),
        ("an edit list hides frames", any(packet.is_discard for packet in index.packets)),
        (f"{stream.frames} frames announced", stream.frames not in (0, len(index.packets))),
    ]
    reason = next((name for name, found in rules if found), None)
    return reason or ("rotated" if decoder.quarter_turns else None)


def decord_imports() -> bool:
    """Whether decord can be used here."""
    if find_spec("decord") is None:
        return False
    try:
        _import_backend("decord")
    except (ImportError, OSError):  # a wheel whose libraries do not load here is as good as none
        return False
    return True


def fetch_foreign(backend: Backend, path: Path, indices: list[int]) -> Tensor | None:
    """The frames at `indices` of the file, uint8 (F, 3, H, W), or None where the backend cannot decode them all."""
    return _fetch_decord(path, indices) if backend == "decord" else _fetch_torchcodec(path, indices)


def _fetch_decord(path: Path, indices: list[int]) -> Tensor | None:
    decord = _import_backend("decord")
    try:
        # A tolerance of less than one frame: by default it gives a neighbour for a frame that does not decode.
        reader = decord.VideoReader(str(path), num_threads=1, fault_tol=1e-9)
        return torch.from_numpy(reader.get_batch(indices).asnumpy()).permute(0, 3, 1, 2)
    except (decord.DECORDError, decord.DECORDLimitReachedError):
        return None


def _fetch_torchcodec(path: Path, indices: list[int]) -> Tensor | None:
    decoders = _import_backend("torchcodec")
    try:
        frames: Tensor = decoders.VideoDecoder(str(path), num_ffmpeg_threads=1).get_frames_at(indices).data
    except RuntimeError:
        return None
    return frames


def _import_backend(backend: Backend) -> Any:
    """decord, or torchcodec's decoders, with an ImportError that says how to get them."""
    import importlib

    try:
        return importlib.import_module("decord" if backend == "decord" else "torchcodec.decoders")
    except ImportError as error:
        raise ImportError(f"{backend} is not installed: pip install {backend}, or take backend='pyav'") from error
