"""Pictures of sound: what they show, when there is none, and that they are in step with frames."""

import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor

from quatrefoil.video_text.media.audio import read_audio
from quatrefoil.video_text.media.errors import EmptyMediaError
from quatrefoil.video_text.media.sound import ROUNDING_S, Heard, Window, even_windows, hear, random_window
from quatrefoil.video_text.media.spectrogram import SpectrogramConfig, log_frequency, magnitude, spectrogram
from tests.video_text.media.clips import write_clip, write_tone

FULL = SpectrogramConfig()
SHORT = SpectrogramConfig(samples=11_025, rows=64)  # a second, in 44 columns
SECOND = Window(0.0, 1.0)


def tone(hertz: float, config: SpectrogramConfig = FULL) -> Tensor:
    return 0.3 * torch.sin(2 * math.pi * hertz * torch.arange(config.samples) / config.rate)


def test_the_papers_six_seconds_are_256_by_256() -> None:
    picture_RS = spectrogram(tone(440), FULL)
    assert picture_RS.shape == (256, 256) == (FULL.rows, FULL.columns)
    assert magnitude(tone(440), FULL.n_fft, FULL.hop).shape == (512, 256)
    assert pytest.approx(5.944, abs=1e-3) == FULL.seconds


@pytest.mark.parametrize("hertz", [150.0, 440.0, 1000.0, 3000.0])
def test_a_tone_is_one_row_that_rises_with_the_logarithm_of_its_pitch(hertz: float) -> None:
    row = int(spectrogram(tone(hertz), FULL).mean(1).argmax())
    share = (21 ** (row / 255) - 1) / 20  # of half the rate: the warp, from 0 to 1
    step = math.log(21) / 255 * (share + 1 / 20) * FULL.rate / 2
    assert share * FULL.rate / 2 == pytest.approx(hertz, abs=step + FULL.rate / FULL.n_fft)


def test_values_are_logarithms_above_a_floor_less_a_mean_over_a_deviation() -> None:
    raw = spectrogram(tone(440), replace(FULL, values="magnitude"))
    logged = spectrogram(tone(440), FULL)
    torch.testing.assert_close(logged, (raw + 1e-10).log().clamp(min=-12))
    assert spectrogram(torch.zeros(FULL.samples), FULL).unique().tolist() == [-12.0]
    scaled = spectrogram(tone(440), replace(FULL, mean=-3.0, deviation=2.0))
    torch.testing.assert_close(scaled, (logged + 3) / 2)


def test_both_ways_of_reading_the_ends_agree_within_and_differ_at_the_ends() -> None:
    linear_KS = torch.arange(512.0)[:, None].expand(-1, 8)
    true, false = (log_frequency(linear_KS, 256, align_corners=corners)[:, 4] for corners in (True, False))
    assert (true[0], true[-1]) == (0.0, pytest.approx(511.0, abs=0.1))
    assert (true[1:-1] - false[1:-1]).abs().max() <= 0.51
    assert false[0] == 0.0
    assert true.diff().min() > 0


@pytest.mark.filterwarnings("ignore:At least one mel filterbank")  # it is refused here
def test_mels_are_an_option_and_too_many_are_refused() -> None:
    mel = replace(FULL, axis="mel", rows=64)
    low, high = (int(spectrogram(tone(hertz), mel).mean(1).argmax()) for hertz in (300.0, 3000.0))
    assert low < high
    with pytest.raises(ValueError, match="of 1024 mels lie between two bins"):
        spectrogram(tone(300), replace(FULL, axis="mel", rows=1024))


def test_mels_without_torchaudio_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchaudio.functional", None)
    with pytest.raises(ImportError, match=r"pip install 'quatrefoil-video-text\[audio\]'"):
        spectrogram(tone(300), replace(FULL, axis="mel", rows=37))  # a number that no other test has cached


def test_settings_that_make_no_picture_are_refused() -> None:
    for change in ({"rows": 0}, {"deviation": 0.0}, {"silence": 0.0}, {"axis": "bark"}, {"values": "power"}):
        with pytest.raises(
            ValueError, match="must be" if "axis" not in change and "values" not in change else "axis is"
        ):
            replace(FULL, **change)
    with pytest.raises(ValueError, match=r"made of \(65535,\) samples, not \(100,\)"):
        spectrogram(torch.zeros(100), FULL)


@example(31.0, 1.8489556766338184, 1.8489556766338184, 2, 0)  # room by rounding alone
@given(st.floats(0, 100), st.floats(0.1, 400), st.floats(0.5, 10), st.integers(1, 9), st.integers(0, 2**32))
def test_windows_lie_in_the_clip_and_tests_take_them_evenly(
    start_s: float, length_s: float, seconds: float, count: int, seed: int
) -> None:
    clip = Window(start_s, start_s + length_s)
    drawn = random_window(clip, seconds, torch.Generator().manual_seed(seed))
    even = even_windows(clip, seconds, count)
    for window in (drawn, *even):
        assert window.end_s - window.start_s == pytest.approx(seconds)
        assert window.start_s >= clip.start_s
        assert window.end_s <= max(clip.end_s, start_s + seconds) + 1e-6
    assert drawn == random_window(clip, seconds, torch.Generator().manual_seed(seed))
    steps = torch.tensor([window.start_s for window in even], dtype=torch.float64).diff()
    assert len(even) == (count if clip.end_s - clip.start_s - seconds >= ROUNDING_S else 1)
    assert torch.allclose(steps, steps.mean() if len(steps) else steps, atol=1e-6)
    middle = (even[0].start_s + even[-1].end_s) / 2
    assert middle == pytest.approx(start_s + max(length_s, seconds) / 2)


