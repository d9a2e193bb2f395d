"""Checkpoints that are whole or not there: safetensors and JSON in a folder, a manifest of hashes, an atomic rename.

    step-00000100/  model.safetensors  optimizer.safetensors  ...  state.json  config.json  manifest.json

Everything is written to a temporary folder beside it, synced to disk, and renamed at the end, so a writer that dies
leaves the checkpoints before it untouched and only a temporary folder behind, which the next `save` removes. One
process writes. No pickle is read or written.

safetensors refuses tensors that share memory. Tensors that are the same (tied weights) are stored once, their other
names in the manifest, and come back as one tensor; of views that overlap otherwise each is stored in full.
"""

import hashlib
import json
import os
import re
import shutil
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from quatrefoil.core.files import readable, sha256

Tensors = Mapping[str, torch.Tensor]
Json = dict[str, Any]
"""What JSON can hold, finite numbers only; keys are strings, and tuples would come back as lists."""

MANIFEST = "manifest.json"
TEMPORARY = ".tmp-"
NAME = re.compile(r"step-(\d{8,})")


class CheckpointError(ValueError):
    """A checkpoint is not there, or is not what was written."""


class Checkpoint(NamedTuple):
    """What a checkpoint holds; `tensors` by file (`model`, `optimizer`, ...) and name, on the CPU."""

    step: int
    tensors: dict[str, dict[str, torch.Tensor]]
    state: Json
    config: Json


def save(folder: Path, step: int, *, tensors: Mapping[str, Tensors], state: Json, config: Json) -> Path:
    """Writes the checkpoint of `step` into `folder`, and returns its path.

    Temporary folders of writers that died are removed, and so is an invalid checkpoint of the same step. Raises
    CheckpointError where a valid one is there (no good checkpoint is ever overwritten), and where the disk takes no
    more; what was written of it is then gone again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    final = path_of(folder, step)
    _make_way(final)
    temporary = folder / f"{TEMPORARY}{final.name}"
    temporary.mkdir()
    try:
        _write_all(temporary, step, tensors, {"state.json": _dump(state), "config.json": _dump(config)})
        temporary.rename(final)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise CheckpointError(
            f"{final} cannot be written ({error}); those before it are as they were: make room, and go on with "
            f"resume=auto"
        ) from error
    _sync(folder)
    return final


def is_checkpoint(path: Path) -> bool:
    """Whether `path` is, or once was, a whole checkpoint; `verify` says whether it still is."""
    return (path / MANIFEST).is_file()


def load(path: Path) -> Checkpoint:
    """Reads a checkpoint after checking every byte of it. Raises CheckpointError that names the file that is wrong."""
    manifest = verify(path)
    tensors = {
        name: _with_aliases(load_file(path / f"{name}.safetensors"), aliases)
        for name, aliases in manifest["aliases"].items()
    }
    state, config = (json.loads((path / f"{name}.json").read_text()) for name in ("state", "config"))
    return Checkpoint(manifest["step"], tensors, state, config)


def verify(path: Path) -> Json:
    """The manifest, after checking that every file is as written. Raises CheckpointError that names the file if not."""
    manifest = _read_manifest(path / MANIFEST)
    if path.name != path_of(path.parent, manifest["step"]).name:
        raise CheckpointError(f"{path} holds the checkpoint of step {manifest['step']}: the folder was renamed")
    for name, expected in manifest["files"].items():
        file = path / name
        if not file.is_file():
            raise CheckpointError(f"{file} is missing: take another checkpoint")
        if (size := file.stat().st_size) != expected["bytes"]:
            raise CheckpointError(f"{file} has {size} bytes instead of {expected['bytes']}: take another checkpoint")
        if sha256(file) != expected["sha256"]:
            raise CheckpointError(f"{file} is not what was written (sha256 differs): take another checkpoint")
    return manifest


def newest_valid(folder: Path) -> Path | None:
    """The valid checkpoint of the latest step, None where there is none; warns of each invalid one passed over."""
    for path in reversed(checkpoints(folder)):
        try:
            verify(path)
        except CheckpointError as error:
            warnings.warn(f"passed over the checkpoint {path.name}: {error}", stacklevel=2)
        else:
            return path
    return None


def prune(folder: Path, keep_last: int, keep: Collection[int] = ()) -> None:
    """Removes all checkpoints but the latest `keep_last` and those of the steps in `keep`."""
    if keep_last < 1:
        raise ValueError(f"keep_last must be at least 1, or a run could not go on, got {keep_last}")
    kept = {path_of(folder, step) for step in keep}
    for path in checkpoints(folder)[:-keep_last]:
        if path not in kept:
            _remove(path)


def path_of(folder: Path, step: int) -> Path:
    """Where the checkpoint of a step lies."""
    return folder / f"step-{step:08d}"


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in a folder by rising step, valid or not."""
    found = {int(match[1]): path for path in folder.glob("step-*") if (match := NAME.fullmatch(path.name))}
    return [found[step] for step in sorted(found)]


