"""From samples to a picture of sound: magnitude over log-frequency (VLSA, arXiv 2405.07202, section 3) or over mels.

T: samples, K: bins of the transform, R: rows of the picture, S: its columns, times.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import torch
import torch.nn.functional as nnf
from torch import Tensor

_LEAST = 1e-10  # of Sound-of-Pixels, before its logarithm


@dataclass(frozen=True, kw_only=True)
class SpectrogramConfig:
    """What a picture of sound shows; the defaults give VLSA's 256 x 256 of 5.94 s.

    Rate, window, hop and rows are the paper's; the number of samples and the warp are those of Sound-of-Pixels, which
    it cites; what becomes of the values is our choice, as raw magnitudes have a heavy tail that a squared error feels.

    Args:
        rate: samples a second.
        samples: T, the length of a picture in samples; `samples // hop + 1` columns.
        n_fft, hop: window and step of the transform in samples; `n_fft // 2 + 1` bins.
        rows: R.
        axis: `log_frequency`, or `mel` (needs torchaudio), which the paper does not use.
        align_corners: how the warp reads the ends of the axis; Sound-of-Pixels was written when torch knew True only.
        values: `log` = natural logarithm, not below `floor`; `magnitude` = raw.
        centred: each row is less its mean over time, which takes out how loud a recording is and how its microphone
            hears (cepstral mean normalisation; our choice, for recordings of one voice).
        mean, deviation: of a data set's values; taken out of the picture.
        silence: a peak below it (1 = full scale) is no sound at all.

    Raises:
        ValueError: sizes, a deviation or a silence that are not positive, or no such axis or values.
    """

    rate: int = 11_025
    samples: int = 65_535
    n_fft: int = 1022
    hop: int = 256
    rows: int = 256
    axis: Literal["log_frequency", "mel"] = "log_frequency"
    align_corners: bool = True
    values: Literal["log", "magnitude"] = "log"
    floor: float = -12.0
    centred: bool = False
    mean: float = 0.0
    deviation: float = 1.0
    silence: float = 1e-4

    def __post_init__(self) -> None:
        if min(self.rate, self.samples, self.n_fft, self.hop, self.rows) < 1:
            raise ValueError(f"every size of a spectrogram must be positive: {self}")
        if self.deviation <= 0 or self.silence <= 0:
            raise ValueError(f"deviation and silence must be above 0, not {self.deviation} and {self.silence}")
        if self.axis not in ("log_frequency", "mel") or self.values not in ("log", "magnitude"):
            raise ValueError(
                f"axis is log_frequency or mel, values are log or magnitude, not {self.axis!r} and {self.values!r}"
            )

    @property
    def seconds(self) -> float:
        """How long a picture lasts."""
        return self.samples / self.rate

    @property
    def columns(self) -> int:
        """S."""
        return self.samples // self.hop + 1

    def shows_as(self, other: "SpectrogramConfig") -> bool:
        """Whether both show the same of a sound: all is alike but mean, deviation and silence, a data set's own."""
        return replace(other, mean=self.mean, deviation=self.deviation, silence=self.silence) == self


def spectrogram(samples_T: Tensor, config: SpectrogramConfig) -> Tensor:
    """The picture of `config.samples` samples with full scale at 1, float32 (R, S), low frequencies first.

    Raises:
        ValueError: another number of samples; or more mels than the bins can tell apart.
        ImportError: mels without torchaudio.
    """
    if samples_T.shape != (config.samples,):
        raise ValueError(f"a spectrogram is made of ({config.samples},) samples, not {tuple(samples_T.shape)}")
    linear_KS = magnitude(samples_T, config.n_fft, config.hop)
    if config.axis == "mel":
        rows_RS = _mel_filters(config.rows, config.n_fft, config.rate) @ linear_KS
    else:
        rows_RS = log_frequency(linear_KS, config.rows, align_corners=config.align_corners)
    values_RS = (rows_RS + _LEAST).log().clamp(min=config.floor) if config.values == "log" else rows_RS
    values_RS = values_RS - values_RS.mean(1, keepdim=True) if config.centred else values_RS
    return (values_RS - config.mean) / config.deviation


def magnitude(samples_T: Tensor, n_fft: int, hop: int) -> Tensor:
    """|STFT| in Hann windows (periodic) about every `hop`-th sample, zeros beyond the ends, as librosa: (K, S)."""
    window = torch.hann_window(n_fft, dtype=samples_T.dtype, device=samples_T.device)
    return torch.stft(samples_T, n_fft, hop, window=window, pad_mode="constant", return_complex=True).abs()


def log_frequency(linear_KS: Tensor, rows: int, *, align_corners: bool) -> Tensor:
    """Warp the axis of bins to a logarithmic one, bilinearly: (R, S).

    On axes from -1 to 1, row y shows (21^((y + 1) / 2) - 11) / 10. Source: Sound-of-Pixels, `warpgrid`.
    """
    dtype, device = linear_KS.dtype, linear_KS.device
    y_R = (21 ** ((torch.linspace(-1, 1, rows, dtype=dtype, device=device) + 1) / 2) - 11) / 10
    x_S = torch.linspace(-1, 1, linear_KS.shape[1], dtype=dtype, device=device)
    grid_RS2 = torch.stack([x_S.expand(rows, -1), y_R[:, None].expand(-1, len(x_S))], -1)
    return nnf.grid_sample(linear_KS[None, None], grid_RS2[None], align_corners=align_corners)[0, 0]


@lru_cache(maxsize=4)
def _mel_filters(rows: int, n_fft: int, rate: int) -> Tensor:
    """(R, K), triangles on the HTK scale from 0 to half the rate."""
    try:
        from torchaudio.functional import melscale_fbanks
    except (ImportError, OSError) as error:  # it is not there, or was made for another torch
        raise ImportError(
            "axis=mel needs torchaudio for this torch: pip install 'quatrefoil-video-text[audio]'"
        ) from error

    filters_KR: Tensor = melscale_fbanks(n_fft // 2 + 1, 0.0, rate / 2, rows, rate)
    if empty := int((filters_KR.amax(0) == 0).sum()):
        raise ValueError(
            f"{empty} of {rows} mels lie between two bins and stay empty; take fewer rows or a longer n_fft"
        )
    return filters_KR.T.contiguous()
