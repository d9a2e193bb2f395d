"""VLSA's picture of sound at other sizes, against plain sums in double precision that share no code with it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.golden.files import Golden, UnreadableGolden
from tests.golden.spectrogram import spectrogram_kind

FORM = {"window": "hann", "center": True, "pad_mode": "constant"}
Numbers = NDArray[np.float64]


def transformed(samples_T: Numbers, n_fft: int, hop: int) -> Numbers:
    """(K, S): a Fourier sum for every bin and window."""
    times = np.arange(n_fft)
    padded_T = np.pad(samples_T, n_fft // 2)
    starts = range(0, len(padded_T) - n_fft + 1, hop)
    windows_SN = np.stack([padded_T[start : start + n_fft] for start in starts])
    windows_SN = windows_SN * (0.5 - 0.5 * np.cos(2 * np.pi * times / n_fft))
    waves_KN = np.exp(-2j * np.pi * np.outer(np.arange(n_fft // 2 + 1), times) / n_fft)
    magnitude_KS: Numbers = np.abs(waves_KN @ windows_SN.T)
    return magnitude_KS


def warped(linear_KS: Numbers, rows: int, corners: bool) -> Numbers:
    """(R, S), what lies beyond the ends being zero; read between bins, and between times where corners are not ends."""
    shares_R = (21 ** np.linspace(0, 1, rows) - 1) / 20
    places_R, places_S = (
        _places(share, size, corners) for share, size in zip((shares_R, None), linear_KS.shape, strict=True)
    )
    padded = np.pad(linear_KS, 1)
    by_row = np.stack([np.interp(places_R + 1, np.arange(len(padded)), column) for column in padded.T], 1)
    return np.stack([np.interp(places_S + 1, np.arange(padded.shape[1]), row) for row in by_row])


def _places(shares: Numbers | None, size: int, corners: bool) -> Numbers:
    shares = np.linspace(0, 1, size) if shares is None else shares
    return shares * (size - 1) if corners else shares * size - 0.5


def golden(samples: int, n_fft: int, hop: int, rows: int, ways: tuple[bool, ...] = (False, True)) -> Golden:
    samples_T = 0.1 * np.random.default_rng(0).standard_normal(samples)
    linear_KS = transformed(samples_T, n_fft, hop)
    out = {"in.waveform.0": samples_T, "out.linear_magnitude.0": linear_KS}
    for way in ways:
        name = f"out.log_frequency_magnitude.align_corners_{str(way).lower()}.0"
        out[name] = warped(linear_KS, rows, way)
    config: dict[str, Any] = {**FORM, "n_fft": n_fft, "hop": hop, "bins": rows}
    tensors = {name: torch.from_numpy(value).float() for name, value in out.items()}
    return Golden(Path("made"), "log_frequency_spectrogram", config, tensors)


@pytest.mark.parametrize("sizes", [(1600, 126, 32, 40), (901, 100, 33, 64), (40, 62, 16, 5), (800, 63, 10, 31)])
def test_other_sizes_pass(sizes: tuple[int, int, int, int]) -> None:
    checks = spectrogram_kind(golden(*sizes))
    assert len(checks) == 3
    assert all(check.passed for check in checks), checks


def test_a_way_of_warping_that_is_not_there_is_not_asked_for() -> None:
    (_, warp) = spectrogram_kind(golden(400, 62, 16, 20, ways=(True,)))
    assert warp.passed
    with pytest.raises(UnreadableGolden, match="holds none of"):
        spectrogram_kind(golden(400, 62, 16, 20, ways=()))


@pytest.mark.parametrize("change", [{"window": "hamming"}, {"center": False}, {"pad_mode": "reflect"}])
def test_another_form_is_refused(change: dict[str, object]) -> None:
    made = golden(400, 62, 16, 20)
    with pytest.raises(UnreadableGolden, match="only centred Hann windows"):
        spectrogram_kind(Golden(made.path, made.kind, {**made.config, **change}, made.tensors))
