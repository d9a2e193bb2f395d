"""The tiny benchmark, made once for all tests of Stage, and its truth."""

import json
from pathlib import Path
from typing import Any

import pytest

from quatrefoil.video_text.datasets.stage import make


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny benchmark, made by one worker."""
    return make("tiny", seed=0, root=tmp_path_factory.mktemp("cache"), workers=1)


@pytest.fixture(scope="session")
def truth(tiny: Path) -> list[dict[str, Any]]:
    """The lines of `facts.jsonl`."""
    return [json.loads(line) for line in (tiny / "facts.jsonl").read_text(encoding="utf-8").splitlines()]
