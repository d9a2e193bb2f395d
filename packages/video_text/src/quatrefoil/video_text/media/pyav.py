"""Decoding chosen frames from indexed packets with PyAV.

F: frames, H, W: pixels, upright.
"""

from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from quatrefoil.video_text.media.container import Deadline
from quatrefoil.video_text.media.errors import CorruptMediaError
from quatrefoil.video_text.media.index import FrameIndex


class PacketDecoder:
    """Decodes the frames of a `FrameIndex`, each from the key frame before it, without seeking in the file."""

    def __init__(self, path: Path, codec: Any, index: FrameIndex, deadline: Deadline) -> None:
        from av.video.reformatter import VideoReformatter

        self.path = path
        self.index = index
        self._codec = codec
        self._deadline = deadline
        # One converter for all frames: a new one for each would cost as much as the decoding of a small clip.
        self._reformatter = VideoReformatter()

    @cached_property
    def upright_size(self) -> tuple[int, int]:
        """Height and width after rotation, in pixels. Raises: CorruptMediaError, where the first frame is broken."""
        height, width = self.frames([0]).shape[-2:]
        return height, width

    @cached_property
    def quarter_turns(self) -> int:
        """Counter-clockwise quarter turns that make the first frame upright."""
        label = self.index.labels_F[0]
        ((start, labels),) = self.index.runs({label}).items()
        for _, frame in self._decode(start, labels):
            return self._quarter_turns(frame)
        raise self._missing({label})

    def frames(self, indices: list[int]) -> Tensor:
        """The frames at `indices` of the index, uint8 (F, 3, H, W).

        Raises: CorruptMediaError, saying how many frames decode; MediaTimeoutError.
        """
        wanted = {self.index.labels_F[index] for index in indices}
        found = {
            label: self._pixels(frame)
            for start, labels in self.index.runs(wanted).items()
            for label, frame in self._decode(start, labels)
        }
        if len(found) < len(wanted):
            raise self._missing(wanted - set(found))
        return torch.stack([found[self.index.labels_F[index]] for index in indices]).permute(0, 3, 1, 2)

    def _decode(self, start: int, labels: set[int]) -> Iterator[tuple[int, Any]]:
        """The frames named by `labels`, as far as packet `start` and those after it give them undamaged."""
        import av

        self._codec.flush_buffers()
        waiting = set(labels)
        place = 0
        try:
            for packet in self._needed(start, labels):
                self._deadline.check()
                self._codec.skip_frame = self._skipping(packet, waiting)
                for frame in self._codec.decode(packet):
                    label = frame.pts if self.index.timed else place
                    place += 1
                    if label in waiting and not frame.is_corrupt:
                        waiting.remove(label)
                        yield label, frame
                if not waiting:
                    return
        except av.FFmpegError:
            # What follows a broken packet is the decoder's guess: the caller misses those frames and says so.
            return

    def _needed(self, start: int, labels: set[int]) -> Iterator[Any]:
        """Packets to decode, and None, which makes the decoder give what it holds back.

        Where packets say their times, the last one that is asked for ends it: going on until its frame comes out would
        decode several packets more, among them the next key frame.
        """
        missing = len(labels)
        for packet in islice(self.index.packets, start, None):
            yield packet
            missing -= self.index.timed and packet.pts in labels
            if not missing:
                break
        yield None

    def _skipping(self, packet: Any, waiting: set[int]) -> str:
        """Frames that nobody asked for and no other frame refers to need no decoding; the others keep their bits.

        Where frames are known by their place in the output, none may be left out.
        """
        return "NONREF" if self.index.timed and packet is not None and packet.pts not in waiting else "DEFAULT"

    def _pixels(self, frame: Any) -> Tensor:
        """Upright RGB, uint8 (H, W, 3)."""
        rgb = torch.from_numpy(self._reformatter.reformat(frame, format="rgb24", threads=1).to_ndarray())
        turns = self._quarter_turns(frame)
        return torch.rot90(rgb, turns) if turns else rgb

    def _quarter_turns(self, frame: Any) -> int:
        turns, rest = divmod(frame.rotation, 90)
        if rest:
            raise CorruptMediaError(self.path, f"is turned by {frame.rotation} degrees; only quarter turns can be read")
        return int(turns) % 4

    def _missing(self, labels: set[int]) -> CorruptMediaError:
        all_labels = set(self.index.labels_F)
        decoded = sum(1 for start, run in self.index.runs(all_labels).items() for _ in self._decode(start, run))
        first = self.index.labels_F.index(min(labels))
        return CorruptMediaError(
            self.path, f"frame {first} does not decode: {decoded} of its {len(all_labels)} frames do"
        )
