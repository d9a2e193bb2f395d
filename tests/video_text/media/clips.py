"""Small files made by libav for the tests of this folder."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

SOUND_RATE = 16_000


def write_clip(
    path: Path,
    *,
    frames: int = 32,
    fps: int = 8,
    gop: int = 8,
    pts: list[int] | None = None,
    sound: bool = True,
    options: dict[str, str] | None = None,
) -> Path:
    """96 x 64 H.264 with B-frames of a moving pattern, at the times `pts` (ticks of 1/fps), with a 440 Hz tone."""
    with av.open(str(path), "w", options=options or {}) as container:
        video = container.add_stream("libx264", rate=fps, options={"g": str(gop), "bf": "2", "preset": "veryfast"})
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        audio = container.add_stream("aac", rate=SOUND_RATE, layout="mono") if sound else None
        for i, tick in enumerate(pts or range(frames)):
            frame = av.VideoFrame.from_ndarray(_picture(i), format="rgb24")
            frame.pts, frame.time_base = tick, Fraction(1, fps)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if audio is not None:
            _write_tone(container, audio, frames / fps)
    return path


def turn(path: Path, turned: Path, degrees: int) -> Path:
    """The same packets in a file that says to show them turned counter-clockwise (two encodings may differ in bits)."""
    with av.open(str(path)) as source, av.open(str(turned), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        stream.set_display_rotation(degrees)
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    return turned


def write_tone(path: Path, seconds: float) -> Path:
    """Sound only."""
    return write_sound(path, _tone(seconds))


def write_sound(path: Path, *pieces_T: npt.NDArray[np.float32], pause_s: float = 0.0, codec: str = "aac") -> Path:
    """Sound only, in pieces with pauses between them in which the file holds no samples."""
    with av.open(str(path), "w") as container:
        stream, start = container.add_stream(codec, rate=SOUND_RATE, layout="mono"), 0
        for piece_T in pieces_T:
            container.mux(stream.encode(_sound_frame(piece_T, start)))
            start += len(piece_T) + round(pause_s * SOUND_RATE)
        container.mux(stream.encode())
    return path


def _picture(i: int) -> npt.NDArray[np.uint8]:
    blocks = np.random.default_rng(0).integers(0, 255, (8, 12, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    return np.ascontiguousarray(np.roll(blocks, 3 * i, axis=1))


def _write_tone(container: "av.container.OutputContainer", stream: "av.AudioStream", seconds: float) -> None:
    container.mux(stream.encode(_sound_frame(_tone(seconds), 0)))
    container.mux(stream.encode())


def _tone(seconds: float) -> npt.NDArray[np.float32]:
    times_T = np.arange(round(SOUND_RATE * seconds)) / SOUND_RATE
    return (0.3 * np.sin(2 * np.pi * 440 * times_T)).astype(np.float32)


def _sound_frame(samples_T: npt.NDArray[np.float32], start: int) -> "av.AudioFrame":
    frame = av.AudioFrame.from_ndarray(samples_T[None], format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, start, Fraction(1, SOUND_RATE)
    return frame
