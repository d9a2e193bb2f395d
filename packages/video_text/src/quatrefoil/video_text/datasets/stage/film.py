"""Frames and sound into an `.mp4`: H.264 with short GOPs and AAC, byte for byte the same for the same input."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from quatrefoil.video_text.datasets.stage.motion import FRAME_RATE
from quatrefoil.video_text.datasets.stage.sound import SAMPLE_RATE

GOP = 8
PICTURE_OPTIONS = {
    "preset": "veryfast",
    "crf": "20",
    "g": str(GOP),
    "threads": "1",
    "flags": "+bitexact",
    "x264-params": "mbtree=0:rc-lookahead=0:bframes=0:scenecut=0",
}
"""One thread, as the output of several may depend on timing. No lookahead and no macroblock tree: with them x264's
vectorised cost estimates differ between two runs over the same frames (of 30 clips about half did), hence the films."""

SOUND_OPTIONS = {"aac_coder": "fast", "flags": "+bitexact"}
"""The fast coder takes half the time of the default and adds nothing that can be heard at this bit rate."""

AUDIO_CHUNK = 1024
"""Samples of an AAC frame."""


def write_film(path: Path, frames_THWC: npt.NDArray[np.uint8], wave: npt.NDArray[np.float32]) -> None:
    """Encode frames [T, H, W, 3] at `FRAME_RATE` and mono sound in [-1, 1] at `SAMPLE_RATE` into `path`."""
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        video = container.add_stream("libx264", rate=FRAME_RATE)
        video.height, video.width = frames_THWC.shape[1:3]
        video.pix_fmt = "yuv420p"
        video.options = PICTURE_OPTIONS
        audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono", options=SOUND_OPTIONS)
        audio.bit_rate = 48_000
        for frame in [*map(video_frame, frames_THWC), None]:
            container.mux(video.encode(frame))
        for frame in [*audio_frames(wave), None]:
            container.mux(audio.encode(frame))


def video_frame(image_HWC: npt.NDArray[np.uint8]) -> av.VideoFrame:
    """One picture for the encoder."""
    return av.VideoFrame.from_ndarray(image_HWC, format="rgb24")


def audio_frames(wave: npt.NDArray[np.float32]) -> list[av.AudioFrame]:
    """The sound in frames of the encoder's size, with their times."""
    frames = []
    for start in range(0, len(wave), AUDIO_CHUNK):
        chunk = np.ascontiguousarray(wave[None, start : start + AUDIO_CHUNK])
        frame = av.AudioFrame.from_ndarray(chunk, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, start, Fraction(1, SAMPLE_RATE)
        frames.append(frame)
    return frames
