"""Fixtures that every part of the suite may use."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("QUATREFOIL_SHARED", Path(__file__).resolve().parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared real data; the test is skipped, by name, where it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"shared data not found at {SHARED} (set QUATREFOIL_SHARED)")
    return SHARED
