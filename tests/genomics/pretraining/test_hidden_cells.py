"""Cells of the matrix that are hidden."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from quatrefoil.core.data import SampleKey
from quatrefoil.genomics.datasets.pretraining.config import HiddenCells
from quatrefoil.genomics.datasets.pretraining.data import PretrainingData
from tests.genomics.pretraining.toy import write_world

FIELDS = ["matrix", "hidden_cells", "region_mask"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> PretrainingData:
    folder: Path = tmp_path_factory.mktemp("world")
    return replace(write_world(folder), hidden=HiddenCells(grid=(3, 4), rate=0.5))


def test_as_many_cells_are_hidden_in_every_sample_and_others_in_another_epoch(world: PretrainingData) -> None:
    samples = world.build(seed=0).train(FIELDS)
    first = [samples[SampleKey(0, index)]["hidden_cells"] for index in range(20)]
    assert {(cells.shape, int(cells.sum())) for cells in first} == {((3, 4), 6)}
    again = [samples[SampleKey(0, index)]["hidden_cells"] for index in range(20)]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    other = [samples[SampleKey(1, index)]["hidden_cells"] for index in range(20)]
    assert any(not torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_hiding_changes_nothing_else_of_a_sample(world: PretrainingData) -> None:
    plain = replace(world, hidden=None)
    assert "hidden_cells" not in plain.fields
    a, b = (data.build(seed=0).train(["matrix", "match_kind", "ids"])[SampleKey(0, 3)] for data in (world, plain))
    assert a["match_kind"] == b["match_kind"]
    assert torch.equal(a["matrix"], b["matrix"])
    assert torch.equal(a["ids"], b["ids"])
