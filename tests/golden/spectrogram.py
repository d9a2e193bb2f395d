"""VLSA's picture of sound against librosa's transform and the warp of Sound-of-Pixels."""

from quatrefoil.video_text.media.spectrogram import log_frequency, magnitude
from tests.golden.checks import Check, activation
from tests.golden.files import Golden, UnreadableGolden

_WAVEFORM, _WARPED = "in.waveform.", "out.log_frequency_magnitude.align_corners_"


def spectrogram_kind(golden: Golden) -> list[Check]:
    """Every `in.waveform.i` gives its linear magnitudes and whichever ways of warping them are there."""
    form = {key: golden.field(key) for key in ("window", "center", "pad_mode")}
    if (form["window"], form["center"]) != ("hann", True) or not form["pad_mode"].startswith(("zeros", "constant")):
        raise UnreadableGolden(
            f"{golden.path}: only centred Hann windows and zeros beyond the ends are known, not {form}"
        )
    numbers = sorted(name.removeprefix(_WAVEFORM) for name in golden.tensors if name.startswith(_WAVEFORM))
    return [check for number in numbers for check in _pictures(golden, number)]


def _pictures(golden: Golden, number: str) -> list[Check]:
    linear_KS = magnitude(golden.tensor(_WAVEFORM + number), golden.field("n_fft"), golden.field("hop"))
    checks = [activation(name := f"out.linear_magnitude.{number}", linear_KS, golden.tensor(name))]
    names = {corners: f"{_WARPED}{str(corners).lower()}.{number}" for corners in (False, True)}
    if not golden.tensors.keys() & set(names.values()):
        raise UnreadableGolden(f"{golden.path}: holds none of {', '.join(names.values())}")
    for corners, name in names.items():
        if name in golden.tensors:
            warped_RS = log_frequency(linear_KS, golden.field("bins"), align_corners=corners)
            checks.append(activation(name, warped_RS, golden.tensor(name)))
    return checks
