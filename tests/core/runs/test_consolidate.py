"""The weights of a checkpoint as one file: those that would be evaluated, from valid checkpoints of ours alone."""

import argparse
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from quatrefoil.core import installed
from quatrefoil.core.hub import load_weights
from quatrefoil.core.runs import checkpoint
from quatrefoil.core.runs.checkpoint import CheckpointError
from quatrefoil.core.runs.consolidate import consolidate
from tests.core.toy import Toy, ToyConfig

A, B = torch.arange(6.0).reshape(2, 3), torch.full((3,), 0.5)


def _saved(folder: Path, step: int, **groups: dict[str, torch.Tensor]) -> Path:
    return checkpoint.save(folder, step, tensors=groups, state={}, config={"config_hash": "abc"})


def test_the_command_writes_the_weights_of_the_newest_valid_checkpoint(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        _saved(tmp_path / "checkpoints", step, model={"a": A * step, "b": B})
    (tmp_path / "checkpoints" / "step-00000003" / "model.safetensors").write_bytes(b"damaged")
    command = installed.load_command("consolidate")
    with pytest.warns(UserWarning, match="passed over the checkpoint step-00000003"):
        assert command.run(argparse.Namespace(path=tmp_path, to=tmp_path / "out")) == 0
    found = load_file(tmp_path / "out" / "model.safetensors")
    assert torch.equal(found["a"], A * 2)


def test_averaged_weights_are_taken_where_there_are_any(tmp_path: Path) -> None:
    path = _saved(tmp_path, 1, model={"a": A}, ema={"a": -A})
    assert torch.equal(load_file(consolidate(path, tmp_path / "out"))["a"], -A)


def test_a_model_takes_up_what_was_written_tied_weights_included(tmp_path: Path) -> None:
    models = [Toy(ToyConfig()) for _ in range(2)]
    for model in models:
        model.token_head.weight = model.right_encoder.weight
    path = _saved(tmp_path, 1, model=models[0].state_dict())
    load_weights(models[1], load_file(consolidate(path, tmp_path / "out")))
    for name, value in models[0].state_dict().items():
        assert torch.equal(models[1].state_dict()[name], value)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = _saved(tmp_path, 1, model={"a": A})
    with pytest.raises(FileExistsError, match="is there already"):
        consolidate(path, tmp_path)


def test_what_deepspeed_saved_itself_is_neither_unpickled_nor_run(tmp_path: Path) -> None:
    (tmp_path / "zero_to_fp32.py").write_text("raise SystemExit('was run')")
    with pytest.raises(CheckpointError, match="in pickles and with a script to run: neither is touched"):
        consolidate(tmp_path, tmp_path / "out")


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no checkpoint .* and no run folder"):
        consolidate(tmp_path, tmp_path / "out")
