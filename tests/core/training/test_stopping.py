"""Runs that stop early leave what is needed to go on, or to see why."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from quatrefoil.core.data import Batch
from quatrefoil.core.data.collate import Skipped
from quatrefoil.core.ending import Preempted
from quatrefoil.core.runs import checkpoint
from quatrefoil.core.training.stopping import NonFiniteLoss, dump
from quatrefoil.core.training.tracking import Trackers
from quatrefoil.core.training.trainer import Trainer
from tests.core.toy import toy_run


@pytest.fixture(autouse=True)
def foreground() -> Iterator[None]:
    """Ctrl-C is heard, though a shell that puts the tests into the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def _at(monkeypatch: pytest.MonkeyPatch, step: int, change: str) -> None:
    """At `step`, send a signal to this process or spoil the batch."""
    train_step = Trainer.train_step

    def changed(self: Trainer, batch: Batch, at: int) -> dict[str, float]:
        if at == step and change == "nan":
            batch["left"][0] = torch.nan
        elif at == step:
            os.kill(os.getpid(), signal.Signals[change])
        return train_step(self, batch, at)

    monkeypatch.setattr(Trainer, "train_step", changed)


@pytest.mark.parametrize(("told", "status"), [("SIGTERM", 0), ("SIGINT", 130)])
def test_a_run_that_is_told_to_end_says_so_saves_exits_and_goes_on_as_if_it_had_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], told: str, status: int
) -> None:
    settings = ["train.steps=6"]
    toy_run([f"run.dir={tmp_path}/whole", *settings])
    with monkeypatch.context() as patch:
        _at(patch, 2, told)
        with pytest.raises(Preempted) as stopped:
            toy_run([f"run.dir={tmp_path}/cut", *settings])
    assert stopped.value.code == status
    output = capfd.readouterr()
    assert f"{told}: saving after the step" in output.err
    assert "saved step 3; go on with resume=auto" in output.out
    assert [path.name for path in checkpoint.checkpoints(tmp_path / "cut" / "checkpoints")] == ["step-00000003"]
    toy_run([f"run.dir={tmp_path}/cut", *settings, "resume=auto"])
    ends = [checkpoint.load(tmp_path / run / "checkpoints" / "step-00000006").tensors for run in ("whole", "cut")]
    assert all(torch.equal(value, ends[1]["model"][name]) for name, value in ends[0]["model"].items())


@pytest.mark.parametrize(("change", "stopped"), [("SIGTERM", Preempted), ("nan", NonFiniteLoss)])
def test_trackers_are_closed_by_a_run_that_stops_early_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, stopped: type[BaseException]
) -> None:
    calls: list[object] = []
    kept = SimpleNamespace(log=lambda step, values: calls.append(step), close=lambda: calls.append("closed"))
    monkeypatch.setattr("quatrefoil.core.training.run.trackers", lambda *_: Trackers([kept]))
    _at(monkeypatch, 2, change)
    with pytest.raises(stopped):
        toy_run([f"run.dir={tmp_path}"])
    assert calls == [1, 2, *([3] if change == "SIGTERM" else []), "closed"]


def test_a_run_that_finds_no_checkpoint_to_go_on_from_says_that_it_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toy_run([f"run.dir={tmp_path}", "train.steps=1", "resume=auto"])
    assert "there was no checkpoint to go on from; 1 of" in capsys.readouterr().out


@pytest.mark.parametrize("objectives", [[], ["objectives.match=off"]])  # codes of nan; a loss of nan
def test_a_loss_that_is_not_finite_leaves_its_batch_and_names_its_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, objectives: list[str]
) -> None:
    _at(monkeypatch, 1, "nan")
    with pytest.raises(NonFiniteLoss, match=r"step 1: .*nothing was updated; samples: .*'sample") as stopped:
        toy_run([f"run.dir={tmp_path}", *objectives])
    folder = tmp_path / "dumps" / "step-00000001-rank0"
    assert str(folder) in str(stopped.value)
    about = json.loads((folder / "batch.json").read_text())
    assert all(name in str(stopped.value) for name in about["id"])
    left = load_file(folder / "batch.safetensors")["left"]
    assert len(left) == len(about["id"]) == 8
    assert left[0].isnan().all()
    assert left[1:].isfinite().all()


def test_any_batch_can_be_left_and_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    x = torch.arange(6.0).reshape(2, 3)
    batch = {"id": ["a", "b"], "left": x, "right": x, "turned": x.T, "skipped": [Skipped("c", "broken")]}
    dump(tmp_path, 4, 0, {"id": ["z"], "skipped": []}, "older")
    folder = dump(tmp_path, 4, 0, batch, "why")
    found = load_file(folder / "batch.safetensors")
    assert all(torch.equal(found[name], batch[name]) for name in ("left", "right", "turned"))
    assert json.loads((folder / "batch.json").read_text()) == {
        "step": 4, "reason": "why", "id": ["a", "b"], "skipped": [["c", "broken"]],
    }  # fmt: skip
