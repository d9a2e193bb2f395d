"""VLSA's runners: what they refuse, and that what they store is whole."""

import json
from pathlib import Path

import pytest

from benchmarks.speed_vlsa import CASES, READING, RESULTS
from benchmarks.spoken_digits import present_protocols
from quatrefoil.video_text.datasets.corpus import CorpusError


def test_a_folder_without_a_pair_of_speakers_is_refused(tmp_path: Path) -> None:
    """Or an empty table would take the place of the measured one."""
    (tmp_path / "recordings").mkdir()
    with pytest.raises(CorpusError, match="one of these pairs and of another speaker: george and lucas"):
        present_protocols(tmp_path)
    with pytest.raises(CorpusError, match="there is no folder"):
        present_protocols(tmp_path / "absent")


def test_protocols_are_of_speakers_who_are_there_with_their_partners(shared: Path) -> None:
    found = present_protocols(shared / "data/video_text/fsdd")
    assert found == ["fsdd-jackson", "fsdd-nicolas", "fsdd-theo", "fsdd-yweweler"]


def test_stored_speed_is_of_all_cases() -> None:
    stored = json.loads(RESULTS.read_text())
    assert [row["case"] for row in stored["rows"]] == list(CASES)
    assert [row["case"].endswith(how) for row, how in zip(stored["loader"], READING, strict=True)] == [True, True]
    for row in stored["loader"]:
        seconds = row["seconds_a_clip"]
        waited = 100 * max(0.0, 1 - seconds["training"] / seconds["loader"])
        assert row["waiting_percent"] == pytest.approx(waited, abs=2)
