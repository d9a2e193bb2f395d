"""The tiny benchmark, made once for all tests of Regulome, and what its tests read it with."""

import csv
from pathlib import Path

import pytest

from quatrefoil.genomics.datasets.regulome import make


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny benchmark, made by one worker."""
    return make("tiny", seed=0, root=tmp_path_factory.mktemp("cache"), workers=1)


@pytest.fixture(scope="session")
def genome(tiny: Path) -> dict[str, str]:
    """Chromosome -> letters, read without the index."""
    records = (tiny / "genome.fa").read_text(encoding="utf-8").split(">")[1:]
    parts = (record.split("\n", 1) for record in records)
    return {name: letters.replace("\n", "") for name, letters in parts}


def rows_of(path: Path, delimiter: str = "\t") -> list[list[str]]:
    """The rows of a table."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))
