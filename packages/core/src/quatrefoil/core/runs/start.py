"""What a model starts from, named by what it is and not by where it lies.

A path to weights is marked `START`: the configuration hash then holds what was trained there, so that fine-tunings of
one pre-training with several seeds are one configuration, wherever its runs are kept.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from quatrefoil.core.config import hashed_as
from quatrefoil.core.files import sha256
from quatrefoil.core.runs import checkpoint
from quatrefoil.core.runs.folder import RunFolder

WEIGHTS = ("model.safetensors", "pytorch_model.bin")


def start_of(source: str | None) -> str | None:
    """What lies at `source`.

    Of a finished run, or a checkpoint, its configuration hash and its data, without the seed (of a checkpoint the step
    too); of other weights in a file or folder a hash of their bytes. What is not here (a hub id, a run that is still to
    come) stands for itself, as None does.
    """
    if source is None:
        return None
    path = Path(source)
    folder = RunFolder(path)
    if folder.metrics.is_file():
        facts = _json(folder.metrics)
        return trained_as(facts["config_hash"], facts["data"]["fingerprint"])
    if checkpoint.is_checkpoint(path):
        described, state, sealed = (_json(path / f"{name}.json") for name in ("config", "state", "manifest"))
        return f"{trained_as(described['config_hash'], state['data'])}, step {sealed['step']}"
    files = [file for file in (path, *(path / name for name in WEIGHTS)) if file.is_file()]
    return _content(files[0]) if files else source


START = hashed_as(start_of)
"""Metadata of a field that names weights to start from: a run, a checkpoint, a file, a folder or a hub id."""


def trained_as(config_hash: str, data: str) -> str:
    """What a run is known by: in place of a path, it stands for the run wherever that lies."""
    return f"trained as {config_hash} on {data}"


def _content(file: Path) -> str:
    status = file.stat()
    return f"weights {_once(file.resolve(), status.st_size, status.st_mtime_ns)}"


@cache
def _once(file: Path, size: int, changed: int) -> str:
    """Read once in a process for each state of the file: a configuration is hashed more than once."""
    return sha256(file)


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
