"""Runs of the benchmarks lie in a folder of the test."""

from pathlib import Path

import pytest

from quatrefoil.core.measuring import jobs


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "RUNS", tmp_path / "runs")
