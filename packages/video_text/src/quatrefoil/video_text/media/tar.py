"""Members of tars as media: read at their offset, so that a tar is as good as a folder for random access."""

from dataclasses import dataclass
from pathlib import Path

from quatrefoil.video_text.media.errors import CorruptMediaError
from quatrefoil.video_text.media.stored import Stored


@dataclass(frozen=True)
class TarMember(Stored):
    """A file in an uncompressed tar.

    Args:
        tar: the tar.
        name: of the member, for messages.
        offset, size: where its content lies, in bytes.
    """

    tar: Path
    name: str
    offset: int
    size: int

    @property
    def place(self) -> Path:
        """The path of the tar, and the member's name."""
        return self.tar / self.name

    def read(self) -> bytes:
        """The member's bytes. Raises: FileNotFoundError; CorruptMediaError, where the tar ends before them."""
        with self.tar.open("rb") as file:
            file.seek(self.offset)
            content = file.read(self.size)
        if len(content) < self.size:
            raise CorruptMediaError(self.place, f"the tar holds {len(content)} of its {self.size} bytes")
        return content
