"""Weights to start from are hashed as what they are: a training with its data, or bytes; not as where they lie."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from quatrefoil.core.config import fingerprint, restore, to_plain
from quatrefoil.core.runs.start import START
from tests.core.toy import toy_run


@dataclass(frozen=True)
class Tuned:
    """A configuration that goes on from something."""

    start: str | None = field(default=None, metadata=START)
    width: int = 8


def hashed(start: Path | str | None) -> str:
    return fingerprint(to_plain(Tuned(None if start is None else str(start)), what_only=True))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four runs: `one`, the same with another seed, with another rate, and on other data."""
    folder = tmp_path_factory.mktemp("runs")
    others = {"one": [], "seed": ["seed=1"], "rate": ["train.optimizer.lr=0.5"], "data": ["data.count=32"]}
    for name, more in others.items():
        toy_run([f"run.dir={folder / name}", "train.steps=2", "train.checkpoint_every=1", "data.count=40", *more])
    return folder


def test_runs_that_differ_in_their_seed_or_place_alone_are_one_start(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "one", tmp_path / "moved")
    assert hashed(runs / "one") == hashed(runs / "seed") == hashed(tmp_path / "moved")


def test_runs_of_other_settings_or_data_and_checkpoints_of_other_steps_are_other_starts(runs: Path) -> None:
    steps = [f"checkpoints/step-0000000{step}" for step in (1, 2)]
    starts = [runs / name for name in ("one", "rate", "data", *(f"one/{step}" for step in steps))]
    assert len({hashed(None), *map(hashed, starts)}) == len(starts) + 1
    for step in steps:
        assert hashed(runs / "one" / step) == hashed(runs / "seed" / step)


@pytest.mark.parametrize("name", ["weights.safetensors", "folder/model.safetensors"])
def test_other_weights_are_their_bytes(tmp_path: Path, name: str) -> None:
    def saved(place: str, value: float) -> Path:
        path = tmp_path / place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({"weight": torch.tensor(value)}, path)
        return path.parent if "/" in name else path

    assert hashed(saved("a", 1.0)) == hashed(saved("b", 1.0))
    before = hashed(saved("c", 1.0))
    assert hashed(saved("c", 2.5)) != before


def test_a_hub_id_or_a_run_that_is_still_to_come_stands_for_itself(tmp_path: Path) -> None:
    (tmp_path / "unfinished").mkdir()
    names = ["someone/model", "someone/other", str(tmp_path / "none"), str(tmp_path / "unfinished")]
    assert len({hashed(name) for name in names}) == len(names)
    assert hashed(names[0]) == fingerprint({"_type": "Tuned", "start": names[0], "width": 8})


def test_a_start_is_kept_as_it_was_named_so_that_a_run_can_be_repeated(runs: Path) -> None:
    tuned = Tuned(str(runs / "one"))
    assert to_plain(tuned)["start"] == tuned.start
    assert restore(Tuned(), to_plain(tuned)) == tuned
