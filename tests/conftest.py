"""Fixtures that every part of the suite may use."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The suite tries the same examples every time, so that its verdict is of the change and not of the draw; `make
# test-fuzz` draws new ones. A deadline would judge the machine.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("drawn", max_examples=500, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

SHARED = Path(os.environ.get("QUATREFOIL_SHARED", Path(__file__).resolve().parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared real data; the test is skipped, by name, where it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"shared data not found at {SHARED} (set QUATREFOIL_SHARED)")
    return SHARED
