"""A run that was killed in the midst of its steps ends with the bits of one that was not."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from quatrefoil.core.runs import checkpoint
from tests.core.training.test_run import ROOT, logged
from tests.models.small import RECIPES

pytestmark = pytest.mark.slow
EVERY = list(range(1, 26))
STEPS = 26  # of 10 an epoch: the kills lie in three epochs
SOME = [1, 9, 10, 11, 19]  # about the ends of epochs
LONG = "clover/stage-pretrain"  # draws most: masks of words and cells by sample, dropout by step


def trained_twice(folder: Path, name: str, engine: str, ranks: int, steps: int, kills: list[int]) -> None:
    command = [sys.executable, "-m", "tests.models.forked", str(folder), name, engine, str(ranks), str(steps)]
    done = subprocess.run([*command, json.dumps(kills)], cwd=ROOT, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


def seen(run: Path, rank: int) -> dict[int, Any]:
    """Step -> ids of its samples and state of the generator, as a rank last took it."""
    lines = (json.loads(line) for line in (run / f"seen-{rank}.jsonl").read_text().splitlines())
    return {step: (ids, drawn) for step, ids, drawn in lines}


@pytest.mark.parametrize(
    ("name", "engine", "ranks", "kills"),
    [
        (LONG, "plain", 1, EVERY),
        (LONG, "ddp", 2, EVERY),
        (LONG, "zero2", 2, SOME),
        (LONG, "zero3", 2, SOME),
        *((name, "plain", 1, SOME) for name in RECIPES if name != LONG),
    ],
)
def test_a_run_killed_in_step_after_step_ends_as_one_that_was_not(
    tmp_path: Path, name: str, engine: str, ranks: int, kills: list[int]
) -> None:
    """Losses, weights, moments, generators and sample ids, with two loader workers a rank."""
    steps = STEPS if kills == EVERY else SOME[-1] + 2
    trained_twice(tmp_path, name, engine, ranks, steps, kills)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert logged(killed) == logged(whole)
    assert len(logged(whole)) == steps
    for rank in range(ranks):
        assert seen(killed, rank) == seen(whole, rank)
    ends = [checkpoint.load(checkpoint.path_of(run / "checkpoints", steps)) for run in (whole, killed)]
    assert ends[0].state["optimizer"] == ends[1].state["optimizer"]
    for file, tensors in ends[0].tensors.items():
        assert tensors.keys() == ends[1].tensors[file].keys()
        assert all(torch.equal(value, ends[1].tensors[file][key]) for key, value in tensors.items()), file
