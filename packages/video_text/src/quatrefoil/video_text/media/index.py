"""Which frames a file shows, and when: read from its packets, without decoding one.

F: frames, in the order in which they are shown.
"""

from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from quatrefoil.video_text.media.container import Deadline, libav_errors, origin_s
from quatrefoil.video_text.media.errors import CorruptMediaError, EmptyMediaError


@dataclass(frozen=True, eq=False)
class FrameIndex:
    """The packets of one video stream and the frames that they make.

    `timed`: packets carry distinct presentation times, so a frame is known by its time and decoding may start at any
    key frame. AVI stores none (libav then guesses from the decoding order, wrongly where there are B-frames): there
    frames are known by their place in the output of a decoder that started at the first packet.
    `labels_F`: that time (in ticks) or place. `offset`: how many frames of the file come before the window.
    """

    packets: tuple[Any, ...]
    timed: bool
    labels_F: tuple[int, ...]
    times_F: Tensor
    offset: int

    def runs(self, labels: set[int]) -> dict[int, set[int]]:
        """The labels, grouped by the packet at which decoding has to start to reach them."""
        starts = [(0, 0)] if not self.timed else self._key_frames()
        runs: dict[int, set[int]] = {}
        for label in labels:
            place = bisect_right(starts, label, key=lambda start: start[0]) - 1
            runs.setdefault(starts[max(place, 0)][1], set()).add(label)
        return dict(sorted(runs.items()))

    def _key_frames(self) -> list[tuple[int, int]]:
        keys = [(packet.pts, i) for i, packet in enumerate(self.packets) if packet.is_keyframe]
        return sorted(keys) or [(0, 0)]


def index_frames(
    path: Path, container: Any, stream: Any, window: tuple[float, float], deadline: Deadline
) -> FrameIndex:
    """Index the frames of `stream` with start <= time < end (seconds from the container's start).

    The compressed packets up to the window's end stay in memory, so nothing is ever sought in the file.

    Raises: EmptyMediaError, for a stream of no packets or a window of no frames; other MediaErrors for broken files.
    """
    origin = origin_s(container)
    packets = _read_packets(path, container, stream, origin, window[1], deadline)
    shown = [(i, packet) for i, packet in enumerate(packets) if not packet.is_discard]
    if not shown:
        raise EmptyMediaError(path, "its video stream holds no complete packet")
    pts = [packet.pts for _, packet in shown]
    timed = "avi" not in container.format.name.split(",") and None not in pts and len(set(pts)) == len(pts)
    ticks = pts if timed else [packet.dts for _, packet in shown]
    if None in ticks:
        raise CorruptMediaError(path, "its packets carry no times")
    ticks.sort()
    times = [float(tick * stream.time_base - origin) for tick in ticks]
    inside = [i for i, time_s in enumerate(times) if window[0] <= time_s < window[1]]
    if not inside:
        raise EmptyMediaError(
            path, f"no frame from {window[0]} s to {window[1]} s; those read lie from {times[0]} s to {times[-1]} s"
        )
    return FrameIndex(
        packets=tuple(packets),
        timed=timed,
        labels_F=tuple(ticks[i] if timed else i for i in inside),
        times_F=torch.tensor([times[i] for i in inside], dtype=torch.float64),
        offset=inside[0],
    )


def _read_packets(path: Path, container: Any, stream: Any, origin: Any, end_s: float, deadline: Deadline) -> list[Any]:
    packets = []
    with libav_errors(path):
        for packet in container.demux(stream):
            deadline.check()
            # The flush packet has no bytes; a packet cut off by the end of the file is marked corrupt.
            if packet.size == 0 or packet.is_corrupt:
                continue
            # Frames are never shown before they are decoded: past this point all lie behind the window.
            if packet.dts is not None and float(packet.dts * stream.time_base - origin) >= end_s:
                break
            packets.append(packet)
    return packets
