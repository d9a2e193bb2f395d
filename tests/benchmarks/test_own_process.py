"""Training in a given folder: what fails is told as that of the leaderboard is, and what is finished is left alone."""

import sys
from pathlib import Path

import pytest

from benchmarks.own_process import train
from quatrefoil.core.measuring.jobs import RunFailed


@pytest.fixture(autouse=True)
def broken_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would train prints its arguments and fails."""
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$@"\necho broken >&2\nexit 3\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))


def test_a_failure_tells_the_recipe_the_folder_and_the_last_lines_and_leaves_a_log(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "one"
    with pytest.raises(RunFailed, match=r"any/recipe in .*one: exit status 3(.|\n)*last lines:\n +broken"):
        train("any/recipe", ["seed=1", "data.root=data"], folder)
    assert f"any/recipe seed=1 data.root=data run.dir={folder}" in (tmp_path / "runs" / "one.log").read_text()


def test_a_finished_run_is_not_made_again(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text("{}")
    train("any/recipe", [], tmp_path)
    assert not tmp_path.with_name(f"{tmp_path.name}.log").exists()
