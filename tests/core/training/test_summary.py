"""What a run says before its first step."""

import json
import shlex
from pathlib import Path

import pytest

from tests.core.toy import Toy, ToyConfig, toy_recipe, toy_run

HEADS = ["recipe", "settings", "data", "starts from", "parameters", "optimiser", "engine", "steps", "run folder"]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> "Said":
    return Said(capsys, tmp_path)


class Said:
    """The lines that a run prints before its scores, by their heads; a line without a head goes on the one before."""

    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self.capsys, self.folder = capsys, folder

    def __call__(self, *overrides: str) -> dict[str, str]:
        toy_run([f"run.dir={self.folder}", *overrides])
        lines = self.capsys.readouterr().out.split("split ")[0].splitlines()
        return {line[:13].strip(): line[13:] for line in lines if line[:13].strip()}


def test_a_run_says_in_few_lines_what_it_is_and_where_the_rest_is_written(said: Said) -> None:
    overrides = ("train.steps=2", "seed=3")
    lines, recipe = said(*overrides), toy_recipe(overrides)
    assert list(lines) == HEADS
    assert lines["recipe"] == f"toy, configuration {recipe.config_hash}, seed 3"
    assert lines["settings"] == f"run.dir={said.folder} train.steps=2 seed=3"
    assert lines["parameters"] == f"{sum(p.numel() for p in Toy(ToyConfig()).parameters()):,}, all trained"
    assert lines["steps"] == "2 of 8 samples in one process; an epoch: 8 steps over 64 samples"
    assert lines["run folder"].startswith(f"{said.folder} (config.json")
    assert (said.folder / "config.json").exists()


def test_settings_are_shown_and_kept_as_a_shell_takes_them(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "my runs"
    overrides = [f"run.dir={folder}", "train.steps=1", 'train.optimizer.multipliers=[["left_encoder", 0.5]]']
    toy_run(overrides)
    assert f"settings     {shlex.join(overrides)}\n" in capsys.readouterr().out
    told = json.loads((folder / "metrics.json").read_text())["command"]
    assert shlex.split(told) == ["quatrefoil", "train", "toy", *overrides]


def test_what_is_frozen_is_counted_and_named_by_its_part(said: Said) -> None:
    only_tokens = said("train.steps=1", "objectives.contrast=off", "objectives.match=off")
    model = Toy(ToyConfig())
    frozen = sum(p.numel() for part in (model.scale, model.pair_head) for p in part.parameters())
    total = sum(p.numel() for p in model.parameters())
    told = f"{total:,}, {total - frozen:,} trained; frozen, as no objective reaches them: {frozen:,} in "
    assert only_tokens["parameters"].startswith(told)
    assert set(only_tokens["parameters"].removeprefix(told).split(", ")) == {"scale", "pair_head"}


def test_a_run_that_goes_on_says_from_where(said: Said) -> None:
    assert "from step" not in said("train.steps=2", "train.checkpoint_every=2")["steps"]
    (said.folder / "metrics.json").unlink()
    again = said("train.steps=2", "train.checkpoint_every=2", "resume=auto")
    assert again["steps"].startswith("from step 2 on to 2 of 8 samples")


def test_samples_that_an_epoch_leaves_out_are_counted(said: Said) -> None:
    steps = said("train.steps=1", "data.count=50")["steps"]
    assert steps.endswith("an epoch: 6 steps over 50 samples, 2 (others each time) left out")


def test_groups_of_parameters_and_the_engine_are_said_in_words(said: Said) -> None:
    alone = said("train.steps=1")
    assert alone["optimiser"].startswith("weights with decay: lr ")
    assert alone["engine"] == "plain: one process, nothing is exchanged (accelerate: DistributedType.NO)"
    apart = said("train.steps=1", f"run.dir={said.folder}/apart", 'train.optimizer.multipliers=[["scale", 0.1]]')
    assert "other weights with decay: lr " in apart["optimiser"]
