"""Fixtures that every part of the suite may use."""

import os
import random
import secrets
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings

# The suite tries the same examples every time, so that its verdict is of the change and not of the draw; `make
# test-fuzz` draws new ones. A deadline would judge the machine.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("drawn", max_examples=500, deadline=None)
DRAWN = os.environ.get("HYPOTHESIS_PROFILE", "same") == "drawn"
settings.load_profile("drawn" if DRAWN else "same")

SHARED = Path(os.environ.get("QUATREFOIL_SHARED", Path(__file__).resolve().parents[2] / "shared"))


@pytest.fixture(autouse=True)
def global_generators() -> None:
    """The generators that a test did not make itself start from 0, or from a seed that a failure's report shows."""
    seed = secrets.randbelow(2**32) if DRAWN else 0
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)
    if DRAWN:
        print(f"global generators start from {seed}")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared real data; the test is skipped, by name, where it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"shared data not found at {SHARED} (set QUATREFOIL_SHARED)")
    return SHARED


@pytest.fixture(scope="session")
def embedded_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder that the processes of a run of the suite share: what is made in it is made once (under a lock).

    Tests set it as QUATREFOIL_CACHE, and change nothing that lies there.
    """
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "embedded-cache"
