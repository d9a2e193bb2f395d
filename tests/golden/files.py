"""Golden files: JSON, or safetensors with a JSON `config` in the metadata."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open


class UnreadableGolden(ValueError):
    """A file that is no golden file, or lacks what its kind must hold."""


@dataclass(frozen=True)
class Golden:
    """One file: its kind, its JSON (all of it, or the config of a safetensors file), and its tensors."""

    path: Path
    kind: str
    config: Mapping[str, Any]
    tensors: Mapping[str, torch.Tensor]

    def field(self, *keys: str) -> Any:
        """The value at a path of keys in the JSON.

        Raises:
            UnreadableGolden: there is none.
        """
        value: Any = self.config
        for depth, key in enumerate(keys, 1):
            if not isinstance(value, Mapping) or key not in value:
                raise UnreadableGolden(f"{self.path}: kind {self.kind} needs the field {'/'.join(keys[:depth])}")
            value = value[key]
        return value

    def tensor(self, name: str) -> torch.Tensor:
        """The tensor of this name.

        Raises:
            UnreadableGolden: there is none.
        """
        if name not in self.tensors:
            raise UnreadableGolden(f"{self.path}: kind {self.kind} needs the tensor {name}")
        return self.tensors[name]


def read_golden(path: Path) -> Golden:
    """Read a file by its suffix.

    Raises:
        UnreadableGolden: another suffix, content that cannot be parsed, or no `kind` in it.
    """
    readers = {".json": _read_json, ".safetensors": _read_safetensors}
    if path.suffix not in readers:
        raise UnreadableGolden(f"{path}: suffix {path.suffix!r} is none of {sorted(readers)}")
    try:
        config, tensors = readers[path.suffix](path)
    except (OSError, UnicodeError, json.JSONDecodeError, SafetensorError) as error:
        raise UnreadableGolden(f"{path}: {error}") from error
    if not isinstance(config, dict) or not isinstance(config.get("kind"), str):
        raise UnreadableGolden(f"{path}: no `kind` in its JSON object")
    return Golden(path, config["kind"], config, tensors)


def _read_json(path: Path) -> tuple[Any, dict[str, torch.Tensor]]:
    return json.loads(path.read_text(encoding="utf-8")), {}


def _read_safetensors(path: Path) -> tuple[Any, dict[str, torch.Tensor]]:
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        return json.loads((file.metadata() or {}).get("config", "null")), tensors
