"""What can be wrong with a media file. Every error names the file and what was found in it."""

from pathlib import Path

from quatrefoil.core.data import SampleError


class MediaError(SampleError):
    """A file that cannot give what was asked of it.

    Attributes: `path`, the file; `reason`, what is wrong with it and, where there is a way, how to mend it.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class NoVideoError(MediaError):
    """The file holds no video stream."""


class CorruptMediaError(MediaError):
    """The bytes are not what their container or codec says."""


class EmptyMediaError(MediaError):
    """There is nothing to read: a file of no bytes, a stream of no frames, a window of time with nothing in it."""


class MediaTimeoutError(MediaError):
    """Reading took longer than it was given."""
