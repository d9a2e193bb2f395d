"""The kinds of Clover compare everything that their files hold, and fail where it differs."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from quatrefoil.core.weights import State
from tests.golden.__main__ import main
from tests.golden.checks import GRADIENT_NORM_FLOOR
from tests.golden.files import read_golden
from tests.golden.kinds import KINDS

every_file = pytest.mark.parametrize("name", ["pretrain_small", "qa_open_ended", "qa_multiple_choice"])


@every_file
def test_every_result_in_a_file_is_compared(name: str, shared: Path) -> None:
    golden = read_golden(shared / "golden" / "clover" / f"{name}.safetensors")
    results = {key for key in golden.tensors if key.startswith(("out.", "loss.", "gradnorm."))}
    noise = {key for key in results if key.startswith("gradnorm.") and golden.tensors[key] <= GRADIENT_NORM_FLOOR}
    checks = KINDS[golden.kind](golden)
    assert {check.name for check in checks} == results - noise
    assert len(checks) == len(results - noise)


@every_file
def test_another_weight_fails(name: str, shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = "weight.text_backbone.bert.encoder.layer.1.attention.self.value.weight"
    assert ": FAIL " in outcome(shared, name, tmp_path, capsys, lambda tensors: {key: 1.1 * tensors[key]})


def test_a_weight_that_no_part_takes_is_named(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stray = {"weight.stray": torch.ones(1)}
    said = outcome(shared, "qa_open_ended", tmp_path, capsys, lambda _: stray)
    assert "unexpected keys ['stray']" in said


def outcome(
    shared: Path, name: str, folder: Path, capsys: pytest.CaptureFixture[str], change: Callable[[State], State]
) -> str:
    """What the runner says of a changed file; it must not pass."""
    source = shared / "golden" / "clover" / f"{name}.safetensors"
    with safe_open(source, "pt") as file:
        metadata = file.metadata()
    tensors = load_file(source)
    save_file({**tensors, **change(tensors)}, folder / source.name, metadata)
    assert main([str(folder / source.name)]) == 1
    return capsys.readouterr().out
