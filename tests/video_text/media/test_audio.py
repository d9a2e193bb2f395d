"""Sound, on real files and on a tone made here."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from quatrefoil.video_text.media.audio import FAR_S, LONGEST_PAUSE_S, Waveform, read_audio
from quatrefoil.video_text.media.errors import CorruptMediaError, EmptyMediaError, MediaTimeoutError
from tests.video_text.media.clips import SOUND_RATE, write_clip, write_sound, write_tone

REAL = ["msrvtt/videos/video7012.mp4", "clips_av/test.wav", "edge_cases/no_duration.webm", "clips_av/test.avi"]


def heard(path: Path, **options: Any) -> Waveform:
    waveform = read_audio(path, **({"rate": SOUND_RATE} | options))
    assert waveform is not None
    return waveform


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_a_window_is_a_slice_of_the_whole(shared: Path, name: str, rate: int) -> None:
    path = shared / "data/video_text" / name
    whole = heard(path, rate=rate)
    part = heard(path, rate=rate, start_s=1.25, end_s=2.5)
    assert abs(part.samples_CT.shape[1] - 1.25 * rate) <= 1
    assert part.start_s == pytest.approx(1.25, abs=1 / rate)
    first = round((part.start_s - whole.start_s) * rate)
    assert torch.equal(part.samples_CT, whole.samples_CT[:, first : first + part.samples_CT.shape[1]])


def test_a_tone_keeps_its_pitch_and_loudness_at_another_rate(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "tone.m4a", 2.0)
    samples_CT, rate, _ = heard(path, rate=8_000, start_s=0.5, end_s=1.5)
    spectrum = torch.fft.rfft(samples_CT[0]).abs()
    assert rate == 8_000
    assert int(spectrum.argmax()) == 440
    assert float(samples_CT.abs().max()) == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("rate", [8_000, 11_025])
def test_resampling_is_that_of_torchaudio(shared: Path, rate: int) -> None:
    functional = pytest.importorskip("torchaudio.functional")
    path = shared / "data/video_text/clips_av/test.wav"
    ours = heard(path, rate=rate).samples_CT
    theirs = functional.resample(heard(path).samples_CT, SOUND_RATE, rate, lowpass_filter_width=64, rolloff=0.97)
    assert ours.shape == theirs.shape
    assert float((ours - theirs).norm() / theirs.norm()) < 0.03  # they fall off differently at the edge alone


def test_channels_are_kept_where_no_mix_is_asked_for(shared: Path) -> None:
    path = shared / "data/video_text/msrvtt/videos/video7012.mp4"
    stereo, mono = heard(path, mono=False).samples_CT, heard(path).samples_CT
    assert stereo.shape[0] == 2
    assert torch.allclose(stereo.mean(dim=0, keepdim=True), mono, atol=1e-4)


def test_sound_and_picture_share_one_clock(tmp_path: Path) -> None:
    waveform = heard(write_clip(tmp_path / "clip.mp4"))
    assert waveform.start_s == pytest.approx(0.0, abs=0.07)
    assert waveform.samples_CT.shape[1] / waveform.rate == pytest.approx(4.0, abs=0.14)


def test_no_audio_stream_is_a_missing_modality(tmp_path: Path) -> None:
    assert read_audio(write_clip(tmp_path / "mute.mp4", sound=False), rate=SOUND_RATE) is None


def test_a_window_past_the_end_is_cut_and_says_so(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "tone.m4a", 2.0)
    whole, part = heard(path), heard(path, start_s=1.5, end_s=99.0)
    assert part.start_s == pytest.approx(1.5, abs=1 / SOUND_RATE)
    assert part.samples_CT.shape[1] == whole.samples_CT.shape[1] - round((1.5 - whole.start_s) * SOUND_RATE)
    with pytest.raises(EmptyMediaError, match=r"no sound from 9\.0"):
        heard(path, start_s=9.0)


def damaged(path: Path) -> Path:
    """The same file with some bytes near its beginning overwritten."""
    content = bytearray(path.read_bytes())
    start = content.index(b"mdat") + 2000
    content[start : start + 4000] = b"\xff" * 4000
    path.write_bytes(content)
    return path


def test_broken_sound_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CorruptMediaError, match="cannot be decoded"):
        heard(damaged(write_tone(tmp_path / "tone.m4a", 2.0)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_an_error(tmp_path: Path, value: float) -> None:
    """A file of floats may hold them; a picture of them would end a training."""
    samples_T = rising(1)
    samples_T[5000] = value
    path = write_sound(tmp_path / "a.wav", samples_T, codec="pcm_f32le")
    for rate in (SOUND_RATE, 11_025):
        with pytest.raises(CorruptMediaError, match=r"a\.wav: its sound holds samples that are no finite numbers"):
            heard(path, rate=rate)


def rising(seconds: float) -> npt.NDArray[np.float32]:
    """A tone that rises from 100 Hz by 50 Hz a second, so that it is like itself at one time alone."""
    times_T = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    return (0.3 * np.sin(2 * np.pi * (100 + 25 * times_T) * times_T)).astype(np.float32)


@pytest.mark.parametrize(("name", "codec"), [("a.m4a", "aac"), ("a.mkv", "aac"), ("a.flac", "flac")])
def test_a_window_far_in_a_file_is_that_of_the_whole(tmp_path: Path, name: str, codec: str) -> None:
    path = write_sound(tmp_path / name, rising(FAR_S + 4), codec=codec)
    whole, far = heard(path), heard(path, start_s=FAR_S + 1.3, end_s=FAR_S + 2.8)
    assert far.samples_CT.shape[1] == pytest.approx(1.5 * SOUND_RATE, abs=1)
    first = round((far.start_s - whole.start_s) * SOUND_RATE)
    expected = whole.samples_CT[:, first : first + far.samples_CT.shape[1]]
    assert float((far.samples_CT - expected).norm() / expected.norm()) < (1e-3 if name == "a.flac" else 0.1)
    with pytest.raises(EmptyMediaError, match=r"no sound from 99\.0"):
        heard(path, start_s=99.0)


def test_what_lies_long_before_a_window_is_not_decoded(tmp_path: Path) -> None:
    path = damaged(write_sound(tmp_path / "a.m4a", rising(FAR_S + 4)))
    assert heard(path, start_s=FAR_S + 2).samples_CT.shape[1] > SOUND_RATE
    with pytest.raises(CorruptMediaError, match="cannot be decoded"):
        heard(path)


def test_a_time_that_no_pause_explains_is_an_error(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.mkv", rising(1), rising(1), pause_s=LONGEST_PAUSE_S + 1, codec="pcm_f32le")
    with pytest.raises(CorruptMediaError, match=r"its times jump from 1\.0\d* to 3602\.0"):
        heard(path)
    assert heard(path, end_s=0.5).samples_CT.shape[1] == SOUND_RATE // 2


@pytest.mark.parametrize("name", ["a.m4a", "a.mkv"])
def test_a_pause_is_silence_and_what_follows_keeps_its_time(tmp_path: Path, name: str) -> None:
    path = write_sound(tmp_path / name, rising(1), rising(1), pause_s=1.5)
    loud_S = heard(path).samples_CT[0].abs().unfold(0, SOUND_RATE // 10, SOUND_RATE // 10).amax(1) > 0.2
    for loud, first_s, last_s in ((True, 0.0, 0.9), (False, 1.2, 2.4), (True, 2.7, 3.4)):
        assert set(loud_S[round(10 * first_s) : round(10 * last_s)].tolist()) == {loud}, first_s


def test_settings_and_time_limits_are_checked(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "tone.m4a", 1.0)
    with pytest.raises(ValueError, match="rate is 0"):
        heard(path, rate=0)
    with pytest.raises(MediaTimeoutError):
        heard(path, timeout_s=1e-9)
