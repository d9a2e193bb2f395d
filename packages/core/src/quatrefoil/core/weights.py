"""Weights that others saved, read into modules of ours: names translated, every key accounted for, nothing unpickled.

A state is a mapping from their keys to tensors. An adapter (`nn/bert_weights.py` is the shortest) says what the names
are; what is common to all adapters is here.
"""

import json
import pickle
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from quatrefoil.core.hub import locate
from quatrefoil.core.nn.transformer import Activation, TransformerConfig

State = Mapping[str, Tensor]

_ACTIVATIONS: dict[str, Activation] = {
    "quick_gelu": "quick_gelu", "gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh",
}  # fmt: skip
_FREE = {"dropout", "attention_dropout", "checkpoint", "depth_scaled"}  # settings that fit any weights
_QKV = ".attention.qkv."
_GLOBAL = re.compile(r"GLOBAL ([\w.]+)")  # how torch says what its unpickler refused
# What both readers raise where a file is cut off, empty, or of another kind.
_DAMAGE = (SafetensorError, RuntimeError, EOFError, LookupError, TypeError, AttributeError)


@dataclass(frozen=True)
class Names:
    """How others spell the dotted names of our parameters.

    Args:
        renames: (ours, theirs), replaced in this order.
        qkv: what they have for `.attention.qkv.`: one piece, or three whose concatenation it is.
    """

    renames: tuple[tuple[str, str], ...]
    qkv: tuple[str, ...]

    def keys(self, name: str) -> tuple[str, ...]:
        """The keys whose concatenation is our parameter `name`."""
        for ours, theirs in self.renames:
            name = name.replace(ours, theirs)
        return tuple(name.replace(_QKV, part) for part in self.qkv) if _QKV in name else (name,)


@dataclass(frozen=True)
class Place:
    """A parameter of ours and the keys whose concatenation it is."""

    parameter: nn.Parameter
    keys: tuple[str, ...]


def places(module: nn.Module, names: Names, prefix: str = "") -> list[Place]:
    """The place of every parameter of `module`; `prefix` stands before its names where `names` expects one."""
    return [Place(parameter, names.keys(prefix + name)) for name, parameter in module.named_parameters()]


def keys_of(found: Collection[Place]) -> set[str]:
    """All keys that these places read."""
    return {key for place in found for key in place.keys}


def check_keys(what: str, wanted: Collection[str], state: State, ignored: Collection[str] = ()) -> None:
    """Raise `ValueError`, with their names, where keys are missing, or are neither wanted nor ignored."""
    missing, unexpected = set(wanted) - state.keys(), state.keys() - set(wanted) - set(ignored)
    if missing or unexpected:
        raise ValueError(f"not this {what}: missing keys {sorted(missing)}, unexpected keys {sorted(unexpected)}")


@torch.no_grad()
def copy_weights(found: Sequence[Place], state: State) -> None:
    """Copy every place's weights.

    Raises:
        ValueError: shapes that do not fit, all named; nothing is copied then.
    """
    values = [torch.cat([state[key] for key in place.keys]) for place in found]
    wrong = [
        f"{' + '.join(place.keys)}: {tuple(value.shape)} for {tuple(place.parameter.shape)}"
        for place, value in zip(found, values, strict=True)
        if value.shape != place.parameter.shape
    ]
    if wrong:
        raise ValueError(f"weights of other shapes than the model: {'; '.join(wrong)}")
    for place, value in zip(found, values, strict=True):
        place.parameter.copy_(value)


def require_same(where: str, ours: Any, theirs: Any, free: Collection[str] = ()) -> None:
    """Raise `ValueError` where two configurations (dataclasses) differ in what the weights depend on.

    Wrong sizes would show in the weights; wrong heads, activation or epsilon would not.

    Args:
        free: settings that may differ, besides dropout, checkpointing and how weights start.
    """
    have, need = (dict(_settings(asdict(config), _FREE | set(free))) for config in (ours, theirs))
    differ = [f"{key}={need[key]} (not {have[key]})" for key in need if have[key] != need[key]]
    if differ:
        raise ValueError(f"{where} of another shape; set {', '.join(differ)}")


def _settings(tree: Mapping[str, Any], free: Collection[str], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _settings(value, free, f"{prefix}{name}.")
        elif name not in free:
            yield prefix + name, value


def read_described(source: str | Path, revision: str | None = None) -> dict[str, Any]:
    """What Hugging Face's config.json says: that of a folder or a hub id, or the one beside a file of weights.

    Raises:
        ValueError: there is none.
    """
    folder = Path(source).parent if Path(source).is_file() else source
    described: dict[str, Any] = json.loads(locate(folder, "config.json", revision).read_text(encoding="utf-8"))
    return described


def described_transformer(described: Mapping[str, Any]) -> TransformerConfig:
    """The sizes that a Hugging Face config.json describes; order of norms and dropout are the caller's to set.

    Raises:
        ValueError: an activation that our blocks do not have.
    """
    if described["hidden_act"] not in _ACTIVATIONS:
        raise ValueError(f"hidden_act `{described['hidden_act']}` is not one of {', '.join(_ACTIVATIONS)}")
    return TransformerConfig(
        width=described["hidden_size"],
        layers=described["num_hidden_layers"],
        heads=described["num_attention_heads"],
        mlp_ratio=described["intermediate_size"] / described["hidden_size"],
        activation=_ACTIVATIONS[described["hidden_act"]],
        norm_eps=described["layer_norm_eps"],
    )


def read_state(source: str | Path, revision: str | None = None) -> dict[str, Tensor]:
    """The weights of a file, a folder or a hub id: model.safetensors or, where there is none, pytorch_model.bin.

    What is not safetensors goes through torch's restricted unpickler, which builds tensors and plain data only.

    Raises:
        ValueError: no such file, a damaged one, or one that holds anything but named tensors (under `state_dict`, under
            `model`, or by themselves).
    """
    path = Path(source) if Path(source).is_file() else _locate_any(source, revision)
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        held = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        held_too = ", ".join(dict.fromkeys(_GLOBAL.findall(str(error)))) or "objects"
        raise ValueError(
            f"{path} holds more than weights ({held_too}), which is not loaded; save its tensors alone, where its "
            f"maker is trusted: torch.save(checkpoint['state_dict'], ...)"
        ) from error
    except _DAMAGE as error:
        raise ValueError(
            f"{path} cannot be read as weights: it is damaged, or not of torch's format ({error!r}); fetch or save it "
            f"again"
        ) from error
    state = _unwrapped(held)
    if not isinstance(state, dict) or not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError(f"{path} is no mapping from names to tensors")
    return dict(state)


def _unwrapped(held: Any) -> Any:
    """The weights of a checkpoint that holds more: `state_dict` (mmaction's) or `model` (timm's, Swin's)."""
    inner = (held.get(key) for key in ("state_dict", "model")) if isinstance(held, dict) else ()
    return next((state for state in inner if isinstance(state, dict)), held)


def _locate_any(source: str | Path, revision: str | None) -> Path:
    refusals = []
    for name in ("model.safetensors", "pytorch_model.bin"):
        try:
            return locate(source, name, revision)
        except ValueError as refusal:
            refusals.append(str(refusal))
    raise ValueError("; ".join(dict.fromkeys(refusals)))
