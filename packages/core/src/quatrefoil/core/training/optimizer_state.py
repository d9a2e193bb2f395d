"""The state of an optimiser as named tensors and JSON, and back, bit by bit and without pickle."""

from collections.abc import Mapping
from typing import Any

import torch

from quatrefoil.core.runs.checkpoint import CheckpointError, Json

StateDict = dict[str, Any]


def flatten(state_dict: StateDict) -> tuple[dict[str, torch.Tensor], Json]:
    """Splits `optimizer.state_dict()` into tensors, `<parameter number>.<name>`, and JSON (all else).

    Raises ValueError where a parameter group holds what JSON cannot (a learning rate that is a tensor, say).
    """
    entries = {f"{n}.{name}": value for n, state in state_dict["state"].items() for name, value in state.items()}
    tensors = {name: value for name, value in entries.items() if isinstance(value, torch.Tensor)}
    scalars = {name: _encode(name, value) for name, value in entries.items() if name not in tensors}
    return tensors, {"scalars": scalars, "param_groups": _encode("param_groups", state_dict["param_groups"])}


def unflatten(tensors: Mapping[str, torch.Tensor], state: Json, names: list[list[str]]) -> StateDict:
    """What `flatten` was given, for an optimiser of the parameters `names`, group by group.

    torch compares only the sizes of the groups, and would take the state of one parameter for that of another.

    Raises:
        CheckpointError: the state was saved for other parameters.
    """
    entries = {**tensors, **{name: _decode(value) for name, value in state["scalars"].items()}}
    parameters: dict[int, dict[str, Any]] = {}
    for key in sorted(entries, key=lambda key: int(key.partition(".")[0])):
        number, _, name = key.partition(".")
        parameters.setdefault(int(number), {})[name] = entries[key]
    groups = _decode(state["param_groups"])
    _check_same([group["param_names"] for group in groups], names)
    return {"state": parameters, "param_groups": groups}


def _check_same(saved: list[list[str]], present: list[list[str]]) -> None:
    if saved != present:
        odd = sorted({name for group in saved for name in group} ^ {name for group in present for name in group})
        raise CheckpointError(
            "the optimiser state is of other parameter groups than this model's: "
            + (f"only one of them has {odd}" if odd else "the same parameters are grouped or ordered otherwise")
        )


def _encode(where: str, value: Any) -> Any:
    """JSON for a value, tuples marked: JSON has lists only, and torch keeps the two apart."""
    if isinstance(value, tuple):
        return {"tuple": [_encode(where, item) for item in value]}
    if isinstance(value, list):
        return [_encode(where, item) for item in value]
    if isinstance(value, dict):
        return {"dict": {key: _encode(f"{where}.{key}", item) for key, item in value.items()}}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError(f"{where} of the optimiser is a {type(value).__name__}, which JSON cannot hold: make it a number")


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if isinstance(value, dict) and "tuple" in value:
        return tuple(_decode(item) for item in value["tuple"])
    if isinstance(value, dict):
        return {key: _decode(item) for key, item in value["dict"].items()}
    return value