def one(path: Path, window: Window, generator: torch.Generator | None = None) -> Heard:
    return hear(path, [window], SHORT, generator)


def test_a_window_shows_the_samples_of_its_time(shared: Path) -> None:
    path = shared / "data/video_text/msrvtt/videos/video7012.mp4"
    windows = [Window(start, start + SHORT.seconds) for start in (1.0, 2.5)]
    heard = hear(path, windows, SHORT, None)
    for window, picture_RS in zip(windows, heard.pictures_WRS, strict=True):
        waveform = read_audio(path, rate=SHORT.rate, start_s=window.start_s, end_s=window.end_s + 0.01)
        assert waveform is not None
        torch.testing.assert_close(picture_RS, spectrogram(waveform.samples_CT[0, : SHORT.samples], SHORT))
    assert heard.mask_W.tolist() == [True, True]


def test_sound_that_ends_in_the_window_is_repeated(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "tone.m4a", 0.5)
    picture_RS = one(path, SECOND).pictures_WRS[0]
    loudness_S = picture_RS.amax(0)
    assert loudness_S.min() > loudness_S.max() - 2
    assert picture_RS.shape == (64, 44)


def test_sound_that_starts_late_is_preceded_by_silence(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "tone.m4a", 2.0)
    early, late = (one(path, Window(start, start + 1)).pictures_WRS[0].amax(0) for start in (0.0, -0.5))
    assert late[:18].max() == SHORT.floor
    assert late[26:].min() > early.max() - 2


@pytest.mark.parametrize(
    ("name", "window"),
    [
        ("mute.mp4", SECOND),
        ("silent.m4a", SECOND),
        ("after.m4a", Window(50.0, 51.0)),
        ("before.m4a", Window(-9.0, -8.0)),
    ],
)
def test_no_sound_is_a_mask_and_not_an_error(name: str, window: Window, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "mute.mp4":
        write_clip(path, sound=False)
    else:
        write_tone(path, 2.0)
    quiet = replace(SHORT, silence=0.9) if name == "silent.m4a" else SHORT
    heard = hear(path, [window], quiet, None)
    assert heard.mask_W.tolist() == [False]
    assert not heard.pictures_WRS.any()


def test_a_file_of_no_bytes_is_bad_and_not_silent(tmp_path: Path) -> None:
    (path := tmp_path / "empty.m4a").touch()
    with pytest.raises(EmptyMediaError, match="holds no bytes"):
        one(path, SECOND)


def test_windows_of_one_file_may_differ_in_whether_there_is_sound(tmp_path: Path) -> None:
    heard = hear(write_tone(tmp_path / "tone.m4a", 2.0), [SECOND, Window(9.0, 10.0)], SHORT, None)
    assert heard.mask_W.tolist() == [True, False]


def test_training_changes_the_loudness_alone_and_as_drawn(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "tone.m4a", 2.0)
    plain = one(path, SECOND).pictures_WRS
    drawn = [one(path, SECOND, torch.Generator().manual_seed(seed)).pictures_WRS for seed in (1, 1, 2)]
    assert torch.equal(drawn[0], drawn[1])
    gains = [(picture - plain)[plain > 0].exp() for picture in drawn]
    assert all(gain.std() < 1e-3 and 0.5 <= gain.mean() <= 1.5 for gain in gains)
    assert abs(gains[0].mean() - gains[2].mean()) > 1e-3


def test_a_file_without_windows_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no windows"):
        hear(tmp_path / "x.m4a", [], SHORT, None)
    with pytest.raises(ValueError, match="take at least 1"):
        even_windows(SECOND, 1.0, 0)


@given(st.floats(0.1, 10), st.integers(0, 2**32))
def test_a_centred_picture_does_not_know_how_loud_the_recording_was(gain: float, seed: int) -> None:
    config = SpectrogramConfig(rate=8_000, samples=2_047, n_fft=254, hop=64, rows=32, floor=-30.0, centred=True)
    noise_T = torch.randn(config.samples, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    quiet_RS, loud_RS = (spectrogram(factor * noise_T, config) for factor in (1.0, gain))
    torch.testing.assert_close(loud_RS, quiet_RS, atol=1e-4, rtol=0)
    torch.testing.assert_close(quiet_RS.mean(1), torch.zeros(config.rows, dtype=torch.float64), atol=1e-9, rtol=0)