def _make_way(final: Path) -> None:
    for leftover in final.parent.glob(f"{TEMPORARY}*"):
        shutil.rmtree(leftover)
    if not final.exists():
        return
    try:
        verify(final)
    except CheckpointError:
        _remove(final)
    else:
        raise CheckpointError(f"{final} is there and valid: resume from it, or write to another folder")


def _remove(path: Path) -> None:
    # Renamed first: a process that dies in the middle leaves no half checkpoint under a good name.
    doomed = path.with_name(f"{TEMPORARY}removed-{path.name}")
    path.rename(doomed)
    shutil.rmtree(doomed)


def _write_all(folder: Path, step: int, tensors: Mapping[str, Tensors], texts: Mapping[str, str]) -> None:
    aliases = {name: _write_tensors(folder / f"{name}.safetensors", group) for name, group in tensors.items()}
    for name, text in texts.items():
        _write(folder / name, text)
    files = {file.name: {"bytes": file.stat().st_size, "sha256": sha256(file)} for file in folder.iterdir()}
    _write(folder / MANIFEST, _sealed({"step": step, "files": files, "aliases": aliases}))
    _sync(folder)


def save_tensors(tensors: Tensors, path: Path, about: dict[str, str] | None = None) -> None:
    """A safetensors file that everybody may read, as other files of ours."""
    save_file(dict(tensors), path, about)
    readable(path)


def _write_tensors(path: Path, tensors: Tensors) -> dict[str, str]:
    """Writes the tensors, each one once; returns other name -> stored name."""
    stored: dict[str, torch.Tensor] = {}
    aliases: dict[str, str] = {}
    names: dict[Any, str] = {}
    taken: set[int] = set()
    for name, tensor in tensors.items():
        first = names.setdefault(_identity(tensor), name)
        if first == name:
            stored[name] = _own_memory(tensor, taken)
            taken.add(stored[name].untyped_storage().data_ptr())
        else:
            aliases[name] = first
    save_tensors(stored, path)
    _sync(path)
    return aliases


def _identity(tensor: torch.Tensor) -> Any:
    """Equal for tensors that are the same values in the same memory; empty tensors have no memory to share."""
    if tensor.numel() == 0:
        return id(tensor)
    return tensor.device, tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride()


def _own_memory(tensor: torch.Tensor, taken: Collection[int]) -> torch.Tensor:
    """The tensor on the CPU, contiguous, in memory that holds nothing else (`taken`: where the others lie)."""
    local = tensor.detach().cpu().contiguous()
    memory = local.untyped_storage()
    return local.clone() if memory.nbytes() > local.nbytes or memory.data_ptr() in taken else local


def _with_aliases(tensors: dict[str, torch.Tensor], aliases: Mapping[str, str]) -> dict[str, torch.Tensor]:
    return tensors | {name: tensors[first] for name, first in aliases.items()}


def _dump(value: Json) -> str:
    return json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n"


def _sealed(manifest: Json) -> str:
    """The manifest with a hash of its own; any other bytes than these are refused."""
    return _dump({**manifest, "sha256": hashlib.sha256(_dump(manifest).encode()).hexdigest()})


def _read_manifest(path: Path) -> Json:
    if not path.is_file():
        raise CheckpointError(f"{path} is missing: this is no checkpoint, or it was damaged")
    content = path.read_bytes()
    try:
        manifest: Json = json.loads(content)
        manifest.pop("sha256")
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}): take another checkpoint") from error
    if _sealed(manifest).encode() != content:
        raise CheckpointError(f"{path} is not what was written (sha256 differs): take another checkpoint")
    return manifest


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    _sync(path)


def _sync(path: Path) -> None:
    """Sees to it that a file or folder is on the disk, not only in memory."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
