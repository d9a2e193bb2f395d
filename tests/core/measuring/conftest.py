"""Runs that are planned and launched as always, and made up where they would be trained."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from quatrefoil.core.measuring import jobs, launch
from quatrefoil.core.measuring.jobs import Job, RunFailed
from quatrefoil.core.measuring.launch import Launch, launcher
from tests.core.measuring.fabricated import HASH, facts, run_folder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are kept in a folder of the test."""
    monkeypatch.setattr(jobs, "RUNS", tmp_path / "runs")


@pytest.fixture
def one_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recipes are not read; every configuration has the hash of the made-up facts."""

    class Recipe:
        config_hash = HASH

    def load(name: str, overrides: list[str]) -> type[Recipe]:
        if name == "no/such-recipe":
            raise ValueError(f"no recipe `{name}`")
        return Recipe

    monkeypatch.setattr(jobs.recipes, "load", load)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch, one_hash: None) -> list[Job]:
    """The jobs that were trained; training writes made-up facts, and that of an entry called "Broken" fails."""
    done: list[Job] = []

    def fabricate(job: Job, **how: object) -> None:
        if job.entry.model == "Broken":
            raise RunFailed("out of memory")
        done.append(job)
        run_folder(job.folder, facts(job.entry, job.seed, 50.0))

    monkeypatch.setattr(launch, "train", fabricate)
    monkeypatch.setattr(launch, "POLL_SECONDS", 0.001)
    return done


@pytest.fixture(params=[1, 3])
def here(request: pytest.FixtureRequest) -> Iterator[Launch]:
    """Runs in threads of this process, one at a time or several."""
    with launcher("local", request.param) as found:
        yield found
