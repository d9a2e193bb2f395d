"""Whoever runs out of memory is told what to change."""

from pathlib import Path

import pytest
import torch

from quatrefoil.core.data import Batch
from quatrefoil.core.training.memory import OutOfMemory, advised
from quatrefoil.core.training.trainer import Trainer
from tests.core.toy import toy_recipe, toy_run


def says(*overrides: str) -> str:
    with pytest.raises(OutOfMemory) as raised, advised(toy_recipe(overrides), "ddp", 2, step=7):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore of it")
    return str(raised.value)


def test_a_run_without_memory_names_its_step_and_settings_to_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Trainer, batch: Batch, step: int) -> dict[str, float]:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Trainer, "train_step", full)
    with pytest.raises(OutOfMemory, match=r"step 0: out of memory with micro-batches of 8 samples .*train.precision"):
        toy_run([f"run.dir={tmp_path}"])


def test_micro_batches_are_advised_where_they_are_to_be_had() -> None:
    said = says("objectives.match=off", "train.accumulate=2")
    assert "micro-batches of 2 samples (2 processes, train.accumulate=2, fp32, ddp)" in said
    assert "train.accumulate=4 (slower)" in said
    assert said.endswith("(CUDA out of memory. Tried to allocate 2.00 GiB.)")
    assert "train.accumulate is refused for match" in says()


def test_no_more_micro_batches_are_advised_than_a_process_has_samples() -> None:
    assert "train.accumulate=4 (slower)" in says("objectives.match=off", "train.accumulate=3")
    assert "(slower)" not in says("objectives.match=off", "train.accumulate=4")


def test_nothing_that_is_set_already_is_advised() -> None:
    assert "train.precision=bf16;" in says()
    assert "train.precision=bf16;" not in says("train.precision=bf16")


def test_a_cpu_without_memory_is_told_the_same() -> None:
    with pytest.raises(OutOfMemory, match="can't allocate memory"), advised(toy_recipe(), "plain", 1, step=0):
        torch.empty(2**60, dtype=torch.uint8)


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match="another"), advised(toy_recipe(), "plain", 1, step=0):
        raise RuntimeError("another")
