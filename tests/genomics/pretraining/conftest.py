"""One toy world for all tests of pre-training."""

import pytest

from quatrefoil.genomics.datasets.pretraining.data import PretrainingData
from quatrefoil.genomics.datasets.pretraining.module import PretrainingModule
from tests.genomics.pretraining.toy import write_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> PretrainingData:
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def module(world: PretrainingData) -> PretrainingModule:
    return world.build(seed=3)
