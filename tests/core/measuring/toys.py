"""Entries whose runs are made up, and what stands for their training."""

import sys

import pytest

from quatrefoil.core.measuring.entries import ONE_SEED, Entry
from quatrefoil.core.measuring.jobs import Job
from tests.core.measuring.fabricated import HASH

FRAMES = Entry("Frames only", "toy/frames", "one side alone", data_version="v1")
TABLE = Entry("TABLE", "toy/table", "both sides", data_version="v1")
ONE = FRAMES.with_seeds(ONE_SEED), TABLE.with_seeds(ONE_SEED)
JOBS = [Job(entry, 0, HASH) for entry in ONE]
START = Entry("Pre-trained", "toy/start", "what others start from", ONE_SEED, data_version="v1")
TUNED = [Entry("Tuned", f"toy/{task}", "", ONE_SEED, start=START, data_version="v1") for task in ("one", "other")]


def says(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Training runs this code instead."""
    monkeypatch.setattr(Job, "command", property(lambda job: [sys.executable, "-c", code, str(job.folder)]))
