"""The kind of Clover's losses compares every value and gradient in its file, at any size and with any options."""

import json
from pathlib import Path

import pytest
from safetensors.torch import save_file

from tests.golden.__main__ import main
from tests.golden.clover_losses import clover_losses_kind
from tests.golden.files import Golden, read_golden

FILE = "golden/clover/losses.safetensors"
RESULTS = [
    *(f"tri.{name}" for name in ("out.nce", "out.rank", "grad.anchor", "grad.positive", "grad.masked", "grad.fused")),
    *(f"nce.{name}" for name in ("out", "grad.video", "grad.text")),
    *(f"focal.{name}" for name in ("out", "grad")),
]


def _write(golden: Golden, path: Path, **config: float) -> Path:
    save_file(dict(golden.tensors), path, {"config": json.dumps({**golden.config, **config})})
    return path


def test_every_result_in_the_file_is_compared(shared: Path) -> None:
    golden = read_golden(shared / FILE)
    assert {check.name for check in clover_losses_kind(golden)} == set(RESULTS)
    assert set(RESULTS) == {name for name in golden.tensors if ".in." not in name}


@pytest.mark.parametrize("name", RESULTS)
def test_a_perturbed_result_fails(name: str, shared: Path, tmp_path: Path) -> None:
    golden = read_golden(shared / FILE)
    perturbed = {**golden.tensors, name: golden.tensor(name) + 0.01}
    changed = Golden(golden.path, golden.kind, golden.config, perturbed)
    assert main([str(_write(changed, tmp_path / "perturbed.safetensors"))]) == 1


@pytest.mark.parametrize(("option", "value"), [("temperature", 0.06), ("margin", 6.0), ("gamma", 1.0)])
def test_options_come_from_the_file(option: str, value: float, shared: Path, tmp_path: Path) -> None:
    golden = read_golden(shared / FILE)
    assert main([str(_write(golden, tmp_path / "other.safetensors", **{option: value}))]) == 1


def test_a_missing_tensor_is_unreadable_and_not_a_pass(shared: Path, tmp_path: Path) -> None:
    golden = read_golden(shared / FILE)
    fewer = {name: tensor for name, tensor in golden.tensors.items() if name != "tri.in.fused"}
    assert main([str(_write(Golden(golden.path, golden.kind, golden.config, fewer), tmp_path / "f.safetensors"))]) == 2
