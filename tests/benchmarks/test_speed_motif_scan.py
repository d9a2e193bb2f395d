"""What the benchmark of the motif scan says beside times, and what it stores."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks import speed_motif_scan as program
from benchmarks.speed_motif_scan import kmer_rates, measured

PFM = ">MA1 one\nA [ 9 0 0 0 9 0 ]\nC [ 0 9 0 0 0 9 ]\nG [ 0 0 9 0 0 0 ]\nT [ 0 0 0 9 0 0 ]\n"


@pytest.fixture
def given(tmp_path: Path) -> tuple[Path, Path]:
    """2,000 bases and one motif."""
    letters = np.random.default_rng(0).choice(list("ACGT"), 2000)
    genome, motifs = tmp_path / "small.fa", tmp_path / "one.jaspar"
    genome.write_text(f">a\n{''.join(letters)}\n")
    motifs.write_text(PFM)
    return genome, motifs


def test_ids_through_text_are_ours_unknown_bases_included() -> None:
    codes = np.random.default_rng(0).choice(5, 200_500, p=[0.24, 0.25, 0.25, 0.25, 0.01]).astype(np.uint8)
    assert kmer_rates(codes)["kmer_differ"] == 0


def test_what_is_stored_is_what_is_printed_and_names_its_command_without_a_folder(
    given: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results.json"
    monkeypatch.setattr(program, "RESULTS", results)
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)  # of this process, in which other tests run, too
    monkeypatch.setattr(sys, "argv", ["benchmark", *map(str, given), "--bases", "1500"])
    program.main()
    stored: dict[str, Any] = json.loads(results.read_text())
    assert json.loads(capsys.readouterr().out) == stored
    assert stored["command"] == "python -m benchmarks.speed_motif_scan small.fa one.jaspar --bases 1500"
    assert set(stored["versions"]) == {"torch", "numpy", *program.installed()}
    assert (stored["bases"], stored["motifs"], stored["kmer_differ"]) == (1500, 1, 0)
    assert all(stored[f"{other}_differ"] == 0 for other in program.installed())


def test_less_than_a_window_is_refused(given: tuple[Path, Path]) -> None:
    with pytest.raises(ValueError, match="a gives 999 bases; give 1000 or more, and --bases as many"):
        measured(*given, 999)
